//! The memory monitor: samples, maps to a level, and sends an intent when the level changes.
//!
//! Generic over your intent, which is made `From` a [`MemoryPressure`], and over your policy, which tells the
//! thresholds ([`MemoryPolicy`]) and may change them at any time.
//!
//! ```
//! use control_panel::{ControlPanel, GraphIntent};
//! use control_panel::workers::memory_monitor::{
//!     MemoryPolicy, MemoryPressure, MemoryThresholds, SpawnMemoryMonitor,
//! };
//!
//! #[derive(GraphIntent)]
//! enum Update {
//!     #[intent(from)]
//!     Pressure(MemoryPressure),
//! }
//!
//! #[derive(Default)]
//! struct Limits {
//!     memory: f64,
//! }
//!
//! impl MemoryPolicy for Limits {
//!     fn memory_thresholds(&self) -> MemoryThresholds {
//!         MemoryThresholds::warning_at(self.memory)
//!     }
//! }
//!
//! let panel = ControlPanel::<Update, Limits>::builder().policy(Limits { memory: 0.75 }).build();
//! panel.spawn_memory_monitor();
//! ```

mod level;
mod sampler;

use std::{fmt, time::Duration};

use tokio::time::{Instant, timeout_at};

pub use self::{
    level::{MemoryLevel, MemoryThresholds},
    sampler::{MemorySample, MemorySampler, SystemMemory},
};
use crate::{Context, Intent, IntentSource, Source, Spawn, Worker, WorkerHandle};

/// What the monitor tells when the level changes; your intent is made from it.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryPressure {
    /// The level now.
    pub level: MemoryLevel,
    /// The level before.
    pub previous: MemoryLevel,
    /// The sample that changed it.
    pub sample: MemorySample,
}

impl fmt::Display for MemoryPressure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = self.sample.fraction() * 100.0;
        write!(f, "memory {} ({percent:.0}% of {} MiB used)", self.level, self.sample.total >> 20)
    }
}

/// A policy that tells the monitor its thresholds. `()` has the default ones.
pub trait MemoryPolicy {
    /// From which used fraction on memory is scarce. Asked again whenever the policy changes.
    fn memory_thresholds(&self) -> MemoryThresholds;
}

impl MemoryPolicy for () {
    fn memory_thresholds(&self) -> MemoryThresholds {
        MemoryThresholds::default()
    }
}

/// A memory monitor to be: its source, how often it samples, and what.
///
/// ```
/// # use control_panel::{ControlPanel, GraphIntent, workers::memory_monitor::*};
/// # #[derive(GraphIntent)] #[intent(source = Feed)] enum Update { Pressure(MemoryLevel) }
/// # impl From<MemoryPressure> for Update { fn from(p: MemoryPressure) -> Self { Self::Pressure(p.level) } }
/// # #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)] enum Feed { Machine }
/// use std::time::Duration;
///
/// let panel = ControlPanel::<Update>::new();
/// let monitor = MemoryMonitor::new(Feed::Machine).interval(Duration::from_secs(1));
/// panel.spawn(monitor.into_worker());
/// ```
#[must_use = "a monitor does nothing until it is spawned"]
pub struct MemoryMonitor<S, M = SystemMemory> {
    source: S,
    interval: Duration,
    sampler: M,
}

impl<S: Source> MemoryMonitor<S> {
    /// A monitor of the whole machine's memory, every 5 s, whose intents come from `source`.
    pub fn new(source: S) -> Self {
        Self { source, interval: Duration::from_secs(5), sampler: SystemMemory::new() }
    }
}

impl<S: Source, M: MemorySampler> MemoryMonitor<S, M> {
    /// How often it samples; at most every millisecond. Default: 5 s.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval.max(Duration::from_millis(1));
        self
    }

    /// What it samples instead.
    pub fn sampler<N: MemorySampler>(self, sampler: N) -> MemoryMonitor<S, N> {
        MemoryMonitor { source: self.source, interval: self.interval, sampler }
    }

    /// The worker, named `memory_monitor`, for `panel.spawn(…)`.
    pub fn into_worker<I, P>(self) -> Worker<I, P>
    where
        I: Intent<Source = S> + From<MemoryPressure>,
        P: MemoryPolicy + Send + Sync + 'static,
    {
        let Self { source, interval, sampler } = self;
        crate::__private::once("memory_monitor", source, move |cx| monitor(cx, interval, sampler))
    }
}

impl<S: fmt::Debug, M> fmt::Debug for MemoryMonitor<S, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryMonitor")
            .field("source", &self.source)
            .field("interval", &self.interval)
            .finish_non_exhaustive()
    }
}

/// Samples at once, then on the interval and whenever the policy changes, until it is dropped.
async fn monitor<I, P>(cx: Context<I, P>, interval: Duration, mut sampler: impl MemorySampler)
where
    I: Intent + From<MemoryPressure>,
    P: MemoryPolicy + Send + Sync + 'static,
{
    let mut policy = cx.policy();
    let mut current = MemoryLevel::Normal;
    let mut next_sample = Instant::now();
    let mut sample = MemorySample::default();
    loop {
        if Instant::now() >= next_sample {
            sample = sampler.sample();
            next_sample = Instant::now() + interval;
        }
        let thresholds = policy.borrow_and_update().memory_thresholds();
        let level = thresholds.level(current, sample.fraction());
        if level != current {
            let pressure = MemoryPressure { level, previous: current, sample };
            // A level is not told twice: it is the current one only once it has been told.
            if cx.send(pressure.into()).await.is_err() {
                return;
            }
            current = level;
        }
        // Either the policy changed, and what was sampled is judged anew, or it is time to sample again.
        if let Ok(Err(_)) = timeout_at(next_sample, policy.changed()).await {
            return;
        }
    }
}

/// Spawns the default monitor, on a panel whose sources are the built-in ones.
pub trait SpawnMemoryMonitor: Spawn {
    /// Watches the machine's memory every 5 s and sends `Intent::from(MemoryPressure)` when the level changes.
    ///
    /// Source: [`IntentSource::MemoryMonitor`]. Never restarted: it cannot fail. For another source, interval or
    /// sampler spawn a [`MemoryMonitor`].
    fn spawn_memory_monitor(&self) -> WorkerHandle;
}

impl<S> SpawnMemoryMonitor for S
where
    S: Spawn + ?Sized,
    S::Intent: Intent<Source = IntentSource> + From<MemoryPressure>,
    S::Policy: MemoryPolicy,
{
    fn spawn_memory_monitor(&self) -> WorkerHandle {
        self.spawn(MemoryMonitor::new(IntentSource::MemoryMonitor).into_worker())
    }
}
