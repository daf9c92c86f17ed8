//! The bounded intent queue, behind one small seam: [`Queue`] for the panel, [`Port`] for senders.
//!
//! | file | what |
//! |---|---|
//! | `shares` | who may occupy how many slots: pure |
//! | `line` | who waits, and who is woken next: pure |
//! | `batch` | the intents of one frame, classified when they are accepted: pure |
//! | `port` | one producer's side: accepts, waits, refuses |
//! | `permits` | slots reserved before there is an intent |
//! | `send` | the public sender and its futures |
//!
//! This file has the lock. There is one, held for moments; nothing foreign (a waker, a callback, an intent's
//! drop) runs under it. The frame thread never waits for it: it tries a bounded number of times, and otherwise
//! leaves what it has to do to the next frame, which it asks for by `on_ready`.

mod batch;
mod line;
mod permits;
mod port;
mod send;
mod shares;

use std::{
    collections::VecDeque,
    fmt, hint, mem,
    sync::{
        Mutex, MutexGuard, PoisonError, TryLockError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    task::Waker,
};

use tokio::sync::Notify;

use self::{port::PortState, shares::Shares};
use crate::{intent::Intent, queued::Origin, supervise::panics};

pub(crate) use self::{
    batch::{Batch, Local},
    port::Port,
};
pub use self::{permits::Permits, send::IntentSender};

/// What the panel calls when a sleeping loop has something to drain.
pub(crate) type OnReady = Box<dyn Fn() + Send + Sync>;

/// How often the frame thread asks for the lock before it goes on without: a microsecond or two, many times
/// longer than a sender that is running holds it.
const TRIES: usize = 64;

pub(crate) struct Queue<I: Intent> {
    state: Mutex<State<I>>,
    /// Finished frames whose thread did not get the lock. Met only by frame threads. `None` once the panel is gone.
    late: Mutex<Option<VecDeque<Box<Batch<I>>>>>,
    is_late: AtomicBool,
    /// Whether `on_ready` was called since the last drain. Written under the lock.
    signalled: AtomicBool,
    counts: Counters,
    /// Counts what may have made room for somebody.
    changes: AtomicU64,
    origins: AtomicU64,
    on_ready: Option<OnReady>,
    /// Wakes those who wait for something to drain.
    ready: Notify,
    capacity: usize,
}

struct State<I: Intent> {
    shares: Shares<I::Source, Waker>,
    gate: Gate,
    ports: Vec<PortState>,
    vacant: Vec<batch::Slot>,
    /// Places of producers that are gone, given away once no batch being filled uses them.
    retired: Vec<batch::Slot>,
    /// Accepted and in no frame yet. In place: a send reaches it by one load less.
    active: Batch<I>,
    /// What frames that were cut short left behind, oldest first.
    rests: VecDeque<Box<Batch<I>>>,
    /// The buffer that the last finished frame gave back.
    spare: Option<Box<Batch<I>>>,
    /// Batches handed out.
    frames: u64,
}

/// How the queue meets a sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gate {
    Open,
    /// A shutdown waits, so nobody drains: what fits is taken, what does not is handed back at once.
    Stopping,
    /// Nothing is taken any more; what was can be drained.
    Closed,
    /// The panel is gone: nothing is drained either.
    Discarded,
}

impl Gate {
    fn is_closed(self) -> bool {
        matches!(self, Self::Closed | Self::Discarded)
    }
}

/// Written under the lock, read without. Nothing is counted at a send that was accepted: the batches know.
#[derive(Debug, Default)]
struct Counters {
    /// As of the last frame that began or ended.
    queued: AtomicUsize,
    waiting: AtomicUsize,
    refused: AtomicU64,
    dropped: AtomicU64,
    drained: AtomicU64,
    /// Accepted, up to the last frame that began.
    accepted: AtomicU64,
}

/// The queue at one moment, and what went through it since the panel was built.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) queued: usize,
    pub(crate) waiting: usize,
    pub(crate) accepted: u64,
    pub(crate) refused: u64,
    pub(crate) dropped: u64,
    pub(crate) drained: u64,
}

