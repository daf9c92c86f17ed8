#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(any(feature = "p2p", feature = "testing"))]
#[cfg_attr(
    not(feature = "p2p"),
    allow(dead_code, reason = "bytes, their limits and reasons are the worker's")
)]
mod anti_entropy;
mod bus;
pub mod expansion;
mod frame;
mod intent;
#[cfg(feature = "journal")]
#[cfg_attr(docsrs, doc(cfg(feature = "journal")))]
pub mod journal;
mod lifecycle;
#[cfg(feature = "codec")]
#[cfg_attr(docsrs, doc(cfg(feature = "codec")))]
pub mod link;
mod panel;
mod queue;
pub mod replica;
#[cfg(feature = "signals")]
#[cfg_attr(docsrs, doc(cfg(feature = "signals")))]
pub mod signals;
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

#[cfg(feature = "codec")]
#[cfg_attr(docsrs, doc(cfg(feature = "codec")))]
pub use crate::link::Link;
pub use crate::{
    bus::{BusStatus, Received, Signal, SignalBus, SignalTotals, Subscription},
    frame::{
        Frame, FrameBudget, RedoFigures, SlowestApply,
        reducer::{FrameReport, Reconcile, Reducer, Warning},
    },
    intent::{
        CoalesceKey, Delivery, Intent, IntentSource, LatestKey, LogicalClock, PeerId, Source, Variant,
        order::{CausalityOrder, Origin, QueuedIntent},
    },
    lifecycle::{
        cause::Cause,
        error::{BuildError, CommandError, NoReply, RestartError, SendError, TrySendError},
        event::{Event, EventKind, Notice},
        exit::{Exit, WorkerError, WorkerOutput},
        intensity::Intensity,
        options::{AutoShutdown, Cancel, Escalate, OnStuck, Strategy, Suspend},
        restart::{Backoff, Restart},
        status::{Refusal, WorkerStatus},
    },
    panel::{
        ByDefault, Configured, ControlPanel, Given, GivesPolicy, LastIncidents, PanelBuilder, PanelStatus,
        Spawn, Spawner, WorkerInfo, Workers,
        group::{Group, GroupBuilder},
        tasks::{Keyed, Tasks},
    },
    queue::{IntentSender, Permits},
    replica::{Author, Delta, Peer, Replica, Stamp, State, Undoable, Version},
    supervisor::{
        events::Events,
        report::{ShutdownReport, Verdict, WorkerReport},
    },
    util::{
        name::Name,
        panics::{PanicPlace, PanicReport, is_supervised_panic, skip_supervised_panics},
        race::{Raced, race},
    },
    worker::{
        Worker, WorkerHandle,
        context::Context,
        gate::Gate,
        inbox::{Broadcast, Inbox, NoInbox},
        policy::{PolicyClosed, PolicyWatch},
        reply::{Answer, Reply, RequestError, reply},
        waiting::Waited,
    },
};
