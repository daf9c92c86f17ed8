//! Sending intents: a bounded queue, in which each source has a share.
//!
//! An [`IntentSender`] sends for one source, from any thread. A send that finds no room waits, or returns the intent in its
//! error: [`SendError`], [`TrySendError`]. [`Permits`] are room reserved before there is an intent.
//!
//! ```
//! use control_panel::{
//!     ControlPanel, GraphIntent, IntentSource, queue::TrySendError,
//! };
//!
//! #[derive(Debug, PartialEq, GraphIntent)]
//! enum Update {
//!     Open(u32),
//! }
//!
//! let mut panel = ControlPanel::<Update>::builder().capacity(4).build();
//! let ui = panel.sender(IntentSource::LocalUI);
//! let refused = (0..).find_map(|n| ui.try_send(Update::Open(n)).err()).unwrap();
//! assert!(matches!(refused, TrySendError::Full(_)));
//! let Update::Open(n) = refused.into_intent();
//! assert_eq!(
//!     panel.drain().count(),
//!     n as usize,
//!     "what was accepted, and nothing else"
//! );
//! ```

// The bounded intent queue, behind one small seam: `Queue` for the panel, `Producer` for senders.
//
// | file | what |
// |---|---|
// | `shares` | how many slots each source may occupy, and in what rounds waiters are granted some: pure |
// | `waiters` | the senders that wait, and which is woken next: pure |
// | `batch` | the intents of one frame, classified when they are accepted: pure |
// | `rests` | what frames that were cut short left, and what joins it in the next: pure |
// | `consumer` | the frame thread's side: takes batches, gives them back |
// | `ready` | tells a loop that there is something to drain |
// | `producer` | one producer's side: accepts, refuses, and waits step by step |
// | `state` | what is under the lock |
// | `block` | slots that a producer took in advance, under a lock of its own |
// | `figures` | what observers read of it |
// | `permits` | slots reserved before there is an intent |
// | `send` | the public sender and its futures |
//
// What senders and frames do to each other, and each race by name: `README.md` beside this file.
//
// This file has the queue's lock; a producer's [block](block) has one of its own, which is all that most sends take. Both are held
// for moments; nothing foreign (a wake, a waker's drop, a callback, an intent's drop) runs under them but a waker's clone and
// the source's order. The frame thread never waits for them: it tries a bounded number of times, and otherwise leaves what it
// has to do to the next frame, which it asks for by `on_ready`.
//
// What one core writes and another reads costs both of them more than anything else here. So what senders write, what
// frames write and what both read are on [cache lines of their own](CachePadded), a frame takes the lock once, and what it gives back at its
// end waits for the first that has use for it.

mod batch;
mod block;
mod consumer;
mod figures;
mod permits;
mod producer;
mod ready;
mod rests;
mod send;
mod shares;
mod state;
mod waiters;

use std::{fmt, ops::Deref, task::Waker};

use self::{
    consumer::{ConsumerState, LOOKS},
    ready::Ready,
    state::{Admission, State},
};
use crate::{
    intent::{Intent, order::Origin},
    telemetry::Counts,
    util::{
        callbacks::Callbacks,
        panics,
        sync::{
            Mutex, MutexGuard,
            atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
            hint, thread,
        },
    },
};

pub(crate) use self::{
    batch::{Batch, Hand, Local},
    figures::Sources,
    producer::Producer,
    ready::OnReady,
};
pub use self::{permits::Permits, send::IntentSender};
pub use crate::lifecycle::error::{SendError, TrySendError};

/// How often the frame thread asks for a lock before it goes on without: for a microsecond or two, many times
/// longer than a sender that is running holds it. In a model, where no time passes, one try has both outcomes.
const TRIES: u32 = if cfg!(all(test, shuttle)) { 1 } else { 12 };

