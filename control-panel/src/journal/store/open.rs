//! Creates a store, or opens one for writing or reading.

use std::sync::Arc;

use redb::{Builder, Database, WriteTransaction};

use super::{
    BEGINNINGS, CACHE_BYTES, CUTS, Disk, FRAMES, Founders, LEDGER, Meta, OPS, PLACES, RESTORED, RETURNED,
    Reader, SNAPSHOTS, STRANDS, Store, compact::Compaction, fault_of, meta::META, tail::Tail,
};
use crate::{journal::error::Fault, util::panics};

impl Store {
    /// Makes a journal of an empty medium: it is durable when this returns.
    pub(crate) fn create(disk: Arc<Disk>, meta: Meta) -> Result<Self, Fault> {
        disk.settle().map_err(Fault::of_io)?;
        let db = open_database(&disk, false)?;
        let transaction = begin(&db)?;
        write_meta(&transaction, &meta, None)?;
        transaction.open_table(STRANDS).map_err(fault_of)?;
        transaction.open_table(PLACES).map_err(fault_of)?;
        transaction.open_table(OPS).map_err(fault_of)?;
        transaction.open_table(FRAMES).map_err(fault_of)?;
        transaction.open_table(SNAPSHOTS).map_err(fault_of)?;
        transaction.open_table(CUTS).map_err(fault_of)?;
        transaction.open_table(LEDGER).map_err(fault_of)?;
        transaction.open_table(RESTORED).map_err(fault_of)?;
        transaction.open_table(RETURNED).map_err(fault_of)?;
        transaction.open_table(BEGINNINGS).map_err(fault_of)?;
        transaction.commit().map_err(fault_of)?;
        let db = Arc::new(db);
        Ok(Self::with(disk, db, (meta, None), Tail::new(meta.session), Compaction::default()))
    }

    /// Opens a journal, all of whose pages are checked. Writes nothing if anything is wrong.
    pub(crate) fn open(disk: &Arc<Disk>) -> Result<Self, Fault> {
        let opened = panics::quietly(|| Self::try_open(disk));
        let opened = opened.unwrap_or_else(|| Err(Fault::damaged("redb gave up on it")));
        opened.map_err(|fault| named(disk, fault))
    }

    fn try_open(disk: &Arc<Disk>) -> Result<Self, Fault> {
        let db = Arc::new(open_database(disk, true)?);
        let reader = Reader::new(Arc::clone(&db), Arc::clone(disk))?;
        reader.check_small()?;
        let (meta, founders) = (reader.meta()?, reader.founders()?);
        let tail = Tail::read(&reader, meta.session)?;
        let compaction = Compaction::read(&reader, is_recorded(&tail, &meta))?;
        drop(reader);
        disk.settle().map_err(Fault::of_io)?;
        Ok(Self::with(Arc::clone(disk), db, (meta, founders), tail, compaction))
    }
}

pub(super) fn open_database(disk: &Arc<Disk>, checked: bool) -> Result<Database, Fault> {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_BYTES).set_check_integrity_on_open(checked);
    builder.create_with_backend(disk.handle()).map_err(|error| {
        if disk.changed() {
            return Fault::Changed;
        }
        if disk.take_full() { Fault::Full } else { fault_of(error) }
    })
}

/// A database of a file that is only read: what its check writes stays in memory.
pub(super) fn open_to_read(disk: &Arc<Disk>) -> Result<Reader, Fault> {
    let open = || {
        let db = open_database(disk, true)?;
        let reader = Reader::new(Arc::new(db), Arc::clone(disk))?;
        reader.check_small()?;
        Ok(reader)
    };
    let opened = panics::quietly(open).unwrap_or_else(|| Err(Fault::damaged("redb gave up on it")));
    opened.map_err(|fault| named(disk, fault))
}

/// redb says that a page is another than was written, and not of which table it is: the hashes of blocks and rows do.
fn named(disk: &Arc<Disk>, fault: Fault) -> Fault {
    if !matches!(fault, Fault::Damaged { .. }) || disk.changed() {
        return fault;
    }
    let look = || {
        let db = open_database(disk, false)?;
        Reader::new(Arc::new(db), Arc::clone(disk))?.check_all()
    };
    match panics::quietly(look) {
        Some(Err(found @ Fault::Damaged { .. })) => found,
        _ => fault,
    }
}

pub(super) fn is_recorded(tail: &Tail, meta: &Meta) -> bool {
    tail.has_frames() || meta.reducer.is_some()
}

pub(super) fn begin(db: &Database) -> Result<WriteTransaction, Fault> {
    let mut transaction = db.begin_write().map_err(fault_of)?;
    // A reopen after a crash takes milliseconds, whatever the size.
    transaction.set_quick_repair(true);
    Ok(transaction)
}

pub(super) fn write_meta(
    transaction: &WriteTransaction,
    meta: &Meta,
    founders: Option<&Founders>,
) -> Result<(), Fault> {
    let mut table = transaction.open_table(META).map_err(fault_of)?;
    meta.write(founders, &mut table).map_err(fault_of)
}
