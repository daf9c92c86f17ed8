//! Writes a journal.

use std::sync::Arc;

use redb::{Database, WriteTransaction};

use super::{
    Disk, Founders, Item, Meta, Reader, Unkept,
    compact::Compaction,
    fault_of,
    open::{begin, is_recorded, open_database, write_meta},
    tail::Tail,
};
use crate::{
    journal::{error::Fault, record::RunKey},
    replica::codec::EncodeError,
    util::panics,
};

/// An open journal: one writer.
#[derive(Debug)]
pub(crate) struct Store {
    disk: Arc<Disk>,
    db: Arc<Database>,
    meta: Meta,
    /// Of the replica's group; `None` until there is a replica that was begun by a program that notes them.
    founders: Option<Founders>,
    pub(super) tail: Tail,
    pub(super) compaction: Compaction,
    /// The number of the last frame that is durable.
    pub(super) frame: u64,
    /// The runs that were kept since that frame, which the next one names.
    loose: Vec<RunKey>,
    /// A write failed: redb goes on only when it is opened again.
    broken: bool,
    attempt: Option<Attempt>,
    /// So many of the items whose write was reported as failed are there all the same.
    there: usize,
    /// To be reported.
    unkept: Option<EncodeError>,
    has_said_unkept: bool,
}

/// A transaction that is committed, and what is so when it is.
#[derive(Debug)]
struct Attempt {
    items: usize,
    frame: u64,
    loose: Vec<RunKey>,
}

impl Store {
    pub(super) fn with(
        disk: Arc<Disk>,
        db: Arc<Database>,
        (meta, founders): (Meta, Option<Founders>),
        tail: Tail,
        compaction: Compaction,
    ) -> Self {
        let frame = tail.frame();
        let loose = Vec::new();
        Self {
            disk,
            db,
            meta,
            founders,
            tail,
            compaction,
            frame,
            loose,
            broken: false,
            attempt: None,
            there: 0,
            unkept: None,
            has_said_unkept: false,
        }
    }

    /// Opens what a failed write left behind: nothing of it is lost but what was not durable.
    fn recover(&mut self) -> Result<(), Fault> {
        let opened = open_database(&self.disk, false).map_err(|fault| self.explain(fault))?;
        let db = Arc::new(opened);
        let reader = Reader::new(Arc::clone(&db), Arc::clone(&self.disk))?;
        let tail = Tail::read(&reader, self.meta.session)?;
        self.compaction.read_again(&reader, is_recorded(&tail, &self.meta))?;
        drop(reader);
        let frame = tail.frame();
        match self.attempt.take() {
            Some(attempt) if frame > self.frame => {
                debug_assert_eq!(frame, attempt.frame, "a transaction is whole");
                (self.there, self.loose) = (attempt.items, attempt.loose);
            }
            // Without a frame it is written again, which changes nothing.
            _ => debug_assert_eq!(frame, self.frame, "a transaction is whole"),
        }
        (self.tail, self.frame, self.db, self.broken) = (tail, frame, db, false);
        Ok(())
    }

    /// Makes the file as short as what is in it, where no one reads it: as redb makes it twice as long when it grows, much of it may be free. It takes about as
    /// long as an open. Whether nothing failed: what was durable is, whatever happens here.
    pub(crate) fn close(self) -> bool {
        let Self { disk, db, .. } = self;
        let Some(mut db) = Arc::into_inner(db) else { return true };
        let done = panics::quietly(|| db.compact().is_ok());
        drop(db);
        done == Some(true) && !disk.sync_failed()
    }

    pub(crate) fn meta(&self) -> &Meta {
        &self.meta
    }

    /// The number of the last frame that is durable.
    #[cfg(test)]
    pub(crate) fn last_frame(&self) -> u64 {
        self.frame
    }

    pub(crate) fn disk(&self) -> &Arc<Disk> {
        &self.disk
    }

    pub(crate) fn reader(&self) -> Result<Reader, Fault> {
        Reader::new(Arc::clone(&self.db), Arc::clone(&self.disk))
    }