/// What is read here without the lock may be stale, which does no harm, and which no model sees:
/// - `ready`'s signals, `shown` and what `frames` counts are written under the lock alone (`ended` under that of
///   `returned`), so each takes its values in the order of the lock's holders. A thread that was notified of a change (by
///   `on_ready`, a wake, a send that returned) looks after it and sees it, whatever the ordering; one that was not
///   might as well have looked a moment earlier.
/// - `is_late` is set after a frame was put into `late` and reset before `late` is emptied. The lock of `late` is between
///   the two in either case, so a frame that is not taken out leaves it set.
/// - A frame that ends looks for waiters after it had the lock of `returned`; a sender that begins to wait is counted
///   first and has that lock afterwards. Whichever of them has it second sees what the other did before.
pub(crate) struct Queue<I: Intent> {
    state: CachePadded<Mutex<State<I>>>,
    ready: Ready,
    consumer: CachePadded<ConsumerState<I>>,
    published: CachePadded<Published>,
    /// Whether senders are about to run out of slots, or wait for one: a frame that lets them go on does so no longer. It looks at
    /// it again and again, so it is written only where it changes.
    is_due: CachePadded<AtomicBool>,
    refusals: CachePadded<Refusals>,
    /// Whether a frame that met a sender tries for the lock. Hints only: what it protects is under the lock.
    frame_tries: CachePadded<AtomicBool>,
    origins: AtomicU64,
    capacity: usize,
}

/// On cache lines that nothing else is on: a thread that writes it takes nothing else from the other cores. Two lines, because
/// processors fetch them in pairs.
#[repr(align(128))]
struct CachePadded<T>(T);

impl<T> Deref for CachePadded<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.0
    }
}

/// Read without the lock. Changes only where a producer waits, is refused, comes or goes.
#[derive(Debug, Default)]
struct Published {
    /// How many wait or were granted a slot that they have not taken yet. Written under the lock.
    waiting: AtomicUsize,
    /// Counts what may have made room, but for frames that ended. Written under the lock.
    changes: AtomicU64,
}

/// What was handed back or dropped for want of room.
#[derive(Debug, Default)]
struct Refusals {
    refused: AtomicU64,
    dropped: AtomicU64,
}

impl<I: Intent> Queue<I> {
    pub(crate) fn new(capacity: usize, on_ready: Option<OnReady>) -> Self {
        Self {
            state: CachePadded(Mutex::new(State::new(capacity))),
            ready: Ready::new(on_ready),
            consumer: CachePadded(ConsumerState::new()),
            published: CachePadded(Published::default()),
            is_due: CachePadded(AtomicBool::new(false)),
            refusals: CachePadded(Refusals::default()),
            frame_tries: CachePadded(AtomicBool::new(false)),
            origins: AtomicU64::new(1),
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

    /// Exact, unless the lock is not to be had soon: then as of the last frame.
    pub(crate) fn counts(&self) -> Counts {
        let state = try_lock(&self.state);
        let (queued, waiting, active) = match &state {
            Some(state) => (state.queued_now(), state.shares.waiters.pending(), state.active_now()),
            None => (self.consumer.queued(), self.published.waiting.load(Ordering::Relaxed), 0),
        };
        drop(state);
        let accepted = self.consumer.accepted.load(Ordering::Relaxed);
        Counts {
            queued,
            waiting,
            accepted: accepted + active as u64,
            refused: self.refusals.refused.load(Ordering::Relaxed),
            dropped: self.refusals.dropped.load(Ordering::Relaxed),
            drained: self.consumer.drained.load(Ordering::Relaxed),
        }
    }

    /// A shutdown begins: no send waits for a slot any more.
    pub(crate) fn stop_waiting(&self) {
        let mut wakes = Vec::new();
        let mut state = self.lock();
        if state.admission == Admission::Open {
            state.admission = Admission::Stopping;
            state.shares.dismiss(&mut wakes);
        }
        self.publish(&state);
        drop(state);
        self.tell(wakes, false);
    }

    /// Nothing is accepted any more; what was accepted can still be drained.
    pub(crate) fn close(&self) {
        let mut wakes = Vec::new();
        let mut state = self.lock();
        if !state.admission.is_closed() {
            state.admission = Admission::Closed;
            state.shares.dismiss(&mut wakes);
            state.shares.revoke(&mut wakes);
        }
        // One that was refused for want of room looks again, also while a sender in the middle of a send keeps this waiting.
        self.publish(&state);
        // From here on no block is lent.
        while !state.take_back() {
            drop(state);
            thread::yield_now();
            state = self.lock();
        }
        self.publish(&state);
        drop(state);
        self.tell(wakes, false);
    }

    /// Closes the queue and drops what was not drained: the panel is gone. Never panics.
    pub(crate) fn discard(&self) {
        panics::catch(|| self.close()).ok();
        let mut state = self.lock();
        state.admission = Admission::Discarded;
        let mut unread = self.take_all(&mut state);
        drop(state);
        unread.drain(..).for_each(discard);
    }

    // No foreign code but the source's `Ord` runs under it, and none between two halves of a change.
    fn lock(&self) -> MutexGuard<'_, State<I>> {
        self.state.lock()
    }

    /// Bounded: the frame's thread may be descheduled.
    #[cold]
    fn let_frame_go_first(&self) {
        let mut looks = 0..LOOKS;
        while looks.next().is_some() && self.frame_tries.load(Ordering::Relaxed) {
            hint::spin_loop();
        }
    }

    /// The lock for a frame, if it is to be had soon.
    fn lock_for_frame(&self) -> Option<MutexGuard<'_, State<I>>> {
        if let Some(state) = self.state.try_lock() {
            return Some(state);
        }
        self.consumer.met_a_sender();
        self.frame_tries.store(true, Ordering::Relaxed);
        let state = try_lock(&self.state);
        self.frame_tries.store(false, Ordering::Relaxed);
        state
    }

