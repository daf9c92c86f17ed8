//! Verifies every hash and checksum of a file.

use std::ops::Bound;

use redb::ReadableTable;

use super::{
    CUTS, KeptSnapshot, LEDGER, PLACES, Reader, ledger, rows, snapshots::read_cut, strands::read_runs,
};
use crate::{
    journal::{error::Fault, identity::unlimited},
    replica::codec::SnapshotBytes,
};

impl Reader {
    /// The rows of the small tables, each by its check; `meta` has been read.
    pub(super) fn check_small(&self) -> Result<(), Fault> {
        self.returned()?;
        let places = self.transaction().open_table(PLACES).map_err(|error| self.fault(error))?;
        for row in places.iter().map_err(|error| self.fault(error))? {
            let (place, row) = row.map_err(|error| self.fault(error))?;
            rows::read_number(&place.value(), &row.value())?;
        }
        let ledger = self.transaction().open_table(LEDGER).map_err(|error| self.fault(error))?;
        for row in ledger.iter().map_err(|error| self.fault(error))? {
            let (stamp, row) = row.map_err(|error| self.fault(error))?;
            ledger::read(stamp.value(), row.value()).ok_or_else(ledger::damaged)?;
        }
        let cuts = self.transaction().open_table(CUTS).map_err(|error| self.fault(error))?;
        for row in cuts.iter().map_err(|error| self.fault(error))? {
            let (session, row) = row.map_err(|error| self.fault(error))?;
            read_cut(session.value(), row.value())?;
        }
        Ok(())
    }

    /// All that has a hash or a check.
    pub(crate) fn check_all(&self) -> Result<(), Fault> {
        self.check_small()?;
        self.run_blocks(0)?.try_for_each(|block| {
            let (first, row) = block?;
            read_runs(first, &row).map(drop)
        })?;
        self.frame_blocks((Bound::Unbounded, Bound::Unbounded))?.try_for_each(|block| block.map(drop))?;
        for (session, KeptSnapshot { bytes, .. }) in self.snapshots()? {
            SnapshotBytes::open(&bytes, &unlimited()).map_err(|error| {
                Fault::damaged(format_args!("the snapshot of session {session}: {error}"))
            })?;
        }
        match (self.cut()?, self.snapshot()?) {
            (Some(cut), Some(bytes)) if cut.hash != *blake3::hash(&bytes).as_bytes() => {
                Err(Fault::damaged("a row of `cuts` is of another snapshot"))
            }
            _ => Ok(()),
        }
    }
}