impl<I: Intent> Queue<I> {
    pub(crate) fn new(capacity: usize, on_ready: Option<OnReady>) -> Self {
        let state = State {
            shares: Shares::new(capacity),
            gate: Gate::Open,
            ports: Vec::new(),
            vacant: Vec::new(),
            retired: Vec::new(),
            active: Batch::new(),
            rests: VecDeque::new(),
            spare: None,
            frames: 0,
        };
        Self {
            state: Mutex::new(state),
            late: Mutex::new(Some(VecDeque::new())),
            is_late: AtomicBool::new(false),
            signalled: AtomicBool::new(false),
            counts: Counters::default(),
            changes: AtomicU64::new(0),
            origins: AtomicU64::new(1),
            on_ready,
            ready: Notify::new(),
            capacity,
        }
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// The next origin of this panel.
    pub(crate) fn origin(&self) -> Origin {
        Origin(self.origins.fetch_add(1, Ordering::Relaxed))
    }

    /// What the next frame consists of: the rest of one that was cut short, or all that is queued now. `None` if
    /// that is nothing, unless `wanted` for the frame loop's own intents.
    pub(crate) fn begin_frame(&self, wanted: bool) -> Option<Box<Batch<I>>> {
        let is_late = self.is_late.load(Ordering::Acquire);
        if !wanted && !self.has_work() {
            return None;
        }
        let Some(mut state) = self.try_lock() else {
            self.call_on_ready(true);
            return wanted.then(|| Box::new(Batch::new()));
        };
        let late = if is_late { self.absorb_late(&mut state) } else { None };
        self.signalled.store(false, Ordering::Relaxed);
        let batch = if let Some(rest) = state.rests.pop_front() { rest } else { self.next_batch(&mut state) };
        self.publish(&state);
        drop(state);
        late.into_iter().for_each(Waker::wake);
        Some(batch)
    }

    /// What is queued, with an empty batch to be filled in its place.
    fn next_batch(&self, state: &mut State<I>) -> Box<Batch<I>> {
        let mut batch = state.spare.take().unwrap_or_else(|| Box::new(Batch::new()));
        mem::swap(&mut state.active, &mut *batch);
        add(&self.counts.accepted, batch.len() as u64);
        state.frames += 1;
        batch.number = state.frames;
        state.reuse_retired();
        batch
    }

    /// Ends a frame: frees the slots of what was handed out and keeps what was not.
    pub(crate) fn end_frame(&self, mut batch: Box<Batch<I>>) {
        batch.settle();
        batch.trim(self.capacity.saturating_mul(4));
        let Some(mut state) = self.try_lock() else {
            return self.end_late(batch);
        };
        let surplus = self.finish(&mut state, batch);
        let waker = state.shares.end_frame();
        let ready = state.wants_frame() && self.signal();
        self.publish(&state);
        drop(state);
        surplus.into_iter().for_each(discard);
        waker.into_iter().for_each(Waker::wake);
        self.call_on_ready(ready);
    }

    /// Leaves a finished frame to the next one; if there will be none, what is left of it is dropped.
    fn end_late(&self, batch: Box<Batch<I>>) {
        let mut late = self.lock_late();
        let Some(frames) = &mut *late else {
            drop(late);
            return discard(batch);
        };
        frames.push_back(batch);
        drop(late);
        self.is_late.store(true, Ordering::Release);
        self.call_on_ready(true);
    }

    /// Takes a finished frame back. A buffer too many is handed out, and so is what nobody will ever drain.
    fn finish(&self, state: &mut State<I>, mut batch: Box<Batch<I>>) -> Option<Box<Batch<I>>> {
        let mut drained = 0;
        for (lane, count) in batch.freed() {
            drained += count as u64;
            state.shares.free(lane, count);
        }
        add(&self.counts.drained, drained);
        if batch.len() == 0 {
            state.spare.replace(batch)
        } else if state.gate == Gate::Discarded {
            Some(batch)
        } else {
            // Frames may end in another order than they began in.
            let at = state.rests.partition_point(|rest| rest.number < batch.number);
            state.rests.insert(at, batch);
            None
        }
    }

    /// Ends the frames that could not be ended in time. Returns whom to wake.
    fn absorb_late(&self, state: &mut State<I>) -> Option<Waker> {
        self.is_late.store(false, Ordering::Relaxed);
        let late = self.lock_late().as_mut().map(mem::take).unwrap_or_default();
        for batch in late {
            // A buffer too many is empty: its drop runs nothing of the user's. After a discard nothing is absorbed.
            drop(self.finish(state, batch));
        }
        state.shares.end_frame()
    }

    /// Intents accepted and in no frame, as of the last frame that began or ended. Takes no lock.
    pub(crate) fn left(&self) -> usize {
        self.counts.queued.load(Ordering::Relaxed)
    }

    /// Exact, unless the lock is not to be had soon: then as of the last frame.
    pub(crate) fn counts(&self) -> Counts {
        let state = self.try_lock();
        if let Some(state) = &state {
            self.publish(state);
        }
        let active = state.as_ref().map_or(0, |state| state.active.len());
        Counts {
            queued: self.left(),
            waiting: self.counts.waiting.load(Ordering::Relaxed),
            accepted: self.counts.accepted.load(Ordering::Relaxed) + active as u64,
            refused: self.counts.refused.load(Ordering::Relaxed),
            dropped: self.counts.dropped.load(Ordering::Relaxed),
            drained: self.counts.drained.load(Ordering::Relaxed),
        }
    }

    /// A shutdown begins: nobody waits for a slot any more.
    pub(crate) fn stop_waiting(&self) {
        let mut wakes = Vec::new();
        let mut state = self.lock();
        if state.gate == Gate::Open {
            state.gate = Gate::Stopping;
            state.shares.dismiss(&mut wakes);
        }
        self.publish(&state);
        drop(state);
        wakes.into_iter().for_each(Waker::wake);
    }

    /// Nothing is accepted any more; what was accepted can still be drained.
    pub(crate) fn close(&self) {
        let mut wakes = Vec::new();
        let mut state = self.lock();
        if !state.gate.is_closed() {
            state.gate = Gate::Closed;
            state.shares.dismiss(&mut wakes);
            state.shares.revoke(&mut wakes);
        }
        self.publish(&state);
        drop(state);
        wakes.into_iter().for_each(Waker::wake);
    }

    /// Closes the queue and drops what was not drained: the panel is gone.
    pub(crate) fn discard(&self) {
        self.close();
        let mut state = self.lock();
        state.gate = Gate::Discarded;
        let mut unread = self.lock_late().take().unwrap_or_default();
        unread.extend(mem::take(&mut state.rests));
        unread.push_back(self.next_batch(&mut state));
        self.publish(&state);
        drop(state);
        unread.into_iter().for_each(discard);
    }

    fn lock(&self) -> MutexGuard<'_, State<I>> {
        // No foreign code but the source's `Ord` runs under the lock, and none between two halves of a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_late(&self) -> MutexGuard<'_, Option<VecDeque<Box<Batch<I>>>>> {
        self.late.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lock, if it is to be had soon.
    fn try_lock(&self) -> Option<MutexGuard<'_, State<I>>> {
        for _ in 0..TRIES {
            match self.state.try_lock() {
                Ok(state) => return Some(state),
                Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) => hint::spin_loop(),
            }
        }
        None
    }

    fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// Makes what changed under the lock visible to those who look without it.
    fn publish(&self, state: &State<I>) {
        self.changes.store(self.changes.load(Ordering::Relaxed).wrapping_add(1), Ordering::Release);
        self.counts.queued.store(state.queued(), Ordering::Relaxed);
        self.counts.waiting.store(state.shares.pending(), Ordering::Relaxed);
    }

    /// Gives the lock back where slots may have been granted between two frames, and wakes the first who was. Should
    /// that one stall, a frame wakes the others: it is asked for here, since nothing else may be there to drain.
    fn hand_on(&self, state: MutexGuard<'_, State<I>>, first: Option<Waker>) {
        let ready = state.shares.is_unwoken() && self.signal();
        self.publish(&state);
        drop(state);
        first.into_iter().for_each(Waker::wake);
        self.call_on_ready(ready);
    }

    /// Under the lock: whether the loop is to be woken now, which is at most once between two drains.
    fn signal(&self) -> bool {
        let signalled = self.signalled.load(Ordering::Relaxed);
        if !signalled {
            self.signalled.store(true, Ordering::Release);
        }
        !signalled
    }

    /// Whether there is something for a frame to do, told without the lock: what was queued when the last one began or
    /// ended was counted then, and what came since was signalled.
    fn has_work(&self) -> bool {
        self.signalled.load(Ordering::Acquire) || self.left() > 0 || self.is_late.load(Ordering::Acquire)
    }

    /// Resolves when there is something to drain.
    pub(crate) async fn ready(&self) {
        while !self.has_work() {
            // A call stores a permit where nobody waits yet, so none is missed between the look and the wait.
            self.ready.notified().await;
        }
    }

    fn call_on_ready(&self, ready: bool) {
        if ready {
            self.ready.notify_one();
            if let Some(on_ready) = &self.on_ready {
                on_ready();
            }
        }
    }
}

