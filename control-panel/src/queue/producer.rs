//! One producer's side of the queue.

mod waiting;

use std::{mem, sync::Arc, task::Waker};

use tokio::time::Instant;

pub(super) use self::waiting::Turn;
use super::{
    Admission, Queue, State,
    batch::{BucketId, ProducerKey},
    block::Block,
    shares::LaneId,
};
use crate::{
    intent::{
        Delivery, Intent,
        order::{Origin, clock_from},
    },
    lifecycle::{
        error::{SendError, TrySendError},
        run_token::RunToken,
    },
    telemetry::SendFigures,
    util::{
        callbacks::Callbacks,
        panics,
        sync::{
            MutexGuard,
            atomic::{AtomicU64, Ordering},
        },
    },
};

/// One producer: the clones of one sender share it, and a worker keeps it across its restarts.
pub(crate) struct Producer<I: Intent> {
    pub(super) queue: Arc<Queue<I>>,
    pub(super) source: I::Source,
    pub(super) origin: Origin,
    pub(super) lane: LaneId,
    pub(super) bucket_id: BucketId,
    pub(super) block: Arc<Block<I>>,
    /// How often the queue had changed when it last had no room for this producer: until it changes again, a
    /// `try_send` is refused without the lock. So a flood of them does not keep the others from it.
    refused_at: AtomicU64,
}

/// For [`refused_at`](Producer::refused_at): it always had room.
const NEVER: u64 = u64::MAX;

/// Why an intent was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    Full,
    Stopping,
    Closed,
    /// The generation that sends has ended.
    Ended,
}

impl Refusal {
    /// The error of a send that waits.
    pub(super) fn with<T>(self, intent: T) -> SendError<T> {
        match self {
            Self::Closed => SendError::Closed(intent),
            Self::Ended => SendError::Ended(intent),
            Self::Full | Self::Stopping => SendError::Stopping(intent),
        }
    }

    /// The error of a send that does not wait.
    fn with_try<T>(self, intent: T) -> TrySendError<T> {
        match self {
            Self::Closed => TrySendError::Closed(intent),
            Self::Ended => TrySendError::Ended(intent),
            Self::Full | Self::Stopping => TrySendError::Full(intent),
        }
    }
}

impl<I: Intent> Queue<I> {
    /// A new producer.
    pub(crate) fn producer(self: &Arc<Self>, source: I::Source) -> Arc<Producer<I>> {
        let mut state = self.lock();
        // A new source has a slot kept for it, which was there for the taking before.
        state.take_back();
        let lane = state.shares.attach(source);
        let (bucket_id, block) = state.place(lane);
        if state.observed {
            block.observe(Instant::now());
        }
        let producer = Producer {
            queue: Arc::clone(self),
            source,
            origin: self.origin(),
            lane,
            bucket_id,
            block,
            refused_at: AtomicU64::new(NEVER),
        };
        // One source more may raise the bound, so that a waiter gets a slot.
        let next = if state.admission == Admission::Open { state.shares.regrant() } else { None };
        // Should `on_ready` panic, the producer is there already to be dropped: no slot stays kept for a source without producers.
        self.hand_on(state, next);
        Arc::new(producer)
    }
}

#[inline(always)]
pub(super) fn has_ended(run: Option<&RunToken>) -> bool {
    run.is_some_and(RunToken::has_ended)
}

impl<I: Intent> Producer<I> {
    pub(super) fn refuse(&self, admission: Admission) -> Refusal {
        self.count_refused();
        match admission {
            Admission::Open => Refusal::Full,
            Admission::Stopping => Refusal::Stopping,
            Admission::Closed | Admission::Discarded => Refusal::Closed,
        }
    }

    pub(super) fn count_refused(&self) {
        self.queue.refusals.refused.fetch_add(1, Ordering::Relaxed);
        self.block.count(SendFigures::refuse);
    }

    /// The slots that intents of this source occupy.
    pub(super) fn occupied(&self) -> usize {
        let mut state = self.queue.lock();
        // What ended frames gave back is free, though not absorbed yet.
        if state.shares.is_unclaimed() {
            self.queue.absorb(&mut state);
        }
        state.occupied(self.lane)
    }

