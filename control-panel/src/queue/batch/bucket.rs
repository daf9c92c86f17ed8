//! One producer's local intents, in the order of their acceptance.

use std::{
    collections::{BTreeMap, VecDeque},
    convert::Infallible,
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

impl<S: Copy> Producer<S> {
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

/// A bucket is cleared and filled again, frame after frame. What a send touches comes first.
#[repr(C)]
pub(super) struct Bucket<I: Intent> {
    /// As they were accepted.
    entries: Vec<I>,
    numbers: Numbers,
    /// Its producer's place among the senders of clocked intents, if it is there.
    pub(super) clocked: Option<u32>,
    /// Whether something was put into it since it was cleared.
    used: bool,
    /// What comes before `entries`, where handing out stands in the middle: they leave from its front. It is made of the
    /// buffer of `entries`, and turned back into that: neither moves an intent or takes memory.
    rest: vec::IntoIter<I>,
    /// Room in that buffer.
    rest_room: usize,
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
            used: false,
            rest: vec::IntoIter::default(),
            rest_room: 0,
            handed_out: 0,
            freed: 0,
            latest: BTreeMap::new(),
            room: 0,
        }
    }

    /// When nothing is left.
    #[inline]
    pub(super) fn clear(&mut self) {
        if self.rest_room > self.entries.capacity() {
            self.entries = reclaim(&mut self.rest);
            self.rest_room = 0;
        }
        self.numbers.skips.clear();
        if !self.latest.is_empty() {
            self.latest.clear();
        }
        (self.handed_out, self.freed, self.used) = (0, 0, false);
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

    /// Hands the next one out, with its number. Small, so that it becomes part of the caller's loop.
    #[inline]
    pub(super) fn next(&mut self) -> Option<(u64, I)> {
        if self.rest.len() == 0 {
            self.turn();
        }
        let intent = self.rest.next()?;
        let seq = self.numbers.at(self.handed_out);
        self.handed_out += 1;
        Some((seq, intent))
    }

    /// Lends out what comes next, and says the number of the first, if theirs are one after the other.
    pub(super) fn lend(&mut self, hand: &mut vec::IntoIter<I>) -> Option<u64> {
        if !self.numbers.skips.is_empty() {
            return None;
        }
        mem::swap(&mut self.rest, hand);
        Some(self.numbers.at(self.handed_out))
    }

    /// Takes back what is left of it, from that number on.
    // What was handed out of one batch fits into memory.
    #[allow(clippy::cast_possible_truncation)]
    pub(super) fn take_back(&mut self, hand: &mut vec::IntoIter<I>, next: u64) {
        mem::swap(&mut self.rest, hand);
        self.handed_out = (next - self.numbers.first) as usize;
    }

    /// Goes on with those of `entries`, once the rest is handed out.
    fn turn(&mut self) {
        let room = mem::replace(&mut self.rest_room, self.entries.capacity());
        let spare = if room == 0 { Vec::new() } else { reclaim(&mut self.rest) };
        self.rest = mem::replace(&mut self.entries, spare).into_iter();
    }

    /// Hands all that is left to `f`. If `f` panics, the rest is still there.
    #[inline]
    pub(super) fn fold<B>(&mut self, init: B, mut f: impl FnMut(B, u64, I) -> B) -> B {
        let mut folded = init;
        if self.rest.len() > 0 || !self.numbers.skips.is_empty() {
            while let Some((seq, intent)) = self.next() {
                folded = f(folded, seq, intent);
            }
            return folded;
        }
        let mut seq = self.numbers.at(self.handed_out);
        let (all, room) = (self.entries.len(), self.entries.capacity());
        let mut going = Going { intents: mem::take(&mut self.entries).into_iter(), all, room, bucket: self };
        // Not a `for` loop, which looks into each intent whether it is there.
        let Ok(folded) = going.intents.try_fold(folded, |folded, intent| {
            let this = seq;
            seq += 1;
            Ok::<_, Infallible>(f(folded, this, intent))
        });
        folded
    }

    /// Counts what was handed out since the last call.
    #[inline]
    pub(super) fn settle(&mut self) -> usize {
        self.handed_out - mem::replace(&mut self.freed, self.handed_out)
    }

    /// Room for intents, used or not: as it was when this was asked last, and now.
    pub(super) fn room(&mut self) -> (usize, usize) {
        // What takes no memory has room without end.
        let now = if size_of::<I>() == 0 { 0 } else { self.entries.capacity() + self.rest_room };
        (mem::replace(&mut self.room, now), now)
    }

    pub(super) fn shrink_to(&mut self, room: usize) {
        self.entries.shrink_to(room);
        if self.rest_room > room.max(self.rest.len()) {
            let mut rest: Vec<I> = mem::take(&mut self.rest).collect();
            rest.shrink_to(room);
            self.rest_room = rest.capacity();
            self.rest = rest.into_iter();
        }
        self.numbers.skips.shrink_to(room);
    }

    pub(super) fn left(&self) -> usize {
        self.entries.len() + self.rest.len()
    }
}

/// All of a bucket, being handed out. What is not goes back: a panicking reducer loses nothing.
struct Going<'a, I: Intent> {
    intents: vec::IntoIter<I>,
    all: usize,
    room: usize,
    bucket: &'a mut Bucket<I>,
}

impl<I: Intent> Drop for Going<'_, I> {
    #[inline]
    fn drop(&mut self) {
        let Self { intents, all, room, bucket } = self;
        bucket.handed_out += *all - intents.len();
        if intents.len() == 0 {
            bucket.entries = reclaim(intents);
        } else {
            (bucket.rest, bucket.rest_room) = (mem::take(intents), *room);
        }
    }
}

/// The buffer of intents that were handed out.
// A collected iterator keeps its buffer, as a deque even where nothing is left in it.
#[inline]
fn reclaim<I>(handed_out: &mut vec::IntoIter<I>) -> Vec<I> {
    let mut buffer: VecDeque<_> = mem::take(handed_out).collect();
    buffer.clear();
    buffer.into()
}

/// Makes room for one more. A great Vec grows by a quarter: it is filled again and again, so that what it has too
/// much matters longer than what growing costs.
#[inline]
pub(super) fn grow<T>(vec: &mut Vec<T>) {
    if vec.len() == vec.capacity() && vec.len() >= 1024 {
        vec.reserve_exact(vec.len() / 4);
    }
}
