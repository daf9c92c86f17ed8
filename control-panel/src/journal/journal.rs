//! An open journal.

use std::{
    fs::{self, OpenOptions},
    path::{Path, PathBuf},
    sync::{
        Arc, MutexGuard, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    error::{Fault, JournalError},
    files::{backend, look, make, token},
    handover::{self, Handover},
    inbox::{Inbox, InboxGuard},
    lengths::Lengths,
    lock::{Left, LockFile},
    notes::Noting,
    store::{Disk, Meta, Reader, Store},
    whereabouts::{stamp, whereabouts},
};
use crate::util::{mutex::Mutex, park};

/// A journal: one file that holds the operations of a [`Replica`](crate::Replica) and the frames of a panel.
///
/// One process has the file at a time. A clone is another handle to the same journal.
///
/// ```
/// use control_panel::journal::Journal;
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("app.journal");
/// let journal = Journal::open(&path)?; // makes it, or goes on with it
/// assert_eq!(journal.session(), 1);
/// journal.close()?;
/// assert_eq!(Journal::open(&path)?.session(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "event sourcing")]
#[doc(alias = "time travel")]
#[doc(alias = "write-ahead log")]
#[doc(alias = "persistence")]
#[doc(alias = "event log")]
#[derive(Clone, Debug)]
pub struct Journal {
    shared: Arc<Shared>,
}

/// A weak handle, which does not keep the journal open.
#[derive(Clone, Debug)]
pub(super) struct WeakJournal(Weak<Shared>);

impl WeakJournal {
    pub(super) fn upgrade(&self) -> Option<Journal> {
        self.0.upgrade().map(|shared| Journal { shared })
    }
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    session: Arc<AtomicU64>,
    handover: Handover,
    /// The receiving end of the hand-over; the writer has it while it runs.
    inbox: Mutex<Option<Inbox>>,
    noting: Mutex<Noting>,
    lengths: Lengths,
    /// The seed of a test.
    seed: Option<u64>,
    /// `None` once it is closed.
    open: Mutex<Option<Open>>,
}

#[derive(Debug)]
pub(super) struct Open {
    pub(super) store: Store,
    /// `None` for a medium that is not a file.
    lock: Option<LockFile>,
    /// Whether the previous session closed this very file, here.
    pub(super) continues: bool,
    pub(super) has_replica: bool,
}

/// # Opening and closing
impl Journal {
    /// Opens the journal at this path, or creates one if there is no file. The parent folder must exist.
    ///
    /// The whole file is read and checked once, before anything is written. It blocks, so call it before the first frame.
    ///
    /// A lock file beside the journal (`.lock` after its name) says which process has it.
    ///
    /// # Errors
    /// [`JournalError`], and the file is unchanged: a file that is not a journal, not intact, in use, or newer than this program is not
    /// opened.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, JournalError> {
        let path = path.as_ref();
        Self::try_open(path, None).map_err(|fault| fault.at(path))
    }

    /// Draws lives from that seed: two copies of one journal would be one author.
    #[cfg(feature = "testing")]
    pub(crate) fn open_seeded(path: &Path, seed: u64) -> Result<Self, JournalError> {
        Self::try_open(path, Some(seed)).map_err(|fault| fault.at(path))
    }

    fn try_open(path: &Path, seed: Option<u64>) -> Result<Self, Fault> {
        let exists = look(path)?;
        let lock = LockFile::exclusive(path)?;
        // While the lock is held no other journal is created.
        if !exists && !look(path)? {
            make(path)?;
        }
        if fs::metadata(path).map_err(Fault::of_io)?.permissions().readonly() {
            return Err(Fault::ReadOnly);
        }
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(Fault::of_io)?;
        let place = whereabouts(path, &file.metadata().map_err(Fault::of_io)?);
        let left_as = stamp(path);
        let mut store = Store::open(&Disk::staged(backend(file)?).map_err(Fault::of_io)?)?;
        let before = *store.meta();
        let left = left_as.map(|stamp| Left { token: before.token, stamp });
        let continues =
            before.clean && place == Some(before.whereabouts) && left.is_some() && lock.left == left;
        let whereabouts = place.unwrap_or_default();
        store.set_meta(Meta { token: token(), clean: false, whereabouts, ..before.of_next_session()? })?;
        Ok(Self::with(path, store, Some(lock), continues, seed))
    }

    fn with(path: &Path, store: Store, lock: Option<LockFile>, continues: bool, seed: Option<u64>) -> Self {
        let (handover, receiver) = handover::handover();
        let session = store.meta().session;
        let open = Mutex::new(Some(Open { store, lock, continues, has_replica: false }));
        let inbox = Mutex::new(Some(Inbox::new(receiver)));
        let shared = Shared {
            path: path.into(),
            session: Arc::new(session.into()),
            handover,
            inbox,
            noting: Mutex::default(),
            lengths: Lengths::default(),
            seed,
            open,
        };
        Self { shared: Arc::new(shared) }
    }

    pub(super) fn downgrade(&self) -> WeakJournal {
        WeakJournal(Arc::downgrade(&self.shared))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// How often the journal was opened, this time included, or [began again](Self::begin_again).
    pub fn session(&self) -> u64 {
        self.shared.session.load(Ordering::Relaxed)
    }

    /// Writes what was handed over, gives free space in the file back, and closes the journal, so that the next start continues as the same
    /// life of its peer. Without it the next start is a new life, which costs an author and no operation.
    ///
    /// Call it once the panel is shut down. It blocks about as long as an open. Closing it again does nothing.
    ///
    /// # Errors
    /// Names what could not be written; the journal is not closed.
    pub fn close(&self) -> Result<(), JournalError> {
        self.try_close().map_err(|fault| fault.at(&self.shared.path))
    }

    fn try_close(&self) -> Result<(), Fault> {
        if self.open_state().is_none() {
            return Ok(());
        }
        self.try_flush()?;
        let mut open = self.open_state();
        let Some(Open { store, .. }) = &mut *open else { return Ok(()) };
        let meta = Meta { clean: true, ..*store.meta() };
        store.set_meta(meta)?;
        let Some(Open { store, lock, .. }) = open.take() else { return Ok(()) };
        self.shared.handover.gauge().set_halted(true);
        let is_whole = store.close();
        if is_whole && let (Some(stamp), Some(lock)) = (stamp(&self.shared.path), lock) {
            lock.leave(&Left { token: meta.token, stamp }).map_err(Fault::of_io)?;
        }
        Ok(())
    }

    /// Waits until everything that was handed over is durable. Writes it itself if no [`writer`](Self::writer) runs: for programs
    /// without a panel, and for tests. It blocks.
    ///
    /// # Errors
    /// What could not be written is kept, and the next call or the writer tries again; except after a failed sync.
    pub fn flush(&self) -> Result<(), JournalError> {
        self.try_flush().map_err(|fault| fault.at(&self.shared.path))
    }

    fn try_flush(&self) -> Result<(), Fault> {
        let given = self.shared.handover.given();
        loop {
            if let Some(mut inbox) = self.take_inbox() {
                return inbox.write_all(self);
            }
            let gauge = self.shared.handover.gauge();
            if self.shared.handover.durable() >= given {
                return Ok(());
            }
            if gauge.is_halted() {
                return Err(self.last_fault());
            }
            // The writer has it, and notifies when it gets further, when it fails, and when it stops.
            park::wait(gauge.changed(self.shared.handover.durable()));
        }
    }

    /// The writing end, unless another holder has it.
    pub(super) fn take_inbox(&self) -> Option<InboxGuard<'_>> {
        let taken = self.shared.inbox.lock().take();
        taken.map(|inbox| InboxGuard { inbox: Some(inbox), journal: self })
    }

    pub(super) fn seed(&self) -> Option<u64> {
        self.shared.seed
    }

    pub(super) fn current_session(&self) -> &Arc<AtomicU64> {
        &self.shared.session
    }

    pub(super) fn lengths(&self) -> &Lengths {
        &self.shared.lengths
    }

    pub(super) fn noting(&self) -> MutexGuard<'_, Noting> {
        self.shared.noting.lock()
    }

    pub(super) fn return_inbox(&self, inbox: Inbox) {
        *self.shared.inbox.lock() = Some(inbox);
        self.shared.handover.gauge().notify();
    }

    fn last_fault(&self) -> Fault {
        let failed = self.open_state().as_ref().is_some_and(|open| open.store.disk().sync_failed());
        if failed { Fault::SyncFailed } else { Fault::Full }
    }

    /// How many of the items that frames handed over are durable. It rises with each group that is written.
    pub fn durable(&self) -> u64 {
        self.shared.handover.durable()
    }

    /// How many items the frames have handed over: [`durable`](Self::durable) reaches this number once all of them are.
    pub fn handed_over(&self) -> u64 {
        self.shared.handover.given()
    }

    /// Waits until more than `durable` items are durable, and returns how many: for a worker that serves peers with
    /// [`since`](Self::since).
    ///
    /// # Cancel safety
    /// Cancel-safe.
    pub async fn written(&self, after: u64) -> u64 {
        let gauge = self.shared.handover.gauge();
        loop {
            let durable = self.durable();
            if durable > after {
                return durable;
            }
            gauge.changed(durable).await;
        }
    }

    pub(crate) fn handover(&self) -> &Handover {
        &self.shared.handover
    }

    /// A view of the file as it is now.
    pub(super) fn try_reader(&self) -> Result<Reader, Fault> {
        self.open_state().as_ref().ok_or(Fault::Closed).and_then(|open| open.store.reader())
    }

    pub(super) fn open_state(&self) -> MutexGuard<'_, Option<Open>> {
        self.shared.open.lock()
    }
}

/// On a test's own medium.
#[cfg(test)]
impl Journal {
    pub(super) fn on(memory: &super::store::testing::Memory) -> Result<Self, Fault> {
        use super::store::FORMAT;

        let disk = || Disk::staged(memory.clone()).map_err(Fault::of_io);
        if memory.lock().bytes.is_empty() {
            drop(Store::create(disk()?, Meta { format: FORMAT, token: token(), ..Meta::default() })?);
        }
        let mut store = Store::open(&disk()?)?;
        store.set_meta(Meta { clean: false, ..store.meta().of_next_session()? })?;
        store.compact_early();
        Ok(Self::with(Path::new("memory"), store, None, false, None))
    }
}
