//! A rollback that another thread makes.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use super::{
    change::Change,
    charges::Charges,
    entry::Entry,
    going_back::GoingBack,
    line::{Line, NOWHERE},
    snapshots::Snapshots,
};
use crate::frame::OffFrame;
use crate::frame::SlowestApply;
use crate::replica::{
    State,
    answers::{Question, answer},
};

/// Everything a rollback needs: nothing in it is shared with the frame thread but what neither changes.
///
/// What making it costs the frame: a reference (32 bytes) for each entry of the log that is folded again. The state is cloned on the
/// other thread, from a snapshot.
pub(crate) struct Task<S: State> {
    token: Arc<()>,
    /// Its number among those of its fold.
    number: u64,
    start: Start<S>,
    changes: Vec<Change<S::Op>>,
    base_level: u64,
    watch: OffFrame,
}

enum Start<S: State> {
    /// A snapshot, and the log after it.
    Snapshot(Box<Suffix<S>>),
    /// What an earlier redo has made, which was not shown yet as too much had been committed since.
    Ahead(Box<Line<S>>),
}

struct Suffix<S: State> {
    state: Arc<S>,
    first: usize,
    interval: usize,
    log: Vec<Entry<S::Op>>,
    way: Box<dyn GoingBack<S>>,
    floor: usize,
    retry: usize,
    frozen: Option<usize>,
    void_upto: u64,
    has_poison: bool,
    charges: Charges,
    checkpoint: usize,
    timed_from: usize,
}

/// What a task has made.
pub(crate) struct Outcome<S: State> {
    token: Arc<()>,
    #[cfg_attr(not(feature = "journal"), expect(dead_code, reason = "a journal has the number alone"))]
    pub(crate) number: u64,
    pub(super) line: Box<Line<S>>,
    /// The slowest of its operations, for the report of the frame that takes it.
    pub(super) slowest: Option<SlowestApply>,
    /// How long those took, all together, that a frame would have applied; `None` where no frame merges anything instead.
    pub(super) took: Option<Duration>,
}

/// On the frame's side: a task that is somewhere else.
pub(super) struct Outstanding {
    token: Weak<()>,
    pub(super) number: u64,
    /// The end of the log when it was made: what is after it was committed since.
    pub(super) end: usize,
    /// Whether it puts local operations on top of what another has made.
    pub(super) last: bool,
}

impl Outstanding {
    /// Whether neither the task nor its outcome exists any more. No call says so: a record of the frame has it.
    pub(super) fn is_lost(&self) -> bool {
        answer(Question::JobLost, 0, || u64::from(self.token.strong_count() == 0)) == 1
    }

    pub(super) fn made<S: State>(&self, outcome: &Outcome<S>) -> bool {
        std::ptr::eq(self.token.as_ptr(), Arc::as_ptr(&outcome.token))
    }
}

impl<S: State> Task<S> {
    /// For a line that cannot be folded on the frame thread, and for changes that are not in it, the lowest of which is at `lowest`.
    pub(super) fn from_snapshot(
        line: &Line<S>,
        lowest: usize,
        changes: Vec<Change<S::Op>>,
        base_level: u64,
    ) -> (Self, Outstanding) {
        let (first, state) = line.snapshots.nearest(lowest);
        let end = line.end();
        let suffix = Suffix {
            state: Arc::clone(state),
            first,
            interval: line.snapshots.interval(),
            log: line.log[first - line.first..].to_vec(),
            way: line.way.empty(first.max(line.floor).min(end), end),
            floor: line.floor,
            retry: line.retry,
            frozen: line.frozen,
            void_upto: line.void_upto,
            has_poison: line.has_poison,
            charges: line.charges.open(),
            checkpoint: NOWHERE,
            timed_from: if line.way.clones() && lowest < line.reach { first } else { lowest },
        };
        Self::new(Start::Snapshot(Box::new(suffix)), changes, base_level, end)
    }

    /// For the state at that position, which is to be looked at: a snapshot of it is kept.
    pub(super) fn to_look(line: &Line<S>, position: usize, base_level: u64) -> (Self, Outstanding) {
        let (mut task, outstanding) = Self::from_snapshot(line, position, Vec::new(), base_level);
        if let Start::Snapshot(suffix) = &mut task.start {
            suffix.checkpoint = position;
        }
        (task, outstanding)
    }

    /// For an outcome that local operations have to be put on top of. `end`: what of the visible log is in it.
    pub(super) fn ahead(line: Box<Line<S>>, end: usize) -> (Self, Outstanding) {
        Self::new(Start::Ahead(line), Vec::new(), 0, end)
    }

    fn new(start: Start<S>, changes: Vec<Change<S::Op>>, base_level: u64, end: usize) -> (Self, Outstanding) {
        let token = Arc::new(());
        let outstanding = Outstanding {
            token: Arc::downgrade(&token),
            number: 0,
            end,
            last: matches!(start, Start::Ahead(_)),
        };
        (Self { token, number: 0, start, changes, base_level, watch: OffFrame::new() }, outstanding)
    }

    /// Its number.
    pub(super) fn numbered(self, number: u64) -> Self {
        Self { number, ..self }
    }

    /// What is in it that is not in the log.
    pub(super) fn changes(&self) -> &[Change<S::Op>] {
        &self.changes
    }

    pub(crate) fn run(self) -> Outcome<S> {
        let Self { token, number, start, changes, base_level, watch } = self;
        let brings_news = !changes.is_empty();
        let (mut line, slowest) = watch.measure(|| {
            let mut line = match start {
                Start::Ahead(line) => line,
                Start::Snapshot(suffix) => Box::new(suffix.line()),
            };
            line.merge(&changes, base_level);
            let done = line.fold(&mut { usize::MAX }, true);
            debug_assert!(done, "there is no budget here");
            line
        });
        line.timed_from = 0;
        let took = std::mem::take(&mut line.took);
        let took = brings_news.then_some(took);
        Outcome { token, number, line, slowest, took }
    }
}

impl<S: State> Suffix<S> {
    fn line(self) -> Line<S> {
        let mut line =
            Line::new(S::clone(&self.state), Snapshots::new(self.interval, self.first, self.state), self.way);
        line.log = self.log;
        line.log.iter_mut().for_each(|entry| entry.set_applied(false));
        line.floor = self.floor;
        line.retry = self.retry;
        line.frozen = self.frozen;
        line.void_upto = self.void_upto;
        line.has_poison = self.has_poison;
        line.charges = self.charges;
        line.resume(self.first);
        line.checkpoint = self.checkpoint;
        line.timed_from = self.timed_from;
        line
    }
}
