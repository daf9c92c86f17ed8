//! One producer's local intents, in the order of their acceptance.

use std::{
    collections::{BTreeMap, VecDeque},
    mem, vec,
};

use crate::{
    intent::{Intent, LatestKey},
    queue::shares::LaneId,
    queued::{CausalityOrder, Origin},
};

/// Who sends: what orders it and where its slots are counted. Without a lane, it is the frame loop itself,
/// whose intents hold no slots.
#[derive(Debug, Clone, Copy)]
pub(in crate::queue) struct Producer<S> {
    pub(in crate::queue) source: S,
    pub(in crate::queue) origin: Origin,
    pub(in crate::queue) lane: Option<LaneId>,
}

/// A bucket is cleared and filled again, frame after frame. What a send touches comes first.
#[repr(C)]
pub(super) struct Bucket<I: Intent> {
    /// As they were accepted.
    entries: Vec<I>,
    numbers: Numbers,
    /// Its producer's place among the senders of clocked intents, if it is there.
    pub(super) clocked: Option<u32>,
    producer: Option<Producer<I::Source>>,
    /// What comes before `entries`, where handing out stands in the middle: one by one they leave from its front. It is made
    /// of the buffer of `entries`, and turned back into that: neither moves an intent or takes memory.
    rest: VecDeque<I>,
    handed_out: usize,
    /// How many of those handed out have had their slot freed.
    freed: usize,
    /// Where the intents are that a newer one replaces.
    latest: BTreeMap<LatestKey, usize>,
    /// Room for intents, when that was asked last.
    room: usize,
}

/// The sequence numbers of a bucket's intents. Mostly one after the other, so that none is kept.
struct Numbers {
    /// After the last one.
    next: u64,
    first: u64,
    /// Where a number is not the one after the one before: in between, the producer sent clocked intents.
    skips: Vec<Skip>,
}

/// From this place on, the numbers go on from `to`.
struct Skip {
    place: usize,
    to: u64,
}

impl Numbers {
    /// The number of the intent in this place, counted from the bucket's first.
    #[inline]
    fn at(&self, place: usize) -> u64 {
        if self.skips.is_empty() { self.first + place as u64 } else { self.after_skips(place) }
    }

    #[cold]
    fn after_skips(&self, place: usize) -> u64 {
        let behind = self.skips.partition_point(|skip| skip.place <= place);
        match self.skips[..behind].last() {
            Some(skip) => skip.to + (place - skip.place) as u64,
            None => self.first + place as u64,
        }
    }
}

impl<I: Intent> Bucket<I> {
    pub(super) fn new() -> Self {
        Self {
            entries: Vec::new(),
            numbers: Numbers { next: 0, first: 0, skips: Vec::new() },
            clocked: None,
            producer: None,
            rest: VecDeque::new(),
            handed_out: 0,
            freed: 0,
            latest: BTreeMap::new(),
            room: 0,
        }
    }

    /// When nothing is left.
    pub(super) fn clear(&mut self) {
        if self.rest.capacity() > self.entries.capacity() {
            self.rest.clear();
            self.entries = mem::take(&mut self.rest).into();
        }
        self.numbers.skips.clear();
        if !self.latest.is_empty() {
            self.latest.clear();
        }
        (self.handed_out, self.freed, self.producer) = (0, 0, None);
    }

    /// Whether it is the frame loop's own.
    pub(super) fn is_own(&self) -> bool {
        self.producer.as_ref().is_some_and(|producer| producer.lane.is_none())
    }

    /// Whether nothing was put into it since it was cleared.
    #[inline]
    pub(super) fn is_unused(&self) -> bool {
        self.producer.is_none()
    }

    /// Before the first intent of a batch: whose it is, and its sequence number.
    pub(super) fn begin(&mut self, producer: Producer<I::Source>, seq: u64) {
        self.producer = Some(producer);
        (self.numbers.first, self.numbers.next) = (seq, seq);
    }

    #[inline]
    pub(super) fn push(&mut self, seq: u64, intent: I) {
        if seq != self.numbers.next {
            self.skip(seq);
        }
        self.numbers.next = seq + 1;
        grow(&mut self.entries);
        self.entries.push(intent);
    }

    #[cold]
    fn skip(&mut self, to: u64) {
        let place = self.handed_out + self.left();
        self.numbers.skips.push(Skip { place, to });
    }

    /// The intent pushed last may be replaced by one with this key.
    pub(super) fn mark_latest(&mut self, key: LatestKey) {
        self.latest.insert(key, self.entries.len() - 1);
    }

