//! What writes a journal.

use std::{collections::BTreeMap, sync::Arc};

use redb::{Builder, Database, ReadableTable, WriteTransaction};

use super::{
    AUTHORS, CACHE_BYTES, Disk, EFFECTS, FRAMES, Meta, OPS, RESTORED, RETURNED, Reader, SNAPSHOTS, fault_of,
    meta::META,
    rows::{self, AuthorId},
};
use crate::{
    journal::{
        error::Fault,
        keeping::AnySnapshot,
        record::{FrameRecord, RunKey, RunPlace, RunRecord},
    },
    replica::{Author, codec::EncodeError},
    supervise::panics,
};

/// What is written, in its order.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub(crate) enum Item {
    /// A whole frame: with the runs that were kept since the frame before.
    Frame(FrameRecord),
    /// Runs that the replica admitted.
    Runs(Vec<RunRecord>),
    /// Void runs that the program has back.
    Returned(Vec<RunKey>),
    /// What the replica goes on from since this session.
    Snapshot(u64, Arc<dyn AnySnapshot>),
    /// What a start made of all frames up to this one.
    Restored(u64, Vec<u8>),
}

/// The end of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tail {
    /// The last frame's number; 0 if there is none.
    frame: u64,
    chain: [u8; 32],
}

/// An open journal: one writer.
#[derive(Debug)]
pub(crate) struct Store {
    disk: Arc<Disk>,
    db: Arc<Database>,
    meta: Meta,
    authors: BTreeMap<Author, AuthorId>,
    tail: Tail,
    /// The runs that were kept since the last frame, which the next one names.
    loose: Vec<RunPlace>,
    /// A write failed: redb goes on only when it is opened again.
    broken: bool,
}

impl Store {
    /// Makes a journal of an empty medium: it is durable when this returns.
    pub(crate) fn create(disk: Arc<Disk>, meta: Meta) -> Result<Self, Fault> {
        disk.settle().map_err(Fault::of_io)?;
        let db = open_database(&disk, false)?;
        let transaction = begin(&db)?;
        write_meta(&transaction, &meta)?;
        transaction.open_table(AUTHORS).map_err(fault_of)?;
        transaction.open_table(OPS).map_err(fault_of)?;
        transaction.open_table(FRAMES).map_err(fault_of)?;
        transaction.open_table(SNAPSHOTS).map_err(fault_of)?;
        transaction.open_table(EFFECTS).map_err(fault_of)?;
        transaction.open_table(RESTORED).map_err(fault_of)?;
        transaction.open_table(RETURNED).map_err(fault_of)?;
        transaction.commit().map_err(fault_of)?;
        let tail = Tail { frame: 0, chain: rows::FIRST };
        let db = Arc::new(db);
        Ok(Self { disk, db, meta, authors: BTreeMap::new(), tail, loose: Vec::new(), broken: false })
    }

    /// Opens a journal, all of whose pages are checked. Writes nothing if anything is wrong.
    pub(crate) fn open(disk: &Arc<Disk>) -> Result<Self, Fault> {
        let opened = panics::quietly(|| Self::try_open(disk));
        opened.unwrap_or_else(|| Err(Fault::damaged("redb gave up on it")))
    }

    fn try_open(disk: &Arc<Disk>) -> Result<Self, Fault> {
        let db = Arc::new(open_database(disk, true)?);
        let reader = Reader::new(Arc::clone(&db), Arc::clone(disk))?;
        let meta = reader.meta()?;
        let (frame, chain) = reader.last_frame()?.unwrap_or((0, rows::FIRST));
        let authors = reader.authors();
        drop(reader);
        disk.settle().map_err(Fault::of_io)?;
        let (disk, tail) = (Arc::clone(disk), Tail { frame, chain });
        Ok(Self { disk, db, meta, authors, tail, loose: Vec::new(), broken: false })
    }

    pub(crate) fn is_broken(&self) -> bool {
        self.broken
    }

