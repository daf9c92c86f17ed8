//! A signal as a subscriber gets it.

use std::{fmt, ops::Deref, sync::Arc};

use super::ring::Entry;
use crate::intent::{IntentSource, order::Origin};

/// A signal as it was published.
pub(super) struct Announced<S, Src> {
    pub(super) value: S,
    pub(super) source: Src,
    pub(super) origin: Origin,
    pub(super) frame: u64,
}

/// The memory of one, on a bus or kept for the next.
pub(super) type Place<S, Src> = Arc<Entry<Announced<S, Src>>>;

/// A signal that was announced on a [`SignalBus`](super::SignalBus): it is the value itself, and says where it comes from.
///
/// Shared with the other subscribers, so a clone costs a reference count. It is kept on the bus until a newer one takes its
/// place: a subscriber that keeps one for long costs its publisher an allocation, and no more.
///
/// ```
/// use control_panel::{ControlPanel, GraphIntent, IntentSource, Received};
///
/// #[derive(GraphIntent)]
/// enum Update {}
///
/// #[derive(Debug, PartialEq)]
/// struct Zoomed(u32);
///
/// let mut panel = ControlPanel::<Update>::new();
/// let mut view = panel.subscribe::<Zoomed>();
/// let zoom = panel.bus(IntentSource::LocalUI);
/// drop(panel.drain()); // frame 1
/// zoom.publish(Zoomed(2));
/// let Some(Received::Signal(signal)) = view.try_recv() else { panic!("nothing was announced") };
/// assert_eq!(*signal, Zoomed(2));
/// assert_eq!((signal.source(), signal.frame()), (IntentSource::LocalUI, 1));
/// ```
pub struct Signal<S, Src = IntentSource>(Place<S, Src>);

impl<S, Src> Signal<S, Src> {
    /// Of an entry that was read from a ring.
    pub(super) fn new(entry: Place<S, Src>) -> Self {
        debug_assert!(entry.value().is_some(), "only a writer that no one shares the entry with empties it");
        Self(entry)
    }

    fn announced(&self) -> &Announced<S, Src> {
        self.0.value().expect("what was read has a value")
    }

    /// The number of the last frame that had begun when it was published: the one that ran, if one did.
    pub fn frame(&self) -> u64 {
        self.announced().frame
    }

    /// Which producer published it: a worker's origin is that of its intents. Tells two workers of one source apart.
    pub fn origin(&self) -> Origin {
        self.announced().origin
    }
}

impl<S, Src: Copy> Signal<S, Src> {
    /// Who published it.
    pub fn source(&self) -> Src {
        self.announced().source
    }
}

impl<S, Src> Deref for Signal<S, Src> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.announced().value
    }
}

impl<S, Src> Clone for Signal<S, Src> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: fmt::Debug, Src: fmt::Debug> fmt::Debug for Signal<S, Src> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Announced { value, source, origin, frame } = self.announced();
        f.debug_struct("Signal")
            .field("value", value)
            .field("source", source)
            .field("origin", origin)
            .field("frame", frame)
            .finish()
    }
}

/// What a [`Subscription`](super::Subscription) gets: the next signal, or how many are missing before it. There is no third,
/// so that a `match` can be whole.
pub enum Received<S, Src = IntentSource> {
    /// The next signal.
    Signal(Signal<S, Src>),
    /// So many signals came and went unread: the subscriber was further behind than the bus keeps. What they announced has to
    /// be looked up where it happened.
    Lagged(u64),
}

impl<S, Src> Clone for Received<S, Src> {
    fn clone(&self) -> Self {
        match self {
            Self::Signal(signal) => Self::Signal(signal.clone()),
            Self::Lagged(missed) => Self::Lagged(*missed),
        }
    }
}

impl<S: fmt::Debug, Src: fmt::Debug> fmt::Debug for Received<S, Src> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signal(signal) => f.debug_tuple("Signal").field(signal).finish(),
            Self::Lagged(missed) => f.debug_tuple("Lagged").field(missed).finish(),
        }
    }
}
