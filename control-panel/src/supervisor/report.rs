//! What a shutdown tells.

use std::process::ExitCode;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
    time::Duration,
};

use super::{cell::WorkerCell, registry::Incidents};
use crate::{
    intent::order::Origin,
    lifecycle::{cause::Cause, exit::Exit},
    util::{clock, name::Name},
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
    /// Why it was told to stop, if it was.
    pub cause: Option<Cause>,
    /// How long before this report its last [heartbeat](crate::Context::heartbeat) was, if it sent any: to a quarter of the
    /// shortest limit that the watchdog watches for, 2.5 s at most.
    pub last_heartbeat: Option<Duration>,
}

impl WorkerReport {
    pub(super) fn new(cell: &WorkerCell, exit: Exit) -> Self {
        let (undated, heartbeat) = Self::undated(cell, exit);
        Self { last_heartbeat: (heartbeat != 0).then(|| clock::since(heartbeat)), ..undated }
    }

    /// Without the time since the last heartbeat, but with that one's stamp: 0 where there was none.
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
    /// One line, whatever the name has in it.
    fn line(&self, f: &mut fmt::Formatter<'_>, with_origin: bool) -> fmt::Result {
        write!(f, "{}", self.name.in_one_line())?;
        if with_origin {
            write!(f, " {}", self.origin)?;
        }
        write!(f, " ({}, generation {}) {}", self.source, self.generation, self.exit)
    }
}

/// What came of a shutdown: which workers it found, how each ended, and what had gone wrong before.
///
/// Its `Debug` and `Display` name every worker, with payload and place of a panic; of several of one name, `Display` adds the
/// origin.
#[derive(Clone)]
pub struct ShutdownReport(Arc<ReportData>);

/// A report is read and cloned, never changed.
struct ReportData {
    elapsed: Duration,
    workers: Vec<WorkerReport>,
    incidents: Incidents,
    /// How many workers did not end cleanly.
    failed: u64,
}

/// What a run of a program came to, as far as its workers go: [`ShutdownReport::verdict`].
///
/// As a process's exit code it is success where every worker ended well in the end:
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
    /// Something did, and restarts made up for it, or a task was one too many for its backlog: every worker, when it ended for good, had finished or was asked to stop and
    /// did. One that was waiting to be restarted then counts as asked to stop: it had not given up.
    Recovered,
    /// A worker ended for good by an error, a panic or because it was stuck, was dropped before it had stopped, did not
    /// stop, or was [refused](crate::Refusal) for another reason than a full backlog.
    Failed,
}

impl Verdict {
    /// Whether every worker ended well in the end.
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

    /// What it comes to for a program that restarts what fails: forgets the incidents that were recovered from
    /// (`examples/cookbook/exit_verdict.rs` in the repository).
    pub fn verdict(&self) -> Verdict {
        match (self.0.incidents.total, self.0.failed) {
            (0, _) => Verdict::Clean,
            (_, 0) => Verdict::Recovered,
            _ => Verdict::Failed,
        }
    }

    /// As [`verdict`](Self::verdict) is [`Clean`](Verdict::Clean). False after any panic, error, abort or abandonment, any stop of a stuck worker, and any [refusal](crate::Refusal), since the panel was built, restarts included.
    pub fn is_clean(&self) -> bool {
        self.0.incidents.total == 0
    }

    /// From the first call of `shutdown` to the report. Real time, also under a paused clock.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed
    }

    /// The workers that lived when the shutdown began, in the order of their spawning.
    pub fn workers(&self) -> &[WorkerReport] {
        &self.0.workers
    }

    /// The workers that did not stop by the deadline, each of which still ran. Those that were merely kept from stopping are
    /// [`Starved`](Exit::Starved).
    pub fn abandoned(&self) -> impl Iterator<Item = &WorkerReport> {
        self.0.workers.iter().filter(|worker| matches!(worker.exit, Exit::Abandoned))
    }

    /// What was not clean since the panel was built, oldest first: the last 256 at most.
    pub fn incidents(&self) -> impl Iterator<Item = &WorkerReport> {
        self.0.incidents.recent.iter()
    }

    /// The names that several of the workers have: these are told apart by their origins.
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

    /// How many incidents there were, those no longer kept included.
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
