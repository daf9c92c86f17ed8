//! What is beyond a frame's budget: the job that another thread runs, and what it made.

#[cfg(feature = "journal")]
use super::Outcome;
use super::{Task, change::Change, fold::Fold, job::Outstanding, line::Line};
use crate::replica::{Redo, Redone, State, redo::Made};

/// What a job made, until it is the state.
pub(super) struct Ahead<S: State> {
    pub(super) line: Box<Line<S>>,
    /// What of the visible log is in it.
    pub(super) end: usize,
    /// For the second time: what was committed since is put on top frame by frame, without another job.
    pub(super) last: bool,
    /// The end of the visible log when it was looked at last.
    pub(super) seen: usize,
}

impl<S: State> Fold<S> {
    #[cfg(not(feature = "journal"))]
    #[expect(clippy::unused_self, reason = "in a replay it keeps the task too")]
    pub(super) fn hand_out(&mut self, task: Task<S>) -> Redo<S> {
        Redo::new(task)
    }

    #[cfg(feature = "journal")]
    pub(super) fn hand_out(&mut self, task: Task<S>) -> Redo<S> {
        if !crate::replica::codec::is_replay() {
            return Redo::new(task);
        }
        let task = std::sync::Arc::new(std::sync::Mutex::new(Some(task)));
        Redo::replayed(self.jobs, std::sync::Arc::clone(self.replayed.insert(task)))
    }

    /// In a replay the recorded result is a mark, and the job that it is of runs here.
    #[cfg(feature = "journal")]
    fn replay_job(&mut self, number: u64) -> Option<Box<Outcome<S>>> {
        while self.job.as_ref()?.number < number {
            // The recording was changed, so that jobs are others: this one takes the place of those that are not made any more.
            self.lose_job();
            let task = self.work(&mut 0)?;
            let _ = self.hand_out(task);
        }
        if self.job.as_ref()?.number != number {
            return None;
        }
        let task = self.replayed.take()?.lock().ok()?.take()?;
        Some(Box::new(task.run()))
    }

    /// It is made again, with all that was in it and has come since.
    pub(super) fn lose_job(&mut self) {
        self.job = None;
        self.beyond.append(&mut self.changes);
        std::mem::swap(&mut self.beyond, &mut self.changes);
        self.operations = self.changes.iter().map(Change::operations).sum();
        self.line.set_void_upto(self.void_upto);
    }

    /// What is to be done from that position on, and all changes, become a job.
    pub(super) fn send(&mut self, lowest: usize) -> Task<S> {
        self.line.give_up();
        let lowest = lowest.min(self.line.dirty);
        self.operations = 0;
        let changes = std::mem::take(&mut self.changes);
        self.sent(Task::from_snapshot(&self.line, lowest, changes, self.base_level))
    }

    /// A state of the past that no frame can come to is made elsewhere, so that a snapshot of it is at hand.
    pub(super) fn look_elsewhere(&mut self, position: usize) -> Option<Task<S>> {
        if std::mem::replace(&mut self.looked_at, position) == position {
            return None;
        }
        Some(self.sent(Task::to_look(&self.line, position, self.base_level)))
    }

    pub(super) fn sent(&mut self, (task, mut outstanding): (Task<S>, Outstanding)) -> Task<S> {
        self.beyond.extend_from_slice(task.changes());
        self.jobs += 1;
        outstanding.number = self.jobs;
        self.job = Some(outstanding);
        task.numbered(self.jobs)
    }

    /// Takes what a job has made. False, and nothing happens, if it is not the one that is awaited.
    pub(crate) fn finish(&mut self, redone: Redone<S>) -> bool {
        let outcome = match redone.made {
            Made::Outcome(outcome) => Some(outcome),
            #[cfg(feature = "journal")]
            Made::Recorded(number) => self.replay_job(number),
        };
        let Some(outcome) = outcome else { return false };
        let Some(job) = self.job.take_if(|job| job.made(&outcome)) else { return false };
        debug_assert!(!self.line.waits(), "sealed before");
        let seen = self.line.end();
        if let Some(slowest) = outcome.slowest {
            slowest.note();
        }
        self.pace.job_took(outcome.took);
        self.ahead = Some(Ahead { line: outcome.line, end: job.end, last: job.last, seen });
        self.busy = true;
        let mut budget = self.frame_budget().saturating_sub(self.spent);
        let before = budget;
        self.show(&mut budget);
        self.spent += before.saturating_sub(budget);
        true
    }

    /// What a job has made becomes the state, as soon as what was committed since is on top of it.
    pub(super) fn show(&mut self, budget: &mut usize) {
        let Some(mut made) = self.ahead.take() else { return };
        let mut since = &self.line.log[made.end - self.line.first..];
        if made.last {
            // A frame that commits pays for that twice, beside its budget, and one with no budget for one operation; else this might never catch up.
            let least = usize::from(self.frame_budget() == 0);
            *budget = (*budget).max(least) + self.line.end() - made.seen;
            made.seen = self.line.end();
            since = &since[..since.len().min(*budget)];
        }
        made.line.append(since);
        made.end += since.len();
        let folded = made.line.fold(budget, false);
        if folded && made.end == self.line.end() {
            self.line.become_made(*made.line);
            self.beyond.clear();
            self.line.set_floor(self.line.above(self.watermark));
            // Behind that: what is stable was void where it panicked.
            self.line.set_void_upto(self.void_upto);
        } else {
            self.ahead = Some(made);
        }
    }
}
