//! The frame thread's side: takes batches out of the queue and gives them back.
//!
//! A frame takes the queue's lock once, to begin. What it has when it ends (free slots, an empty buffer) it leaves where
//! senders look for it once they have no room, and the next frame for its buffer; only if a sender waits for a slot by
//! then does it take the lock again, to grant it.

use std::{collections::VecDeque, mem, task::Waker};

use super::{
    Admission, Batch, Local, Queue, State, add,
    batch::{Freed, ProducerKey},
    discard, soon, try_lock,
};
use crate::{
    intent::Intent,
    util::{
        callbacks::Callbacks,
        spin::{SpinGuard, SpinLock},
        sync::{
            Mutex,
            atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering},
            hint,
        },
    },
};

/// How long a frame lets senders proceed that it would interrupt: for a few microseconds, in which they send a hundred. In
/// a model no time passes.
pub(super) const LOOKS: usize = if cfg!(all(test, shuttle)) { 1 } else { 384 };

/// For how many frames it remembers that it met a sender.
const MEMORY: u32 = 16;

/// What frames write.
pub(super) struct ConsumerState<I: Intent> {
    /// How often the loop had been notified when the last frame began.
    seen: AtomicU64,
    /// Accepted and in no frame, as of the last frame that took the lock.
    queued: AtomicUsize,
    /// Accepted, up to the last frame that began.
    pub(super) accepted: AtomicU64,
    /// Drained, in frames that [gave back](Self::give_back); and how often some did. Written under `returned`'s lock.
    pub(super) drained: AtomicU64,
    pub(super) ended: AtomicU64,
    /// For how many frames more senders are thought to be at work.
    meets: AtomicU32,
    /// How many intents had been refused when the last frame began.
    refused: AtomicU64,
    is_late: AtomicBool,
    /// Intents of the frame loop's own that frames have and have not given back.
    own: AtomicUsize,
    /// Senders take this lock too, but only under the queue's.
    returned: SpinLock<Returned<I>>,
    /// Finished frames whose thread did not get a lock. Met only by frame threads. `None` once the panel is gone.
    late: Mutex<Option<VecDeque<Box<Batch<I>>>>>,
}

/// What frames that ended gave back, not used again yet.
struct Returned<I: Intent> {
    /// Whether a frame has ended at all: credit expires with it, free slots or not.
    ended: bool,
    freed: Freed,
    spare: Option<Box<Batch<I>>>,
}

impl<I: Intent> ConsumerState<I> {
    pub(super) fn new() -> Self {
        Self {
            seen: AtomicU64::new(0),
            queued: AtomicUsize::new(0),
            accepted: AtomicU64::new(0),
            drained: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            meets: AtomicU32::new(0),
            refused: AtomicU64::new(0),
            is_late: AtomicBool::new(false),
            own: AtomicUsize::new(0),
            returned: SpinLock::new(Returned { ended: false, freed: Freed::default(), spare: None }),
            late: Mutex::new(Some(VecDeque::new())),
        }
    }

    pub(super) fn queued(&self) -> usize {
        self.queued.load(Ordering::Relaxed)
    }

    /// A frame found a sender in the lock.
    pub(super) fn met_a_sender(&self) {
        self.meets.store(MEMORY, Ordering::Relaxed);
    }

    #[inline]
    fn try_returned(&self) -> Option<SpinGuard<'_, Returned<I>>> {
        soon(|| self.returned.try_lock())
    }

    /// An empty buffer.
    fn spare(&self) -> Box<Batch<I>> {
        let spare = self.try_returned().and_then(|mut returned| returned.spare.take());
        spare.unwrap_or_else(|| Box::new(Batch::new()))
    }

    /// Leaves what a finished frame has to give: its slots, and its buffer if it is empty. Otherwise it is handed back.
    #[inline]
    fn give_back(
        &self,
        mut returned: SpinGuard<'_, Returned<I>>,
        mut batch: Box<Batch<I>>,
    ) -> Option<Box<Batch<I>>> {
        add(&self.drained, batch.freed().sum() as u64);
        let own = batch.freed().take_own();
        if own > 0 {
            self.own.fetch_sub(own, Ordering::Release);
        }
        returned.freed.append(batch.freed());
        returned.ended = true;
        let is_empty = batch.len() == 0;
        let surplus = if is_empty { returned.spare.replace(batch) } else { Some(batch) };
        add(&self.ended, 1);
        drop(returned);
        // A buffer too many is dropped, which runs nothing of the user's.
        surplus.filter(|_| !is_empty)
    }
}

