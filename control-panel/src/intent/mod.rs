//! The intent: a message from a source, perhaps stamped with a logical clock.
//!
//! [`#[derive(GraphIntent)]`](macro@crate::GraphIntent) implements [`Intent`] for an enum. Its keys choose the [`Source`] type, the
//! field that is the [clock](LogicalClock), the one that names a [peer](PeerId), and how a variant is
//! [delivered](Delivery). A drained intent is a [`QueuedIntent`], whose [`CausalityOrder`] is its place in its frame.
//!
//! ```
//! use control_panel::{GraphIntent, Intent, intent::Delivery};
//!
//! #[derive(GraphIntent)]
//! enum Update {
//!     Refresh,
//!     #[intent(clock = lamport)]
//!     Remote { lamport: u64 },
//!     #[intent(latest)]
//!     Progress(u8),
//! }
//!
//! assert_eq!(Update::Remote { lamport: 7 }.clock(), Some(7));
//! assert!(matches!(Update::Progress(50).delivery(), Delivery::Latest(_)));
//! assert!(matches!(Update::Refresh.delivery(), Delivery::Reliable));
//! ```

// `order` is an intent's place in a frame; `ids` is the author of an operation of a replica.

pub(crate) mod ids;
pub(crate) mod order;

use std::fmt::Debug;

pub use self::order::{CausalityOrder, Origin, QueuedIntent};

/// A message to the reducer: what a producer wants to happen.
///
/// Derive it with [`#[derive(GraphIntent)]`](macro@crate::GraphIntent) on your enum. An intent is `Send +
/// 'static` and nothing more: it need not be `Clone`, `Debug` or `Sync`.
///
/// Every slot of the queue is as large as the largest variant, and a send moves as much: put large values in a `Box`,
/// so that they cost only their own sender (`examples/cookbook/large_intents.rs` in the repository).
///
/// ```
/// use control_panel::{GraphIntent, Intent};
///
/// #[derive(GraphIntent)]
/// enum Update {
///     Refresh,
///     #[intent(clock = lamport)]
///     Remote { lamport: u64, text: String },
/// }
///
/// assert_eq!(Update::Refresh.clock(), None);
/// assert_eq!(Update::Remote { lamport: 7, text: "hi".into() }.clock(), Some(7));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an intent",
    label = "this type is used as a panel's intent",
    note = "add `#[derive(control_panel::GraphIntent)]` to `{Self}`"
)]
pub trait Intent: Sized + Send + 'static {
    /// The source of this intent: [`IntentSource`] unless `#[intent(source = …)]` names another type.
    type Source: Source;

    /// The intent's logical (Lamport) clock, the first key by which a frame is ordered.
    ///
    /// `None` is a local intent: clock 0, applied first. `Some(0)` would be a peer that claims to be local, so sending
    /// it is refused with [`SendError::ZeroClock`](crate::SendError::ZeroClock).
    fn clock(&self) -> Option<u64> {
        None
    }

    /// The peer that a replicated intent comes from, if `#[intent(origin = …)]` names the field that holds it.
    ///
    /// It identifies a replica to all replicas. An [`Origin`] does not: it distinguishes the producers
    /// of one panel.
    fn peer(&self) -> Option<u64> {
        None
    }

    /// All variants of the enum, in the order of their declaration, for logs and dashboards. Empty if the trait is
    /// implemented by hand and does not set it: it can be set to those of an intent that this one wraps, as the derive alone
    /// makes a [`Variant`].
    ///
    /// ```
    /// use control_panel::{GraphIntent, Intent};
    ///
    /// #[derive(GraphIntent)]
    /// enum Update {
    ///     Refresh,
    ///     #[intent(clock = lamport)]
    ///     Remote {
    ///         lamport: u64,
    ///         text: String,
    ///     },
    /// }
    ///
    /// let replicated: Vec<_> =
    ///     Update::VARIANTS.iter().filter(|variant| variant.replicated).collect();
    /// assert_eq!(replicated, [&Update::VARIANTS[1]]);
    /// assert_eq!(Update::VARIANTS[1].name, "Remote");
    /// assert_eq!(Update::Refresh.variant_name(), "Refresh");
    /// assert_eq!(Update::Refresh.variant(), 0);
    /// ```
    const VARIANTS: &'static [Variant] = &[];

    /// Which variant this is: its index in [`VARIANTS`](Self::VARIANTS).
    fn variant(&self) -> usize {
        0
    }

    /// The name of this variant; empty if [`VARIANTS`](Self::VARIANTS) is.
    fn variant_name(&self) -> &'static str {
        Self::VARIANTS.get(self.variant()).map_or("", |variant| variant.name)
    }

    /// What happens to this intent when the queue is full, or already holds one like it.
    ///
    /// `#[intent(lossy)]` and `#[intent(latest)]` on a variant set it. [`Delivery::Reliable`] otherwise.
    fn delivery(&self) -> Delivery {
        Delivery::Reliable
    }
}

