//! What a shutdown tells.

use std::{fmt, time::Duration};

use super::{exit::Exit, record::Record, registry::Incidents};
use crate::{queued::Origin, worker::WorkerStatus};

/// How one worker ended.
#[non_exhaustive]
#[derive(Debug, Clone)]
pub struct WorkerReport {
    /// The worker's name: its function's.
    pub name: String,
    /// Its source, as the source's `Debug` shows it.
    pub source: String,
    /// Its origin.
    pub origin: Origin,
    /// Which run of it this was: 1 for the first; 0 if it never ran.
    pub generation: u64,
    /// How it ended.
    pub exit: Exit,
}

impl WorkerReport {
    pub(super) fn new(record: &Record, exit: Exit) -> Self {
        Self {
            name: record.name.clone().into_owned(),
            source: record.source.to_string(),
            origin: record.origin,
            generation: record.generation(),
            exit,
        }
    }

    /// How a worker that was told to stop has ended by now.
    pub(super) fn of(record: &Record) -> Self {
        let exit = match record.status() {
            WorkerStatus::Ended(exit) => exit,
            _ => Exit::Abandoned,
        };
        Self::new(record, exit)
    }
}

impl fmt::Display for WorkerReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, generation {}) {}", self.name, self.source, self.generation, self.exit)
    }
}

/// What came of a shutdown: which workers it found, how each ended, and what had gone wrong before.
///
/// Its `Debug` and `Display` name every worker, with payload and place of a panic.
#[derive(Clone)]
pub struct ShutdownReport {
    pub(super) elapsed: Duration,
    pub(super) workers: Vec<WorkerReport>,
    pub(super) incidents: Incidents,
}

impl ShutdownReport {
    /// False after any panic, error, abort or abandonment since the panel was built, restarts included.
    pub fn is_clean(&self) -> bool {
        self.incidents.total == 0
    }

    /// From the first call of `shutdown` to the report. Real time, also under a paused clock.
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// The workers that lived when the shutdown began, in the order of their spawning.
    pub fn workers(&self) -> &[WorkerReport] {
        &self.workers
    }

    /// The workers that did not stop by the deadline.
    pub fn abandoned(&self) -> impl Iterator<Item = &WorkerReport> {
        self.workers.iter().filter(|worker| matches!(worker.exit, Exit::Abandoned))
    }

    /// What was not clean since the panel was built, oldest first: the last 256 at most.
    pub fn incidents(&self) -> impl Iterator<Item = &WorkerReport> {
        self.incidents.recent.iter()
    }

    /// How many incidents there were, those no longer kept included.
    pub fn incident_count(&self) -> u64 {
        self.incidents.total
    }
}

impl fmt::Debug for ShutdownReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShutdownReport")
            .field("clean", &self.is_clean())
            .field("elapsed", &self.elapsed)
            .field("workers", &self.workers)
            .field("incidents", &self.incidents.recent)
            .field("incident_count", &self.incidents.total)
            .finish()
    }
}

impl fmt::Display for ShutdownReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.is_clean() { "clean" } else { "not clean" };
        write!(f, "{verdict}, {} worker(s) in {:.1?}", self.workers.len(), self.elapsed)?;
        for worker in &self.workers {
            write!(f, "\n  {worker}")?;
        }
        if self.incidents.total > 0 {
            write!(f, "\n{} incident(s) since the panel was built:", self.incidents.total)?;
            for incident in self.incidents() {
                write!(f, "\n  {incident}")?;
            }
        }
        Ok(())
    }
}
