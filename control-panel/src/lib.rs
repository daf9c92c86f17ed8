#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[doc(hidden)]
pub mod __private;
mod blocking;
mod context;
mod error;
mod frame;
mod intent;
mod panel;
mod policy;
mod queue;
mod queued;
mod reducer;
mod supervise;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;
mod worker;
pub mod workers;

pub use control_panel_macros::{GraphIntent, Intent, worker};

pub use crate::{
    context::Context,
    error::{BuildError, SendError, TrySendError},
    frame::{Frame, FrameBudget},
    intent::{CoalesceKey, Delivery, Intent, IntentSource, LatestKey, LogicalClock, PeerId, Source, Variant},
    panel::{
        ByDefault, ControlPanel, Given, GivesPolicy, PanelBuilder, PanelStatus, Spawn, Spawner, WorkerInfo,
    },
    policy::{PolicyClosed, PolicyWatch},
    queue::{IntentSender, Permits},
    queued::{CausalityOrder, Origin, QueuedIntent},
    reducer::{FrameReport, Reconcile, Reducer, Warning},
    supervise::{
        exit::{Exit, PanicPlace, PanicReport, WorkerError, WorkerOutput},
        lifecycle::{Backoff, Intensity, Restart},
        report::{ShutdownReport, WorkerReport},
    },
    worker::{Cancel, Refusal, Worker, WorkerHandle, WorkerStatus},
};
