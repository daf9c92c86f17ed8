//! What reads a journal.

use std::{collections::BTreeMap, ops::RangeBounds, sync::Arc};

use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable};

use super::{
    AUTHORS, Disk, FRAMES, Meta, OPS, RESTORED, SNAPSHOTS, fault_of,
    meta::META,
    rows::{self, AuthorId},
};
use crate::{
    journal::{
        error::Fault,
        record::{FrameRow, RunKey, RunPlace, RunRecord},
    },
    replica::{Author, codec::name_run},
};

/// One state of the file: what is written after it was made does not show.
#[derive(Debug)]
pub(crate) struct Reader {
    transaction: ReadTransaction,
    authors: Vec<Author>,
    disk: Arc<Disk>,
    /// It outlives the transaction.
    _db: Arc<Database>,
}

impl Reader {
    pub(super) fn new(db: Arc<Database>, disk: Arc<Disk>) -> Result<Self, Fault> {
        let transaction = db.begin_read().map_err(fault_of)?;
        // Of a later format, all but that may differ.
        Meta::read(&transaction.open_table(META).map_err(fault_of)?)?;
        let table = transaction.open_table(AUTHORS).map_err(fault_of)?;
        let mut authors = Vec::new();
        for row in table.iter().map_err(fault_of)? {
            let (id, author) = row.map_err(fault_of)?;
            if u64::from(id.value()) != authors.len() as u64 {
                return Err(Fault::damaged("a number in `authors` is missing"));
            }
            authors.push(rows::read_author(author.value()).map_err(Fault::damaged)?);
        }
        Ok(Self { transaction, authors, disk, _db: db })
    }

    /// Opens a file only to read it: a check or a repair stays in memory.
    pub(crate) fn open(disk: &Arc<Disk>) -> Result<Self, Fault> {
        super::store::open_to_read(disk)
    }

    pub(crate) fn meta(&self) -> Result<Meta, Fault> {
        let table = self.transaction.open_table(META).map_err(|error| self.fault(error))?;
        Meta::read(&table)
    }

    pub(super) fn author_list(&self) -> &[Author] {
        &self.authors
    }

    pub(super) fn transaction(&self) -> &ReadTransaction {
        &self.transaction
    }

    pub(super) fn authors(&self) -> BTreeMap<Author, AuthorId> {
        self.authors.iter().zip(0..).map(|(author, id)| (*author, id)).collect()
    }

    /// The number and the chain hash of the last frame.
    pub(crate) fn last_frame(&self) -> Result<Option<(u64, [u8; 32])>, Fault> {
        let table = self.transaction.open_table(FRAMES).map_err(|error| self.fault(error))?;
        let Some((number, row)) = table.last().map_err(|error| self.fault(error))? else { return Ok(None) };
        let (_, chain) = rows::split_chain(row.value()).map_err(Fault::damaged)?;
        Ok(Some((number.value(), chain)))
    }