/// What happens to an intent when the queue is full, or already holds one like it.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Delivery {
    /// It waits for a slot, or is returned to the sender.
    #[default]
    Reliable,
    /// It is dropped when the queue is full, and counted as dropped. Sending it never waits.
    Lossy,
    /// It replaces a queued one of the same producer and key: that one is dropped, and this one takes over its slot,
    /// but not its place: it is applied after all that the producer sent before it. So wherever the frames' borders
    /// fall, a producer's local intents are applied in the order in which it sent them, with some of the replaced ones
    /// missing. An intent that a frame took and left behind is not replaced. If there is none to replace, this one is
    /// reliable; so is a clocked intent, and so is one given to [`run_frame`](crate::ControlPanel::run_frame).
    ///
    /// For levels, of which only the newest matters, and for progress: however often a worker reports it, a frame has
    /// one, and the queue does not fill up (`examples/cookbook/latest_progress.rs` in the repository).
    ///
    /// ```
    /// use control_panel::{ControlPanel, GraphIntent, IntentSource};
    ///
    /// #[derive(Debug, PartialEq, GraphIntent)]
    /// enum Update {
    ///     #[intent(latest)]
    ///     Moved(u32),
    ///     Clicked,
    /// }
    ///
    /// let mut panel = ControlPanel::<Update>::new();
    /// let pointer = panel.sender(IntentSource::LocalUI);
    /// for update in
    ///     [Update::Moved(1), Update::Clicked, Update::Moved(2), Update::Moved(3)]
    /// {
    ///     pointer.try_send(update)?;
    /// }
    /// let frame: Vec<_> = panel.drain().map(|queued| queued.intent).collect();
    /// assert_eq!(frame, [Update::Clicked, Update::Moved(3)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    Latest(LatestKey),
}

/// Which intents replace each other: those of one variant with equal keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LatestKey {
    /// The index of the variant in the enum.
    pub variant: usize,
    /// What the intent is about; 0 if all intents of the variant are about the same thing.
    pub key: u64,
}

/// A variant of an intent, as [`Intent::VARIANTS`] lists them.
///
/// ```
/// use control_panel::{Intent, intent::Variant};
///
/// /// One line of a dashboard for each variant.
/// fn lines<I: Intent>() -> Vec<String> {
///     let line = |variant: &Variant| {
///         format!(
///             "{}{}",
///             variant.name,
///             if variant.replicated { " (replicated)" } else { "" }
///         )
///     };
///     I::VARIANTS.iter().map(line).collect()
/// }
///
/// #[derive(control_panel::GraphIntent)]
/// enum Update {
///     Refresh,
///     #[intent(clock = 0)]
///     Merged(u64),
/// }
/// assert_eq!(lines::<Update>(), ["Refresh", "Merged (replicated)"]);
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Variant {
    /// Its name, without `r#`.
    pub name: &'static str,
    /// Whether it has a clock, so that peers see it. Without one it is local.
    pub replicated: bool,
    /// Whether a journal records only its name and its place in the frame, so that a replay cannot apply it:
    /// `#[intent(skip)]`.
    ///
    /// ```
    /// use control_panel::{GraphIntent, Intent};
    ///
    /// #[derive(GraphIntent)]
    /// enum Update {
    ///     Open(String),
    ///     #[intent(skip)]
    ///     PasswordTyped(String),
    /// }
    /// assert_eq!(
    ///     Update::VARIANTS.iter().map(|variant| variant.skipped).collect::<Vec<_>>(),
    ///     [false, true]
    /// );
    /// ```
    pub skipped: bool,
}

impl Variant {
    pub(crate) const fn new(name: &'static str, replicated: bool) -> Self {
        Self { name, replicated, skipped: false }
    }

    pub(crate) const fn skip(self) -> Self {
        Self { skipped: true, ..self }
    }
}

/// A source of intents. Every `Copy + Ord + Debug + Send + Sync + 'static` type is one, so this trait is never
/// implemented by hand.
///
/// The `Ord` is a contract: within a frame, intents of one clock are ordered by it, so for an enum the declaration
/// order decides which source is applied first.
///
/// ```
/// #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
/// enum Feed {
///     Keyboard, // always applied before
///     Rss,      // what came from here
/// }
/// # fn is_source<S: control_panel::intent::Source>(_: S) {}
/// # is_source(Feed::Keyboard);
/// ```
// The second attribute is documented for impls alone. On the trait it keeps rustc from naming each supertrait in an error of its own
// where a type is made an intent's source; what is shown for `{Self}` there is `<Update as Intent>::Source`, so the message has none.
#[allow(unknown_or_malformed_diagnostic_attributes)]
#[diagnostic::on_unimplemented(
    message = "this type cannot be an intent's source",
    label = "a source is `Copy + Ord + Debug + Send + Sync + 'static`",
    note = "add `#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]` to it; its declaration order is the order within a frame"
)]
#[diagnostic::do_not_recommend]
pub trait Source: Copy + Ord + Debug + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Copy + Ord + Debug + Send + Sync + 'static> Source for T {}

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

/// The built-in sources, in the order in which a frame applies them.
///
/// The order is a contract and the enum is complete: a program with other producers uses a type of its own with
/// `#[intent(source = …)]`.
///
/// ```
/// use control_panel::IntentSource;
/// assert!(IntentSource::LocalUI < IntentSource::P2pSync);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "codec", derive(serde::Serialize, serde::Deserialize))]
pub enum IntentSource {
    /// The user: keyboard, mouse, touch.
    LocalUI,
    /// The embedded browser's delegate: navigation, load completion.
    ServoDelegate,
    /// The memory monitor.
    MemoryMonitor,
    /// The mod loader's lifecycle events.
    ModLoader,
    /// The prefetch scheduler.
    PrefetchScheduler,
    /// Peers.
    P2pSync,
    /// Restore and replay from persistence.
    Restore,
}
