//! Measures which operations of replicated state took longest in a frame, for the frame's report alone.

use std::time::Duration;

use tokio::time::Instant;

use super::collector::{self, Clock, Collector};
use crate::intent::ids::Stamp;

/// The operations that took longest to apply, of all that the replicas of a reducer applied in a frame: part of
/// [`FrameReport`](crate::FrameReport).
///
/// A replica applies an operation on the thread that settles, or on that of a [`Redo`](crate::replica::Redo), and nothing can
/// interrupt it: a slow [`State::apply`](crate::State::apply) blocks the frame. This names the operation. It is wall-clock time,
/// for display: no replica decides by it, and no record contains it.
///
/// The clock is not read for each of many operations that are applied together. They are measured in stretches of 1, 2, 4 and so
/// on up to 64 operations, and one by one again after a stretch that took a millisecond. So an operation is named alone if it is
/// the first that a frame applies, or if such operations are slow again and again.
///
/// ```
/// use std::time::Duration;
/// # use control_panel::{ControlPanel, GraphIntent, IntentSource, Peer, QueuedIntent, Reducer, Replica, Stamp, State};
/// # #[derive(Clone, Default)] struct Words(Vec<String>);
/// # impl State for Words {
/// #     type Op = String;
/// #     fn apply(&mut self, word: &String, _: &Stamp) { self.0.push(word.clone()); }
/// # }
/// # #[derive(GraphIntent)]
/// # enum Update { Typed(String) }
/// # struct App { words: Replica<Words> }
/// # impl Reducer for App {
/// #     type Intent = Update;
/// #     fn apply(&mut self, queued: QueuedIntent<Update>) { let Update::Typed(word) = queued.intent; self.words.commit(word); }
/// # }
/// # let mut app = App { words: Replica::new(Peer([1; 32]), [Peer([1; 32])], Words::default()) };
/// # let mut panel = ControlPanel::<Update>::new();
/// let report = panel.run_frame(
///     &mut app,
///     &mut (),
///     [(IntentSource::LocalUI, Update::Typed("a".into()))],
/// );
/// let slowest = report.slowest.expect("one was applied");
/// assert_eq!((slowest.operations, slowest.first), (1, slowest.last));
/// if slowest.took > Duration::from_millis(4) {
///     eprintln!("{:?} took {:?} to apply", slowest.first, slowest.took);
/// }
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlowestApply {
    /// The first operation of the stretch, in the order of the state.
    pub first: Stamp,
    /// The last one; the same as `first` for a stretch of one operation.
    pub last: Stamp,
    /// How many operations the stretch has: with 1, `first` is the slow operation itself.
    pub operations: usize,
    /// How long they took together.
    pub took: Duration,
    /// They were part of a [`Redo`](crate::replica::Redo), so no frame paid for them. The frame that took the result reports them.
    pub off_frame: bool,
}

impl SlowestApply {
    /// Keeps it as the slowest of the frame that runs on this thread, unless another took longer.
    pub(crate) fn note(self) {
        collector::measure(|frame| {
            if frame.slowest.is_none_or(|other| other.took < self.took) {
                frame.slowest = Some(self);
            }
        });
    }
}

/// After a stretch that took this long, operations are measured one by one.
const LONG: Duration = Duration::from_millis(1);
/// How many operations are measured together at most.
const MOST: usize = 64;

/// Measures stretches of operations while a frame runs on this thread; otherwise it reads no clock.
#[derive(Debug)]
pub(crate) struct Stopwatch {
    clock: Option<(Clock, Instant)>,
    stretch: usize,
}

impl Stopwatch {
    #[inline]
    pub(crate) fn start() -> Self {
        Self { clock: collector::clock().map(|clock| (clock, clock())), stretch: 1 }
    }

    /// How many operations to apply before the next lap.
    #[inline]
    pub(crate) fn stretch(&self) -> usize {
        if self.clock.is_some() { self.stretch } else { usize::MAX }
    }

    /// This many operations were applied or skipped since the last lap. What that took is added to `sum`.
    #[inline]
    pub(crate) fn lap(
        &mut self,
        operations: usize,
        sum: &mut Duration,
        ends: impl FnOnce() -> Option<[Stamp; 2]>,
    ) {
        if self.clock.is_some() {
            *sum += self.take_lap(operations, ends());
        }
    }

    fn take_lap(&mut self, operations: usize, ends: Option<[Stamp; 2]>) -> Duration {
        let (Some((clock, began)), Some([first, last])) = (&mut self.clock, ends) else {
            return Duration::ZERO;
        };
        let now = clock();
        let took = now.saturating_duration_since(std::mem::replace(began, now));
        SlowestApply { first, last, operations, took, off_frame: false }.note();
        self.stretch = if took < LONG { MOST.min(self.stretch * 2) } else { 1 };
        took
    }

    /// Discards the time since the last lap.
    #[inline]
    pub(crate) fn skip(&mut self) {
        if let Some((clock, began)) = &mut self.clock {
            *began = clock();
        }
    }
}

/// Measures a job that a frame handed out, on another thread.
#[derive(Debug)]
pub(crate) struct OffFrame(Option<Clock>);

impl OffFrame {
    /// Uses the clock of the frame that runs on this thread, if one does.
    pub(crate) fn new() -> Self {
        Self(collector::clock())
    }

    pub(crate) fn measure<R>(self, work: impl FnOnce() -> R) -> (R, Option<SlowestApply>) {
        let collector = Collector::of(self.0);
        let made = work();
        let slowest = self.0.and_then(|_| collector.end().1);
        (made, slowest.map(|slowest| SlowestApply { off_frame: true, ..slowest }))
    }
}
