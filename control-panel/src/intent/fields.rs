//! The types of the fields that the keys of `#[intent]` name: a clock, a peer, what an intent is about.

/// The type of a field that `#[intent(clock = …)]` may name: a `u64`, a newtype around one that
/// implements this trait, or an `Option` of either.
///
/// ```
/// use control_panel::{GraphIntent, Intent, intent::LogicalClock};
///
/// struct Lamport(u64);
///
/// impl LogicalClock for Lamport {
///     fn time(&self) -> Option<u64> {
///         Some(self.0)
///     }
/// }
///
/// #[derive(GraphIntent)]
/// enum Update {
///     #[intent(clock = 0)]
///     Remote(Lamport),
/// }
/// assert_eq!(Update::Remote(Lamport(3)).clock(), Some(3));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a logical clock",
    label = "a clock is a `u64`, an `Option` of a clock, or a type that implements `LogicalClock`",
    note = "implement `control_panel::intent::LogicalClock` for `{Self}` if it is a type of yours, name a `u64` field, or drop `clock`"
)]
pub trait LogicalClock {
    /// The time that it shows; `None` for an intent that is local after all.
    fn time(&self) -> Option<u64>;
}

impl LogicalClock for u64 {
    fn time(&self) -> Option<u64> {
        Some(*self)
    }
}

impl<C: LogicalClock> LogicalClock for Option<C> {
    fn time(&self) -> Option<u64> {
        self.as_ref().and_then(LogicalClock::time)
    }
}

/// The type of a field that `#[intent(origin = …)]` may name: a `u64` or `u32`, a newtype around one that
/// implements this trait, or an `Option` of either.
///
/// ```
/// use control_panel::{GraphIntent, Intent, intent::PeerId};
///
/// struct Replica([u8; 8]);
///
/// impl PeerId for Replica {
///     fn peer(&self) -> Option<u64> {
///         Some(u64::from_be_bytes(self.0))
///     }
/// }
///
/// #[derive(GraphIntent)]
/// enum Update {
///     #[intent(clock = lamport, origin = from)]
///     Remote { lamport: u64, from: Replica, text: String },
/// }
/// let remote = Update::Remote {
///     lamport: 1,
///     from: Replica([0, 0, 0, 0, 0, 0, 0, 9]),
///     text: "hi".into(),
/// };
/// assert_eq!(remote.peer(), Some(9));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot tell a peer",
    label = "an origin is a `u64`, a `u32`, an `Option` of one, or a type that implements `PeerId`",
    note = "implement `control_panel::intent::PeerId` for `{Self}` if it is a type of yours, name a `u64` field, or drop `origin`"
)]
pub trait PeerId {
    /// The peer; `None` for an intent that does not come from one after all.
    fn peer(&self) -> Option<u64>;
}

impl PeerId for u64 {
    fn peer(&self) -> Option<u64> {
        Some(*self)
    }
}

impl PeerId for u32 {
    fn peer(&self) -> Option<u64> {
        Some(u64::from(*self))
    }
}

impl<P: PeerId> PeerId for Option<P> {
    fn peer(&self) -> Option<u64> {
        self.as_ref().and_then(PeerId::peer)
    }
}

/// The type of a field that `#[intent(latest = …)]` may name: `bool`, `char`, `usize`, `u8` to `u64`, or a newtype
/// that implements this trait.
///
/// Two intents of one variant whose keys are equal are about the same thing, so the newer one replaces the older.
///
/// ```
/// use control_panel::{
///     ControlPanel, GraphIntent, IntentSource,
///     intent::CoalesceKey,
/// };
///
/// struct TabId(u32);
///
/// impl CoalesceKey for TabId {
///     fn key(&self) -> u64 {
///         u64::from(self.0)
///     }
/// }
///
/// #[derive(GraphIntent)]
/// enum Update {
///     #[intent(latest = tab)]
///     Progress { tab: TabId, percent: u8 },
/// }
///
/// let mut panel = ControlPanel::<Update>::new();
/// let loader = panel.sender(IntentSource::ServoDelegate);
/// for (tab, percent) in [(1, 10), (2, 50), (1, 20)] {
///     loader.try_send(Update::Progress { tab: TabId(tab), percent })?;
/// }
/// // One for each tab, the newest, in the order in which these were sent.
/// let frame = panel.drain().map(|queued| match queued.intent {
///     Update::Progress { tab, percent } => (tab.0, percent),
/// });
/// assert_eq!(frame.collect::<Vec<_>>(), [(2, 50), (1, 20)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a key",
    label = "a key is a `bool`, a `char`, an unsigned integer, or a type that implements `CoalesceKey`",
    note = "implement `control_panel::intent::CoalesceKey` for `{Self}`, or write `latest` alone"
)]
pub trait CoalesceKey {
    /// What the intent is about, as a number.
    fn key(&self) -> u64;
}

macro_rules! keys {
    ($($integer:ty)*) => {$(
        impl CoalesceKey for $integer {
            fn key(&self) -> u64 {
                u64::from(*self)
            }
        }
    )*};
}
keys!(bool char u8 u16 u32 u64);

impl CoalesceKey for usize {
    fn key(&self) -> u64 {
        // No target has a wider `usize`.
        *self as u64
    }
}
