//! What happened to the workers of a panel, numbered, in order.
//!
//! [`ControlPanel::events`](crate::ControlPanel::events) returns a reader of the panel's log, which begins with the next event.
//! It reads at its own pace: if it falls behind, it gets a [`Notice::Lagged`] with the number of events that it missed.
//! [`forward_events`](crate::PanelBuilder::forward_events) gives the events to the reducer instead, as intents.
//!
//! ```
//! use control_panel::{
//!     Context, ControlPanel, Exit, GraphIntent, IntentSource,
//!     events::{EventKind, Notice},
//!     worker,
//! };
//!
//! #[derive(GraphIntent)]
//! enum Update {}
//!
//! #[worker(source = IntentSource::Restore)]
//! async fn fail(_cx: Context<Update>) {
//!     panic!("no such page");
//! }
//!
//! let panel = ControlPanel::<Update>::new();
//! let mut events = panel.events();
//! panel.spawn_fail().ended_blocking();
//! let panicked =
//!     std::iter::from_fn(|| events.try_next()).any(|notice| match notice {
//!         Notice::Event(event) => {
//!             matches!(event.kind, EventKind::Exited(Exit::Panicked(_)))
//!         }
//!         _ => false,
//!     });
//! assert!(panicked);
//! ```

pub use crate::{
    lifecycle::event::{Event, EventKind, Notice},
    supervisor::events::Events,
};