    /// Durable when it returns.
    pub(crate) fn set_meta(&mut self, meta: Meta) -> Result<(), Fault> {
        let founders = self.founders.take();
        let written = self.change(|transaction| write_meta(transaction, &meta, founders.as_ref()));
        self.founders = founders;
        written?;
        self.meta = meta;
        self.tail.set_session(meta.session);
        Ok(())
    }

    /// With the members that the replica's group began with. Durable when it returns.
    pub(crate) fn set_replica(&mut self, meta: Meta, founders: Founders) -> Result<(), Fault> {
        let before = self.founders.replace(founders);
        self.set_meta(meta).inspect_err(|_| self.founders = before)
    }

    /// Writes all of it or nothing: durable when it returns. What failed is given again: the items of the next call begin with it.
    pub(crate) fn append(&mut self, items: &[Item]) -> Result<(), Fault> {
        if self.broken {
            self.recover()?;
        }
        let written = self.try_append(items);
        self.broken = written.is_err();
        if written.is_ok() {
            (self.attempt, self.there) = (None, 0);
        }
        written
    }

    fn try_append(&mut self, items: &[Item]) -> Result<(), Fault> {
        debug_assert!(items.len() >= self.there);
        let Some(rest) = items.get(self.there..).filter(|rest| !rest.is_empty()) else { return Ok(()) };
        let transaction = begin(&self.db).map_err(|fault| self.explain(fault))?;
        let mut loose = self.loose.clone();
        self.tail.append(&transaction, rest, &mut loose).map_err(|fault| self.explain(fault))?;
        let frame = self.tail.frame();
        self.attempt = Some(Attempt { items: items.len(), frame, loose: loose.clone() });
        self.commit(transaction)?;
        (self.frame, self.loose) = (frame, loose);
        if let Some((cut, bytes)) = self.tail.cut.take() {
            self.compaction.snapshot = bytes;
            self.compaction.begin(cut, self.is_recorded());
            self.is_kept();
        }
        if let Some(error) = self.tail.unkept.take() {
            self.is_not_kept(error);
        }
        Ok(())
    }

    fn is_kept(&mut self) {
        if self.meta.unkept.is_some() {
            // What is wrong was mended. It is no one's loss if it is said once more.
            self.set_meta(Meta { unkept: None, ..self.meta }).ok();
        }
    }

    /// It is said once, and tried again when there is twice as much to let go of.
    fn is_not_kept(&mut self, error: EncodeError) {
        self.compaction.give_up(self.tail.blocks());
        let unkept = Some(Unkept::of(&error));
        if !self.has_said_unkept {
            (self.has_said_unkept, self.unkept) = (true, Some(error));
        }
        if self.meta.unkept != unkept {
            self.set_meta(Meta { unkept, ..self.meta }).ok();
        }
    }

    /// Why its replica's runs are not let go of, if that was not said before.
    pub(crate) fn take_unkept(&mut self) -> Option<EncodeError> {
        self.unkept.take()
    }

    /// The next frame does not name what was written since the one before.
    pub(crate) fn forget_loose(&mut self) {
        self.loose.clear();
    }

    /// Whether it has frames, or will: these name the runs, and need all of them.
    pub(super) fn is_recorded(&self) -> bool {
        is_recorded(&self.tail, &self.meta)
    }

    /// Whether a snapshot would let enough go to be worth its writing: at the next start of what is recorded.
    pub(crate) fn wants_snapshot(&self) -> bool {
        self.compaction.wants_snapshot(self.tail.blocks())
    }

    /// A change of one of the small tables.
    pub(in crate::journal) fn change<T>(
        &mut self,
        change: impl FnOnce(&WriteTransaction) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        if self.broken {
            self.recover()?;
        }
        self.attempt = None;
        let changed = self.try_change(change);
        self.broken = changed.is_err();
        changed
    }

    fn try_change<T>(&self, change: impl FnOnce(&WriteTransaction) -> Result<T, Fault>) -> Result<T, Fault> {
        let transaction = begin(&self.db).map_err(|fault| self.explain(fault))?;
        let changed = change(&transaction).map_err(|fault| self.explain(fault))?;
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
