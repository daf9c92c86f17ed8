//! One producer's side of the queue.

use std::{
    collections::VecDeque,
    sync::{
        Arc, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    task::Waker,
};

use super::{
    Gate, Queue, State,
    batch::{Producer, Slot},
    line::{Standing, Ticket},
    shares::{Credit, LaneId},
};
use crate::{
    error::TrySendError,
    intent::{Delivery, Intent},
    queued::{Origin, clock_of},
};

/// One producer: the clones of one sender share it, and a worker keeps it across its restarts.
pub(crate) struct Port<I: Intent> {
    pub(super) queue: Arc<Queue<I>>,
    source: I::Source,
    origin: Origin,
    pub(super) lane: LaneId,
    pub(super) slot: Slot,
    /// How often the queue had changed when it last had no room for this producer: until it changes again, a
    /// `try_send` is refused without the lock. So a flood of them does not keep the others from it.
    refused_at: AtomicU64,
}

/// What the queue knows of a producer.
#[derive(Debug, Default)]
pub(super) struct PortState {
    next_seq: u64,
    pub(super) credit: Credit,
}

/// Why an intent was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    Full,
    Stopping,
    Closed,
}

/// What a step of a waiting send came to.
#[derive(Debug)]
pub(super) enum Step {
    Sent,
    Wait,
    Refused(Refusal),
}

impl<I: Intent> Queue<I> {
    /// A new producer.
    pub(crate) fn port(self: &Arc<Self>, source: I::Source) -> Arc<Port<I>> {
        let mut state = self.lock();
        let lane = state.shares.attach(source);
        let slot = if let Some(slot) = state.vacant.pop() {
            state.ports[slot] = PortState::default();
            slot
        } else {
            state.ports.push(PortState::default());
            state.ports.len() - 1
        };
        // One source more may raise the bound, so that one who waits gets a slot.
        let next = if state.gate == Gate::Open { state.shares.regrant() } else { None };
        self.hand_on(state, next);
        Arc::new(Port {
            queue: Arc::clone(self),
            source,
            origin: self.origin(),
            lane,
            slot,
            refused_at: AtomicU64::new(u64::MAX),
        })
    }

    pub(super) fn refuse(&self, gate: Gate) -> Refusal {
        self.counts.refused.fetch_add(1, Ordering::Relaxed);
        match gate {
            Gate::Open => Refusal::Full,
            Gate::Stopping => Refusal::Stopping,
            Gate::Closed | Gate::Discarded => Refusal::Closed,
        }
    }
}

impl<I: Intent> Port<I> {
    pub(crate) fn source(&self) -> I::Source {
        self.source
    }

    pub(crate) fn origin(&self) -> Origin {
        self.origin
    }

    pub(super) fn try_send(&self, intent: I) -> Result<(), TrySendError<I>> {
        let Some(clock) = clock_of(&intent) else { return Err(TrySendError::ZeroClock(intent)) };
        let delivery = intent.delivery();
        if delivery == Delivery::Reliable && self.refused_at.load(Ordering::Relaxed) == self.queue.changes() {
            self.queue.refuse(Gate::Open);
            return Err(TrySendError::Full(intent));
        }
        let mut state = self.queue.lock();
        if state.gate.is_closed() {
            drop(state);
            self.queue.refuse(Gate::Closed);
            return Err(TrySendError::Closed(intent));
        }
        let intent = match self.coalesce(&mut state, clock, delivery, intent) {
            Ok(older) => {
                drop(state);
                drop(older);
                return Ok(());
            }
            Err(intent) => intent,
        };
        if self.take(&mut state) {
            self.accept(state, clock, delivery, intent);
            return Ok(());
        }
        self.refused_at.store(self.queue.changes(), Ordering::Relaxed);
        drop(state);
        if delivery == Delivery::Lossy {
            self.drop_lossy(intent);
            return Ok(());
        }
        self.queue.refuse(Gate::Open);
        Err(TrySendError::Full(intent))
    }

    /// Sends as many of `intents` as there is room for now, first to last; those are gone from it. Stops at the first
    /// that is refused.
    pub(super) fn try_send_many(&self, intents: &mut VecDeque<I>) -> Result<(), TrySendError<()>> {
        while let Some(intent) = intents.pop_front() {
            if let Err(refused) = self.try_send(intent) {
                let (reason, intent) = refused.split();
                intents.push_front(intent);
                return Err(reason);
            }
        }
        Ok(())
    }

