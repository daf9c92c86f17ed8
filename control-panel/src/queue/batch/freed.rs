//! Slots that are free again.

use std::mem;

use crate::queue::shares::LaneId;

/// Slots that are free again, by lane.
#[derive(Debug, Default)]
pub(in crate::queue) struct Freed {
    counts: Vec<usize>,
    /// The lanes that have a count.
    lanes: Vec<LaneId>,
    /// All of them.
    sum: usize,
    /// How many intents of the frame loop's own were handed out, which hold none.
    own: usize,
}

impl Freed {
    /// How many slots, of all lanes.
    pub(in crate::queue) fn sum(&self) -> usize {
        self.sum
    }

    /// Intents of a source were handed out; without a lane, of the frame loop's own.
    #[inline]
    pub(in crate::queue) fn add(&mut self, lane: Option<LaneId>, count: usize) {
        let Some(lane) = lane else { return self.own += count };
        match self.counts.get_mut(lane) {
            Some(all) if *all > 0 => *all += count,
            _ => self.add_lane(lane, count),
        }
        self.sum += count;
    }

    #[cold]
    fn add_lane(&mut self, lane: LaneId, count: usize) {
        if lane >= self.counts.len() {
            self.counts.resize(lane + 1, 0);
        }
        self.counts[lane] = count;
        if count > 0 {
            self.lanes.push(lane);
        }
    }

    /// How many intents of the frame loop's own, since this was asked last.
    pub(in crate::queue) fn take_own(&mut self) -> usize {
        mem::take(&mut self.own)
    }

    /// Takes over all that the other has.
    #[inline]
    pub(in crate::queue) fn append(&mut self, other: &mut Self) {
        if self.sum == 0 {
            mem::swap(self, other);
        } else {
            other.take(|lane, count| self.add(Some(lane), count));
        }
    }

    pub(in crate::queue) fn take(&mut self, mut each: impl FnMut(LaneId, usize)) {
        let Self { counts, lanes, sum, .. } = self;
        *sum = 0;
        lanes.drain(..).for_each(|lane| each(lane, mem::take(&mut counts[lane])));
    }
}