    /// Opens what a failed write left behind: nothing of it is lost but what was not durable. Returns whether these items, whose write was
    /// reported as failed, are there all the same.
    pub(crate) fn recover(&mut self, items: &[Item]) -> Result<bool, Fault> {
        let opened = open_database(&self.disk, false).map_err(|fault| self.explain(fault))?;
        let db = Arc::new(opened);
        let reader = Reader::new(Arc::clone(&db), Arc::clone(&self.disk))?;
        let (frame, chain) = reader.last_frame()?.unwrap_or((0, rows::FIRST));
        let frames = items.iter().filter(|item| matches!(item, Item::Frame(_))).count() as u64;
        debug_assert!(
            frame == self.tail.frame || frame == self.tail.frame + frames,
            "a transaction is whole"
        );
        // Without a frame it is written again, which changes nothing.
        let is_there = frame > self.tail.frame;
        if is_there {
            self.loose = items.iter().fold(Vec::new(), |mut loose, item| {
                match item {
                    Item::Frame(_) => loose.clear(),
                    Item::Runs(runs) => loose.extend(runs.iter().map(|run| run.key.place())),
                    Item::Returned(_) | Item::Snapshot(..) | Item::Restored(..) => {}
                }
                loose
            });
        }
        self.tail = Tail { frame, chain };
        self.authors = reader.authors();
        drop(reader);
        self.db = db;
        self.broken = false;
        Ok(is_there)
    }

    pub(crate) fn meta(&self) -> &Meta {
        &self.meta
    }

    /// The number of the last frame that is durable.
    #[cfg(test)]
    pub(crate) fn last_frame(&self) -> u64 {
        self.tail.frame
    }

    pub(crate) fn disk(&self) -> &Arc<Disk> {
        &self.disk
    }

    pub(crate) fn reader(&self) -> Result<Reader, Fault> {
        Reader::new(Arc::clone(&self.db), Arc::clone(&self.disk))
    }

    /// Durable when it returns.
    pub(crate) fn set_meta(&mut self, meta: Meta) -> Result<(), Fault> {
        self.change(|transaction| {
            let mut table = transaction.open_table(META)?;
            Ok(meta.write(&mut table)?)
        })?;
        self.meta = meta;
        Ok(())
    }

    /// Writes all of it or nothing: durable when it returns.
    pub(crate) fn append(&mut self, items: &[Item]) -> Result<(), Fault> {
        self.try_append(items).inspect_err(|_| self.broken = true)
    }

    fn try_append(&mut self, items: &[Item]) -> Result<(), Fault> {
        let transaction = begin(&self.db).map_err(|fault| self.explain(fault))?;
        let mut append = Append {
            tail: self.tail,
            loose: self.loose.clone(),
            known: &self.authors,
            new: BTreeMap::new(),
            row: Vec::new(),
        };
        append.write(&transaction, items).map_err(|fault| self.explain(fault))?;
        let Append { tail, loose, new, .. } = append;
        self.commit(transaction)?;
        (self.tail, self.loose) = (tail, loose);
        self.authors.extend(new);
        Ok(())
    }

