//! One producer's local intents, in the order of their acceptance.

mod cold;
mod numbered;

use std::{collections::VecDeque, convert::Infallible, mem, vec};

use self::cold::Cold;
use crate::{
    intent::{
        Intent, LatestKey,
        order::{CausalityOrder, Origin},
    },
    queue::shares::LaneId,
};

/// The producer: what orders it and where its slots are counted. Without a lane, it is the frame loop itself,
/// whose intents hold no slots.
#[derive(Debug, Clone, Copy)]
pub(in crate::queue) struct ProducerKey<S> {
    pub(in crate::queue) source: S,
    pub(in crate::queue) origin: Origin,
    pub(in crate::queue) lane: Option<LaneId>,
}

impl<S: Copy> ProducerKey<S> {
    /// What it is ordered by.
    #[inline]
    pub(in crate::queue) fn name(&self) -> (S, Origin) {
        (self.source, self.origin)
    }

    /// Whether it is the frame loop itself.
    pub(super) fn is_own(&self) -> bool {
        self.lane.is_none()
    }

    /// The place of its local intent with that number.
    #[inline]
    pub(super) fn order(&self, seq: u64) -> CausalityOrder<S> {
        CausalityOrder { clock: 0, source: self.source, origin: self.origin, seq }
    }
}

/// So many slots a producer takes in advance at most.
const BLOCK: usize = 128;

/// A bucket is cleared and filled again, frame after frame.
///
/// One cache line, since a frame after a pause has none of them at hand, and it may have one for each of many producers.
/// What few buckets need is elsewhere.
#[repr(C, align(64))]
pub(super) struct Bucket<I: Intent> {
    /// As they were accepted. Its producer's [block](crate::queue::block) has them while it is lent one.
    entries: Vec<I>,
    /// The number of the first since the bucket was cleared, and the one after the last of those that have none of their own.
    first: u64,
    next: u64,
    cold: Option<Box<Cold<I>>>,
    /// Its producer's place among the senders of clocked intents, if it is there.
    pub(super) clocked: Option<u32>,
    /// Whether something was put into it since it was cleared.
    used: bool,
    /// Whether all of its intents are in `entries`, or all were handed out. Then `cold` has nothing to say of that.
    plain: bool,
    /// The most intents that one frame had of it since it was trimmed.
    greatest: u32,
}

impl<I: Intent> Bucket<I> {
    pub(super) fn new() -> Self {
        Self {
            entries: Vec::new(),
            first: 0,
            next: 0,
            cold: None,
            clocked: None,
            used: false,
            plain: true,
            greatest: 0,
        }
    }

    /// Whether nothing was put into it since it was cleared.
    #[inline]
    pub(super) fn is_unused(&self) -> bool {
        !self.used
    }