impl<I: Intent> Queue<I> {
    /// What the next frame consists of: the rest of one that was cut short, with what joins it, or all that is queued now.
    /// `None` if that is nothing, unless `wanted` for the frame loop's own intents: those wait only where others of theirs, which
    /// come first, are in a frame that is not over, or in a rest that is not to be had now.
    pub(crate) fn begin_frame(&self, wanted: bool) -> Option<Box<Batch<I>>> {
        self.ready.frame_begins();
        let is_late = self.consumer.is_late.load(Ordering::Acquire);
        if !wanted && !self.has_intents() {
            return None;
        }
        self.let_go_on();
        let Some(mut state) = self.lock_for_frame() else {
            // Those of the loop's own may be still to come: if others come first, or should `on_ready` panic.
            self.ready.ask(wanted);
            if wanted && self.consumer.own.load(Ordering::Acquire) == 0 {
                let mut own = self.consumer.spare();
                // Its rest comes before all others: there is one such frame at a time, and none has older ones.
                own.number = 0;
                return Some(own);
            }
            return None;
        };
        let first = if is_late { self.absorb_late(&mut state) } else { None };
        // What is sent from here on signals again, and may be another batch's.
        let whole = state.take_back();
        state.signalled = false;
        state.apart |= self.consumer.meets.load(Ordering::Relaxed) > 0;
        self.consumer.seen.store(self.ready.signals(), Ordering::Relaxed);
        let rest = self.take_rest(&mut state, whole);
        let mut batch = rest.unwrap_or_else(|| self.fill(&mut state, whole));
        self.consumer.queued.store(state.queued(), Ordering::Relaxed);
        self.publish_due(&state);
        drop(state);
        batch.wake = first;
        Some(batch)
    }

    /// A frame that meets a sender in the lock costs it a microsecond, the time of a dozen sends; a loop that looks all the
    /// time would do so for every second intent. So where frames meet senders they let them go on for a moment first,
    /// until the next one is [due](State::is_due).
    fn let_go_on(&self) {
        let ConsumerState { meets, refused, .. } = &*self.consumer;
        let met = meets.load(Ordering::Relaxed);
        if met == 0 {
            return;
        }
        meets.store(met - 1, Ordering::Relaxed);
        let now_refused = self.refusals.refused.load(Ordering::Relaxed);
        if refused.swap(now_refused, Ordering::Relaxed) == now_refused {
            let mut looks = 0..LOOKS;
            while looks.next().is_some() && !self.is_due.load(Ordering::Relaxed) {
                hint::spin_loop();
            }
        }
    }

    /// The oldest rest of a frame, with what joins it.
    fn take_rest(&self, state: &mut State<I>, whole: bool) -> Option<Box<Batch<I>>> {
        let State { rests, active, .. } = state;
        let (batch, joined) = rests.take(active, whole)?;
        add(&self.consumer.accepted, joined as u64);
        Some(batch)
    }

    /// Takes the whole of what is queued, and leaves an empty batch to be filled in its place; or what comes before all that is in
    /// busy blocks. Had it more, something of theirs could be handed out a frame later than what was sent after it and sorts
    /// behind it. What is left asks for another frame when this one ends.
    #[inline(always)]
    fn fill(&self, state: &mut State<I>, whole: bool) -> Box<Batch<I>> {
        let mut batch = self.consumer.spare();
        if whole {
            mem::swap(&mut state.active, &mut batch.intents);
            debug_assert!(
                state.active.listed().iter().all(|listed| listed.bucket_id < state.accounts.len()),
                "each is in its own producer's place"
            );
        } else {
            let before = state.before_busy();
            let is_before = |producer: &ProducerKey<_>| before.binary_search(&producer.origin).is_ok();
            batch.intents.join_local(&mut state.active, is_before);
        }
        add(&self.consumer.accepted, batch.len() as u64);
        state.frames += 1;
        batch.number = state.frames;
        state.senders = batch.intents.producers();
        batch
    }

    /// Adds the frame loop's own intents to a frame.
    pub(crate) fn add_own(&self, batch: &mut Batch<I>, local: &mut Vec<Local<I>>) {
        self.consumer.own.fetch_add(local.len(), Ordering::Relaxed);
        batch.add(local);
    }

    /// Ends a frame: frees the slots of what was handed out and keeps what was not.
    pub(crate) fn end_frame(&self, mut batch: Box<Batch<I>>) {
        let Some(first) = batch.wake.take() else { return self.end(batch) };
        let mut callbacks = Callbacks::default();
        callbacks.call(|| first.wake());
        callbacks.call(|| self.end(batch));
        callbacks.end();
    }

