//! The memory monitor: samples every available gauge, maps each to a level with hysteresis, and sends an intent when the worst
//! level changes.
//!
//! | gauge | what it shows | where |
//! |---|---|---|
//! | [`SystemMemory`] | the machine's memory in use | everywhere |
//! | [`ProcessMemory`] | the process's own, against a budget, `RLIMIT_AS` and `RLIMIT_DATA` | everywhere; limits on Linux |
//! | [`CgroupMemory`] | the fullest control group on the way up, less its reclaimable cache | Linux, cgroup v1 and v2 |
//! | [`MemoryStall`] | the share of the time that tasks wait for memory (PSI) | Linux |
//!
//! A missing gauge does not count. One that cannot be read, or shows nonsense, is a [`MemoryReadError`] in
//! [`MemoryReadings`], and the others still count.
//!
//! It works with the program's own types. Your intent is created `From` a [`MemoryPressure`]. Your policy implements
//! [`MemoryPolicy`], which sets the thresholds and may change them at any time.
//!
//! ```
//! use control_panel::workers::memory_monitor::{
//!     MemoryPolicy, MemoryPressure, MemoryThresholds, SpawnMemoryMonitor,
//! };
//! use control_panel::{ControlPanel, GraphIntent};
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
//! let limits = Limits { memory: 0.75 };
//! let panel = ControlPanel::<Update, Limits>::builder_with(limits).build();
//! panel.spawn_memory_monitor();
//! ```

mod cgroup;
mod file;
mod hierarchy;
mod judge;
mod monitor;
mod process;
mod sample;
mod stall;
mod system;
mod thresholds;

use std::fmt;

pub use self::{
    cgroup::CgroupMemory,
    judge::MemoryReading,
    monitor::{MemoryMonitor, MemoryReadings},
    process::ProcessMemory,
    sample::{MemoryGauge, MemoryReadError, MemorySample, MemorySampler},
    stall::MemoryStall,
    system::SystemMemory,
    thresholds::MemoryThresholds,
};
pub use super::level::MemoryLevel;
use crate::{Intent, IntentSource, Spawn, WorkerHandle};

/// What the monitor reports when the level changes; your intent is created from it.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "codec", derive(serde::Serialize, serde::Deserialize))]
pub struct MemoryPressure {
    /// The current level: the worst of all gauges.
    pub level: MemoryLevel,
    /// The level that was reported before.
    pub previous: MemoryLevel,
    /// The worst gauge.
    pub gauge: MemoryGauge,
    /// Its sample.
    pub sample: MemorySample,
}

impl fmt::Display for MemoryPressure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { level, gauge, sample, .. } = self;
        let percent = sample.fraction() * 100.0;
        match gauge {
            MemoryGauge::Stall => write!(f, "memory {level} (tasks wait for it {percent:.0}% of the time)"),
            _ => write!(f, "memory {level} ({gauge}: {percent:.0}% of {} MiB used)", sample.total >> 20),
        }
    }
}

/// A policy that sets the monitor's thresholds. `()` has the default ones.
pub trait MemoryPolicy {
    /// The used fraction from which memory is scarce: of the machine's memory, the process's and its control groups'. Called
    /// again whenever the policy changes.
    fn memory_thresholds(&self) -> MemoryThresholds;

    /// The share of time during which some task waits for memory, from which memory is scarce: [`MemoryGauge::Stall`]. Called
    /// again whenever the policy changes. Default: a warning from 0.10, critical from 0.40, with a hysteresis of 0.05.
    ///
    /// ```
    /// use control_panel::workers::memory_monitor::{
    ///     MemoryPolicy, MemoryThresholds,
    /// };
    ///
    /// struct Settings {
    ///     careful: bool,
    /// }
    ///
    /// impl MemoryPolicy for Settings {
    ///     fn memory_thresholds(&self) -> MemoryThresholds {
    ///         MemoryThresholds::warning_at(if self.careful { 0.5 } else { 0.8 })
    ///     }
    ///
    ///     fn stall_thresholds(&self) -> MemoryThresholds {
    ///         MemoryThresholds::new(0.05, 0.20)
    ///     }
    /// }
    /// # assert_eq!(Settings { careful: true }.memory_thresholds().warning(), 0.5);
    /// ```
    fn stall_thresholds(&self) -> MemoryThresholds {
        MemoryThresholds::new(0.10, 0.40)
    }
}

impl MemoryPolicy for () {
    fn memory_thresholds(&self) -> MemoryThresholds {
        MemoryThresholds::default()
    }
}

/// Spawns the default monitor on a panel with the built-in sources.
pub trait SpawnMemoryMonitor: Spawn {
    /// Watches memory every 5 s ([`MemoryMonitor::new`] lists the gauges) and sends `Intent::from(MemoryPressure)` when the
    /// level changes.
    ///
    /// Source: [`IntentSource::MemoryMonitor`]. Never restarted: it fails only if the intent made from
    /// [`MemoryPressure`] has the clock 0 ([`SendError::ZeroClock`](crate::SendError::ZeroClock)). For another source, interval or
    /// other samplers spawn a [`MemoryMonitor`].
    fn spawn_memory_monitor(&self) -> WorkerHandle;
}

impl<S> SpawnMemoryMonitor for S
where
    S: Spawn + ?Sized,
    S::Intent: Intent<Source = IntentSource> + From<MemoryPressure>,
    S::Policy: MemoryPolicy,
{
    fn spawn_memory_monitor(&self) -> WorkerHandle {
        self.admit(MemoryMonitor::new(IntentSource::MemoryMonitor).into_worker())
    }
}