    /// Before the first intent of a batch, which has this number.
    #[inline]
    pub(super) fn begin(&mut self, seq: u64) {
        self.used = true;
        (self.first, self.next) = (seq, seq);
    }

    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.entries.len() == self.entries.capacity()
    }

    #[cold]
    pub(super) fn grow(&mut self) {
        grow(&mut self.entries);
    }

    #[inline]
    pub(super) fn push(&mut self, seq: u64, intent: I) {
        if seq != self.next {
            return self.push_numbered(None, seq, intent);
        }
        self.next = seq + 1;
        self.entries.push(intent);
    }

    /// How many slots may be prepaid: so that a push in one of them cannot fail, and its number is the one after the last.
    pub(super) fn room_to_prepay(&self) -> usize {
        if self.used && self.plain { (self.entries.capacity() - self.entries.len()).min(BLOCK) } else { 0 }
    }

    /// Its buffer, for its producer to push into.
    pub(super) fn lend_buffer(&mut self) -> Vec<I> {
        mem::take(&mut self.entries)
    }

    /// Its buffer comes back, with so many more in it.
    #[inline]
    pub(super) fn return_buffer(&mut self, entries: Vec<I>, more: usize) {
        debug_assert!(self.entries.is_empty(), "a second buffer");
        self.entries = entries;
        self.next += more as u64;
    }

    /// Whether some have a number of their own, or were handed out while others were not.
    pub(super) fn is_cold(&self) -> bool {
        !self.plain
    }

    /// Adds one behind a gap in the numbers, or one that a newer one of its key may replace.
    #[inline(never)]
    pub(super) fn push_numbered(&mut self, key: Option<LatestKey>, seq: u64, intent: I) {
        self.cold().numbered.push(key, seq, intent);
    }

    /// The intent with this key, as long as none was handed out. It gets this number: the caller puts a newer one there.
    pub(super) fn renew(&mut self, key: LatestKey, seq: impl FnOnce() -> u64) -> Option<&mut I> {
        self.cold.as_mut()?.numbered.renew(key, seq)
    }

    /// It is plain no more: some of its intents are about to be handed out, or one has a number of its own.
    fn cold(&mut self) -> &mut Cold<I> {
        self.plain = false;
        self.cold.get_or_insert_default()
    }

    /// How many were put into it since it was cleared that have no number of their own.
    // What is put into one batch fits into memory.
    #[allow(clippy::cast_possible_truncation)]
    #[inline]
    fn all(&self) -> usize {
        (self.next - self.first) as usize
    }

    /// As long as it is plain.
    #[inline]
    fn handed_out(&self) -> usize {
        if self.entries.is_empty() { self.all() } else { 0 }
    }

    /// Hands the next one out, with its number.
    pub(super) fn next(&mut self) -> Option<(u64, I)> {
        if self.left() == 0 {
            return None;
        }
        self.cold();
        let Self { entries, first, cold, .. } = self;
        cold.as_mut()?.next(entries, *first)
    }

    /// Lends out all of it, and says the number of the first, if none was handed out and theirs are one after the other. They
    /// [come back](Self::take_back) before anything else is done here.
    #[inline]
    pub(super) fn lend(&mut self) -> Option<(u64, vec::IntoIter<I>)> {
        self.plain.then(|| (self.first, mem::take(&mut self.entries).into_iter()))
    }

    /// Takes back what is left of it.
    #[inline]
    pub(super) fn take_back(&mut self, hand: &mut vec::IntoIter<I>) {
        if hand.len() == 0 {
            self.entries = reclaim(hand);
        } else {
            self.take_rest(hand);
        }
    }

    #[cold]
    fn take_rest(&mut self, hand: &mut vec::IntoIter<I>) {
        let handed_out = self.all() - hand.len();
        self.cold().begin(mem::take(hand).collect(), handed_out);
    }

    /// Hands all that is left to `f`. If `f` panics, the rest is still there.
    #[inline]
    pub(super) fn fold<B>(&mut self, init: B, mut f: impl FnMut(B, u64, I) -> B) -> B {
        let mut folded = init;
        let Some((mut seq, lent)) = self.lend() else {
            while let Some((seq, intent)) = self.next() {
                folded = f(folded, seq, intent);
            }
            return folded;
        };
        let mut going = DrainGuard { lent, bucket: self };
        // Not a `for` loop, which looks into each intent whether it is there.
        let Ok(folded) = going.lent.try_fold(folded, |folded, intent| {
            let this = seq;
            seq += 1;
            Ok::<_, Infallible>(f(folded, this, intent))
        });
        folded
    }

    /// Counts what was handed out since the last call, and what is left. A bucket of which nothing is left is cleared.
    // What is more than a `u32` is trimmed immediately.
    #[allow(clippy::cast_possible_truncation)]
    #[inline]
    pub(super) fn settle(&mut self) -> (usize, usize) {
        let (count, left) =
            if self.plain { (self.handed_out(), self.entries.len()) } else { self.settle_cold() };
        self.used = left > 0;
        self.greatest = self.greatest.max((count + left) as u32);
        (count, left)
    }

    #[cold]
    fn settle_cold(&mut self) -> (usize, usize) {
        let left = self.left();
        let Some(cold) = &mut self.cold else { return (0, left) };
        let count = cold.settle();
        if left == 0 {
            cold.clear(&mut self.entries);
            self.plain = true;
        }
        (count, left)
    }

    /// Room for intents, used or not.
    pub(super) fn room(&self) -> usize {
        let rest = self.cold.as_ref().map_or(0, |cold| cold.room());
        // What takes no memory has room without end.
        rest + if size_of::<I>() == 0 { 0 } else { self.entries.capacity() }
    }

    /// The most intents that one frame had of it since it was trimmed.
    pub(super) fn greatest(&self) -> usize {
        self.greatest as usize
    }

    /// Trims it.
    pub(super) fn shrink_to(&mut self, room: usize) {
        self.greatest = 0;
        self.entries.shrink_to(room);
        if self.plain {
            self.cold = None;
        } else if let Some(cold) = &mut self.cold {
            cold.shrink_to(room);
        }
    }

    #[inline]
    pub(super) fn left(&self) -> usize {
        let rest = match &self.cold {
            Some(cold) if !self.plain => cold.left(),
            _ => 0,
        };
        self.entries.len() + rest
    }
}

/// All of a bucket, being handed out. What is not goes back: a panicking reducer loses nothing.
struct DrainGuard<'a, I: Intent> {
    lent: vec::IntoIter<I>,
    bucket: &'a mut Bucket<I>,
}

impl<I: Intent> Drop for DrainGuard<'_, I> {
    #[inline]
    fn drop(&mut self) {
        self.bucket.take_back(&mut self.lent);
    }
}

/// The buffer of intents that were handed out.
// A collected iterator keeps its buffer, as a deque even where nothing is left in it.
#[inline]
pub(super) fn reclaim<I>(handed_out: &mut vec::IntoIter<I>) -> Vec<I> {
    let mut buffer: VecDeque<_> = mem::take(handed_out).collect();
    buffer.clear();
    buffer.into()
}

/// Makes room for one more. A great Vec grows by a quarter: it is filled again and again, so that what it has too
/// much matters longer than what growing costs.
#[inline]
pub(super) fn grow<T>(vec: &mut Vec<T>) {
    if vec.len() == vec.capacity() {
        if vec.len() < 1024 {
            vec.reserve(1);
        } else {
            vec.reserve_exact(vec.len() / 4);
        }
    }
}
