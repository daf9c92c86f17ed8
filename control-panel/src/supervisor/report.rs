//! What a shutdown reports.

use std::process::ExitCode;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
    time::Duration,
};

use super::{cell::WorkerCell, registry::Incidents};
use crate::{
    intent::Origin,
    lifecycle::{Cause, Exit},
    util::{Name, clock},
};

/// How one worker ended.
#[non_exhaustive]
#[derive(Debug, Clone)]
pub struct WorkerReport {
    /// The worker's name: its function's, or [the one it was given](crate::Worker::name).
    pub name: Name,
    /// Its source, as the source's `Debug` shows it.
    pub source: Name,
    /// Its origin.
    pub origin: Origin,
    /// Which run of it this was: 1 for the first; 0 if it never ran.
    pub generation: u64,
    /// How it ended.
    pub exit: Exit,
    /// Why it was asked to stop, if it was.
    pub cause: Option<Cause>,
    /// How long before this report it sent its last [heartbeat](crate::Context::heartbeat), if it sent any. Accurate to
    /// a quarter of the shortest limit that the watchdog watches, at most 2.5 s.
    pub last_heartbeat: Option<Duration>,
}

impl WorkerReport {
    pub(super) fn new(cell: &WorkerCell, exit: Exit) -> Self {
        let (undated, heartbeat) = Self::undated(cell, exit);
        Self { last_heartbeat: (heartbeat != 0).then(|| clock::since(heartbeat)), ..undated }
    }

    /// Makes the report without the time since the last heartbeat, and returns that heartbeat's stamp: 0 if there was
    /// none.
    pub(super) fn undated(cell: &WorkerCell, exit: Exit) -> (Self, u64) {
        let (cause, heartbeat) = cell.last_term();
        let report = Self {
            name: cell.name.clone(),
            source: cell.source.clone(),
            origin: cell.origin,
            generation: cell.generation(),
            exit,
            cause,
            last_heartbeat: None,
        };
        (report, heartbeat)
    }
}

impl fmt::Display for WorkerReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.line(f, false)
    }
}

impl WorkerReport {
    /// Writes one line, whatever characters the name has.
    fn line(&self, f: &mut fmt::Formatter<'_>, with_origin: bool) -> fmt::Result {
        write!(f, "{}", self.name.in_one_line())?;
        if with_origin {
            write!(f, " {}", self.origin)?;
        }
        write!(f, " ({}, generation {}) {}", self.source, self.generation, self.exit)
    }
}

/// The result of a shutdown: which workers it found, how each ended, and what had gone wrong before.
///
/// Its `Debug` and `Display` name every worker, with the payload and place of a panic. If several share a name,
/// `Display` adds the origin.
#[derive(Clone)]
pub struct ShutdownReport(Arc<ReportData>);

/// Shared, because a report is read and cloned but never changed.
struct ReportData {
    elapsed: Duration,
    workers: Vec<WorkerReport>,
    incidents: Incidents,
    /// How many workers did not end cleanly.
    failed: u64,
}

/// How a program's run went, as far as its workers are concerned: [`ShutdownReport::verdict`].
///
/// As a process's exit code it is success if every worker ended well in the end:
///
/// ```
/// use std::process::ExitCode;
/// use control_panel::{ControlPanel, GraphIntent};
///
/// #[derive(GraphIntent)]
/// enum Update {}
///
/// fn main() -> ExitCode {
///     let panel = ControlPanel::<Update>::new();
///     // … the loop
///     panel.shutdown_blocking().verdict().into()
/// }
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Nothing went wrong: the report [is clean](ShutdownReport::is_clean).
    Clean,
    /// Something went wrong, but restarts made up for it, or a task exceeded its backlog. Every worker, when it ended
    /// for good, had finished or was asked to stop and did. A worker that was waiting to be restarted then counts as
    /// asked to stop, because it had not given up.
    Recovered,
    /// A worker ended for good with an error or a panic or because it was stuck, was dropped before it had stopped, did
    /// not stop, or was [refused](crate::supervision::SpawnError) for a reason other than a full backlog.
    Failed,
}

impl Verdict {
    /// Whether every worker ended well in the end.
    ///
    /// ```
    /// # use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, testing, worker};
    /// # use std::time::Duration;
    /// # #[derive(Debug, PartialEq, GraphIntent)] enum Update { Row(u32) }
    /// let report = ControlPanel::<Update>::new().shutdown_blocking();
    /// assert!(report.verdict().is_success()); // the exit code would be 0
    /// ```
    #[must_use]
    pub fn is_success(self) -> bool {
        self != Self::Failed
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Clean => "clean",
            Self::Recovered => "not clean, but recovered",
            Self::Failed => "not clean",
        })
    }
}

