//! What a batch consists of, as senders fill it.

mod order;
mod room;

use std::mem;

use tokio::time::Instant;

use super::{
    BucketId, Local,
    bucket::{Bucket, ProducerKey},
    clocked::Clocked,
    freed::Freed,
};
use crate::{
    intent::{Intent, LatestKey, order::Origin},
    queue::shares::LaneId,
};

/// What a batch consists of. The queue has those in its hand that senders fill; a frame swaps them for its own. What
/// a send touches comes first.
#[repr(C)]
pub(in crate::queue) struct Intents<I: Intent> {
    /// What was accepted, less what was handed out by the last time that was counted.
    pub(super) len: usize,
    pub(super) buckets: Vec<Bucket<I>>,
    /// The producers of these intents, and of frames before: mostly the same ones come again, and are in order already.
    pub(super) order: Vec<Listed<I::Source>>,
    /// So many of them are in order.
    sorted: usize,
    /// By bucket: its place in `order`, if it has one.
    ranks: Vec<u32>,
    /// How many buckets are in use.
    producers: usize,
    /// Whether some producer's bucket may be in another place than its own.
    displaced: bool,
    pub(super) clocked: Clocked<I>,
    /// When the first was accepted: a clock reading an intent would cost more than the rest.
    pub(super) accepted_at: Instant,
    /// The buckets before this one are in use, or a producer's.
    full: BucketId,
    /// Whether there may be more room for intents than there should be.
    grown: bool,
    /// For how many frames there was.
    overfull: u32,
}

/// So many buckets are made at least, and so many idle producers are remembered.
const FEW: usize = 8;

/// A producer, and its bucket.
#[derive(Clone, Copy)]
pub(in crate::queue) struct Listed<S> {
    pub(in crate::queue) producer: ProducerKey<S>,
    pub(in crate::queue) bucket_id: BucketId,
}

impl<I: Intent> Intents<I> {
    pub(in crate::queue) fn new() -> Self {
        Self {
            len: 0,
            buckets: Vec::new(),
            order: Vec::new(),
            sorted: 0,
            ranks: Vec::new(),
            producers: 0,
            displaced: false,
            clocked: Clocked::new(),
            accepted_at: Instant::now(),
            full: 0,
            grown: false,
            overfull: 0,
        }
    }

    /// When its first intent was accepted, if it has any.
    pub(in crate::queue) fn accepted_at(&self) -> Instant {
        self.accepted_at
    }

    /// Intents in it.
    #[inline]
    pub(in crate::queue) fn len(&self) -> usize {
        self.len
    }

    /// One more.
    #[inline]
    fn count(&mut self) {
        if self.len == 0 {
            self.accepted_at = Instant::now();
        }
        self.len += 1;
    }

    /// Adds an intent whose slot is taken.
    #[inline]
    pub(in crate::queue) fn push(
        &mut self,
        bucket_id: BucketId,
        producer: impl FnOnce() -> ProducerKey<I::Source>,
        clock: u64,
        seq: u64,
        intent: I,
    ) {
        self.count();
        if clock > 0 {
            self.expect(bucket_id);
            let clocked = &mut self.buckets[bucket_id].clocked;
            let number = *clocked.get_or_insert_with(|| self.clocked.enter(producer(), Some(bucket_id)));
            return self.clocked.push(number, clock, seq, intent);
        }
        let bucket = self.bucket(bucket_id, producer, seq);
        let full = bucket.is_full();
        if full {
            bucket.grow();
        }
        bucket.push(seq, intent);
        self.grown |= full || bucket.is_cold();
    }

    /// A producer's bucket, in use from this number on if it was not before.
    #[inline]
    fn bucket(
        &mut self,
        bucket_id: BucketId,
        producer: impl FnOnce() -> ProducerKey<I::Source>,
        seq: u64,
    ) -> &mut Bucket<I> {
        self.expect(bucket_id);
        if self.buckets[bucket_id].is_unused() {
            self.list(Listed { producer: producer(), bucket_id });
            self.buckets[bucket_id].begin(seq);
        }
        &mut self.buckets[bucket_id]
    }

    /// How many slots a producer may prepay.
    pub(in crate::queue) fn room_to_prepay(&self, bucket_id: BucketId) -> usize {
        self.buckets.get(bucket_id).map_or(0, Bucket::room_to_prepay)
    }

    /// A producer's buffer, for as many more as it has room for.
    pub(in crate::queue) fn lend(&mut self, bucket_id: BucketId) -> Vec<I> {
        self.buckets[bucket_id].lend_buffer()
    }

