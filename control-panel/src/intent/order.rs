//! An intent on its way through the queue, and the key that orders it.

use std::fmt;

use tokio::time::Instant;

use crate::intent::Intent;

/// Which producer, on this panel, an intent came from: a worker, or one call of
/// [`ControlPanel::sender`](crate::ControlPanel::sender) or `context`, with all clones of what that returned.
///
/// Opaque and local to one panel. A worker keeps its origin across restarts. It breaks ties between two producers of
/// one source; it does not identify a producer to other peers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin(pub(crate) u64);

impl Origin {
    /// An origin of no panel, for unit tests of a reducer that distinguishes producers: see
    /// [`QueuedIntent::with_origin`]. Origins are compared by number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// The key that orders a frame: clock, then source, then origin, then that origin's sequence number.
///
/// It is total, because no two intents of one panel share an origin and a sequence number: the same set of intents
/// always makes the same frame, whatever the timing of the threads. No wall clock is involved. (A Lamport clock with
/// process identifiers as tie-break: Lamport, "Time, Clocks, and the Ordering of Events in a Distributed System",
/// 1978.)
///
/// ```
/// use control_panel::{GraphIntent, IntentSource, QueuedIntent};
///
/// #[derive(GraphIntent)]
/// enum Update {
///     Refresh,
///     #[intent(clock = 0)]
///     Remote(u64),
/// }
///
/// let local =
///     QueuedIntent::new(IntentSource::Restore, Update::Refresh).causality_order();
/// let remote = QueuedIntent::new(IntentSource::LocalUI, Update::Remote(4))
///     .causality_order();
/// assert_eq!((local.clock, remote.clock), (0, 4));
/// assert!(local < remote, "the clock decides before the source does");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CausalityOrder<S> {
    /// The logical clock; 0 for a local intent.
    pub clock: u64,
    /// The source that sent it.
    pub source: S,
    /// Which producer of that source.
    pub origin: Origin,
    /// How many intents that producer had sent before.
    pub seq: u64,
}

/// An intent that the queue accepted, with where it came from.
#[non_exhaustive]
pub struct QueuedIntent<I: Intent> {
    /// The intent itself.
    pub intent: I,
    /// The source that sent it.
    pub source: I::Source,
    /// When the queue accepted the first intent of this one's batch, which is up to a frame before it accepted this
    /// one: for display and latency figures. It decides nothing. Intents that join the rest of a frame that was cut
    /// short, including local ones of `run_frame`, belong to that frame's batch.
    pub queued_at: Instant,
    clock: u64,
    origin: Origin,
    seq: u64,
}

/// An intent's clock, 0 for a local one. `None` for a clock of `Some(0)`: a peer that claims to be local.
#[inline]
pub(crate) fn clock_of<I: Intent>(intent: &I) -> Option<u64> {
    clock_from(intent.clock())
}

/// The same of what an intent said, which is asked once: the answer is the user's code.
#[inline]
pub(crate) fn clock_from(clock: Option<u64>) -> Option<u64> {
    match clock {
        None => Some(0),
        Some(0) => None,
        clock => clock,
    }
}

impl<I: Intent> QueuedIntent<I> {
    /// An intent outside any panel, for a reducer's unit tests: the first of origin 0, queued now, with the intent's
    /// own clock. [`with_origin`](Self::with_origin) and [`with_seq`](Self::with_seq) make it another producer's, or a
    /// later one.
    ///
    /// ```
    /// use control_panel::{
    ///     GraphIntent, IntentSource, QueuedIntent, Reducer,
    ///     intent::Origin,
    /// };
    /// use std::collections::HashMap;
    ///
    /// #[derive(GraphIntent)]
    /// enum Update {
    ///     Title(String),
    ///     #[intent(clock = 0)]
    ///     Remote(u64),
    /// }
    ///
    /// /// What each tab's worker said last.
    /// #[derive(Default)]
    /// struct Titles(HashMap<Origin, String>);
    ///
    /// impl Reducer for Titles {
    ///     type Intent = Update;
    ///     fn apply(&mut self, queued: QueuedIntent<Update>) {
    ///         let origin = queued.causality_order().origin;
    ///         if let Update::Title(title) = queued.intent {
    ///             self.0.insert(origin, title);
    ///         }
    ///     }
    /// }
    ///
    /// let [first, second] = [1, 2].map(Origin::new);
    /// let mut titles = Titles::default();
    /// for (origin, title) in [(first, "a"), (second, "b"), (first, "c")] {
    ///     let queued = QueuedIntent::new(
    ///         IntentSource::ServoDelegate,
    ///         Update::Title(title.into()),
    ///     );
    ///     titles.apply(queued.with_origin(origin));
    /// }
    /// assert_eq!((&*titles.0[&first], &*titles.0[&second]), ("c", "b"));
    ///
    /// let remote = QueuedIntent::new(IntentSource::P2pSync, Update::Remote(4))
    ///     .with_origin(first)
    ///     .with_seq(7);
    /// let order = remote.causality_order();
    /// assert_eq!((order.clock, order.origin, order.seq), (4, first, 7));
    /// ```
    pub fn new(source: I::Source, intent: I) -> Self {
        let clock = intent.clock().unwrap_or(0);
        Self::keyed(CausalityOrder { clock, source, origin: Origin(0), seq: 0 }, Instant::now(), intent)
    }

    /// The same intent from another producer, for a reducer's unit tests.
    #[must_use]
    pub fn with_origin(self, origin: Origin) -> Self {
        Self { origin, ..self }
    }

    /// The same intent as if its producer had sent `seq` others before, for a reducer's unit tests.
    #[must_use]
    pub fn with_seq(self, seq: u64) -> Self {
        Self { seq, ..self }
    }

    #[inline]
    pub(crate) fn keyed(order: CausalityOrder<I::Source>, queued_at: Instant, intent: I) -> Self {
        let CausalityOrder { clock, source, origin, seq } = order;
        Self { intent, source, queued_at, clock, origin, seq }
    }

    /// The key by which a frame is ordered.
    pub fn causality_order(&self) -> CausalityOrder<I::Source> {
        CausalityOrder { clock: self.clock, source: self.source, origin: self.origin, seq: self.seq }
    }
}

impl<I: Intent + fmt::Debug> fmt::Debug for QueuedIntent<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueuedIntent")
            .field("intent", &self.intent)
            .field("order", &self.causality_order())
            .field("queued_at", &self.queued_at)
            .finish_non_exhaustive()
    }
}
