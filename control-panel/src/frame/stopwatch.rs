//! Which operations of replicated state took longest in a frame: for its report, and for nothing else.

use std::{cell::Cell, marker::PhantomData, time::Duration};

use tokio::time::Instant;

use crate::replica::Stamp;

/// What is read: the clock, or a test's.
pub(crate) type Clock = fn() -> Instant;

thread_local! {
    /// Of the frame, or the job of one, that runs on this thread.
    static CLOCK: Cell<Option<Clock>> = const { Cell::new(None) };
    static SLOWEST: Cell<Option<SlowestApply>> = const { Cell::new(None) };
}

/// Which operations took longest to apply, of those that the replicas of a reducer applied: part of [`FrameReport`](crate::FrameReport).
///
/// A replica applies an operation on the thread that settles, or on that of a [`Redo`](crate::replica::Redo), and nothing can break one off: a slow
/// [`State::apply`](crate::State::apply) blocks the frame. This names it. It is wall clock and for display: no replica decides by it, and no record has it.
///
/// The clock is not read for each operation, where many are applied together: they are measured in stretches of 1, 2, 4 operations and so on up
/// to 64, and one by one again after a stretch that took a millisecond. So what is slow where a frame begins to apply, and what is slow again and again,
/// is named alone.
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
/// let report = panel.run_frame(&mut app, &mut (), [(IntentSource::LocalUI, Update::Typed("a".into()))]);
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
    /// The last one: the same where it is one operation.
    pub last: Stamp,
    /// How many of them were applied: 1 names the operation.
    pub operations: usize,
    /// How long that took.
    pub took: Duration,
    /// It was part of a [`Redo`](crate::replica::Redo), so no frame paid for it. Reported by the frame that took the result.
    pub off_frame: bool,
}

impl SlowestApply {
    /// Enters it for the frame that runs on this thread, unless another took longer.
    pub(crate) fn note(self) {
        if CLOCK.get().is_some() && SLOWEST.get().is_none_or(|other| other.took < self.took) {
            SLOWEST.set(Some(self));
        }
    }
}

/// What a stretch takes at least for its operations to be looked at one by one.
const LONG: Duration = Duration::from_millis(1);
/// How many operations are measured together at most.
const MOST: usize = 64;

/// Measures stretches of operations, where a frame runs on this thread; elsewhere it reads no clock.
#[derive(Debug)]
pub(crate) struct Stopwatch {
    clock: Option<(Clock, Instant)>,
    stretch: usize,
}

impl Stopwatch {
    #[inline]
    pub(crate) fn start() -> Self {
        Self { clock: CLOCK.get().map(|clock| (clock, clock())), stretch: 1 }
    }

    /// How many operations to apply before the next lap.
    #[inline]
    pub(crate) fn stretch(&self) -> usize {
        if self.clock.is_some() { self.stretch } else { usize::MAX }
    }

    /// So many operations were applied since the last lap, or passed over.
    #[inline]
    pub(crate) fn lap(&mut self, operations: usize, ends: impl FnOnce() -> Option<[Stamp; 2]>) {
        if self.clock.is_some() {
            self.take_lap(operations, ends());
        }
    }

    fn take_lap(&mut self, operations: usize, ends: Option<[Stamp; 2]>) {
        let (Some((clock, began)), Some([first, last])) = (&mut self.clock, ends) else { return };
        let now = clock();
        let took = now.saturating_duration_since(std::mem::replace(began, now));
        SlowestApply { first, last, operations, took, off_frame: false }.note();
        self.stretch = if took < LONG { MOST.min(self.stretch * 2) } else { 1 };
    }

    /// What was done since the last lap is not measured.
    #[inline]
    pub(crate) fn skip(&mut self) {
        if let Some((clock, began)) = &mut self.clock {
            *began = clock();
        }
    }
}

/// Measures on another thread what a frame handed out.
#[derive(Debug)]
pub(crate) struct OffFrame(Option<Clock>);

impl OffFrame {
    /// As the frame does that runs on this thread, if one does.
    pub(crate) fn new() -> Self {
        Self(CLOCK.get())
    }

    pub(crate) fn measure<R>(self, work: impl FnOnce() -> R) -> (R, Option<SlowestApply>) {
        let _measuring = Measuring::begin(self.0);
        let made = work();
        (made, Measuring::slowest().map(|slowest| SlowestApply { off_frame: true, ..slowest }))
    }
}

/// While it lives, what is measured on this thread is its own. Its end, or a panic, gives what was around it back what that had.
#[derive(Debug)]
pub(super) struct Measuring {
    outer: (Option<Clock>, Option<SlowestApply>),
    /// It belongs to the thread on which it began.
    not_send: PhantomData<*const ()>,
}

impl Measuring {
    pub(super) fn begin(clock: Option<Clock>) -> Self {
        Self { outer: (CLOCK.replace(clock), SLOWEST.take()), not_send: PhantomData }
    }

    /// What was slowest so far, of the innermost.
    pub(super) fn slowest() -> Option<SlowestApply> {
        SLOWEST.get()
    }
}

impl Drop for Measuring {
    fn drop(&mut self) {
        CLOCK.set(self.outer.0);
        SLOWEST.set(self.outer.1);
    }
}
