//! Frames: ordered batches of intents, and the two phases that use them.
//!
//! A [`Reducer`] applies each intent of a frame to the state, purely; [`Reconcile`] then makes the effects follow the state, once
//! a frame. [`ControlPanel::run_frame`](crate::ControlPanel::run_frame) does both and returns a [`FrameReport`];
//! [`ControlPanel::drain`](crate::ControlPanel::drain) hands out a bare [`Frame`]. A [`FrameBudget`] bounds either.
//!
//! ```
//! use control_panel::{
//!     ControlPanel, GraphIntent, IntentSource, QueuedIntent,
//!     frame::{FrameBudget, Reconcile, Reducer},
//! };
//!
//! #[derive(GraphIntent)]
//! enum Update {
//!     Add(u32),
//! }
//!
//! #[derive(Default)]
//! struct Total(u32);
//!
//! impl Reducer for Total {
//!     type Intent = Update;
//!     fn apply(&mut self, queued: QueuedIntent<Update>) {
//!         let Update::Add(n) = queued.intent;
//!         self.0 += n;
//!     }
//! }
//!
//! /// What the screen shows.
//! struct Title(String);
//!
//! impl Reconcile<Total> for Title {
//!     fn reconcile(&mut self, total: &Total) {
//!         self.0 = format!("{} in all", total.0);
//!     }
//! }
//!
//! let mut panel = ControlPanel::<Update>::builder()
//!     .frame_budget(FrameBudget::default().intents(2))
//!     .build();
//! let (mut total, mut title) = (Total::default(), Title(String::new()));
//! let ui = panel.sender(IntentSource::LocalUI);
//! (1..=3).for_each(|n| ui.try_send(Update::Add(n)).unwrap());
//! let report = panel.run_frame(&mut total, &mut title, []);
//! assert_eq!((report.applied, report.left, title.0.as_str()), (2, 1, "3 in all"));
//! ```

mod bell;
mod budget;
mod collector;
mod gauge;
mod recorder;
mod redo_figures;
pub(crate) mod reducer;
mod stopwatch;

use std::{fmt, iter::FusedIterator, sync::Arc, thread};

use crate::{
    intent::{Intent, order::QueuedIntent},
    queue::{Batch, Hand, Local, Queue},
    telemetry::Tally,
    util::{name::Name, panics},
};

use self::budget::Allowance;
#[cfg(any(feature = "journal", test))]
pub(crate) use self::recorder::Ending;
pub use self::{
    budget::FrameBudget,
    redo_figures::RedoFigures,
    reducer::{FrameReport, Reconcile, Reducer, Warning},
    stopwatch::SlowestApply,
};
pub(crate) use self::{
    collector::Collector,
    gauge::{FrameGauge, FrameSample},
    recorder::{Recorder, apply_recorded},
    stopwatch::{OffFrame, Stopwatch},
};

/// One frame's intents, in causal order: what [`ControlPanel::drain`](crate::ControlPanel::drain) returns.
///
/// An iterator of [`QueuedIntent`]. It owns its batch, so the panel can be used while it is read.
///
/// The frame is over, and the slots of its intents are free for senders again, when `next` returns `None` or the frame is
/// dropped, whichever comes first: a frame that was read to its end keeps no sender waiting, however long the variable
/// lives. The last `Some` does not end it, because the frame does not look ahead: to read a known number of intents and no
/// more, `drop(frame)` afterwards. What was not handed out by then (a budget ran out, the loop broke off, the reducer
/// panicked) is not lost: the next drain hands out that rest together with all that other sources sent, in one order. A
/// source that has something in the rest waits with what it sent since. So a flood that a budget cut short does not keep a
/// key press waiting, and each producer's own order is kept. (Where frames are cut again and again, a source that got eight
/// intents more than an equal part of what was handed out waits too, until the others caught up: no flood starves what is
/// ordered after it.) Its slots stay occupied, and `on_ready` is called again. A frame that is forgotten (`mem::forget`)
/// before its end keeps its slots forever.
///
/// Several frames may be held at once. Each is in order by itself, and the rest of one that is dropped later comes later.
///
/// # Panics
/// The call that ends it (the last `next`, or its drop) panics if [`on_ready`](crate::PanelBuilder::on_ready) or the waker of a
/// send that got a slot panics. The frame is over by then.
///
/// ```
/// use control_panel::{ControlPanel, GraphIntent, IntentSource};
///
/// #[derive(Debug, PartialEq, GraphIntent)]
/// enum Update {
///     Open(u32),
/// }
///
/// let mut panel = ControlPanel::<Update>::new();
/// let ui = panel.sender(IntentSource::LocalUI);
/// for n in 0..3 {
///     ui.try_send(Update::Open(n))?;
/// }
/// // Break off after one …
/// assert_eq!(
///     panel.drain().next().map(|queued| queued.intent),
///     Some(Update::Open(0))
/// );
/// // … and the next frame goes on with the rest.
/// assert_eq!(
///     panel.drain().map(|queued| queued.intent).collect::<Vec<_>>(),
///     [Update::Open(1), Update::Open(2)]
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "batch")]
#[doc(alias = "receiver")]
#[doc(alias = "rx")]
#[doc(alias = "tick")]
#[must_use = "a frame that is dropped unread is handed out again by the next drain"]
pub struct Frame<I: Intent> {
    begun: Begun<I>,
    /// The next intents, copied out of the batch so that they are close together in memory.
    hand: Hand<I>,
    allowance: Allowance,
    /// How many intents its budget left to the next frame, once this one is over.
    left: usize,
    tally: Tally<I::Source>,
}

