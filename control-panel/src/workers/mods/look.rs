//! The thread that accesses the mods folder. Everything that the file system may delay runs there, one look at a time, and the
//! loader polls for the end of a look instead of waiting for it.
//!
//! It is a plain thread, not a job of the runtime: a file system that never responds (a hanging network mount) would block the
//! end of the runtime too. There is at most one; it ends with the loader, or when the file system responds after that.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, SyncSender, TryRecvError, sync_channel},
    },
    thread,
    time::Duration,
};

use tokio::time::Instant;

use super::{
    control::Shared,
    error::ModError,
    files::{Known, Scan},
    text::plain,
};
use crate::{supervision::PanicReport, workers::lock::lock};

/// How long a look may take before the folder is reported as not responding.
const PATIENCE: Duration = Duration::from_secs(10);

/// The input of a look: what is known of each mod.
type Request = BTreeMap<String, Known>;

/// The function that runs at a look. It is created on the thread, and lives there.
pub(super) type Work = Box<dyn FnMut(&Request) -> Scan>;

/// The loader's side.
pub(super) struct Look {
    shared: Arc<Shared>,
    /// Creates that function on the thread; again after a panic.
    work: Arc<dyn Fn() -> Work + Send + Sync>,
    thread: Option<Thread>,
    /// How long a look may take before the folder is reported as not responding.
    patience: Duration,
    /// Set while a look is in progress.
    running: Option<Running>,
}

struct Thread {
    requests: SyncSender<Request>,
    scans: Mutex<Receiver<Result<Scan, String>>>,
}

struct Running {
    began: std::time::Instant,
    /// When to check whether it takes too long; `None` once that was reported.
    overdue: Option<Instant>,
    _time_stands: TimeStands,
}

impl Look {
    pub(super) fn new(shared: Arc<Shared>, work: impl Fn() -> Work + Send + Sync + 'static) -> Self {
        Self { shared, work: Arc::new(work), thread: None, patience: PATIENCE, running: None }
    }

    pub(super) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// When to call [`poll`](Self::poll) again even if nothing wakes the loader.
    pub(super) fn overdue(&self) -> Option<Instant> {
        self.running.as_ref()?.overdue
    }

    /// Begins a look; the loader is woken when it is done. Does nothing while one is in progress. Does not block.
    pub(super) fn begin(&mut self, known: Request) -> Result<(), ModError> {
        if self.is_running() {
            return Ok(());
        }
        let failed = |why: String| unreadable(&format!("no thread can be started for it: {why}"));
        let thread = match self.thread.take() {
            Some(thread) => thread,
            None => self.start().map_err(|error| failed(error.to_string()))?,
        };
        // There is room: the last one was received.
        thread.requests.try_send(known).map_err(|error| failed(error.to_string()))?;
        self.thread = Some(thread);
        self.running = Some(Running {
            began: std::time::Instant::now(),
            overdue: Some(Instant::now() + self.patience),
            _time_stands: TimeStands::new(),
        });
        Ok(())
    }

    /// Returns the result of a look, once; or that it takes too long, also once. Does not block.
    pub(super) fn poll(&mut self) -> Option<Scan> {
        let running = self.running.as_mut()?;
        let found = lock(&self.thread.as_ref()?.scans).try_recv();
        let ended = match found {
            Ok(ended) => ended,
            Err(TryRecvError::Disconnected) => Err("its thread ended".to_owned()),
            Err(TryRecvError::Empty) => {
                if running.overdue.is_none_or(|overdue| Instant::now() < overdue) {
                    return None;
                }
                // The file system follows the machine's clock, even if the runtime's is paused.
                let patience = self.patience;
                running.overdue = (running.began.elapsed() < patience).then(|| Instant::now() + patience);
                let why = format!("it has not answered for {patience:?}; what runs goes on");
                return running.overdue.is_none().then(|| trouble(&why));
            }
        };
        self.running = None;
        Some(ended.unwrap_or_else(|why| {
            self.thread = None;
            trouble(&format!("the look at it failed: {why}"))
        }))
    }

    fn start(&self) -> std::io::Result<Thread> {
        let (requests, asked) = sync_channel::<Request>(1);
        let (found, scans) = sync_channel(1);
        let (work, shared) = (Arc::clone(&self.work), Arc::clone(&self.shared));
        thread::Builder::new().name("mods-folder".to_owned()).spawn(move || {
            let mut work = work();
            for known in asked {
                let scan = PanicReport::catch(|| work(&known)).map_err(|panic| panic.message().to_owned());
                let ends = scan.is_err();
                // Either the loader is gone, or it waits for this one, and there is room.
                if found.try_send(scan).is_err() {
                    return;
                }
                shared.wake.notify_one();
                if ends {
                    return;
                }
            }
        })?;
        Ok(Thread { requests, scans: Mutex::new(scans) })
    }
}

fn trouble(why: &str) -> Scan {
    Scan { trouble: Some(unreadable(why)), ..Scan::default() }
}

fn unreadable(why: &str) -> ModError {
    ModError::Unreadable { what: "the mods folder".to_owned(), why: plain(why) }
}

/// A runtime whose clock is paused for a test jumps to the next timer as soon as nothing runs. A look is running, but the
/// runtime sees only its own jobs: this job represents the look, and ends with it.
struct TimeStands {
    #[cfg(feature = "testing")]
    _end: std::sync::mpsc::Sender<()>,
}

impl TimeStands {
    fn new() -> Self {
        #[cfg(feature = "testing")]
        let end = {
            let (end, ended) = std::sync::mpsc::channel();
            // Bounded, so that an unresponsive file system does not delay the end of a runtime.
            drop(tokio::task::spawn_blocking(move || _ = ended.recv_timeout(Duration::from_secs(1))));
            end
        };
        Self {
            #[cfg(feature = "testing")]
            _end: end,
        }
    }
}

#[cfg(test)]
mod tests;
