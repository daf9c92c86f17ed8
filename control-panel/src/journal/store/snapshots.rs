//! Snapshots and what they stand for: one row of `snapshots`, and one of `cuts`.

use std::{collections::BTreeMap, sync::Arc};

use redb::{ReadableTable, WriteTransaction};

use super::{CUTS, Reader, SNAPSHOTS, cut::Cut, fault_of, tail::Tail};
use crate::{
    journal::{error::Fault, keeping::AnySnapshot, record::SnapshotNote},
    replica::keeper::Resume,
};

impl Tail {
    /// The last of each session: what the next one begins with, here and in a replay.
    pub(super) fn put_snapshot(
        &mut self,
        transaction: &WriteTransaction,
        session: u64,
        snapshot: &dyn AnySnapshot,
    ) -> Result<(), Fault> {
        let note = snapshot.note();
        let is_own = note.as_ref().is_some_and(|note| note.resume.is_own);
        // Also of one that began anew, before its first frame: that session begins with the last of those before.
        let is_recorded = self.frame() > 0;
        let bytes = match snapshot.encode() {
            Ok(bytes) => bytes,
            // The runs are there.
            Err(error) if is_own => {
                self.unkept = Some(error);
                return Ok(());
            }
            Err(error) => return Err(Fault::Encode(error)),
        };
        let mut snapshots = transaction.open_table(SNAPSHOTS).map_err(fault_of)?;
        let mut cuts = transaction.open_table(CUTS).map_err(fault_of)?;
        if !is_recorded {
            // No replay begins with those before.
            snapshots.retain(|_, _| false).map_err(fault_of)?;
            cuts.retain(|_, _| false).map_err(fault_of)?;
        }
        snapshots.insert(session, &bytes[..]).map_err(fault_of)?;
        match note {
            Some(note) => {
                let mut cut = Cut::new(session, &bytes, note);
                // Frames name the runs: these go when the recording begins anew.
                cut.left = is_recorded.then_some(self.blocks());
                cuts.insert(session, &cut.row()[..]).map_err(fault_of)?;
                self.cut = Some((cut, bytes.len() as u64));
            }
            None => drop(cuts.remove(session).map_err(fault_of)?),
        }
        Ok(())
    }
}

/// What a session went on from, or made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeptSnapshot {
    pub(crate) bytes: Arc<[u8]>,
    /// What the replica was beside it.
    pub(crate) resume: Resume,
}

impl Reader {
    /// The last snapshot.
    pub(crate) fn snapshot(&self) -> Result<Option<Vec<u8>>, Fault> {
        let table = self.transaction().open_table(SNAPSHOTS).map_err(|error| self.fault(error))?;
        let last = table.last().map_err(|error| self.fault(error))?;
        Ok(last.map(|(_, bytes)| bytes.value().to_vec()))
    }

    /// What the last snapshot stands for, if that is known.
    pub(super) fn cut(&self) -> Result<Option<Cut>, Fault> {
        let snapshots = self.transaction().open_table(SNAPSHOTS).map_err(|error| self.fault(error))?;
        let Some((session, _)) = snapshots.last().map_err(|error| self.fault(error))? else {
            return Ok(None);
        };
        let cuts = self.transaction().open_table(CUTS).map_err(|error| self.fault(error))?;
        let session = session.value();
        let row = cuts.get(session).map_err(|error| self.fault(error))?;
        row.map(|row| read_cut(session, row.value())).transpose()
    }

    /// What the last snapshot stands for, if that is known.
    pub(crate) fn note(&self) -> Result<Option<SnapshotNote>, Fault> {
        Ok(self.cut()?.map(|cut| cut.note))
    }

    /// By the session that went on from it, the last of each that did.
    pub(crate) fn snapshots(&self) -> Result<BTreeMap<u64, KeptSnapshot>, Fault> {
        let table = self.transaction().open_table(SNAPSHOTS).map_err(|error| self.fault(error))?;
        let cuts = self.transaction().open_table(CUTS).map_err(|error| self.fault(error))?;
        let mut snapshots = BTreeMap::new();
        for row in table.iter().map_err(|error| self.fault(error))? {
            let (session, bytes) = row.map_err(|error| self.fault(error))?;
            let session = session.value();
            let cut = cuts.get(session).map_err(|error| self.fault(error))?;
            let cut = cut.map(|row| read_cut(session, row.value())).transpose()?;
            let resume = cut.map(|cut| cut.note.resume).unwrap_or_default();
            snapshots.insert(session, KeptSnapshot { bytes: bytes.value().into(), resume });
        }
        Ok(snapshots)
    }
}

pub(super) fn read_cut(session: u64, row: &[u8]) -> Result<Cut, Fault> {
    Cut::read(session, row).map_err(|error| Fault::damaged(format_args!("a row of `cuts`: {error}")))
}