/// For a counter that is written under the lock alone: there a load and a store are as good as an addition, and
/// cheaper.
fn add(counter: &AtomicU64, more: u64) {
    counter.store(counter.load(Ordering::Relaxed) + more, Ordering::Relaxed);
}

/// Drops intents that nobody will drain, each for itself: one whose drop panics takes no other with it.
#[allow(clippy::boxed_local, reason = "batches are boxed wherever they are")]
fn discard<I: Intent>(mut batch: Box<Batch<I>>) {
    while let Some(queued) = batch.next(true, || true) {
        panics::catch(|| drop(queued)).ok();
    }
}

impl<I: Intent> State<I> {
    fn queued(&self) -> usize {
        self.active.len() + self.rests.iter().map(|rest| rest.len()).sum::<usize>()
    }

    /// Whether something is left for another frame. Also where senders were granted slots and not all woken yet:
    /// should the one who is to wake the next stall, that frame does it.
    fn wants_frame(&self) -> bool {
        self.active.len() > 0 || !self.rests.is_empty() || self.shares.is_unwoken()
    }

    /// A new batch is being filled: producers that are gone have nothing in it.
    fn reuse_retired(&mut self) {
        if !self.retired.is_empty() {
            let (active, vacant) = (&self.active, &mut self.vacant);
            self.retired.retain(|&slot| {
                let used = active.uses(slot);
                if !used {
                    vacant.push(slot);
                }
                used
            });
        }
    }
}

impl<I: Intent> fmt::Debug for Queue<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.counts();
        f.debug_struct("Queue")
            .field("queued", &counts.queued)
            .field("waiting", &counts.waiting)
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
