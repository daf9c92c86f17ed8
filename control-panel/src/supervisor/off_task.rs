//! The task of a worker whose generations are plain calls. It belongs to no runtime: whoever wakes it finds it a thread, on
//! which it runs until it waits; in between it has none. So such a worker starts, ends and is restarted also where no thread
//! of the runtime is free, and a generation never shares its thread with the one before.

use std::{
    cell::Cell,
    fmt,
    future::Future,
    io, mem,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::{Context, Poll, Wake, Waker},
    thread,
    time::{Duration, Instant},
};

use tokio::runtime::Handle;

use super::{cell::WorkerCell, kinds::Kind, machine::Directive, registry::Registry, task::Task};
use crate::util::{clock, deadline, panics};

/// Where the operating system refused a thread and the worker is not to wait before it tries again, it waits for this.
const NO_THREAD: Duration = Duration::from_millis(10);

pub(super) struct OffTask {
    cell: Weak<WorkerCell>,
    registry: Weak<Registry>,
    turn: Mutex<Turn>,
}

enum Turn {
    /// Nothing is to be done.
    Parked(Task),
    /// A thread is on its way.
    Queued(Task),
    Running,
    /// It runs, and is to run again.
    Woken,
    Over,
}

impl OffTask {
    pub(super) fn start(cell: &Arc<WorkerCell>, mut task: Task) {
        task.give();
        let (of, registry) = (Arc::downgrade(cell), cell.registry.clone());
        let off = Arc::new(Self { cell: of, registry, turn: Mutex::new(Turn::Parked(task)) });
        cell.set_off_task(Arc::clone(&off));
        off.resume();
    }

    /// The worker's task is to look what it is to do. Runs the user's drops: not to be called under a lock.
    pub(super) fn resume(self: &Arc<Self>) {
        let (Some(cell), Some(registry)) = (self.cell.upgrade(), self.registry.upgrade()) else { return };
        // What is decided after this look comes with a look of its own.
        let directive = registry.next(&cell);
        let mut turn = self.lock();
        match mem::replace(&mut *turn, Turn::Over) {
            Turn::Parked(mut task) if directive == Directive::Wait => {
                task.wait();
                *turn = Turn::Parked(task);
            }
            Turn::Parked(task) => {
                *turn = Turn::Queued(task);
                drop(turn);
                self.submit(&cell, &registry);
            }
            // It does not wait for a pool that is full to be told that it need not run.
            Turn::Queued(task) if directive == Directive::Leave && cell.kind == Kind::Blocking => {
                drop(turn);
                drop(task);
            }
            Turn::Running => *turn = Turn::Woken,
            same => *turn = same,
        }
    }

    /// Finds it a thread.
    fn submit(self: &Arc<Self>, cell: &WorkerCell, registry: &Registry) {
        let (off, runtime) = (Arc::clone(self), registry.hosts.runtime.clone());
        if cell.kind == Kind::Blocking {
            let entry = Entry(Some(off));
            if deadline::is_paused(&runtime) {
                // A test's runtime gets to it in its turn, so that every run of the test is the same.
                let pool = runtime.clone();
                drop(runtime.spawn(async move { entry.line_up(&pool) }));
            } else {
                entry.line_up(&runtime);
            }
            return;
        }
        // A thread's name cannot hold a NUL.
        let name = cell.name.replace('\0', "");
        let spawned = thread::Builder::new().name(name).spawn(move || {
            // As in the pool. A runtime that is gone can be entered too; what is asked of it then fails.
            let _context = runtime.enter();
            off.run(None);
        });
        if let Err(error) = spawned {
            self.run(Some(error));
        }
    }

    /// Polls it, on this thread; or without a thread that it could run on.
    fn run(self: &Arc<Self>, no_thread: Option<io::Error>) {
        let mut turn = self.lock();
        let mut task = match mem::replace(&mut *turn, Turn::Running) {
            Turn::Queued(task) => task,
            other => {
                *turn = other;
                return;
            }
        };
        drop(turn);
        let refused = no_thread.is_some();
        task.set_no_thread(no_thread.map(|error| Arc::new(error) as _));
        let waker = Waker::from(Arc::clone(self));
        if let Poll::Ready(()) = Pin::new(&mut task).poll(&mut Context::from_waker(&waker)) {
            *self.lock() = Turn::Over;
            return;
        }
        let mut turn = self.lock();
        let woken = matches!(*turn, Turn::Woken);
        *turn = Turn::Parked(task);
        drop(turn);
        match woken {
            true if refused => drop(clock::set(Instant::now() + NO_THREAD, None, waker)),
            true => waker.wake(),
            false => {}
        }
    }

    /// No thread comes for it any more: its runtime is gone.
    fn dismiss(&self) {
        let mut turn = self.lock();
        match mem::replace(&mut *turn, Turn::Over) {
            Turn::Queued(task) => {
                drop(turn);
                drop(task);
            }
            same => *turn = same,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Its backoff is over, or it woke itself to go on.
impl Wake for OffTask {
    fn wake(self: Arc<Self>) {
        let mut turn = self.lock();
        match mem::replace(&mut *turn, Turn::Over) {
            Turn::Parked(task) => {
                *turn = Turn::Queued(task);
                drop(turn);
                if let (Some(cell), Some(registry)) = (self.cell.upgrade(), self.registry.upgrade()) {
                    registry.due(&cell);
                    self.submit(&cell, &registry);
                }
            }
            Turn::Running => *turn = Turn::Woken,
            same => *turn = same,
        }
    }
}

impl fmt::Debug for OffTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OffTask").finish_non_exhaustive()
    }
}

thread_local! {
    /// Whether this thread hands an entry to the pool, which has not refused it.
    static HANDING: Cell<bool> = const { Cell::new(false) };
}

/// A place in the pool's line. A pool that is gone drops its line.
struct Entry(Option<Arc<OffTask>>);

impl Entry {
    fn line_up(self, pool: &Handle) {
        let Some(off) = self.0.clone() else { return };
        HANDING.set(true);
        // A pool that can start no thread at all says so by a panic.
        panics::quietly(|| drop(pool.spawn_blocking(move || self.run())));
        if !HANDING.replace(false) {
            off.dismiss();
        }
    }

    fn run(mut self) {
        if let Some(off) = self.0.take() {
            off.run(None);
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let Some(off) = self.0.take() else { return };
        // A pool that refuses an entry holds its lock meanwhile: nothing else may happen there.
        if !HANDING.replace(false) {
            off.dismiss();
        }
    }
}
