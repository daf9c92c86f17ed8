//! Samples, and the samplers that take them.

use std::{error::Error, fmt, io, path::PathBuf};

/// What is measured. The order breaks ties between equally bad gauges.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "codec", derive(serde::Serialize, serde::Deserialize))]
pub enum MemoryGauge {
    /// The tightest memory limit of the process's control groups: [`CgroupMemory`](super::CgroupMemory).
    Cgroup,
    /// The process's own memory: [`ProcessMemory`](super::ProcessMemory).
    Process,
    /// The whole machine's memory: [`SystemMemory`](super::SystemMemory).
    System,
    /// The time that tasks wait for memory: [`MemoryStall`](super::MemoryStall).
    Stall,
    /// Your own sampler.
    Custom,
}

impl fmt::Display for MemoryGauge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Cgroup => "control group",
            Self::Process => "process",
            Self::System => "machine",
            Self::Stall => "stall",
            Self::Custom => "custom",
        })
    }
}

/// How much of something is used. In bytes of memory; for [`MemoryGauge::Stall`] in hundredths of a percent of the time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "codec", derive(serde::Serialize, serde::Deserialize))]
pub struct MemorySample {
    /// What is in use; for memory, what could not be given to one program without taking it from another.
    pub used: u64,
    /// What there is in total. May be less than `used`, if a limit was lowered or can be exceeded.
    pub total: u64,
}

impl MemorySample {
    /// Returns the used fraction, 0 to 1. A sample with a total of zero is not under pressure.
    pub fn fraction(&self) -> f64 {
        if self.total == 0 {
            return 0.0;
        }
        // Exact up to 2^53 bytes, which is 8 PiB.
        #[allow(clippy::cast_precision_loss)]
        let fraction = self.used as f64 / self.total as f64;
        fraction.min(1.0)
    }
}

/// One gauge that the monitor reads. [`MemoryMonitor::only`](super::MemoryMonitor::only) and
/// [`also`](super::MemoryMonitor::also) take your own; any `FnMut() -> MemorySample` is one.
///
/// ```
/// use std::time::Duration;
/// use control_panel::{
///     ControlPanel, GraphIntent, IntentSource, testing,
///     workers::memory_monitor::{
///         CgroupMemory, MemoryGauge, MemoryMonitor, MemoryPressure,
///         MemoryReadError, MemoryReading, MemoryReadings, MemorySample,
///         MemorySampler, MemoryStall,
///     },
/// };
///
/// #[derive(GraphIntent)]
/// enum Update {
///     #[intent(from)]
///     Pressure(MemoryPressure),
/// }
///
/// /// The textures on the graphics card.
/// struct Textures {
///     used: u64,
/// }
///
/// impl MemorySampler for Textures {
///     fn gauge(&self) -> MemoryGauge {
///         MemoryGauge::Custom
///     }
///
///     fn sample(&mut self) -> Result<Option<MemorySample>, MemoryReadError> {
///         self.used += 1_000;
///         Ok(Some(MemorySample { used: self.used, total: 4_000 }))
///     }
/// }
///
/// testing::paused(async |panel: &mut ControlPanel<Update>| {
///     let monitor = MemoryMonitor::new(IntentSource::MemoryMonitor)
///         .only(Textures { used: 2_000 })
///         .also(CgroupMemory::new())
///         .also(MemoryStall::new());
///     let readings: MemoryReadings = monitor.readings();
///     panel.spawn(monitor.into_worker());
///     testing::settle().await;
///     let latest = readings.latest();
///     let textures: &MemoryReading = &latest[0];
///     assert_eq!(textures.sample.unwrap().fraction(), 0.75);
/// });
/// ```
pub trait MemorySampler: Send + 'static {
    /// What it measures.
    fn gauge(&self) -> MemoryGauge;

    /// Takes a sample; `None` if there is nothing to measure. Called on a runtime thread: must be quick, and must not block.
    ///
    /// # Errors
    /// If there is something to measure and it cannot be read. The monitor keeps using its last sample for two more rounds, and
    /// continues with the other gauges.
    ///
    /// # Panics
    /// A panic counts as an error, [`MemoryReadError::Panicked`]; the monitor continues.
    fn sample(&mut self) -> Result<Option<MemorySample>, MemoryReadError>;
}

/// [`MemoryGauge::Custom`], and never an error.
impl<F: FnMut() -> MemorySample + Send + 'static> MemorySampler for F {
    fn gauge(&self) -> MemoryGauge {
        MemoryGauge::Custom
    }

    fn sample(&mut self) -> Result<Option<MemorySample>, MemoryReadError> {
        Ok(Some(self()))
    }
}

impl MemorySampler for Box<dyn MemorySampler> {
    fn gauge(&self) -> MemoryGauge {
        (**self).gauge()
    }

    fn sample(&mut self) -> Result<Option<MemorySample>, MemoryReadError> {
        (**self).sample()
    }
}

/// Why a gauge could not be read.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemoryReadError {
    /// The file exists but cannot be read.
    Unreadable {
        /// Which file.
        file: PathBuf,
        /// Why.
        kind: io::ErrorKind,
    },
    /// The file, or a line of it, is longer than anything a kernel writes there, so reading stopped early.
    TooLong {
        /// Which file.
        file: PathBuf,
        /// The maximum number of bytes.
        limit: u64,
    },
    /// The file lacks expected content.
    Malformed {
        /// Which file.
        file: PathBuf,
        /// What is missing.
        missing: &'static str,
    },
    /// The sampler panicked, with this message. The next sample calls it again.
    Panicked(String),
    /// Anything else, as text.
    Other(String),
}

impl fmt::Display for MemoryReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { file, kind } => {
                write!(
                    f,
                    "cannot read {}: {kind}; is it mounted, and may this process read it?",
                    file.display()
                )
            }
            Self::TooLong { file, limit } => {
                write!(
                    f,
                    "{}, or a line of it, is longer than {limit} bytes: no kernel wrote that",
                    file.display()
                )
            }
            Self::Malformed { file, missing } => {
                write!(f, "{} has no sensible {missing}: no kernel wrote that", file.display())
            }
            Self::Panicked(message) => write!(f, "the sampler panicked: {message}"),
            Self::Other(why) => f.write_str(why),
        }
    }
}

impl Error for MemoryReadError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_stay_between_none_and_all() {
        assert!(MemorySample { used: 5, total: 0 }.fraction() <= 0.0);
        assert!((MemorySample { used: 5, total: 4 }.fraction() - 1.0).abs() < 1e-9);
        assert!((MemorySample { used: 1, total: 4 }.fraction() - 0.25).abs() < 1e-9);
    }
}
