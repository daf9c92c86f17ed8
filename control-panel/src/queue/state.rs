//! What is under the queue's lock.

use std::{collections::VecDeque, mem, sync::Arc, task::Waker};

use tokio::time::Instant;

use super::{
    batch::{BucketId, Freed, Intents, Listed},
    block::Block,
    rests::Rests,
    shares::{Credit, LaneId, Shares},
    waiters::WaiterId,
};
use crate::intent::{Intent, order::Origin};

/// What is under the lock. What every send touches comes first.
#[repr(C)]
pub(super) struct State<I: Intent> {
    pub(super) admission: Admission,
    /// Whether the loop was notified since the last frame began.
    pub(super) signalled: bool,
    /// How many slots the producers' blocks had when they were lent.
    pub(super) lent: usize,
    /// Whether a frame has met a sender: then frames have a core of their own.
    pub(super) apart: bool,
    /// Accepted and in no frame yet.
    pub(super) active: Box<Intents<I>>,
    pub(super) shares: Shares<I::Source, Waker>,
    /// What frames that were cut short left behind.
    pub(super) rests: Rests<I>,
    /// By place in a batch. As many as were given to producers.
    pub(super) accounts: Vec<Account<I>>,
    /// Places of producers that are gone: first those that the batch being filled does not use.
    retired: VecDeque<BucketId>,
    /// Empty: to be exchanged for what frames gave back.
    pub(super) freed: Freed,
    /// Batches handed out.
    pub(super) frames: u64,
    /// How many producers had local intents in the last of them.
    pub(super) senders: usize,
    /// Whether it is timed how long sends wait.
    pub(super) observed: bool,
}

/// What one producer has of its own. On a cache line of its own, as a frame writes it too.
#[repr(align(64))]
pub(super) struct Account<I> {
    lane: LaneId,
    /// The number of its next intent, as of the last time that its block was taken back.
    next_seq: u64,
    pub(super) credit: Credit,
    /// How many slots its block had when it was lent to the producer. 0: it is empty, and the bucket has its buffer. Otherwise
    /// the figures lack the intent before it too: what they count is written where blocks are taken back, by frames.
    lent: usize,
    pub(super) block: Arc<Block<I>>,
}

impl<I> Account<I> {
    /// The number of the next intent, which gets it. Its block is taken back.
    pub(super) fn number(&mut self) -> u64 {
        debug_assert!(self.lent == 0, "the intents in the block come first");
        self.next_seq += 1;
        self.next_seq - 1
    }

    /// So many more were accepted.
    pub(super) fn count(&self, more: usize) {
        self.block.count(|figures| figures.add_sent(more as u64));
    }
}

/// How the queue meets a sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    Open,
    /// A shutdown waits, so there are no frames: what fits is accepted, what does not is returned immediately.
    Stopping,
    /// Nothing is taken any more; what was can be drained.
    Closed,
    /// The panel is gone: nothing is drained either.
    Discarded,
}

impl Admission {
    pub(super) fn is_closed(self) -> bool {
        matches!(self, Self::Closed | Self::Discarded)
    }
}

