//! Slots that are free again.

use std::mem;

use crate::queue::shares::LaneId;

/// Slots that are free again, by lane.
#[derive(Debug, Default)]
pub(in crate::queue) struct Freed {
    counts: Vec<usize>,
    /// The lanes that have a count.
    lanes: Vec<LaneId>,
}

impl Freed {
    pub(in crate::queue) fn add(&mut self, lane: LaneId, count: usize) {
        if count == 0 {
            return;
        }
        if lane >= self.counts.len() {
            self.counts.resize(lane + 1, 0);
        }
        if self.counts[lane] == 0 {
            self.lanes.push(lane);
        }
        self.counts[lane] += count;
    }

    pub(in crate::queue) fn take(&mut self, mut each: impl FnMut(LaneId, usize)) {
        let Self { counts, lanes } = self;
        lanes.drain(..).for_each(|lane| each(lane, mem::take(&mut counts[lane])));
    }
}