    fn changes(&self) -> u64 {
        self.published.changes.load(Ordering::Acquire) + self.consumer.ended.load(Ordering::Acquire)
    }

    /// Publishes what changed under the lock to readers without it.
    fn publish(&self, state: &State<I>) {
        let Published { changes, waiting } = &*self.published;
        changes.store(changes.load(Ordering::Relaxed).wrapping_add(1), Ordering::Release);
        waiting.store(state.shares.waiters.pending(), Ordering::Relaxed);
        self.publish_due(state);
    }

    /// Publishes whether a frame is due, where frames let senders go on until one is.
    fn publish_due(&self, state: &State<I>) {
        if !state.apart {
            return;
        }
        let is_due = state.is_due(self.capacity);
        if self.is_due.load(Ordering::Relaxed) != is_due {
            self.is_due.store(is_due, Ordering::Relaxed);
        }
    }

    /// Gives the lock back where slots may have been granted between two frames, and wakes the waiters whose turn it is. Should
    /// one stall, a frame wakes the others: it is asked for here, since nothing else may be there to drain.
    fn hand_on(&self, mut state: MutexGuard<'_, State<I>>, turn: impl IntoIterator<Item = Waker>) {
        let wanted = state.shares.is_unwoken() || state.is_held_up();
        let ready = wanted && self.ready.signal(&mut state.signalled);
        self.publish(&state);
        drop(state);
        self.tell(turn, ready);
    }

    /// Wakes senders, and calls the loop if it is to be notified.
    // Out of line, so that the end of most frames, which wake no waiter, stays short.
    #[inline(never)]
    fn tell(&self, senders: impl IntoIterator<Item = Waker>, ready: bool) {
        let mut callbacks = Callbacks::default();
        callbacks.wake(senders);
        if ready {
            callbacks.call(|| self.ready.call(true));
        }
        callbacks.end();
    }

    /// Wakes a sleeping loop for another reason than an intent, which is there to be found by now: asks for two frames, which
    /// may be empty. Never waits.
    pub(crate) fn wake_loop(&self) {
        self.ready.announce();
    }
}

/// A lock, if it is to be had soon.
fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    soon(|| mutex.try_lock())
}

/// A lock, if one of a few tries gets it.
#[inline(always)]
fn soon<T>(try_lock: impl Fn() -> Option<T>) -> Option<T> {
    try_lock().or_else(|| again(try_lock))
}

#[cold]
fn again<T>(try_lock: impl Fn() -> Option<T>) -> Option<T> {
    for attempt in (0..TRIES).skip(1) {
        // Each try takes the lock's cache line from its holder, which would give it back.
        (0..1 << attempt.min(3)).for_each(|_| hint::spin_loop());
        let lock = try_lock();
        if lock.is_some() {
            return lock;
        }
    }
    None
}

/// For a counter that is written under one lock alone: there a load and a store are as good as an addition, and
/// cheaper.
#[inline]
fn add(counter: &AtomicU64, more: u64) {
    counter.store(counter.load(Ordering::Relaxed) + more, Ordering::Release);
}

/// Drops intents that will never be drained, each for itself: one whose drop panics takes no other with it.
#[allow(clippy::boxed_local, reason = "batches are boxed wherever they are")]
fn discard<I: Intent>(mut batch: Box<Batch<I>>) {
    while let Some(queued) = batch.next(true, || true) {
        panics::catch(|| drop(queued)).ok();
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

#[cfg(all(test, shuttle))]
pub(crate) mod models;
