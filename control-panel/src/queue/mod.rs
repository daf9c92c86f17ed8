//! The bounded intent queue, behind one small seam: [`Queue`] for the panel, [`Port`] for senders.
//!
//! [`shares`] decides who may have a slot; this file keeps the intents, the lock and the wakes. Nothing
//! foreign (a waker, a callback, an intent's drop) runs under the lock.

mod send;
mod shares;

use std::{
    cmp::Reverse,
    collections::VecDeque,
    fmt, mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::Waker,
};

use self::shares::{Shares, Standing, Ticket};
use crate::{
    error::TrySendError,
    intent::Intent,
    queued::{Origin, QueuedIntent, Stamp},
    supervise::panics,
};

pub use self::send::IntentSender;

/// What the panel calls when a sleeping loop has something to drain.
pub(crate) type OnReady = Box<dyn Fn() + Send + Sync>;

pub(crate) struct Queue<I: Intent> {
    state: Mutex<State<I>>,
    on_ready: Option<OnReady>,
    origins: AtomicU64,
    capacity: usize,
}

struct State<I: Intent> {
    shares: Shares<I::Source, Waker>,
    gate: Gate,
    /// Accepted and in no frame yet, in order of acceptance.
    queued: Vec<QueuedIntent<I>>,
    /// What frames that were cut short left behind, oldest first.
    rests: VecDeque<Batch<I>>,
    /// The buffer that the last finished frame gave back.
    spare: Option<Batch<I>>,
    /// The empty list of wakers that the last frame gave back.
    wakes: Vec<Waker>,
    /// How many batches were begun.
    batches: u64,
    /// Whether `on_ready` was called since the last drain.
    signalled: bool,
    /// The panel is gone: nobody will drain any more.
    discarded: bool,
    counts: Counts,
}

/// How the queue meets a sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gate {
    Open,
    /// A shutdown waits, so nobody drains: what fits is taken, what does not is handed back at once.
    Stopping,
    Closed,
}

/// Intents since the panel was built.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) accepted: u64,
    pub(crate) refused: u64,
    pub(crate) drained: u64,
    pub(crate) waiting: usize,
}

/// The intents of one frame, last first, so that handing one out is a `pop`.
pub(crate) struct Batch<I: Intent> {
    pub(crate) items: Vec<QueuedIntent<I>>,
    /// The slots of what was handed out, by source, sorted.
    freed: Vec<(I::Source, usize)>,
    /// Its number, so that rests stay in the order of their frames.
    number: u64,
}

/// Why an intent was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    Full,
    Stopping,
    Closed,
}

