//! How much memory a batch keeps.

use super::Intents;
use crate::{intent::Intent, queue::batch::bucket::Bucket};

/// For how many frames a bucket keeps room that it did not need.
const LATE: u32 = 256;

/// So much room for each slot of the queue, and for each producer.
fn limit(capacity: usize, for_each_slot: usize, producers: usize, for_each_producer: usize) -> usize {
    capacity.saturating_mul(for_each_slot).saturating_add(producers.saturating_mul(for_each_producer))
}

impl<I: Intent> Intents<I> {
    /// Room for intents, used or not.
    pub(in crate::queue::batch) fn room(&self) -> usize {
        self.buckets.iter().map(Bucket::room).sum::<usize>() + self.clocked.room()
    }

    /// Gives memory back. A producer's bucket keeps room for its greatest frame of late, as long as all of them together
    /// have not much more room than the queue: producers that fill it in turn take no memory again and again.
    #[inline]
    pub(in crate::queue::batch) fn trim(&mut self, capacity: usize) {
        if self.grown {
            self.trim_some(capacity);
        }
    }

    #[cold]
    fn trim_some(&mut self, capacity: usize) {
        let (room, producers) = (self.room(), self.buckets.len());
        let most = limit(capacity, 16, producers, 256);
        self.grown = room > limit(capacity, 4, producers, 16);
        self.overfull += u32::from(self.grown);
        if room > most {
            let part = most / 2 / (producers + 1);
            self.clocked.shrink_to(part);
            self.trim_buckets(|_| part);
        } else if self.overfull == LATE {
            self.trim_buckets(|bucket| 2 * bucket.greatest());
        }
    }

    fn trim_buckets(&mut self, most: impl Fn(&Bucket<I>) -> usize) {
        self.overfull = 0;
        self.buckets.iter_mut().for_each(|bucket| bucket.shrink_to(most(bucket)));
    }
}
