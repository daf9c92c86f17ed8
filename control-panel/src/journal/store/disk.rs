//! The layer between redb and a file: it holds back what an open writes until the file is known to be intact, and remembers failures.

use std::{
    io,
    sync::{
        Arc, MutexGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use redb::StorageBackend;

use super::stage::Stage;

use crate::util::mutex::Mutex;

/// The storage of a journal. redb has it by a [`Handle`].
#[derive(Debug)]
pub(crate) struct Disk {
    medium: Box<dyn StorageBackend>,
    /// While there is one, nothing is written to the medium.
    stage: Mutex<Option<Stage>>,
    /// Of the handle that may use it: after a failure redb needs a new one.
    generation: AtomicU64,
    full: AtomicBool,
    sync_failed: AtomicBool,
    changed: AtomicBool,
}

impl Disk {
    /// Nothing reaches the medium until [`settle`](Self::settle).
    pub(crate) fn staged(medium: impl StorageBackend) -> io::Result<Arc<Self>> {
        let stage = Stage::new(medium.len()?);
        Ok(Arc::new(Self {
            medium: Box::new(medium),
            stage: Mutex::new(Some(stage)),
            generation: AtomicU64::new(0),
            full: AtomicBool::new(false),
            sync_failed: AtomicBool::new(false),
            changed: AtomicBool::new(false),
        }))
    }

    /// For redb; the handle before it is refused from now on.
    pub(crate) fn handle(self: &Arc<Self>) -> Handle {
        let generation = self.generation.fetch_add(1, Ordering::AcqRel) + 1;
        Handle { disk: Arc::clone(self), generation }
    }

    /// Writes what was held back, in its order, and holds nothing back any more.
    pub(crate) fn settle(&self) -> io::Result<()> {
        let mut stage = self.stage();
        let Some(staged) = stage.take() else { return Ok(()) };
        staged.play(&*self.medium).inspect_err(|error| self.note(error))
    }

    /// Whether a write failed as there was no room; asking forgets it.
    pub(crate) fn take_full(&self) -> bool {
        self.full.swap(false, Ordering::AcqRel)
    }

    /// Whether a sync ever failed.
    pub(crate) fn sync_failed(&self) -> bool {
        self.sync_failed.load(Ordering::Acquire)
    }

    /// Whether it changed under a reader.
    pub(crate) fn changed(&self) -> bool {
        self.changed.load(Ordering::Acquire)
    }

    fn stage(&self) -> MutexGuard<'_, Option<Stage>> {
        self.stage.lock()
    }

    fn note(&self, error: &io::Error) {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        if matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge) {
            self.full.store(true, Ordering::Release);
        }
    }

    /// The length of the medium, which must not change while it is only read.
    fn check_length(&self, stage: &Stage) -> io::Result<()> {
        if self.medium.len()? == stage.begun_with() {
            return Ok(());
        }
        self.changed.store(true, Ordering::Release);
        Err(io::Error::other("the file changed while it was read"))
    }
}

/// What redb reads and writes through.
#[derive(Debug)]
pub(crate) struct Handle {
    disk: Arc<Disk>,
    generation: u64,
}

impl Handle {
    fn current(&self) -> io::Result<&Disk> {
        if self.disk.generation.load(Ordering::Acquire) == self.generation {
            return Ok(&self.disk);
        }
        Err(io::Error::other("another handle goes on from here"))
    }

    fn write_with(
        &self,
        staged: impl FnOnce(&mut Stage),
        direct: impl FnOnce(&dyn StorageBackend) -> io::Result<()>,
    ) -> io::Result<()> {
        let disk = self.current()?;
        if let Some(stage) = &mut *disk.stage() {
            staged(stage);
            return Ok(());
        }
        if disk.sync_failed() {
            return Err(io::Error::other("an earlier sync failed"));
        }
        direct(&*disk.medium).inspect_err(|error| disk.note(error))
    }
}

/// No locks: those of a journal are its own, and name their holder.
impl StorageBackend for Handle {
    fn len(&self) -> io::Result<u64> {
        let disk = self.current()?;
        let stage = disk.stage();
        stage.as_ref().map_or_else(|| disk.medium.len(), |stage| Ok(stage.len()))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let disk = self.current()?;
        match &*disk.stage() {
            Some(stage) => {
                disk.check_length(stage)?;
                stage.read(&*disk.medium, offset, out)
            }
            None => disk.medium.read(offset, out),
        }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.write_with(|stage| stage.set_len(len), |medium| medium.set_len(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.write_with(Stage::sync, |medium| {
            // Once is enough: the system may drop what it could not write, and report success for the next try.
            medium.sync_data().inspect_err(|_| self.disk.sync_failed.store(true, Ordering::Release))
        })
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.write_with(|stage| stage.write(offset, data), |medium| medium.write(offset, data))
    }
}