    fn end(&self, mut batch: Box<Batch<I>>) {
        batch.settle();
        batch.trim(self.capacity);
        let batch = match self.consumer.try_returned() {
            Some(returned) => self.consumer.give_back(returned, batch),
            None => Some(batch),
        };
        // A sender that begins to wait from here on finds what was given back: it looks there after it was counted. What was left when
        // the last frame began is to be notified of again. What came since was.
        let is_awaited = self.consumer.queued() > 0 || self.published.waiting.load(Ordering::Relaxed) > 0;
        if batch.is_none() && !is_awaited {
            return;
        }
        let Some(mut state) = self.lock_for_frame() else {
            return self.end_late(batch);
        };
        let unread = batch.and_then(|batch| self.finish(&mut state, batch));
        self.absorb(&mut state);
        let first = state.serve();
        let ready = state.wants_frame() && self.ready.signal(&mut state.signalled);
        self.consumer.queued.store(state.queued(), Ordering::Relaxed);
        self.publish(&state);
        drop(state);
        unread.into_iter().for_each(discard);
        self.tell(first, ready);
    }

    /// Leaves the end of a frame to the next one; if there will be none, what is left of it is dropped.
    fn end_late(&self, batch: Option<Box<Batch<I>>>) {
        let mut late = self.consumer.late.lock();
        let Some(frames) = &mut *late else {
            drop(late);
            return batch.into_iter().for_each(discard);
        };
        frames.extend(batch);
        drop(late);
        self.consumer.is_late.store(true, Ordering::Release);
        self.ready.call(true);
    }

    /// Takes a finished frame back. Intents that will never be drained are handed out.
    fn finish(&self, state: &mut State<I>, batch: Box<Batch<I>>) -> Option<Box<Batch<I>>> {
        let rest = self.consumer.give_back(self.consumer.returned.lock(), batch)?;
        if state.admission == Admission::Discarded {
            return Some(rest);
        }
        state.rests.insert(rest);
        None
    }

    /// Ends the frames that could not be ended in time. Returns the waker of the next waiter.
    fn absorb_late(&self, state: &mut State<I>) -> Option<Waker> {
        self.consumer.is_late.store(false, Ordering::Relaxed);
        let late = self.consumer.late.lock().as_mut().map(mem::take).unwrap_or_default();
        for batch in late {
            // After a discard there are none.
            drop(self.finish(state, batch));
        }
        self.absorb(state);
        self.publish(state);
        state.serve()
    }

    /// Under the lock: takes the slots that ended frames gave back. Says whether any did.
    pub(super) fn absorb(&self, state: &mut State<I>) -> bool {
        let State { freed, shares, .. } = state;
        let mut returned = self.consumer.returned.lock();
        if !mem::take(&mut returned.ended) {
            return false;
        }
        mem::swap(freed, &mut returned.freed);
        drop(returned);
        freed.take(|lane, count| shares.release(lane, count));
        state.ended();
        true
    }

    /// For a discard: all intents that will never be drained.
    pub(super) fn take_all(&self, state: &mut State<I>) -> VecDeque<Box<Batch<I>>> {
        let mut all = self.consumer.late.lock().take().unwrap_or_default();
        all.extend(state.rests.take_all());
        all.push_back(self.fill(state, true));
        self.consumer.queued.store(0, Ordering::Relaxed);
        all
    }

    /// Intents accepted and in no frame. Exact, unless the lock is not to be had soon: then as of the last frame.
    pub(crate) fn left(&self) -> usize {
        let state = if self.is_signalled() { try_lock(&self.state) } else { None };
        state.map_or_else(|| self.consumer.queued(), |state| state.queued_now())
    }

    fn is_signalled(&self) -> bool {
        self.ready.signals() != self.consumer.seen.load(Ordering::Relaxed)
    }

    /// Whether there is something for a loop to do: intents, or news that it is to look at.
    pub(crate) fn has_work(&self) -> bool {
        self.has_intents() || self.ready.has_news()
    }

    /// Whether there is something for a frame to do, without the lock: what was queued when the last one began or
    /// ended was counted then, and what came since was signalled.
    fn has_intents(&self) -> bool {
        self.is_signalled() || self.consumer.queued() > 0 || self.consumer.is_late.load(Ordering::Acquire)
    }

    /// Resolves when there is something to drain.
    pub(crate) async fn ready(&self) {
        self.ready.wait(|| self.has_work()).await;
    }
}
