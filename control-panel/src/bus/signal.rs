//! A signal as a subscriber receives it.

use std::{fmt, ops::Deref, sync::Arc};

use super::ring::Entry;
use crate::intent::{IntentSource, Origin};

/// A signal as it was published.
pub(super) struct Announced<S, Src> {
    pub(super) value: S,
    pub(super) source: Src,
    pub(super) origin: Origin,
    pub(super) frame: u64,
}

/// The memory of one signal, on a bus or kept for the next.
pub(super) type Place<S, Src> = Arc<Entry<Announced<S, Src>>>;

/// A signal received from a [`SignalBus`](super::SignalBus). It dereferences to the value, and knows where it comes from.
///
/// Shared with the other subscribers, so a clone costs a reference count. It stays on the bus until a newer one replaces it: a
/// subscriber that keeps one for longer costs its publisher one allocation, nothing more.
///
/// ```
/// use control_panel::{ControlPanel, GraphIntent, IntentSource, bus::Received};
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
/// let Some(Received::Signal(signal)) = view.try_recv() else {
///     panic!("nothing was announced")
/// };
/// assert_eq!(*signal, Zoomed(2));
/// assert_eq!((signal.source(), signal.frame()), (IntentSource::LocalUI, 1));
/// ```
pub struct Signal<S, Src = IntentSource>(Place<S, Src>);

impl<S, Src> Signal<S, Src> {
    /// From an entry that was read from a ring.
    pub(super) fn new(entry: Place<S, Src>) -> Self {
        debug_assert!(entry.value.is_some(), "only a writer that no one shares the entry with empties it");
        Self(entry)
    }

    fn announced(&self) -> &Announced<S, Src> {
        self.0.value.as_ref().expect("what was read has a value")
    }

    /// Returns the number of the last frame that had begun when it was published: the current one, if a frame was running.
    pub fn frame(&self) -> u64 {
        self.announced().frame
    }

    /// Returns the producer that published it; for a worker, the origin of its intents. It distinguishes two workers of one
    /// source.
    pub fn origin(&self) -> Origin {
        self.announced().origin
    }
}

impl<S, Src: Copy> Signal<S, Src> {
    /// Returns the source that published it.
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

/// What a [`Subscription`](super::Subscription) receives: the next signal, or the number of signals missed before it. There
/// will be no third variant, so a `match` can be exhaustive.
pub enum Received<S, Src = IntentSource> {
    /// The next signal.
    Signal(Signal<S, Src>),
    /// This many signals were replaced unread, because the subscriber was further behind than the bus keeps. Look up what they
    /// announced in the state itself.
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