    /// One step of a waiting send: takes `intent` if there is room, else leaves a waker behind.
    pub(super) fn poll_send(
        &self,
        clock: u64,
        intent: &mut Option<I>,
        ticket: &mut Option<Ticket>,
        waker: &Waker,
    ) -> Step {
        let Some(delivery) = intent.as_ref().map(Intent::delivery) else { return Step::Sent };
        let mut state = self.queue.lock();
        let Some(waiting) = *ticket else {
            return self.start_send(state, clock, delivery, intent, ticket, waker);
        };
        match state.shares.standing(waiting) {
            Standing::Waiting => {
                let before = state.shares.exchange(waiting, waker.clone());
                drop(state);
                drop(before);
                Step::Wait
            }
            Standing::Granted => {
                *ticket = None;
                let next = self.redeem(&mut state, waiting);
                if let Some(intent) = intent.take() {
                    self.accept(state, clock, delivery, intent);
                }
                next.into_iter().for_each(Waker::wake);
                Step::Sent
            }
            Standing::Dismissed => {
                *ticket = None;
                let (left, _) = state.shares.leave(self.lane, waiting);
                let gate = state.gate;
                drop(state);
                drop(left);
                Step::Refused(self.queue.refuse(gate))
            }
        }
    }

    /// The first step of a send: if there is no room, it queues up.
    fn start_send(
        &self,
        mut state: MutexGuard<'_, State<I>>,
        clock: u64,
        delivery: Delivery,
        intent: &mut Option<I>,
        ticket: &mut Option<Ticket>,
        waker: &Waker,
    ) -> Step {
        let Some(sending) = intent.take() else { return Step::Sent };
        if state.gate.is_closed() {
            *intent = Some(sending);
            drop(state);
            return Step::Refused(self.queue.refuse(Gate::Closed));
        }
        let sending = match self.coalesce(&mut state, clock, delivery, sending) {
            Ok(older) => {
                drop(state);
                drop(older);
                return Step::Sent;
            }
            Err(sending) => sending,
        };
        if self.take(&mut state) {
            self.accept(state, clock, delivery, sending);
            return Step::Sent;
        }
        if delivery == Delivery::Lossy {
            drop(state);
            self.drop_lossy(sending);
            return Step::Sent;
        }
        *intent = Some(sending);
        if state.gate != Gate::Open {
            let gate = state.gate;
            drop(state);
            return Step::Refused(self.queue.refuse(gate));
        }
        *ticket = Some(state.shares.wait(self.lane, waker.clone()));
        self.queue.publish(&state);
        Step::Wait
    }

    /// Lets the intent replace a queued one with its key, which is handed out.
    #[inline]
    fn coalesce(
        &self,
        state: &mut State<I>,
        clock: u64,
        delivery: Delivery,
        intent: I,
    ) -> Result<Option<I>, I> {
        match delivery {
            Delivery::Latest(key) if clock == 0 => state.active.replace(self.slot, key, intent),
            _ => Err(intent),
        }
    }

    fn drop_lossy(&self, intent: I) {
        self.queue.counts.dropped.fetch_add(1, Ordering::Relaxed);
        drop(intent);
    }

    /// A waiting send was given up.
    pub(super) fn leave(&self, ticket: Ticket) {
        let mut state = self.queue.lock();
        let (left, next) = state.shares.leave(self.lane, ticket);
        self.queue.hand_on(state, next);
        drop(left);
    }

    /// Takes the slot that was granted. Returns whom to wake.
    pub(super) fn redeem(&self, state: &mut State<I>, ticket: Ticket) -> Option<Waker> {
        let next = state.shares.redeem(ticket, &mut state.ports[self.slot].credit);
        self.queue.publish(state);
        next
    }

    #[inline]
    pub(super) fn take(&self, state: &mut State<I>) -> bool {
        state.shares.take(self.lane, &mut state.ports[self.slot].credit)
    }

    /// Accepts an intent whose slot is taken, and gives the lock back.
    #[inline]
    pub(super) fn accept(
        &self,
        mut state: MutexGuard<'_, State<I>>,
        clock: u64,
        delivery: Delivery,
        intent: I,
    ) {
        let State { ports, active, .. } = &mut *state;
        let seq = &mut ports[self.slot].next_seq;
        let producer = || Producer { source: self.source, origin: self.origin, lane: Some(self.lane) };
        active.push(self.slot, producer, clock, *seq, intent);
        *seq += 1;
        if let (Delivery::Latest(key), 0) = (delivery, clock) {
            active.mark_latest(self.slot, key);
        }
        let ready = self.queue.signal();
        drop(state);
        self.queue.call_on_ready(ready);
    }
}

impl<I: Intent> Drop for Port<I> {
    fn drop(&mut self) {
        let mut state = self.queue.lock();
        let credit = std::mem::take(&mut state.ports[self.slot].credit);
        state.shares.detach(self.lane, credit);
        // The slot kept for this source may be somebody's now.
        let next = if state.gate == Gate::Open { state.shares.regrant() } else { None };
        if state.active.uses(self.slot) {
            state.retired.push(self.slot);
        } else {
            state.vacant.push(self.slot);
        }
        self.queue.hand_on(state, next);
    }
}