    /// The buffer comes back, with so many more in it.
    #[inline]
    pub(in crate::queue) fn take_back(&mut self, bucket_id: BucketId, entries: Vec<I>, more: usize) {
        self.len += more;
        self.buckets[bucket_id].return_buffer(entries, more);
    }

    /// The producers that have local intents in here, and some others, with their buckets.
    #[inline]
    pub(in crate::queue) fn listed(&self) -> &[Listed<I::Source>] {
        &self.order
    }

    /// How many producers have local intents in here.
    pub(in crate::queue) fn producers(&self) -> usize {
        self.producers
    }

    /// Adds a local intent whose slot is taken, and which a newer one of its key may replace.
    pub(in crate::queue) fn push_latest(
        &mut self,
        bucket_id: BucketId,
        producer: impl FnOnce() -> ProducerKey<I::Source>,
        key: LatestKey,
        seq: u64,
        intent: I,
    ) {
        self.count();
        self.bucket(bucket_id, producer, seq).push_numbered(Some(key), seq, intent);
        self.grown = true;
    }

    /// The intent that one with this key replaces. It gets the number that the newer one has: the caller puts that there.
    pub(in crate::queue) fn renew(
        &mut self,
        bucket_id: BucketId,
        key: LatestKey,
        seq: impl FnOnce() -> u64,
    ) -> Option<&mut I> {
        self.buckets.get_mut(bucket_id)?.renew(key, seq)
    }

    /// A producer has this bucket. Called when it comes: what the room costs is its own, and not its first intent's.
    #[inline]
    pub(in crate::queue) fn expect(&mut self, bucket_id: BucketId) {
        if bucket_id >= self.buckets.len() {
            self.add_buckets(bucket_id);
        }
    }

    // Out of line, so that `push` stays short.
    #[cold]
    fn add_buckets(&mut self, bucket_id: BucketId) {
        let more = (bucket_id + 1).saturating_sub(self.buckets.len());
        if bucket_id >= self.buckets.capacity() {
            // A few at first, since a panel has a few; then, as they are moved each time, half as many again.
            self.buckets.reserve_exact(more.max(self.buckets.len() / 2).max(FEW));
        }
        self.buckets.resize_with(bucket_id + 1, Bucket::new);
        self.ranks.resize(bucket_id + 1, 0);
        self.order.reserve(self.buckets.len() - self.order.len());
    }

    /// Adds the frame loop's own, which hold no slots.
    pub(super) fn add(&mut self, Local { source, origin, clock, seq, intent }: Local<I>) {
        let producer = ProducerKey { source, origin, lane: None };
        if clock == 0 {
            let bucket_id = self.slot_of(origin);
            return self.push(bucket_id, || producer, 0, seq, intent);
        }
        self.count();
        self.clocked.push_of(producer, clock, seq, intent);
    }

    /// The bucket of a local origin, or an empty one.
    fn slot_of(&mut self, origin: Origin) -> BucketId {
        let known = self.order.iter().rev().find(|listed| listed.producer.origin == origin);
        match known {
            Some(known) => known.bucket_id,
            None => self.unused(),
        }
    }

    /// An empty bucket that is no producer's.
    fn unused(&mut self) -> BucketId {
        let mut after = self.full..self.buckets.len();
        self.full = after.find(|&bucket_id| !self.is_listed(bucket_id)).unwrap_or(self.buckets.len());
        self.full
    }

    /// Takes over what lanes have in `from` that `join` and have nothing in here, and all of the frame loop's own.
    ///
    /// Buckets change places as they are: that costs as much as there are producers. Clocked intents are moved one by one.
    pub(in crate::queue) fn join(
        &mut self,
        from: &mut Self,
        spare: &mut Clocked<I>,
        joins: impl Fn(LaneId) -> bool,
    ) {
        let joins = |producer: &ProducerKey<_>| producer.lane.is_none_or(&joins);
        self.join_local(from, joins);
        let Self { buckets, clocked, len, .. } = from;
        let give = |producer: ProducerKey<_>, clock, seq, intent| {
            *len -= 1;
            self.len += 1;
            self.clocked.push_of(producer, clock, seq, intent);
        };
        clocked.part(spare, joins, give, |bucket_id, number| buckets[bucket_id].clocked = number);
    }

