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
}

impl Freed {
    /// How many slots, of all lanes.
    pub(in crate::queue) fn sum(&self) -> usize {
        self.sum
    }

    /// Without a lane, none: the frame loop's own hold no slots.
    #[inline]
    pub(in crate::queue) fn add(&mut self, lane: Option<LaneId>, count: usize) {
        let Some(lane) = lane.filter(|_| count > 0) else { return };
        if lane >= self.counts.len() {
            self.counts.resize(lane + 1, 0);
        }
        let all = &mut self.counts[lane];
        if *all == 0 {
            self.lanes.push(lane);
        }
        *all += count;
        self.sum += count;
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
        let Self { counts, lanes, sum } = self;
        *sum = 0;
        lanes.drain(..).for_each(|lane| each(lane, mem::take(&mut counts[lane])));
    }
}
