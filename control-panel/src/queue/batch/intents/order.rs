//! The order of a batch's producers, which it keeps from frame to frame.

use super::{FEW, Intents, Listed};
use crate::{
    intent::Intent,
    queue::batch::{BucketId, ProducerKey},
};

impl<I: Intent> Intents<I> {
    /// A producer's bucket is in use from here on.
    // As many producers as do not fit into a `u32` do not fit into memory.
    #[allow(clippy::cast_possible_truncation)]
    pub(super) fn list(&mut self, new: Listed<I::Source>) {
        self.producers += 1;
        let rank = self.ranks[new.bucket_id] as usize;
        match self.order.get_mut(rank) {
            Some(known) if known.bucket_id == new.bucket_id => {
                // It may be of one that is gone.
                if known.producer.origin != new.producer.origin {
                    *known = new;
                    self.sorted = self.sorted.min(rank);
                }
            }
            _ => {
                self.ranks[new.bucket_id] = self.order.len() as u32;
                self.order.push(new);
            }
        }
    }

    pub(super) fn is_listed(&self, bucket_id: BucketId) -> bool {
        self.order.get(self.ranks[bucket_id] as usize).is_some_and(|known| known.bucket_id == bucket_id)
    }

    /// After a change of `order`.
    #[allow(clippy::cast_possible_truncation)]
    pub(super) fn rank(&mut self) {
        for (rank, listed) in self.order.iter().enumerate() {
            self.ranks[listed.bucket_id] = rank as u32;
        }
    }

    /// Forgets such producers that have nothing in here.
    pub(super) fn forget(&mut self, such: impl Fn(&ProducerKey<I::Source>) -> bool) {
        let Self { buckets, order, sorted, .. } = self;
        let is_sorted = *sorted == order.len();
        order.retain(|listed| !(buckets[listed.bucket_id].is_unused() && such(&listed.producer)));
        *sorted = if is_sorted { order.len() } else { 0 };
        self.rank();
    }

    /// Should the source's `Ord`, which is the user's code, panic, `order` still has each once.
    #[cold]
    pub(super) fn sort(&mut self) {
        let Self { order, sorted, .. } = self;
        if order.len() > *sorted + FEW {
            *sorted = 0;
            order.sort_unstable_by_key(|listed| listed.producer.name());
        } else {
            for new in *sorted..order.len() {
                let name = order[new].producer.name();
                let place = order[..new].partition_point(|listed| listed.producer.name() < name);
                order[place..=new].rotate_right(1);
            }
        }
        *sorted = order.len();
        self.rank();
    }
}