    /// The same, of local intents alone.
    pub(in crate::queue) fn join_local(
        &mut self,
        from: &mut Self,
        joins: impl Fn(&ProducerKey<I::Source>) -> bool,
    ) {
        self.forget(|_| true);
        let Self { buckets, order, producers, len, accepted_at, .. } = from;
        if self.len == 0 {
            self.accepted_at = *accepted_at;
        }
        order.retain(|&Listed { producer, bucket_id }| {
            let bucket = &mut buckets[bucket_id];
            if bucket.is_unused() || !joins(&producer) {
                return true;
            }
            *producers -= 1;
            if producer.is_own() {
                let ProducerKey { source, origin, .. } = producer;
                while let Some((seq, intent)) = bucket.next() {
                    self.add(Local { source, origin, clock: 0, seq, intent });
                    *len -= 1;
                }
                bucket.settle();
                return false;
            }
            let left = bucket.left();
            *len -= left;
            self.len += left;
            self.adopt(producer, bucket_id, bucket);
            false
        });
        from.sorted = 0;
        from.rank();
        (self.grown, from.grown) = (true, true);
    }

    /// Takes over a bucket, in exchange for an empty one. Its place may be another producer's here.
    fn adopt(&mut self, producer: ProducerKey<I::Source>, bucket_id: BucketId, bucket: &mut Bucket<I>) {
        let is_vacant = self.buckets.get(bucket_id).is_none_or(Bucket::is_unused);
        self.displaced |= !is_vacant;
        let bucket_id = if is_vacant { bucket_id } else { self.unused() };
        self.expect(bucket_id);
        let place = &mut self.buckets[bucket_id];
        mem::swap(place, bucket);
        // That is a number in the batch where the place is.
        mem::swap(&mut place.clocked, &mut bucket.clocked);
        self.list(Listed { producer, bucket_id });
    }

    /// How many of a lane's are in here, once it is settled: of one producer after the other.
    pub(in crate::queue) fn count_lanes(&self, mut each: impl FnMut(LaneId, usize)) {
        for Listed { producer, bucket_id } in &self.order {
            producer.lane.into_iter().for_each(|lane| each(lane, self.buckets[*bucket_id].left()));
        }
        self.clocked.count_lanes(each);
    }

    /// Intents not handed out yet by the frame that holds them.
    pub(super) fn remaining(&self) -> usize {
        let all = self.order.iter().map(|listed| self.buckets[listed.bucket_id].left());
        all.sum::<usize>() + self.clocked.left()
    }

    /// How many of those that are left are the frame loop's own.
    pub(super) fn own(&self) -> usize {
        let own = self.order.iter().filter(|listed| listed.producer.is_own());
        own.map(|listed| self.buckets[listed.bucket_id].left()).sum::<usize>() + self.clocked.own()
    }

    /// Puts them in order; what was handed out already stays out.
    #[inline]
    pub(super) fn arrange(&mut self) {
        if self.sorted < self.order.len() {
            self.sort();
        }
        if !self.clocked.is_unused() {
            self.clocked.arrange();
        }
    }

    /// Counts the slots of what was handed out since the last call.
    #[inline]
    pub(super) fn settle(&mut self, freed: &mut Freed) {
        if self.sorted < self.order.len() {
            // That panicked.
            self.rank();
        }
        let forgets = self.order.len() > 2 * self.producers + FEW;
        let Self { buckets, order, producers, displaced, .. } = self;
        let (mut all_left, mut has_own) = (0, false);
        *producers = 0;
        for Listed { producer, bucket_id } in &*order {
            let bucket = &mut buckets[*bucket_id];
            if bucket.is_unused() {
                continue;
            }
            let (count, left) = bucket.settle();
            freed.add(producer.lane, count);
            has_own |= producer.is_own();
            *producers += usize::from(left > 0);
            all_left += left;
        }
        let displaces = *displaced;
        *displaced &= *producers > 0;
        self.full = 0;
        // The frame loop's own come behind the others, as `slot_of` looks for them there. One in another's place would be taken for that.
        if forgets || has_own || displaces {
            self.forget(|producer| forgets || displaces || producer.is_own());
        }
        let Self { buckets, clocked, .. } = self;
        if !clocked.is_unused() {
            clocked.settle(freed);
            if clocked.left() == 0 {
                clocked.clear(|bucket_id| buckets[bucket_id].clocked = None);
            }
            all_left += clocked.left();
            self.grown = true;
        }
        self.len = all_left;
    }

    /// Whether a producer has intents in here.
    pub(in crate::queue) fn uses(&self, bucket_id: BucketId) -> bool {
        self.buckets.get(bucket_id).is_some_and(|bucket| !bucket.is_unused() || bucket.clocked.is_some())
    }
}
