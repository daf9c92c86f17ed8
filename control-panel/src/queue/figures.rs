//! What observers read of the queue: what became of the intents of each sender, and of each source.

use std::sync::Arc;

use tokio::time::Instant;

use super::Queue;
use crate::{intent::Intent, telemetry::SendFigures};

/// What each source has of the queue.
pub(crate) struct Sources<S> {
    /// In their order: the source, the slots that it occupies (queued, in a frame that has not ended, or reserved), its figures.
    pub(crate) known: Vec<(S, usize, Arc<SendFigures>)>,
    pub(crate) left_out: usize,
    /// When the oldest queued intent, or an earlier one of its batch, was accepted.
    pub(crate) oldest: Option<Instant>,
}

impl<I: Intent> Queue<I> {
    /// From now on it is timed how long sends wait.
    pub(crate) fn observe(&self) {
        let mut state = self.lock();
        state.observed = true;
        let now = Instant::now();
        state.accounts.iter().for_each(|account| account.block.observe(now));
    }

    /// What each source has, of so many sources at most. For observers: waits for the lock, as a sender does, and holds it for some
    /// ten nanoseconds a source.
    pub(crate) fn sources(&self, most: usize) -> Sources<I::Source> {
        let mut sources = Vec::with_capacity(most);
        let state = self.lock();
        let oldest = state.oldest();
        let known = state.shares.sources();
        let left_out = known.len().saturating_sub(most);
        sources.extend(known.take(most).map(|(source, slots, figures)| (source, slots, Arc::clone(figures))));
        drop(state);
        Sources { known: sources, left_out, oldest }
    }
}