impl<I: Intent> State<I> {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            admission: Admission::Open,
            signalled: false,
            lent: 0,
            apart: false,
            active: Box::new(Intents::new()),
            shares: Shares::new(capacity),
            rests: Rests::new(),
            accounts: Vec::new(),
            retired: VecDeque::new(),
            freed: Freed::default(),
            frames: 0,
            senders: 0,
            observed: false,
        }
    }

    pub(super) fn queued(&self) -> usize {
        self.active.len() + self.rests.intents()
    }

    /// When the oldest batch that is in no frame began to be filled.
    pub(super) fn oldest(&self) -> Option<Instant> {
        let active = (self.active.len() > 0).then_some(self.active.accepted_at());
        self.rests.oldest().into_iter().chain(active).min()
    }

    /// Whether something is left for another frame. Also where senders were granted slots and not all woken yet:
    /// should the waiter that is to wake the next stall, that frame does it.
    pub(super) fn wants_frame(&self) -> bool {
        self.has_intents() || self.shares.is_unwoken() || self.is_held_up()
    }

    /// The same, with what is in producers' blocks: the others count those as of the last time that they were taken back, which
    /// is at least one intent for each.
    pub(super) fn queued_now(&self) -> usize {
        self.active_now() + self.rests.intents()
    }

    /// In no frame and no rest.
    pub(super) fn active_now(&self) -> usize {
        let mut sent = 0;
        self.look_at_blocks(|_, used, _| sent += used);
        self.active.len() + sent
    }

    /// The slots of a lane that are in use.
    pub(super) fn occupied(&self, lane: LaneId) -> usize {
        let mut unused = 0;
        self.look_at_blocks(|of, _, left| unused += if of == lane { left } else { 0 });
        self.shares.occupied(lane) - unused
    }

    /// Of each block: its lane, how many of its slots are used, and how many are left. Without those of senders in
    /// the middle of a send.
    fn look_at_blocks(&self, mut each: impl FnMut(LaneId, usize, usize)) {
        if self.lent == 0 {
            return;
        }
        for Listed { bucket_id, .. } in self.active.listed() {
            let Account { lane, lent, block, .. } = &self.accounts[*bucket_id];
            if *lent > 0 {
                block.try_lock().into_iter().for_each(|block| each(*lane, lent - block.slots, block.slots));
            }
        }
    }

    /// Whether a frame that lets senders go on should do so no longer: none of those that wait has a slot, or seven eighths of all
    /// slots were taken since the last frame began. With the rest they go on until that frame ends, and need not wait for it.
    pub(super) fn is_due(&self, capacity: usize) -> bool {
        let (waiting, pending) = (self.shares.waiters.waiting(), self.shares.waiters.pending());
        (waiting > 0 && waiting == pending) || self.active.len() + self.lent >= capacity - capacity / 8
    }

    fn has_intents(&self) -> bool {
        self.active.len() > 0 || !self.rests.is_empty()
    }

    /// Whether only a frame that is asked for frees a slot: none comes for intents.
    pub(super) fn is_held_up(&self) -> bool {
        self.admission == Admission::Open && !self.has_intents() && self.shares.is_held_up()
    }

    /// A place in every batch, and a block, for a new producer.
    pub(super) fn place(&mut self, lane: LaneId) -> (BucketId, Arc<Block<I>>) {
        let block = Arc::new(Block::new(Arc::clone(self.shares.figures(lane))));
        let active = &self.active;
        let vacant = self.retired.front().is_some_and(|&bucket_id| !active.uses(bucket_id));
        let vacant = if vacant { self.retired.pop_front() } else { None };
        let bucket_id = vacant.unwrap_or(self.accounts.len());
        let account =
            Account { lane, next_seq: 0, credit: Credit::default(), lent: 0, block: Arc::clone(&block) };
        match self.accounts.get_mut(bucket_id) {
            Some(place) => *place = account,
            None => self.accounts.push(account),
        }
        self.active.expect(bucket_id);
        (bucket_id, block)
    }

    /// Takes a slot for this producer, if there is one.
    pub(super) fn take(&mut self, bucket_id: BucketId) -> bool {
        let Account { lane, credit, .. } = &mut self.accounts[bucket_id];
        self.shares.take(*lane, credit)
    }

    /// Takes slots in advance for what this producer sends next, and lends it a block of them. False if it has none.
    pub(super) fn prepay(&mut self, bucket_id: BucketId) -> bool {
        let Self { active, shares, accounts, lent, apart, senders, .. } = self;
        let room = active.room_to_prepay(bucket_id);
        if room == 0 {
            return false;
        }
        let account = &mut accounts[bucket_id];
        debug_assert!(account.lent == 0, "it has a block");
        // Unless a clone of the sender is about to find it empty.
        let Some(mut block) = account.block.try_lock() else { return false };
        // Those that sent in the frame before are about to send again: what one took beyond its part, they would take back.
        let producers = active.producers().max(*senders);
        // Beside frames, one part stays free: a flood finds what a frame gave back before it has to wait. A wake takes longer than
        // a frame.
        let parts = producers + usize::from(*apart);
        account.lent = shares.prepay(account.lane, &mut account.credit, room, parts);
        if account.lent > 0 {
            block.lend(account.lent, active.lend(bucket_id), *apart);
            *lent += account.lent;
        }
        account.lent > 0
    }

    /// Takes this producer's block back, if it has one: what it sends next comes after what is in it. Fails while a sender stays
    /// in the middle of a send.
    #[inline(always)]
    pub(super) fn take_back_of(&mut self, bucket_id: BucketId) -> bool {
        let Self { active, shares, accounts, lent, .. } = self;
        let account = &mut accounts[bucket_id];
        if account.lent == 0 {
            return true;
        }
        let Some(mut block) = account.block.try_lock() else { return false };
        let (unused, entries) = block.take_back();
        drop(block);
        *lent -= account.lent;
        let sent = mem::take(&mut account.lent) - unused;
        account.next_seq += sent as u64;
        account.count(1 + sent);
        active.take_back(bucket_id, entries, sent);
        shares.withdraw(account.lane, &mut account.credit, unused);
        true
    }

    /// Takes all blocks back. False if some are [busy](Self::before_busy).
    pub(super) fn take_back(&mut self) -> bool {
        let mut at = 0;
        while self.lent > 0 && at < self.active.listed().len() {
            self.take_back_of(self.active.listed()[at].bucket_id);
            at += 1;
        }
        self.lent == 0
    }

    /// Takes blocks back for a producer without a slot. Returns whether there may be some now: while a waiter has been granted none,
    /// all that is in blocks is credit.
    pub(super) fn take_back_unused(&mut self) -> bool {
        let has_some = self.lent > 0 && self.shares.is_unclaimed();
        if has_some {
            self.take_back();
        }
        has_some
    }

    /// The producers that come before all those whose blocks could not be taken back, by number. That asks the source's order, which
    /// is the user's code and may panic: before anything is moved.
    pub(super) fn before_busy(&self) -> Vec<Origin> {
        let listed = || self.active.listed().iter();
        let busy = listed().filter(|listed| self.accounts[listed.bucket_id].lent > 0);
        let first = busy.map(|listed| listed.producer.name()).min();
        let before = listed().filter(|listed| Some(listed.producer.name()) < first);
        let mut origins: Vec<_> = before.map(|listed| listed.producer.origin).collect();
        origins.sort_unstable();
        origins
    }

    /// Frames ended. What was taken in advance expires with credit, if there is a waiter.
    pub(super) fn ended(&mut self) {
        if self.shares.waiters.pending() > 0 && self.shares.waiters.is_over() {
            self.take_back();
        }
        self.shares.ended();
    }

    /// After that: the waker of the next waiter.
    pub(super) fn serve(&mut self) -> Option<Waker> {
        if self.shares.waiters.is_stalled() {
            self.take_back();
        }
        self.shares.serve()
    }

    /// A producer takes the slot that it was granted. Returns the waker that it left, and the one to wake.
    pub(super) fn claim(
        &mut self,
        bucket_id: BucketId,
        waiter_id: WaiterId,
    ) -> (Option<Waker>, Option<Waker>) {
        if self.shares.waiters.is_last() {
            self.take_back();
        }
        self.shares.claim(waiter_id, &mut self.accounts[bucket_id].credit)
    }

    /// A producer is gone.
    pub(super) fn retire(&mut self, bucket_id: BucketId) {
        if self.active.uses(bucket_id) {
            self.retired.push_back(bucket_id);
        } else {
            self.retired.push_front(bucket_id);
        }
    }
}
