//! Why a worker is not restarted.

use std::{error::Error, fmt};

/// Why a worker cannot be restarted.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestartError {
    /// It ended, or was stopped for good.
    Ended,
    /// Its group is not started yet.
    NotStarted,
    /// Its factory makes only one run: a worker annotated without `restart`, or made by
    /// [`Worker::once`](crate::Worker::once).
    RunsOnce,
    /// The panel's runtime is gone, and with it the task that would restart the worker.
    RuntimeGone,
}

impl fmt::Display for RestartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ended => "the worker ended, or was stopped for good: spawn it again",
            Self::NotStarted => "the worker's group is not started yet: call its `start` first",
            Self::RunsOnce => {
                "the worker can run only once: annotate it with `restart = …`, or make it with `Worker::new`"
            }
            Self::RuntimeGone => {
                "the panel's runtime is gone, and nothing starts without it: keep it alive as long as the panel, or let the \
                 panel have its own"
            }
        })
    }
}

impl Error for RestartError {}