impl From<Verdict> for ExitCode {
    fn from(verdict: Verdict) -> Self {
        if verdict.is_success() { Self::SUCCESS } else { Self::FAILURE }
    }
}

impl ShutdownReport {
    pub(super) fn new(
        elapsed: Duration,
        workers: Vec<WorkerReport>,
        incidents: Incidents,
        failed: u64,
    ) -> Self {
        debug_assert!(failed <= incidents.total, "a worker that ends so is an incident");
        Self(Arc::new(ReportData { elapsed, workers, incidents, failed }))
    }

    /// The result for a program that restarts what fails: incidents that were recovered from are forgiven
    /// (`examples/cookbook/exit_verdict.rs` in the repository).
    pub fn verdict(&self) -> Verdict {
        match (self.0.incidents.total, self.0.failed) {
            (0, _) => Verdict::Clean,
            (_, 0) => Verdict::Recovered,
            _ => Verdict::Failed,
        }
    }

    /// Whether [`verdict`](Self::verdict) is [`Clean`](Verdict::Clean). False after any panic, error, abort or
    /// abandonment, any stop of a stuck worker, and any [refusal](crate::supervision::SpawnError), since the panel was built, restarts
    /// included.
    pub fn is_clean(&self) -> bool {
        self.0.incidents.total == 0
    }

    /// The time from the first call of `shutdown` to the report. Real time, even under a paused clock.
    ///
    /// ```
    /// # use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, testing, worker};
    /// # use std::time::Duration;
    /// # #[derive(Debug, PartialEq, GraphIntent)] enum Update { Row(u32) }
    /// let report = ControlPanel::<Update>::new().shutdown_blocking();
    /// assert!(report.elapsed() < Duration::from_secs(5)); // the deadline
    /// ```
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed
    }

    /// The workers that lived when the shutdown began, in the order of their spawning.
    pub fn workers(&self) -> &[WorkerReport] {
        &self.0.workers
    }

    /// The workers that were still running at the deadline. Those that other work kept from stopping are
    /// [`Starved`](Exit::Starved) instead.
    pub fn abandoned(&self) -> impl Iterator<Item = &WorkerReport> {
        self.0.workers.iter().filter(|worker| matches!(worker.exit, Exit::Abandoned))
    }

    /// What was not clean since the panel was built, oldest first: the last 256 at most.
    pub fn incidents(&self) -> impl Iterator<Item = &WorkerReport> {
        self.0.incidents.recent.iter()
    }

    /// The names that several workers share: these are distinguished by their origins.
    fn shared_names(&self) -> BTreeSet<&str> {
        let (mut first, mut shared) = (BTreeMap::new(), BTreeSet::new());
        for worker in self.0.workers.iter().chain(self.incidents()) {
            let name = worker.name.as_str();
            if *first.entry(name).or_insert(worker.origin) != worker.origin {
                shared.insert(name);
            }
        }
        shared
    }

    /// How many incidents there were, including those no longer kept.
    pub fn incident_count(&self) -> u64 {
        self.0.incidents.total
    }
}

impl fmt::Debug for ShutdownReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShutdownReport")
            .field("clean", &self.is_clean())
            .field("verdict", &self.verdict())
            .field("elapsed", &self.0.elapsed)
            .field("workers", &self.0.workers)
            .field("incidents", &self.0.incidents.recent)
            .field("incident_count", &self.0.incidents.total)
            .finish()
    }
}

impl fmt::Display for ShutdownReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} worker(s) in {:.1?}", self.verdict(), self.0.workers.len(), self.0.elapsed)?;
        let shared = self.shared_names();
        let line = |f: &mut fmt::Formatter<'_>, worker: &WorkerReport| {
            f.write_str("\n  ")?;
            worker.line(f, shared.contains(worker.name.as_str()))
        };
        for worker in &self.0.workers {
            line(f, worker)?;
        }
        if self.0.incidents.total > 0 {
            write!(f, "\n{} incident(s) since the panel was built:", self.0.incidents.total)?;
            for incident in self.incidents() {
                line(f, incident)?;
            }
        }
        Ok(())
    }
}