    /// A change of one of the small tables.
    pub(in crate::journal) fn change<T>(
        &mut self,
        change: impl FnOnce(&WriteTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, Fault> {
        if self.broken {
            self.recover(&[])?;
        }
        let changed = self.try_change(change);
        self.broken = changed.is_err();
        changed
    }

    fn try_change<T>(
        &self,
        change: impl FnOnce(&WriteTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, Fault> {
        let transaction = begin(&self.db).map_err(|fault| self.explain(fault))?;
        let changed = change(&transaction).map_err(|error| self.explain(fault_of(error)))?;
        self.commit(transaction)?;
        Ok(changed)
    }

    fn commit(&self, transaction: WriteTransaction) -> Result<(), Fault> {
        transaction.commit().map_err(|error| self.explain(fault_of(error)))
    }

    /// The disk knows better than redb.
    fn explain(&self, fault: Fault) -> Fault {
        if self.disk.sync_failed() {
            return Fault::SyncFailed;
        }
        if self.disk.take_full() { Fault::Full } else { fault }
    }
}

/// What a transaction makes of the file's end.
struct Append<'a> {
    tail: Tail,
    loose: Vec<RunPlace>,
    known: &'a BTreeMap<Author, AuthorId>,
    new: BTreeMap<Author, AuthorId>,
    row: Vec<u8>,
}

impl Append<'_> {
    fn write(&mut self, transaction: &WriteTransaction, items: &[Item]) -> Result<(), Fault> {
        let mut ops = transaction.open_table(OPS).map_err(fault_of)?;
        let mut frames = transaction.open_table(FRAMES).map_err(fault_of)?;
        for item in items {
            match item {
                Item::Runs(runs) => {
                    for run in runs {
                        self.put_run(&mut ops, run)?;
                        self.loose.push(run.key.place());
                    }
                }
                Item::Frame(frame) => self.put_frame(&mut ops, &mut frames, frame)?,
                Item::Returned(runs) => {
                    let mut returned = transaction.open_table(RETURNED).map_err(fault_of)?;
                    for run in runs {
                        let place = run.place();
                        let key = rows::put_place(self.author(place.author)?, &place);
                        returned.insert(&key[..], ()).map_err(fault_of)?;
                    }
                }
                Item::Snapshot(session, snapshot) => {
                    let bytes = snapshot.encode().map_err(unwritable)?;
                    let mut snapshots = transaction.open_table(SNAPSHOTS).map_err(fault_of)?;
                    // The last of each session: what the next one begins with, here and in a replay.
                    snapshots.insert(session, &bytes[..]).map_err(fault_of)?;
                }
                Item::Restored(frame, bytes) => {
                    let mut restored = transaction.open_table(RESTORED).map_err(fault_of)?;
                    restored.retain(|_, _| false).map_err(fault_of)?;
                    restored.insert(frame, &bytes[..]).map_err(fault_of)?;
                }
            }
        }
        if !self.new.is_empty() {
            let mut authors = transaction.open_table(AUTHORS).map_err(fault_of)?;
            for (author, id) in &self.new {
                authors.insert(id, &rows::put_author(*author)[..]).map_err(fault_of)?;
            }
        }
        Ok(())
    }

    fn put_frame(
        &mut self,
        ops: &mut redb::Table<'_, &[u8], &[u8]>,
        frames: &mut redb::Table<'_, u64, &[u8]>,
        frame: &FrameRecord,
    ) -> Result<(), Fault> {
        for run in &frame.runs {
            self.put_run(ops, run)?;
        }
        let named: Vec<_> = frame.runs.iter().map(|run| run.key.place()).collect();
        let kept = std::mem::take(&mut self.loose);
        let kept = kept.into_iter().filter(|place| !named.contains(place));
        let mut places = Vec::with_capacity(named.len());
        for place in named.iter().copied().chain(kept) {
            places.push((self.author(place.author)?, place));
        }
        self.row.clear();
        rows::put_frame(frame, &places, &mut self.row);
        let number = self.tail.frame.checked_add(1).ok_or_else(numbers_end)?;
        let chain = rows::chain(&self.tail.chain, &self.row);
        self.row.extend_from_slice(&chain);
        frames.insert(number, &self.row[..]).map_err(fault_of)?;
        self.tail = Tail { frame: number, chain };
        Ok(())
    }

    /// A run that is there already is not written again, unless the replica admitted it since.
    fn put_run(&mut self, ops: &mut redb::Table<'_, &[u8], &[u8]>, run: &RunRecord) -> Result<(), Fault> {
        let place = run.key.place();
        let key = rows::put_place(self.author(place.author)?, &place);
        if let Some(known) = ops.get(&key[..]).map_err(fault_of)? {
            let was_admitted = known.value().first() == Some(&rows::ADMITTED);
            if was_admitted || !run.admitted {
                return Ok(());
            }
        }
        let value = rows::put_run(&run.bytes().map_err(unwritable)?, run.admitted);
        ops.insert(&key[..], &value[..]).map_err(fault_of)?;
        Ok(())
    }

    fn author(&mut self, author: Author) -> Result<AuthorId, Fault> {
        if let Some(id) = self.known.get(&author).or_else(|| self.new.get(&author)) {
            return Ok(*id);
        }
        let id = u32::try_from(self.known.len() + self.new.len()).map_err(|_| numbers_end())?;
        self.new.insert(author, id);
        Ok(id)
    }
}

/// What no retry mends: a state whose `Serialize` fails.
fn unwritable(error: EncodeError) -> Fault {
    Fault::Encode(error)
}

fn numbers_end() -> Fault {
    Fault::damaged("it has as many rows as there are numbers")
}

fn open_database(disk: &Arc<Disk>, checked: bool) -> Result<Database, Fault> {
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
    let open = || Reader::new(Arc::new(open_database(disk, true)?), Arc::clone(disk));
    panics::quietly(open).unwrap_or_else(|| Err(Fault::damaged("redb gave up on it")))
}

fn begin(db: &Database) -> Result<WriteTransaction, Fault> {
    let mut transaction = db.begin_write().map_err(fault_of)?;
    // A reopen after a crash takes milliseconds, whatever the size.
    transaction.set_quick_repair(true);
    Ok(transaction)
}

fn write_meta(transaction: &WriteTransaction, meta: &Meta) -> Result<(), Fault> {
    let mut table = transaction.open_table(META).map_err(fault_of)?;
    meta.write(&mut table).map_err(fault_of)
}