    /// The queue's lock, with this producer's block taken back: what it sends next comes after what is in that.
    pub(super) fn lock(&self) -> MutexGuard<'_, State<I>> {
        loop {
            let mut state = self.queue.lock();
            if state.take_back_of(self.bucket_id) {
                return state;
            }
            drop(state);
            self.block.wait();
        }
    }

    /// The lock for a send. A flood of intents that never wait for a slot, as `latest` ones replace each other and `lossy`
    /// ones are dropped, leaves the lock for moments only, and a frame hits none of them: it goes first.
    #[inline]
    pub(super) fn lock_to_send(&self, delivery: Delivery) -> MutexGuard<'_, State<I>> {
        if delivery != Delivery::Reliable && self.queue.frame_tries.load(Ordering::Relaxed) {
            self.queue.let_frame_go_first();
        }
        self.lock()
    }

    /// Sends an intent, for a run that has not ended, if there is room now.
    ///
    /// Here and in `poll_send` that is looked at under the lock, the block's or the queue's: once an intent of the next
    /// run was accepted, none of this one is, from whatever thread.
    // Into the caller's code: a call would be half of what it costs.
    #[inline(always)]
    pub(super) fn try_send_of(&self, run: Option<&RunToken>, intent: I) -> Result<(), TrySendError<I>> {
        let clock = intent.clock();
        let is_plain = clock.is_none() && intent.delivery() == Delivery::Reliable;
        if is_plain && self.refused_at.load(Ordering::Relaxed) == NEVER {
            if let Some(mut block) = self.block.take(run) {
                block.entries.push(intent);
                return Ok(());
            }
        }
        self.try_unusual(run, clock, intent)
    }

    /// The same for the first step of a waiting send of a local intent, which it takes out of its place.
    #[inline(always)]
    pub(super) fn send_prepaid(&self, run: Option<&RunToken>, intent: &mut Option<I>) -> bool {
        if !intent.as_ref().is_some_and(|intent| intent.delivery() == Delivery::Reliable) {
            return false;
        }
        let Some(mut block) = self.block.take(run) else { return false };
        if let Some(intent) = intent.take() {
            block.entries.push(intent);
        }
        true
    }

    /// The first of a frame, and whatever has no prepaid slot.
    // Out of line, so that the way of most sends stays short.
    #[inline(never)]
    fn try_unusual(
        &self,
        run: Option<&RunToken>,
        clock: Option<u64>,
        intent: I,
    ) -> Result<(), TrySendError<I>> {
        let Some(clock) = clock_from(clock) else { return Err(TrySendError::ZeroClock(intent)) };
        let delivery = intent.delivery();
        let refused_at = self.refused_at.load(Ordering::Relaxed);
        if refused_at != NEVER && delivery == Delivery::Reliable && refused_at == self.queue.changes() {
            self.count_refused();
            let refusal = if has_ended(run) { Refusal::Ended } else { Refusal::Full };
            return Err(refusal.with_try(intent));
        }
        let mut intent = Some(intent);
        let refusal = match self.attempt(run, clock, delivery, &mut intent) {
            Ok(full) => {
                if let Some(state) = full {
                    self.turn_away(state);
                }
                Refusal::Full
            }
            Err(refusal) => refusal,
        };
        let Some(intent) = intent else { return Ok(()) };
        self.count_refused();
        Err(refusal.with_try(intent))
    }

    /// Takes `intent` if there is room for it or one that it replaces, or drops it if that is how it is delivered. Otherwise it is still
    /// there; with the lock, if it may wait for room.
    // Into both callers: as a call it would cost one that does not wait a third more.
    #[inline(always)]
    fn attempt(
        &self,
        run: Option<&RunToken>,
        clock: u64,
        delivery: Delivery,
        intent: &mut Option<I>,
    ) -> Result<Option<MutexGuard<'_, State<I>>>, Refusal> {
        if clock == 0 && delivery == Delivery::Reliable {
            // A clone of this sender was in the middle of a send.
            if let Some(mut block) = self.block.wait_to_take(run) {
                block.entries.extend(intent.take());
                return Ok(None);
            }
        }
        let mut state = self.lock_to_send(delivery);
        let is_closed = state.admission.is_closed();
        if is_closed || has_ended(run) {
            return Err(if is_closed { Refusal::Closed } else { Refusal::Ended });
        }
        if let Some(place) = self.replaces(&mut state, clock, delivery) {
            let older = intent.take().map(|intent| mem::replace(place, intent));
            drop(state);
            drop(older);
            return Ok(None);
        }
        // Before the last look for room: whatever makes some after it is a change.
        let changes = self.queue.changes();
        if self.take(&mut state) {
            let ready = intent.take().is_some_and(|intent| self.push(&mut state, clock, delivery, intent));
            drop(state);
            self.queue.ready.call(ready);
            return Ok(None);
        }
        self.refused_at.store(changes, Ordering::Relaxed);
        if delivery != Delivery::Lossy {
            return Ok(Some(state));
        }
        self.turn_away(state);
        self.queue.refusals.dropped.fetch_add(1, Ordering::Relaxed);
        self.block.count(SendFigures::drop_one);
        drop(intent.take());
        Ok(None)
    }

    /// There was no room, and it does not wait for some.
    #[inline(never)]
    fn turn_away(&self, mut state: MutexGuard<'_, State<I>>) {
        state.shares.refuse();
        let ready = state.is_held_up() && self.queue.ready.signal(&mut state.signalled);
        drop(state);
        if ready {
            // The intent is to come back, whatever becomes of that.
            panics::survive(|| self.queue.ready.call(true));
        }
    }

    /// The intent that this one replaces: the caller puts this one there immediately. It is in the newer one's place by then, not
    /// where it was: behind all that this producer sent before.
    #[inline]
    pub(super) fn replaces<'a>(
        &self,
        state: &'a mut State<I>,
        clock: u64,
        delivery: Delivery,
    ) -> Option<&'a mut I> {
        match delivery {
            Delivery::Latest(key) if clock == 0 => {
                let State { active, accounts, .. } = state;
                let account = &mut accounts[self.bucket_id];
                active.renew(self.bucket_id, key, || {
                    account.count(1);
                    account.number()
                })
            }
            _ => None,
        }
    }

    /// Takes a slot, if there is one.
    #[inline]
    pub(super) fn take(&self, state: &mut State<I>) -> bool {
        state.take(self.bucket_id) || self.take_more(state)
    }

    /// Takes up to so many slots, as many as there are.
    pub(super) fn take_many(&self, state: &mut State<I>, most: usize) -> usize {
        let mut taken = 0;
        let mut at_hand = |state: &mut State<I>| {
            let State { shares, accounts, .. } = state;
            taken += shares.take_many(self.lane, &mut accounts[self.bucket_id].credit, most - taken);
            taken < most
        };
        if at_hand(state) && state.shares.is_unclaimed() && self.queue.absorb(state) {
            at_hand(state);
        }
        if at_hand(state) && state.take_back_unused() {
            at_hand(state);
        }
        taken
    }

    /// Of what frames gave back, or others prepaid and have not used. If there are waiters, it is theirs: the frame that has not served
    /// them yet will.
    #[cold]
    fn take_more(&self, state: &mut State<I>) -> bool {
        let is_unclaimed = state.shares.is_unclaimed();
        (is_unclaimed && self.queue.absorb(state) && state.take(self.bucket_id))
            || (state.take_back_unused() && state.take(self.bucket_id))
    }

    /// Gives back the credit it has.
    pub(super) fn give_back_credit(&self, state: &mut State<I>) {
        let State { shares, accounts, .. } = state;
        shares.give_back(self.lane, &mut accounts[self.bucket_id].credit);
    }

    /// Fills a slot that was granted, and gives the lock back; then wakes `next`, and drops the waker that it `left`.
    pub(super) fn fill(
        &self,
        mut state: MutexGuard<'_, State<I>>,
        clock: u64,
        delivery: Delivery,
        intent: I,
        (left, next): (Option<Waker>, Option<Waker>),
    ) {
        let mut callbacks = Callbacks::default();
        if let Some(place) = self.replaces(&mut state, clock, delivery) {
            // An intent of the same key came first: the slot is not needed.
            let older = mem::replace(place, intent);
            callbacks.call(|| self.give_back(state, 1, next));
            callbacks.discard(left);
            callbacks.discard([older]);
        } else {
            let ready = self.push(&mut state, clock, delivery, intent);
            drop(state);
            callbacks.discard(left);
            callbacks.call(|| self.queue.tell(next, ready));
        }
        callbacks.end();
    }

    /// Puts an intent into the slot that is taken. Returns whether the loop is to be woken, once the lock is given
    /// back.
    #[inline]
    fn push(&self, state: &mut State<I>, clock: u64, delivery: Delivery, intent: I) -> bool {
        let State { active, accounts, signalled, .. } = state;
        let seq = accounts[self.bucket_id].number();
        let producer = || ProducerKey { source: self.source, origin: self.origin, lane: Some(self.lane) };
        match delivery {
            Delivery::Latest(key) if clock == 0 => {
                active.push_latest(self.bucket_id, producer, key, seq, intent);
            }
            _ => active.push(self.bucket_id, producer, clock, seq, intent),
        }
        let ready = self.queue.ready.signal(signalled);
        if clock == 0 {
            self.was_accepted();
        }
        // What comes before a block is counted with it.
        if clock > 0 || !state.prepay(self.bucket_id) {
            state.accounts[self.bucket_id].count(1);
        }
        self.queue.publish_due(state);
        ready
    }

    /// It is not refused without a look any more.
    #[inline]
    fn was_accepted(&self) {
        if self.refused_at.load(Ordering::Relaxed) != NEVER {
            self.refused_at.store(NEVER, Ordering::Relaxed);
        }
    }
}

impl<I: Intent> Drop for Producer<I> {
    fn drop(&mut self) {
        let mut state = self.lock();
        self.give_back_credit(&mut state);
        state.shares.detach(self.lane);
        // The slot kept for this source may go to another now.
        let next = if state.admission == Admission::Open { state.shares.regrant() } else { None };
        state.retire(self.bucket_id);
        self.queue.hand_on(state, next);
    }
}