impl<I: Intent> Queue<I> {
    pub(crate) fn new(capacity: usize, on_ready: Option<OnReady>) -> Self {
        let state = State {
            shares: Shares::new(capacity),
            gate: Gate::Open,
            queued: Vec::new(),
            rests: VecDeque::new(),
            spare: None,
            wakes: Vec::new(),
            batches: 0,
            signalled: false,
            discarded: false,
            counts: Counts::default(),
        };
        Self { state: Mutex::new(state), on_ready, origins: AtomicU64::new(1), capacity }
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// The next origin of this panel.
    pub(crate) fn origin(&self) -> Origin {
        Origin(self.origins.fetch_add(1, Ordering::Relaxed))
    }

    /// A new producer.
    pub(crate) fn port(self: &Arc<Self>, source: I::Source) -> Arc<Port<I>> {
        let mut wakes = Vec::new();
        let mut state = self.lock();
        state.shares.attach(source);
        if state.gate == Gate::Open {
            // One more source may raise the bound.
            state.shares.grant(&mut wakes);
        }
        drop(state);
        wakes.into_iter().for_each(Waker::wake);
        Arc::new(Port { queue: Arc::clone(self), source, origin: self.origin(), seq: AtomicU64::new(0) })
    }

    /// What the next frame consists of: the rest of one that was cut short, or all that is queued now. Not sorted: the
    /// user's `Ord` may panic, so the frame that owns the batch does that.
    pub(crate) fn begin_frame(&self) -> Batch<I> {
        let mut state = self.lock();
        state.signalled = false;
        if let Some(rest) = state.rests.pop_front() {
            return rest;
        }
        let mut batch = state.spare.take().unwrap_or_default();
        mem::swap(&mut batch.items, &mut state.queued);
        batch.number = state.batches;
        state.batches += 1;
        batch
    }

    /// Ends a frame: frees the slots of what was handed out and keeps what was not.
    pub(crate) fn end_frame(&self, mut batch: Batch<I>) {
        let mut surplus = None;
        let mut state = self.lock();
        let mut wakes = mem::take(&mut state.wakes);
        for (source, count) in batch.freed.drain(..) {
            state.counts.drained += count as u64;
            state.shares.free(source, count);
        }
        if state.gate == Gate::Open {
            state.shares.grant(&mut wakes);
        }
        if state.discarded {
            surplus = Some(batch);
        } else if batch.items.is_empty() {
            // A frame's local intents are not bounded by the capacity, so neither would the buffer be.
            batch.items.shrink_to(self.capacity.saturating_mul(2));
            surplus = state.spare.replace(batch);
        } else {
            let at = state.rests.partition_point(|rest| rest.number < batch.number);
            state.rests.insert(at, batch);
        }
        let ready = state.signal_if_any();
        drop(state);
        if let Some(surplus) = surplus {
            surplus.discard();
        }
        wakes.drain(..).for_each(Waker::wake);
        self.give_back_wakes(wakes);
        self.call_on_ready(ready);
    }

    /// Intents accepted and not handed out yet, those of unfinished frames included.
    pub(crate) fn len(&self) -> usize {
        let state = self.lock();
        state.queued.len() + state.rests.iter().map(|rest| rest.items.len()).sum::<usize>()
    }

    pub(crate) fn counts(&self) -> Counts {
        self.lock().counts
    }

    /// A shutdown begins: nobody waits for a slot any more.
    pub(crate) fn stop_waiting(&self) {
        let mut wakes = Vec::new();
        let mut state = self.lock();
        if state.gate == Gate::Open {
            state.gate = Gate::Stopping;
            state.shares.dismiss(&mut wakes);
        }
        drop(state);
        wakes.into_iter().for_each(Waker::wake);
    }

    /// Nothing is accepted any more; what was accepted can still be drained.
    pub(crate) fn close(&self) {
        let mut wakes = Vec::new();
        let mut state = self.lock();
        if state.gate != Gate::Closed {
            state.gate = Gate::Closed;
            state.shares.dismiss(&mut wakes);
            state.shares.revoke();
        }
        drop(state);
        wakes.into_iter().for_each(Waker::wake);
    }

    /// Closes the queue and drops what was not drained: the panel is gone.
    pub(crate) fn discard(&self) {
        self.close();
        let mut state = self.lock();
        state.discarded = true;
        let queued = Batch { items: mem::take(&mut state.queued), ..Batch::default() };
        let unread = mem::take(&mut state.rests);
        let spare = state.spare.take();
        drop(state);
        unread.into_iter().chain([queued]).chain(spare).for_each(Batch::discard);
    }

    fn lock(&self) -> MutexGuard<'_, State<I>> {
        // No foreign code but the source's `Ord` runs under the lock, and none between two halves of a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the list of wakers for the next frame, so that a frame allocates nothing.
    fn give_back_wakes(&self, wakes: Vec<Waker>) {
        if wakes.capacity() > 0 {
            self.lock().wakes = wakes;
        }
    }

    fn call_on_ready(&self, ready: bool) {
        if let (true, Some(on_ready)) = (ready, &self.on_ready) {
            on_ready();
        }
    }
}

impl<I: Intent> State<I> {
    /// Whether the loop is to be woken now: at most once between two drains.
    fn signal_if_any(&mut self) -> bool {
        let any = !self.queued.is_empty() || !self.rests.is_empty();
        any && !mem::replace(&mut self.signalled, true)
    }

    /// Accepts an intent whose slot is taken already.
    fn accept(&mut self, port: &Port<I>, stamp: Stamp, intent: I) -> bool {
        let seq = port.seq.fetch_add(1, Ordering::Relaxed);
        self.queued.push(QueuedIntent::stamped(stamp, port.source, port.origin, seq, intent));
        self.counts.accepted += 1;
        self.signal_if_any()
    }

    fn refusal(&mut self) -> Refusal {
        self.counts.refused += 1;
        match self.gate {
            Gate::Open => Refusal::Full,
            Gate::Stopping => Refusal::Stopping,
            Gate::Closed => Refusal::Closed,
        }
    }
}

impl<I: Intent> Batch<I> {
    /// Adds intents that were never queued, and leaves `local` empty.
    pub(crate) fn add(&mut self, local: &mut Vec<QueuedIntent<I>>) {
        if !local.is_empty() {
            self.items.append(local);
            self.sort();
        }
    }

    pub(crate) fn sort(&mut self) {
        self.items.sort_unstable_by_key(|queued| Reverse(queued.causality_order()));
    }

