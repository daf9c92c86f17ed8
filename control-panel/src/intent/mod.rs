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

// | file | what |
// |---|---|
// | `source` | where an intent comes from |
// | `delivery` | what happens to it when the queue is full, or already holds one like it |
// | `fields` | the types of the fields that the keys of `#[intent]` name |
// | `variant` | what is known of a variant without a value of it |
// | `order` | its place in a frame |
// | `ids` | the author of an operation of a replica |

mod delivery;
mod fields;
pub(crate) mod ids;
pub(crate) mod order;
mod source;
mod variant;

pub use self::{
    delivery::{Delivery, LatestKey},
    fields::{CoalesceKey, LogicalClock, PeerId},
    order::{CausalityOrder, Origin, QueuedIntent},
    source::{IntentSource, Source},
    variant::Variant,
};

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