    /// The intent with this key, as long as none was handed out.
    pub(super) fn latest(&mut self, key: LatestKey) -> Option<&mut I> {
        let at = *self.latest.get(&key)?;
        self.entries.get_mut(at)
    }

    /// Hands the next one out. Small, so that it becomes part of the caller's loop.
    #[inline]
    pub(super) fn next(&mut self) -> Option<(CausalityOrder<I::Source>, I)> {
        let Producer { source, origin, .. } = *self.producer.as_ref()?;
        if self.rest.is_empty() {
            self.turn();
        }
        let intent = self.rest.pop_front()?;
        let seq = self.numbers.at(self.handed_out);
        self.handed_out += 1;
        Some((CausalityOrder { clock: 0, source, origin, seq }, intent))
    }

    /// Lends out what comes next, and says the key of the first, if their numbers are one after the other.
    pub(super) fn lend(&mut self, hand: &mut VecDeque<I>) -> Option<CausalityOrder<I::Source>> {
        let Producer { source, origin, .. } = *self.producer.as_ref()?;
        if !self.numbers.skips.is_empty() {
            return None;
        }
        mem::swap(&mut self.rest, hand);
        Some(CausalityOrder { clock: 0, source, origin, seq: self.numbers.at(self.handed_out) })
    }

    /// Takes back what is left of it, from that number on.
    // What was handed out of one batch fits into memory.
    #[allow(clippy::cast_possible_truncation)]
    pub(super) fn take_back(&mut self, hand: &mut VecDeque<I>, next: u64) {
        mem::swap(&mut self.rest, hand);
        self.handed_out = (next - self.numbers.first) as usize;
    }

    /// Goes on with those of `entries`.
    #[cold]
    fn turn(&mut self) {
        self.rest.clear();
        let spare = mem::take(&mut self.rest).into();
        self.rest = mem::replace(&mut self.entries, spare).into();
    }

    /// Hands all that is left to `f`. If `f` panics, the rest is still there.
    #[inline]
    pub(super) fn fold<B>(&mut self, init: B, mut f: impl FnMut(B, CausalityOrder<I::Source>, I) -> B) -> B {
        let mut folded = init;
        if !self.rest.is_empty() || !self.numbers.skips.is_empty() {
            while let Some((order, intent)) = self.next() {
                folded = f(folded, order, intent);
            }
            return folded;
        }
        let Self { entries, numbers, producer, rest, handed_out, .. } = self;
        let Some(Producer { source, origin, .. }) = *producer else { return folded };
        let first = numbers.at(*handed_out);
        let all = entries.len();
        let mut draining = Draining { entries: entries.drain(..), rest, all, handed_out };
        for (seq, intent) in (first..).zip(&mut draining.entries) {
            folded = f(folded, CausalityOrder { clock: 0, source, origin, seq }, intent);
        }
        folded
    }

    /// Counts the slots of what was handed out since the last call, for the lane that they are of.
    pub(super) fn settle(&mut self) -> Option<(LaneId, usize)> {
        let freed = self.handed_out - mem::replace(&mut self.freed, self.handed_out);
        let lane = self.producer.as_ref()?.lane?;
        Some((lane, freed))
    }

    /// Room for intents, used or not: as it was when this was asked last, and now.
    pub(super) fn room(&mut self) -> (usize, usize) {
        // What takes no memory has room without end.
        let now = if size_of::<I>() == 0 { 0 } else { self.entries.capacity() + self.rest.capacity() };
        (mem::replace(&mut self.room, now), now)
    }

    pub(super) fn shrink_to(&mut self, room: usize) {
        self.entries.shrink_to(room);
        self.rest.shrink_to(room);
        self.numbers.skips.shrink_to(room);
    }

    pub(super) fn left(&self) -> usize {
        self.entries.len() + self.rest.len()
    }
}

/// Entries on their way out of a bucket. What is not taken goes back: a panicking reducer loses nothing.
struct Draining<'a, I: Intent> {
    entries: vec::Drain<'a, I>,
    rest: &'a mut VecDeque<I>,
    all: usize,
    handed_out: &'a mut usize,
}

impl<I: Intent> Drop for Draining<'_, I> {
    fn drop(&mut self) {
        *self.handed_out += self.all - self.entries.len();
        if self.entries.len() > 0 {
            self.rest.extend(&mut self.entries);
        }
    }
}

/// Makes room for one more. A great Vec grows by a quarter: it is filled again and again, so that what it has too
/// much matters longer than what growing costs.
#[inline]
pub(super) fn grow<T>(vec: &mut Vec<T>) {
    if vec.len() == vec.capacity() && vec.len() >= 1024 {
        vec.reserve_exact(vec.len() / 4);
    }
}
