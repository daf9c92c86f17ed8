// Before the README, as the first definition of a link counts: there they are files of the repository. The picture is in
// the page itself, since no address of the repository is known.
#![doc = include_str!("guide/links/readme.md")]
#![doc = include_str!("guide/links/picture.txt")]
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(any(feature = "p2p", feature = "testing"))]
#[cfg_attr(
    not(feature = "p2p"),
    allow(dead_code, reason = "bytes, their limits and reasons are the worker's")
)]
mod anti_entropy;
pub mod bus;
pub mod console;
pub mod context;
#[cfg(feature = "dashboard")]
#[cfg_attr(docsrs, doc(cfg(feature = "dashboard")))]
pub mod dashboard;
pub mod events;
mod exhibit;
pub mod expansion;
pub mod frame;
pub mod guide;
pub mod intent;
#[cfg(feature = "journal")]
#[cfg_attr(docsrs, doc(cfg(feature = "journal")))]
pub mod journal;
mod lifecycle;
#[cfg(feature = "codec")]
#[cfg_attr(docsrs, doc(cfg(feature = "codec")))]
pub mod link;
pub mod panel;
pub mod queue;
pub mod replica;
pub mod requests;
#[cfg(feature = "signals")]
#[cfg_attr(docsrs, doc(cfg(feature = "signals")))]
pub mod signals;
pub mod supervision;
mod supervisor;
mod telemetry;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;
mod unwind;
mod util;
mod worker;
pub mod workers;

/// Under the name by which expansions call it.
#[doc(hidden)]
pub use self::expansion as __private;

// One derive by two names: of two that own `#[intent]` rustc would suggest both.
pub use control_panel_macros::{GraphIntent, GraphIntent as Intent, worker};

// What the tour needs. Everything else is in the module of its subject, and each of these is in one as well.
#[doc(inline)]
pub use crate::{
    bus::SignalBus,
    context::{Context, PolicyWatch, Worker, WorkerHandle},
    frame::{Frame, FrameBudget, FrameReport, Reconcile, Reducer},
    intent::{CausalityOrder, Intent, IntentSource, QueuedIntent},
    panel::{ControlPanel, PanelBuilder, PanelStatus, Spawn, Spawner},
    queue::{IntentSender, SendError, TrySendError},
    replica::{Author, Delta, Peer, Replica, Stamp, State, Undoable, Version},
    supervision::{Backoff, Exit, Restart, ShutdownReport, WorkerStatus},
};

// Names that have left the root: they stay reachable from it for this version.
#[cfg(feature = "codec")]
#[doc(hidden)]
pub use crate::link::Link;
#[doc(hidden)]
pub use crate::{
    bus::{BusStatus, Received, Signal, SignalTotals, Subscription},
    context::{Gate, PolicyClosed, Raced, Waited, race},
    events::{Event, EventKind, Events, Notice},
    frame::{RedoFigures, SlowestApply, Warning},
    intent::{CoalesceKey, Delivery, LatestKey, LogicalClock, Origin, PeerId, Source, Variant},
    panel::{BuildError, LastIncidents, WorkerInfo, Workers},
    queue::Permits,
    requests::{Answer, Broadcast, CommandError, Inbox, NoInbox, NoReply, Reply, RequestError, reply},
    supervision::{
        AutoShutdown, Cancel, Cause, Escalate, Group, GroupBuilder, Intensity, Keyed, Name, OnStuck,
        PanicPlace, PanicReport, RestartError, SpawnError, SpawnError as Refusal, Strategy, Suspend, Tasks,
        Verdict, WorkerError, WorkerOutput, WorkerReport, is_supervised_panic, skip_supervised_panics,
    },
};