    /// Frames by their numbers, each with its chain hash checked against the frame before it in the range.
    pub(crate) fn frames(
        &self,
        numbers: impl RangeBounds<u64>,
    ) -> Result<impl Iterator<Item = Result<FrameRow, Fault>> + '_, Fault> {
        let table = self.transaction.open_table(FRAMES).map_err(|error| self.fault(error))?;
        let mut before: Option<(u64, [u8; 32])> = Some((0, rows::FIRST));
        let mut is_first = true;
        let rows = table.range_owned(numbers).map_err(|error| self.fault(error))?;
        Ok(rows.map(move |row| {
            let (number, value) = row.map_err(|error| self.fault(error))?;
            let number = number.value();
            let (body, chain) = rows::split_chain(value.value()).map_err(Fault::damaged)?;
            // The first of a range has nothing before it to go on from, unless it is the first of the file.
            if std::mem::take(&mut is_first) && number > 1 {
                before = None;
            }
            if let Some((last, hash)) = before.replace((number, chain))
                && (last + 1 != number || rows::chain(&hash, body) != chain)
            {
                return Err(Fault::damaged(format_args!("frame {number} does not follow from frame {last}")));
            }
            let author = |id: AuthorId| self.authors.get(id as usize).copied();
            rows::read_frame(number, value.value(), author)
                .map_err(|error| Fault::damaged(format_args!("frame {number}: {error}")))
        }))
    }

    /// A run, its hash computed from its bytes.
    #[cfg(test)]
    pub(crate) fn run(&self, place: &RunPlace) -> Result<Option<RunRecord>, Fault> {
        let Some(id) = self.authors.iter().position(|author| *author == place.author) else {
            return Ok(None);
        };
        let Ok(id) = AuthorId::try_from(id) else { return Ok(None) };
        let table = self.transaction.open_table(OPS).map_err(|error| self.fault(error))?;
        let key = rows::put_place(id, place);
        let row = table.get(&key[..]).map_err(|error| self.fault(error))?;
        row.map(|row| named(*place, row.value())).transpose()
    }

    /// All runs, by author and number.
    pub(crate) fn runs(&self) -> Result<impl Iterator<Item = Result<RunRecord, Fault>> + '_, Fault> {
        let table = self.transaction.open_table(OPS).map_err(|error| self.fault(error))?;
        let rows = table.range_owned::<&[u8]>(..).map_err(|error| self.fault(error))?;
        Ok(rows.map(move |row| {
            let (key, value) = row.map_err(|error| self.fault(error))?;
            let author = |id: AuthorId| self.authors.get(id as usize).copied();
            named(rows::read_place(key.value(), author).map_err(Fault::damaged)?, value.value())
        }))
    }

    /// Runs and frames.
    #[cfg(test)]
    pub(crate) fn counts(&self) -> Result<(u64, u64), Fault> {
        use redb::ReadableTableMetadata;
        let ops = self.transaction.open_table(OPS).map_err(|error| self.fault(error))?;
        let frames = self.transaction.open_table(FRAMES).map_err(|error| self.fault(error))?;
        Ok((ops.len().map_err(|error| self.fault(error))?, frames.len().map_err(|error| self.fault(error))?))
    }

    /// The last snapshot.
    pub(crate) fn snapshot(&self) -> Result<Option<Vec<u8>>, Fault> {
        let table = self.transaction.open_table(SNAPSHOTS).map_err(|error| self.fault(error))?;
        let last = table.last().map_err(|error| self.fault(error))?;
        Ok(last.map(|(_, bytes)| bytes.value().to_vec()))
    }

    /// What an earlier start made of all frames up to one.
    pub(crate) fn restored(&self) -> Result<Option<(u64, Vec<u8>)>, Fault> {
        let table = self.transaction.open_table(RESTORED).map_err(|error| self.fault(error))?;
        let last = table.last().map_err(|error| self.fault(error))?;
        Ok(last.map(|(frame, bytes)| (frame.value(), bytes.value().to_vec())))
    }

    /// By the session that went on from it, the last of each that did.
    pub(crate) fn snapshots(&self) -> Result<BTreeMap<u64, Arc<[u8]>>, Fault> {
        let table = self.transaction.open_table(SNAPSHOTS).map_err(|error| self.fault(error))?;
        let rows = table.iter().map_err(|error| self.fault(error))?;
        rows.map(|row| row.map(|(session, bytes)| (session.value(), bytes.value().into())))
            .collect::<Result<_, _>>()
            .map_err(|error| self.fault(error))
    }

    fn fault(&self, error: impl Into<redb::Error>) -> Fault {
        if self.disk.changed() { Fault::Changed } else { fault_of(error) }
    }
}

/// The run of a row, if it is the one that its key names.
pub(super) fn named(place: RunPlace, row: &[u8]) -> Result<RunRecord, Fault> {
    let RunPlace { author, seq, .. } = place;
    let wrong =
        |why: &dyn std::fmt::Display| Fault::damaged(format_args!("the run of {author} from {seq}: {why}"));
    let (bytes, admitted) = rows::read_run(row).map_err(|error| wrong(&error))?;
    let name = name_run(bytes).map_err(|error| wrong(&error))?;
    let key = RunKey { author: name.author, seq: name.seq, hash: name.hash };
    if key.place() != place {
        return Err(wrong(&"its hash is another"));
    }
    Ok(RunRecord::from_bytes(key, bytes, admitted))
}
