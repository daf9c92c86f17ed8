//! What is handed out one by one, taken out of the batch so that the next one is near.

use std::{mem, vec};

use tokio::time::Instant;

use crate::intent::{
    Intent,
    order::{CausalityOrder, QueuedIntent},
};

/// Intents of one producer, whose numbers are one after the other.
pub(crate) struct Hand<I: Intent> {
    intents: vec::IntoIter<I>,
    /// The place after the last of them, from which the others are counted, so that a loop that does not look at the number
    /// pays nothing for it; and when they were accepted. `None` while there is nothing to put back.
    end: Option<(CausalityOrder<I::Source>, Instant)>,
}

impl<I: Intent> Hand<I> {
    pub(crate) fn new() -> Self {
        Self { intents: vec::IntoIter::default(), end: None }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.intents.len()
    }

    /// Fills it. The first of the intents has this place.
    pub(super) fn fill(
        &mut self,
        intents: vec::IntoIter<I>,
        first: CausalityOrder<I::Source>,
        accepted_at: Instant,
    ) {
        let order = CausalityOrder { seq: first.seq + intents.len() as u64, ..first };
        *self = Self { intents, end: Some((order, accepted_at)) };
    }

    /// What is to be put back, with the buffer that it is in: also where all of it was handed out.
    pub(super) fn empty(&mut self) -> Option<vec::IntoIter<I>> {
        self.end.take().map(|_| mem::take(&mut self.intents))
    }

    #[inline]
    pub(crate) fn next(&mut self) -> Option<QueuedIntent<I>> {
        let intent = self.intents.next()?;
        let (order, accepted_at) = self.end?;
        let seq = order.seq - 1 - self.intents.len() as u64;
        Some(QueuedIntent::keyed(CausalityOrder { seq, ..order }, accepted_at, intent))
    }
}