/// A frame's batch, which it ends.
struct Begun<I: Intent> {
    queue: Arc<Queue<I>>,
    /// `None` for a frame that is empty from the start, or over.
    batch: Option<Box<Batch<I>>>,
}

impl<I: Intent> Drop for Begun<I> {
    #[inline]
    fn drop(&mut self) {
        if let Some(batch) = self.batch.take() {
            alone(|| self.queue.end_frame(batch));
        }
    }
}

/// The reducer's panic must reach its caller: a second one, in the user's `on_ready`, would abort.
#[inline]
fn alone(end: impl FnOnce()) {
    if thread::panicking() {
        panics::survive(end);
    } else {
        end();
    }
}

impl<I: Intent> Frame<I> {
    #[inline]
    pub(crate) fn new(
        queue: Arc<Queue<I>>,
        batch: Option<Box<Batch<I>>>,
        local: &mut Vec<Local<I>>,
        budget: FrameBudget,
        panel: Option<&Name>,
    ) -> Self {
        let mut begun = Begun { queue, batch };
        if let Some(batch) = &mut begun.batch {
            if !local.is_empty() {
                begun.queue.add_own(batch, local);
            }
            // It is owned by now, so nothing is lost if the source's `Ord` panics.
            batch.arrange();
        }
        // Made where it is returned to: as a variable it would be copied.
        Self { begun, hand: Hand::new(), allowance: Allowance::new(budget), left: 0, tally: Tally::of(panel) }
    }

    /// How many of the frame loop's local intents it still holds.
    pub(crate) fn own(&self) -> usize {
        self.begun.batch.as_ref().map_or(0, |batch| batch.own())
    }

    /// How many intents it has not handed out, including those beyond the budget; once it is over, how many its budget left to
    /// the next frame. Like `size_hint`, it visits each producer in the frame: do not call it for every intent.
    ///
    /// ```
    /// # use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, testing, worker};
    /// # use std::time::Duration;
    /// # #[derive(Debug, PartialEq, GraphIntent)] enum Update { Row(u32) }
    /// let mut panel = ControlPanel::<Update>::new();
    /// let rows = panel.sender(IntentSource::Restore);
    /// rows.try_send(Update::Row(1))?;
    /// rows.try_send(Update::Row(2))?;
    /// let mut frame = panel.drain();
    /// frame.next();
    /// assert_eq!(frame.remaining(), 1);
    /// # Ok::<(), control_panel::TrySendError<Update>>(())
    /// ```
    pub fn remaining(&self) -> usize {
        self.begun.batch.as_ref().map_or(self.left, |batch| batch.remaining() + self.hand.len())
    }

    /// Refills the hand from the batch. If nothing is left, the frame is over.
    // Out of line, so that a loop over the frame stays short.
    #[inline(never)]
    fn refill(&mut self) -> bool {
        let Self { begun: Begun { batch, .. }, hand, allowance, .. } = self;
        let Some(batch) = batch else { return false };
        if batch.refill(hand, !allowance.unlimited, || allowance.one_more()) {
            return true;
        }
        debug_assert_eq!(batch.own(), 0, "a budget cuts off no local intent");
        if !self.allowance.unlimited {
            self.left = self.remaining();
        }
        self.end();
        false
    }

    #[cold]
    #[inline(never)]
    fn end(&mut self) {
        let Some(mut batch) = self.begun.batch.take() else { return };
        batch.put_back(&mut self.hand);
        debug_assert!(batch.own() <= batch.remaining(), "local intents are among those that it holds");
        alone(|| {
            self.begun.queue.end_frame(batch);
            self.tally.tell();
        });
    }
}

impl<I: Intent> Iterator for Frame<I> {
    type Item = QueuedIntent<I>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        // One place that returns an intent: a second one costs each of them a copy.
        loop {
            if let Some(queued) = self.hand.next() {
                self.tally.add(queued.source);
                return Some(queued);
            }
            if !self.refill() {
                return None;
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let most = self.begun.batch.as_ref().map_or(0, |batch| batch.remaining() + self.hand.len());
        (if self.allowance.unlimited { most } else { 0 }, Some(most))
    }

    /// Hands out the whole frame. `for_each` and the iterator adapters call it; it is about twice as fast as a `for` loop.
    #[inline]
    fn fold<B, F: FnMut(B, Self::Item) -> B>(mut self, init: B, mut f: F) -> B {
        if !self.allowance.unlimited {
            let mut folded = init;
            for queued in self {
                folded = f(folded, queued);
            }
            return folded;
        }
        let Self { begun, hand, tally, .. } = &mut self;
        match &mut begun.batch {
            Some(batch) => {
                batch.put_back(hand);
                batch.fold(init, |folded, queued| {
                    tally.add(queued.source);
                    f(folded, queued)
                })
            }
            None => init,
        }
    }
}

impl<I: Intent> FusedIterator for Frame<I> {}

impl<I: Intent> Drop for Frame<I> {
    fn drop(&mut self) {
        self.end();
    }
}

impl<I: Intent> fmt::Debug for Frame<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame").field("remaining", &self.remaining()).finish_non_exhaustive()
    }
}
