//! Where an intent comes from.

use std::fmt::Debug;

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
