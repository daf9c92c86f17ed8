//! What a worker's code sees, and what its spawner keeps.
//!
//! A [`Worker`] is a worker before it is spawned; [`#[worker]`](macro@crate::worker) writes one from an `async fn`. Each run of
//! it gets a [`Context`], through which it sends intents, watches the [policy](PolicyWatch) and learns that it should stop. The
//! caller that spawned it keeps a [`WorkerHandle`].
//!
//! ```
//! use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};
//!
//! #[derive(GraphIntent)]
//! enum Update { Doubled(u32) }
//!
//! /// Multiplies by the policy.
//! #[worker(source = IntentSource::Restore)]
//! async fn multiply(cx: Context<Update, u32>, number: u32) {
//!     let factor = *cx.policy().borrow_and_update();
//!     cx.send(Update::Doubled(factor * number)).await.ok();
//! }
//!
//! let mut panel = ControlPanel::<Update, u32>::builder().policy(2).build();
//! let worker = panel.spawn_multiply(21);
//! worker.ended_blocking();
//! let sent: Vec<_> = panel.drain().map(|queued| queued.intent).collect();
//! assert!(matches!(sent[..], [Update::Doubled(42)]));
//! ```

pub use crate::{
    util::race::{Raced, race},
    worker::{
        Worker, WorkerHandle,
        context::Context,
        gate::Gate,
        policy::{PolicyClosed, PolicyWatch},
        waiting::Waited,
    },
};
