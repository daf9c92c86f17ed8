//! Whether a frame is fast enough for what is merged.

use std::time::Duration;

use crate::replica::answers::{Question, answer};

/// So many jobs in a row are fast before a frame applies again what is merged: one slow operation among them is no reason to go back and forth.
const FAST_JOBS: u8 = 8;

/// How long a frame may apply what is merged, and what follows where one took longer.
///
/// Time decides nothing but where operations are applied, and that it was too long is an answer: a record of the frame has it, so that a replay, which
/// takes another time, has the same jobs.
#[derive(Debug, Default)]
pub(super) struct Pace {
    limit: Option<Duration>,
    /// While what is merged is applied off the frame: how many jobs in a row were fast.
    fast_jobs: Option<u8>,
    has_changed: bool,
}

impl Pace {
    pub(super) fn new(limit: Option<Duration>) -> Self {
        Self { limit, ..Self::default() }
    }

    /// As it was set up.
    pub(super) fn begin_again(&self) -> Self {
        Self::new(self.limit)
    }

    /// What is left of this budget.
    pub(super) fn budget(&self, budget: usize) -> usize {
        if self.fast_jobs.is_some() { 0 } else { budget }
    }

    /// A frame applied for so long. It is asked whenever a frame settled, whatever that was, so that a replay asks as often.
    pub(super) fn frame_took(&mut self, took: Duration) {
        if self.fast_jobs.is_none() && self.is_slow(took) {
            self.fast_jobs = Some(0);
            self.has_changed = true;
        }
    }

    /// A job applied for so long what a frame would have.
    pub(super) fn job_took(&mut self, took: Option<Duration>) {
        let (Some(before), Some(took)) = (self.fast_jobs, took) else { return };
        let fast_jobs = if self.is_slow(took) { 0 } else { before + 1 };
        self.has_changed |= fast_jobs == FAST_JOBS;
        self.fast_jobs = (fast_jobs < FAST_JOBS).then_some(fast_jobs);
    }

    fn is_slow(&self, took: Duration) -> bool {
        self.limit.is_some_and(|limit| answer(Question::TooSlow, 0, || u64::from(took > limit)) == 1)
    }

    /// Whether what is merged is applied off the frame, if that has changed.
    pub(super) fn take_change(&mut self) -> Option<bool> {
        std::mem::take(&mut self.has_changed).then_some(self.fast_jobs.is_some())
    }
}
