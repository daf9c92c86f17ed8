//! The clocked intents of a batch: those whose place in the causal order comes from outside.

use std::mem;

use super::{
    BucketId,
    bucket::{ProducerKey, grow},
    freed::Freed,
};
use crate::{
    intent::{Intent, order::CausalityOrder},
    queue::shares::LaneId,
};

pub(in crate::queue) struct Clocked<I: Intent> {
    /// In the order of their acceptance.
    entries: Vec<Entry<I>>,
    /// Clock, sender and place in `entries`, packed into one number: one comparison of two words. In the order in which they are
    /// handed out once they are [arranged](Self::arrange).
    keys: Vec<u128>,
    /// Whether `keys` are in order.
    sorted: bool,
    /// The producers that the keys name by number.
    senders: Vec<Sender<I::Source>>,
    /// For [`arrange`](Self::arrange): their numbers in the order of the producers, and the place of each in that.
    order: Vec<u32>,
    ranks: Vec<u32>,
    /// Where handing out stands, in `keys`.
    at: usize,
    /// The keys before this one are of intents that were handed out and counted. They stay until the others are, so that a
    /// frame whose budget is small costs little however many are left.
    done: usize,
    left: usize,
    /// How many of those are the frame loop's own.
    own: usize,
    /// How many of those were handed out and are not counted yet.
    own_out: usize,
}

struct Entry<I> {
    intent: Option<I>,
    seq: u64,
}

struct Sender<S> {
    producer: ProducerKey<S>,
    /// The producer whose bucket knows the number.
    bucket_id: Option<BucketId>,
    /// Intents whose slots are occupied.
    held: usize,
}

/// Up to how many keys a sender puts its own where it belongs, so that the frame need not sort them. More would hold
/// the lock for too long.
const FEW: usize = 64;

fn key(clock: u64, sender: u32, place: u32) -> u128 {
    u128::from(clock) << 64 | u128::from(sender) << 32 | u128::from(place)
}

/// Whether the later of two keys comes after the other whatever the names of their senders are: of two senders with
/// equal clocks, only [`arrange`](Clocked::arrange) decides which comes first.
fn follows(key: u128, later: u128) -> bool {
    key >> 64 < later >> 64 || key >> 32 == later >> 32
}

/// Each sender's number becomes another.
#[allow(clippy::cast_possible_truncation)]
fn rename(keys: &mut [u128], numbers: &[u32]) {
    for named in keys {
        let (clock, sender, place) = parts(*named);
        *named = key(clock, numbers[sender], place as u32);
    }
}

// Each takes its part of the number.
#[allow(clippy::cast_possible_truncation)]
fn parts(key: u128) -> (u64, usize, usize) {
    ((key >> 64) as u64, (key >> 32) as u32 as usize, key as u32 as usize)
}

impl<I: Intent> Clocked<I> {
    pub(in crate::queue) fn new() -> Self {
        Self {
            entries: Vec::new(),
            keys: Vec::new(),
            sorted: true,
            senders: Vec::new(),
            order: Vec::new(),
            ranks: Vec::new(),
            at: 0,
            done: 0,
            left: 0,
            own: 0,
            own_out: 0,
        }
    }

    /// Whether nothing was put into it since it was cleared.
    #[inline]
    pub(in crate::queue) fn is_unused(&self) -> bool {
        self.senders.is_empty()
    }

    /// Intents not handed out yet.
    pub(super) fn left(&self) -> usize {
        self.left
    }

    /// How many of those that are left are the frame loop's own.
    pub(super) fn own(&self) -> usize {
        self.own
    }

    /// A sender's number, from its first clocked intent in this batch on.
    // A batch of four thousand million senders does not fit into memory.
    #[allow(clippy::cast_possible_truncation)]
    pub(super) fn enter(&mut self, producer: ProducerKey<I::Source>, bucket_id: Option<BucketId>) -> u32 {
        let number = self.senders.len() as u32;
        self.senders.push(Sender { producer, bucket_id, held: 0 });
        number
    }

    /// Adds one of a producer that has no bucket here to know its number.
    #[allow(clippy::cast_possible_truncation)]
    pub(super) fn push_of(&mut self, producer: ProducerKey<I::Source>, clock: u64, seq: u64, intent: I) {
        let known = self.senders.iter().rposition(|sender| sender.producer.origin == producer.origin);
        let number = known.map_or_else(|| self.enter(producer, None), |number| number as u32);
        self.push(number, clock, seq, intent);
    }

    // Out of line, so that the way of most intents, which have no clock, stays short.
    #[inline(never)]
    #[allow(clippy::cast_possible_truncation)]
    pub(super) fn push(&mut self, sender: u32, clock: u64, seq: u64, intent: I) {
        let key = key(clock, sender, self.entries.len() as u32);
        grow(&mut self.keys);
        grow(&mut self.entries);
        let at = self.place_of(key);
        self.keys.insert(at, key);
        self.entries.push(Entry { intent: Some(intent), seq });
        let sender = &mut self.senders[sender as usize];
        sender.held += 1;
        self.own += usize::from(sender.producer.is_own());
        self.left += 1;
    }

    /// Where a new key goes: at the end, unless few are there and it belongs before some of them.
    fn place_of(&mut self, key: u128) -> usize {
        let keys = &self.keys[self.done..];
        if !self.sorted || keys.last().is_none_or(|&last| follows(last, key)) {
            return self.keys.len();
        }
        let at = keys.partition_point(|&other| other < key);
        let fits = keys[..at].last().is_none_or(|&before| follows(before, key))
            && keys.get(at).is_none_or(|&after| follows(key, after));
        self.sorted = fits && keys.len() < FEW;
        if self.sorted { self.done + at } else { self.keys.len() }
    }

