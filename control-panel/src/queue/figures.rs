//! What observers read of the queue: what became of the intents of each sender, and of each source.

use std::sync::Arc;

use tokio::time::Instant;

use super::Queue;
use crate::{intent::Intent, telemetry::SendFigures};

/// Counts for a sender and for its source.
#[derive(Debug, Clone)]
pub(super) struct SenderFigures {
    own: Arc<SendFigures>,
    of_source: Arc<SendFigures>,
}

impl SenderFigures {
    /// Of a new sender of this source.
    pub(super) fn of_source(of_source: Arc<SendFigures>) -> Self {
        Self { own: Arc::new(SendFigures::new()), of_source }
    }

    pub(super) fn own(&self) -> &Arc<SendFigures> {
        &self.own
    }

    /// So many more were accepted. Under the queue's lock.
    #[inline]
    pub(super) fn add_sent(&self, more: u64) {
        self.own.add_sent(more);
        self.of_source.add_sent(more);
    }

    pub(super) fn refuse(&self) {
        self.own.refuse();
        self.of_source.refuse();
    }

    pub(super) fn drop_one(&self) {
        self.own.drop_one();
        self.of_source.drop_one();
    }

    /// A send begins to wait. Under the queue's lock.
    pub(super) fn begin_wait(&self) {
        let now = Instant::now();
        self.own.begin_wait(now);
        self.of_source.begin_wait(now);
    }

    /// A send waits no longer. Under the queue's lock.
    pub(super) fn end_wait(&self) {
        let now = Instant::now();
        self.own.end_wait(now);
        self.of_source.end_wait(now);
    }
}

/// What each source has of the queue.
pub(crate) struct Sources<S> {
    /// In their order: the source, the slots that it occupies (queued, in a frame that has not ended, or reserved), its figures.
    pub(crate) known: Vec<(S, usize, Arc<SendFigures>)>,
    pub(crate) left_out: usize,
    /// When the oldest queued intent, or an earlier one of its batch, was accepted.
    pub(crate) oldest: Option<Instant>,
}

impl<I: Intent> Queue<I> {
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
