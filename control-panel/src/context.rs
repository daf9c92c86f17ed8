//! What a worker's code gets, and what the caller that spawns it gets.
//!
//! A [`Worker`] describes a worker that is not spawned yet; [`#[worker]`](macro@crate::worker) makes one from an `async fn`. Each
//! run gets a [`Context`], through which it sends intents, watches the [policy](PolicyWatch) and notices that it should stop.
//! The caller gets a [`WorkerHandle`], which shows the worker's status and stops or restarts it.
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
