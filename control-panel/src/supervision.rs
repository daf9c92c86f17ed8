//! How workers are supervised, how their runs end, and what a shutdown reports.
//!
//! A worker's options say whether it is restarted ([`Restart`]), how long it waits before that ([`Backoff`]), how many restarts
//! are too many ([`Intensity`]), how it is stopped ([`Cancel`]) and what its failure means for the others of its group
//! ([`Strategy`], [`Group`]). Each run ends in an [`Exit`]; a [`Cause`] says why it was stopped, a [`PanicReport`] where it
//! panicked. A shutdown returns the exits of all workers in a [`ShutdownReport`].
//!
//! ```
//! use control_panel::{
//!     Context, ControlPanel, GraphIntent, IntentSource, Worker,
//!     supervision::{Backoff, Intensity, Restart},
//! };
//! use std::time::Duration;
//!
//! #[derive(GraphIntent)]
//! enum Update {}
//!
//! let panel = ControlPanel::<Update>::new();
//! let flaky =
//!     Worker::new("flaky", IntentSource::Restore, |_: Context<Update>| async {
//!         panic!("again");
//!     })
//!     .restart(Restart::OnFailure)
//!     .backoff(Backoff::new(Duration::from_millis(1), Duration::from_millis(10)))
//!     .intensity(Intensity::new(2, Duration::from_secs(60)));
//! let worker = panel.spawn(flaky);
//! worker.ended_blocking();
//! assert_eq!(worker.generation(), 3, "two restarts, then it stays down");
//! assert!(!panel.shutdown_blocking().is_clean());
//! ```

pub use crate::{
    lifecycle::{
        cause::Cause,
        exit::{Exit, WorkerError, WorkerOutput},
        intensity::Intensity,
        options::{AutoShutdown, Cancel, Escalate, OnStuck, Strategy, Suspend},
        restart::{Backoff, Restart},
        restart_error::RestartError,
        status::{SpawnError, WorkerStatus},
    },
    panel::{
        group::{Group, GroupBuilder},
        tasks::{Keyed, Tasks},
    },
    supervisor::report::{ShutdownReport, Verdict, WorkerReport},
    util::{
        name::Name,
        panics::{PanicPlace, PanicReport, is_supervised_panic, skip_supervised_panics},
    },
};