    /// Drops what nobody will read. An intent's drop is the user's code: its panic is told to the hook, and neither keeps
    /// the others from being dropped nor makes the drop of the panel panic.
    fn discard(self) {
        for queued in self.items {
            panics::catch(|| drop(queued)).ok();
        }
    }

    /// Counts the slot of an intent that is being handed out.
    pub(crate) fn free_slot(&mut self, source: I::Source) {
        match self.freed.binary_search_by(|(known, _)| known.cmp(&source)) {
            Ok(at) => self.freed[at].1 += 1,
            Err(at) => self.freed.insert(at, (source, 1)),
        }
    }
}

impl<I: Intent> Default for Batch<I> {
    fn default() -> Self {
        Self { items: Vec::new(), freed: Vec::new(), number: 0 }
    }
}

impl<I: Intent> fmt::Debug for Queue<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("Queue")
            .field("queued", &state.queued.len())
            .field("held", &state.shares.held())
            .field("capacity", &self.capacity)
            .field("gate", &state.gate)
            .finish_non_exhaustive()
    }
}

/// One producer: the clones of one sender share it, and a worker keeps it across its restarts.
pub(crate) struct Port<I: Intent> {
    queue: Arc<Queue<I>>,
    source: I::Source,
    origin: Origin,
    seq: AtomicU64,
}

impl<I: Intent> Port<I> {
    pub(crate) fn source(&self) -> I::Source {
        self.source
    }

    pub(crate) fn origin(&self) -> Origin {
        self.origin
    }

    fn try_send(&self, intent: I) -> Result<(), TrySendError<I>> {
        let Some(stamp) = Stamp::of(&intent) else { return Err(TrySendError::ZeroClock(intent)) };
        let mut state = self.queue.lock();
        if state.gate == Gate::Closed || !state.shares.take(self.source) {
            let refusal = state.refusal();
            drop(state);
            return Err(match refusal {
                Refusal::Full | Refusal::Stopping => TrySendError::Full(intent),
                Refusal::Closed => TrySendError::Closed(intent),
            });
        }
        let ready = state.accept(self, stamp, intent);
        drop(state);
        self.queue.call_on_ready(ready);
        Ok(())
    }

    /// One step of a waiting send: takes `intent` if there is room, else leaves `waker` behind.
    fn poll_send(
        &self,
        stamp: Stamp,
        intent: &mut Option<I>,
        ticket: &mut Option<Ticket>,
        waker: Waker,
    ) -> Step {
        let mut state = self.queue.lock();
        let (standing, old) = match *ticket {
            Some(ticket) => state.shares.standing(self.source, ticket, waker),
            None if state.gate == Gate::Closed => (Standing::Dismissed, Some(waker)),
            None if state.shares.take(self.source) => (Standing::Granted, Some(waker)),
            None if state.gate == Gate::Stopping => (Standing::Dismissed, Some(waker)),
            None => {
                *ticket = Some(state.shares.wait(self.source, waker));
                state.counts.waiting += 1;
                (Standing::Waiting, None)
            }
        };
        let mut ready = false;
        let step = match standing {
            Standing::Waiting => Step::Wait,
            Standing::Dismissed => Step::Refused(state.refusal()),
            Standing::Granted => {
                if let Some(ticket) = *ticket {
                    state.shares.redeem(self.source, ticket);
                }
                ready = intent.take().is_some_and(|intent| state.accept(self, stamp, intent));
                Step::Sent
            }
        };
        if !matches!(step, Step::Wait) && ticket.take().is_some() {
            state.counts.waiting -= 1;
        }
        drop(state);
        drop(old);
        self.queue.call_on_ready(ready);
        step
    }

    /// A waiting send was given up.
    fn leave(&self, ticket: Ticket) {
        let mut wakes = Vec::new();
        let mut state = self.queue.lock();
        state.counts.waiting -= 1;
        let old = state.shares.leave(self.source, ticket, &mut wakes);
        drop(state);
        drop(old);
        wakes.into_iter().for_each(Waker::wake);
    }
}

impl<I: Intent> Drop for Port<I> {
    fn drop(&mut self) {
        let mut wakes = Vec::new();
        let mut state = self.queue.lock();
        state.shares.detach(self.source);
        if state.gate == Gate::Open {
            // The slot kept for this source may be somebody's now.
            state.shares.grant(&mut wakes);
        }
        drop(state);
        wakes.into_iter().for_each(Waker::wake);
    }
}

/// What a step of a waiting send came to.
#[derive(Debug)]
enum Step {
    Sent,
    Wait,
    Refused(Refusal),
}
