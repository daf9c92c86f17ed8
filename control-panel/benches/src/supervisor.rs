//! The seam between the supervision benchmarks and what they measure.

use std::{error::Error, fmt, future::Future, time::Duration};

use tokio::runtime::Handle;

/// What a worker does, again in each of its runs.
pub trait Job: Clone + Send + Sync + 'static {
    fn run(self) -> impl Future<Output = Result<(), Down>> + Send + 'static;

    /// Whether it does not listen when it is asked to stop, and must not be dropped at its next await.
    fn deaf(&self) -> bool {
        false
    }
}

/// Why a worker's run ended.
#[derive(Debug, Clone, Copy)]
pub struct Down;

impl fmt::Display for Down {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("down")
    }
}

impl Error for Down {}

/// How workers are supervised.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// A shutdown may take so long.
    pub deadline: Duration,
    /// Before a worker that failed is started again: the first wait, doubling, and the greatest.
    pub backoff: (Duration, Duration),
}

impl Terms {
    /// Without a wait before a restart.
    pub const PROMPT: Self =
        Self { deadline: Duration::from_secs(5), backoff: (Duration::ZERO, Duration::ZERO) };
}

/// Workers under supervision, as the supervisor's user would write it: each is started again whenever it fails.
pub trait Supervisor<J: Job>: Sized {
    const NAME: &'static str;
    /// Whether it starts a worker again at all.
    const RESTARTS: bool = true;

    fn open(runtime: &Handle, terms: Terms, workers: Vec<(String, J)>) -> Self;

    /// Stops all workers and comes back when they have stopped, or when it gives up. Called on a thread that drives
    /// no runtime. What it cannot tell is empty.
    fn shutdown(&mut self) -> Outcome;

    /// Asks how all workers are doing, and says how many answered; `None` where there is nothing to ask.
    fn status(&self) -> Option<usize> {
        None
    }
}

/// What a supervisor says after a shutdown.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Whether it says that all went well.
    pub clean: bool,
    /// The workers that it names as not having stopped.
    pub names: Vec<String>,
}
