//! The task of a worker whose runs are plain calls. It belongs to no runtime: waking it finds it a thread, on which it
//! runs until it waits; in between it has none. So such a worker can start, end and restart even when no runtime thread
//! is free, and a run never shares its thread with the previous one.

use std::{
    cell::Cell,
    future::Future,
    io, mem,
    pin::Pin,
    sync::{Arc, Weak},
    task::{Context, Poll, Wake, Waker},
    thread,
    time::{Duration, Instant},
};

use tokio::runtime::Handle;

use super::{cell::WorkerCell, home::Home, kinds::Kind, machine::Directive, registry::Registry, task::Task};
use crate::util::{Mutex, clock, deadline, panics, tasks};

/// The delay before the next attempt to start a thread after the operating system refused one, for a worker without a
/// backoff of its own.
const NO_THREAD: Duration = Duration::from_millis(10);

/// A worker's [`OffTask`] as its cell knows it: without its type, for the same reason as a [`Home`].
pub(super) trait Resume: Send + Sync {
    /// The worker's task must ask for its next step. Runs the user's drops, so it must not be called under a lock.
    fn resume(self: Arc<Self>);
}

pub(super) struct OffTask {
    cell: Weak<WorkerCell>,
    registry: Home,
    turn: Mutex<Turn>,
}

enum Turn {
    /// There is nothing to do.
    Parked(Task),
    /// A thread is being found for it.
    Queued(Task),
    Running,
    /// It runs, and must run again.
    Woken,
    Over,
}

impl OffTask {
    pub(super) fn start(cell: &Arc<WorkerCell>, mut task: Task) {
        task.give();
        let (of, registry) = (Arc::downgrade(cell), cell.registry.clone());
        let off = Arc::new(Self { cell: of, registry, turn: Mutex::new(Turn::Parked(task)) });
        // Set once: a cell is spawned once.
        cell.off_task.set(Arc::<Self>::clone(&off)).ok();
        off.resume();
    }

    /// Finds it a thread.
    fn submit(self: &Arc<Self>, cell: &WorkerCell, registry: &Registry) {
        let (off, runtime) = (Arc::clone(self), registry.hosts.runtime.clone());
        if cell.run.kind == Kind::Blocking {
            let entry = Entry(Some(off));
            if deadline::is_paused(&runtime) {
                // Under a test's paused clock it takes its turn on the runtime, so that every run of the test is the
                // same.
                let (pool, name) = (runtime.clone(), cell.name.clone());
                drop(runtime.spawn(async move { entry.line_up(&pool, &name) }));
            } else {
                entry.line_up(&runtime, &cell.name);
            }
            return;
        }
        // A thread's name cannot contain a NUL.
        let name = cell.name.replace('\0', "");
        let spawned = thread::Builder::new().name(name).spawn(move || {
            // As on the pool's threads. A runtime that is gone can be entered too; requests to it then fail.
            let _context = runtime.enter();
            off.run(None);
        });
        if let Err(error) = spawned {
            self.run(Some(error));
        }
    }

    /// Polls it on this thread; with `no_thread`, only to let its run fail.
    fn run(self: &Arc<Self>, no_thread: Option<io::Error>) {
        let mut turn = self.turn.lock();
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
            *self.turn.lock() = Turn::Over;
            return;
        }
        let mut turn = self.turn.lock();
        let woken = matches!(*turn, Turn::Woken);
        *turn = Turn::Parked(task);
        drop(turn);
        match woken {
            true if refused => drop(clock::set(Instant::now() + NO_THREAD, None, waker)),
            true => waker.wake(),
            false => {}
        }
    }

    /// Its runtime is gone, so no thread will come for it.
    fn dismiss(&self) {
        let mut turn = self.turn.lock();
        match mem::replace(&mut *turn, Turn::Over) {
            Turn::Queued(task) => {
                drop(turn);
                drop(task);
            }
            same => *turn = same,
        }
    }
}

impl Resume for OffTask {
    fn resume(self: Arc<Self>) {
        let (Some(cell), Some(registry)) = (self.cell.upgrade(), self.registry.upgrade()) else { return };
        // A decision made after this call comes with a call of its own.
        let directive = registry.next(&cell);
        let mut turn = self.turn.lock();
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
            // It need not wait for a full pool only to learn that it need not run.
            Turn::Queued(task) if directive == Directive::Leave && cell.run.kind == Kind::Blocking => {
                drop(turn);
                drop(task);
            }
            Turn::Running => *turn = Turn::Woken,
            same => *turn = same,
        }
    }
}

/// Woken when its backoff is over, or by itself in order to continue.
impl Wake for OffTask {
    fn wake(self: Arc<Self>) {
        let mut turn = self.turn.lock();
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

thread_local! {
    /// Set while this thread hands an entry to the pool; cleared if the pool refuses it.
    static HANDING: Cell<bool> = const { Cell::new(false) };
}

/// An entry in the pool's queue. A pool that shuts down drops its queue.
struct Entry(Option<Arc<OffTask>>);

impl Entry {
    fn line_up(self, pool: &Handle, name: &str) {
        let Some(off) = self.0.clone() else { return };
        HANDING.set(true);
        // A pool that cannot start any thread panics.
        panics::quietly(|| tasks::spawn_blocking(pool, name, move || self.run()));
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
        // A pool that refuses an entry drops it under its lock: nothing else may happen here.
        if !HANDING.replace(false) {
            off.dismiss();
        }
    }
}