    /// Puts what is left in order.
    #[allow(clippy::cast_possible_truncation)]
    pub(super) fn arrange(&mut self) {
        self.rewind();
        if self.sorted {
            return;
        }
        self.forget_done();
        let Self { keys, senders, order, ranks, .. } = self;
        let name = |number: u32| senders[number as usize].producer.name();
        order.clear();
        order.extend(0..senders.len() as u32);
        // First: this is the user's code, which may panic in the middle.
        order.sort_unstable_by_key(|&number| name(number));
        ranks.resize(senders.len(), 0);
        (0..).zip(&*order).for_each(|(rank, &number)| ranks[number as usize] = rank);
        rename(keys, ranks);
        keys.sort_unstable();
        rename(keys, order);
        self.sorted = true;
    }

    pub(super) fn rewind(&mut self) {
        self.at = self.done;
    }

    fn forget_done(&mut self) {
        self.keys.drain(..self.done);
        (self.at, self.done) = (0, 0);
    }

    /// Hands the next one out. Those of senders ask `may` first.
    #[inline]
    pub(super) fn next(&mut self, mut may: impl FnMut() -> bool) -> Option<(CausalityOrder<I::Source>, I)> {
        while let Some(&key) = self.keys.get(self.at) {
            let (clock, sender, place) = parts(key);
            let producer = self.senders[sender].producer;
            let Entry { intent, seq } = &mut self.entries[place];
            if intent.is_some() && (producer.is_own() || may()) {
                self.at += 1;
                self.left -= 1;
                self.own -= usize::from(producer.is_own());
                self.own_out += usize::from(producer.is_own());
                let ProducerKey { source, origin, .. } = producer;
                let order = CausalityOrder { clock, source, origin, seq: *seq };
                return intent.take().map(|intent| (order, intent));
            }
            if intent.is_some() && self.own == 0 {
                // No other producer's intents come after one that may not.
                return None;
            }
            self.at += 1;
        }
        None
    }

    /// Counts the slots of what was handed out since the last call, and the frame loop's own.
    pub(super) fn settle(&mut self, freed: &mut Freed) {
        let Self { entries, keys, senders, done, at, own_out, .. } = self;
        freed.add(None, mem::take(own_out));
        let mut free = |sender: &mut Sender<_>, count| {
            sender.held -= count;
            if sender.producer.lane.is_some() {
                freed.add(sender.producer.lane, count);
            }
        };
        if self.left == 0 {
            for sender in senders {
                free(sender, sender.held);
            }
            return;
        }
        let mut handed_out = |key| {
            let (_, sender, place) = parts(key);
            let is_out = entries[place].intent.is_none();
            if is_out {
                free(&mut senders[sender], 1);
            }
            is_out
        };
        *done += keys[*done..*at].iter().take_while(|&&key| handed_out(key)).count();
        // Beyond one that a budget kept back, some of the frame loop's own may be handed out: they are passed over.
    }

    /// How many of a lane's are left, once it is settled: of one after the other.
    pub(super) fn count_lanes(&self, mut each: impl FnMut(LaneId, usize)) {
        for Sender { producer, held, .. } in self.senders.iter().filter(|sender| sender.held > 0) {
            producer.lane.into_iter().for_each(|lane| each(lane, *held));
        }
    }

    /// Gives those away whose producers `join`, in an order in which each producer's own with equal clocks are as they were
    /// accepted. The others stay, in the buffers of `spare`. Calls `rename` with each bucket that has a new number, or none any more.
    ///
    /// Takes a look at each that is left, unless none is to go.
    pub(super) fn part(
        &mut self,
        spare: &mut Self,
        joins: impl Fn(&ProducerKey<I::Source>) -> bool,
        mut give: impl FnMut(ProducerKey<I::Source>, u64, u64, I),
        mut rename: impl FnMut(BucketId, Option<u32>),
    ) {
        if !self.senders.iter().any(|sender| sender.held > 0 && joins(&sender.producer)) {
            return;
        }
        let Self { entries, keys, senders, ranks: renamed, done, .. } = self;
        renamed.clear();
        for &Sender { producer, bucket_id, held } in &*senders {
            let stays = held > 0 && !joins(&producer);
            let number = stays.then(|| spare.enter(producer, bucket_id));
            renamed.push(number.unwrap_or(u32::MAX));
            if let Some(bucket_id) = bucket_id {
                rename(bucket_id, number);
            }
        }
        for &key in &keys[*done..] {
            let (clock, sender, place) = parts(key);
            let Entry { intent, seq } = &mut entries[place];
            let Some(intent) = intent.take() else { continue };
            match renamed[sender] {
                u32::MAX => give(senders[sender].producer, clock, *seq, intent),
                number => spare.push(number, clock, *seq, intent),
            }
        }
        mem::swap(self, spare);
        // All of its intents are elsewhere by now.
        (spare.left, spare.own) = (0, 0);
        spare.clear(|_| ());
    }

    /// When nothing is left. Calls `forget` with each bucket whose number is void.
    pub(super) fn clear(&mut self, forget: impl FnMut(BucketId)) {
        self.senders.drain(..).filter_map(|sender| sender.bucket_id).for_each(forget);
        self.entries.clear();
        self.keys.clear();
        (self.sorted, self.at, self.done) = (true, 0, 0);
    }

    /// Room for intents, used or not.
    pub(super) fn room(&self) -> usize {
        self.entries.capacity()
    }

    pub(super) fn shrink_to(&mut self, room: usize) {
        self.entries.shrink_to(room);
        self.keys.shrink_to(room);
    }
}
