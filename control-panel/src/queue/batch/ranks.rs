//! The order of a batch's producers, remembered from frame to frame: mostly the same ones come, only not in the same order.

use std::mem;

use super::intents::Used;

pub(super) struct Ranks<S> {
    /// By slot: its producer's place in the frame that was sorted last.
    ranks: Vec<u32>,
    spare: Vec<Used<S>>,
}

impl<S: Copy + Ord> Ranks<S> {
    pub(super) fn new() -> Self {
        Self { ranks: Vec::new(), spare: Vec::new() }
    }

    /// Sorts by source and origin. Should the source's `Ord`, which is the user's code, panic, `order` still has each once.
    pub(super) fn sort(&mut self, order: &mut Vec<Used<S>>) {
        if !self.recall(order) {
            order.sort_unstable_by_key(|used| used.producer.name());
            self.remember(order);
        }
    }

    /// Puts them where they were the last time, and looks whether that is right this time.
    fn recall(&mut self, order: &mut Vec<Used<S>>) -> bool {
        let Self { ranks, spare } = self;
        spare.clear();
        spare.extend_from_slice(order);
        for used in &*order {
            let rank = ranks.get(used.bucket_id).and_then(|&rank| spare.get_mut(rank as usize));
            let Some(place) = rank else { return false };
            *place = *used;
        }
        // All different, they are all that there were, though two may have had one place.
        let is_right = spare.is_sorted_by(|one, next| one.producer.name() < next.producer.name());
        if is_right {
            mem::swap(order, spare);
        }
        is_right
    }

    // A batch of four thousand million producers does not fit into memory.
    #[allow(clippy::cast_possible_truncation)]
    fn remember(&mut self, order: &[Used<S>]) {
        for (rank, used) in order.iter().enumerate() {
            if used.bucket_id >= self.ranks.len() {
                self.ranks.resize(used.bucket_id + 1, u32::MAX);
            }
            self.ranks[used.bucket_id] = rank as u32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{intent::order::Origin, queue::batch::ProducerKey};

    fn used(bucket_id: usize, source: u8, origin: u64) -> Used<u8> {
        Used { producer: ProducerKey { source, origin: Origin(origin), lane: Some(0) }, bucket_id }
    }

    fn names(order: &[Used<u8>]) -> Vec<(u8, u64)> {
        order.iter().map(|used| (used.producer.source, used.producer.origin.0)).collect()
    }

    /// Recalled or not, they are sorted, and each is there once.
    #[test]
    fn whichever_comes_and_in_whatever_order() {
        let producers = [used(0, 1, 9), used(1, 2, 3), used(2, 0, 4), used(3, 1, 2), used(4, 2, 1)];
        // The producer of a slot may be another than in the frame before, or have come twice as far.
        let newer = [used(0, 2, 8), used(1, 0, 7), used(2, 1, 4), used(3, 1, 2), used(9, 2, 1)];
        let mut ranks = Ranks::new();
        for from in [producers, newer, producers] {
            for turn in 0..5 {
                for count in [5, 5, 3, 5, 1, 0] {
                    let mut order: Vec<_> = from.iter().copied().cycle().skip(turn).take(count).collect();
                    let mut sorted = names(&order);
                    sorted.sort_unstable();
                    ranks.sort(&mut order);
                    assert_eq!(names(&order), sorted);
                }
            }
        }
    }

    #[test]
    fn those_who_come_again_are_not_sorted_again() {
        let mut ranks = Ranks::new();
        let mut order = vec![used(3, 2, 1), used(0, 1, 1), used(7, 0, 1)];
        assert!(!ranks.recall(&mut order.clone()));
        ranks.sort(&mut order);
        order.rotate_left(1);
        assert!(ranks.recall(&mut order));
        assert_eq!(names(&order), [(0, 1), (1, 1), (2, 1)]);
        // Two for one place.
        let mut order = vec![used(3, 2, 1), used(0, 1, 1), used(0, 0, 1)];
        assert!(!ranks.recall(&mut order));
        assert_eq!(names(&order), [(2, 1), (1, 1), (0, 1)]);
        // Two for one place, and the third in two.
        let mut order = vec![used(0, 0, 1), used(3, 1, 1), used(3, 2, 1)];
        assert!(!ranks.recall(&mut order));
        assert_eq!(names(&order), [(0, 1), (1, 1), (2, 1)]);
    }
}
