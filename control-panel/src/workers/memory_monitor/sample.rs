//! What a gauge tells, and what tells it.

use std::{error::Error, fmt, io, path::PathBuf};

/// What is measured. The order decides between gauges that are equally bad.
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
    /// A sampler of your own.
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

/// How much of something is used up. In bytes of memory; of [`MemoryGauge::Stall`] in hundredths of a percent of the
/// time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "codec", derive(serde::Serialize, serde::Deserialize))]
pub struct MemorySample {
    /// What is in use: of memory, what could not be given to a program without taking it from another.
    pub used: u64,
    /// What there is. It may be less than `used`, where a limit was lowered or can be passed.
    pub total: u64,
}

impl MemorySample {
    /// The used fraction, 0 to 1. What reports nothing at all is not under pressure.
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
pub trait MemorySampler: Send + 'static {
    /// What it measures.
    fn gauge(&self) -> MemoryGauge;

    /// What it shows now; `None` where there is no such thing to measure. Called on a runtime thread: quick, and
    /// without blocking.
    ///
    /// # Errors
    /// There is something to measure and it could not be read. The monitor goes on with what it last read here, for
    /// two more samples, and with the other gauges.
    ///
    /// # Panics
    /// A panic counts as an error, [`MemoryReadError::Panicked`]: the monitor goes on.
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
    /// The file is there and cannot be read.
    Unreadable {
        /// Which file.
        file: PathBuf,
        /// Why not.
        kind: io::ErrorKind,
    },
    /// The file, or a line of it, is longer than what a kernel writes there, so it was not read to its end.
    TooLong {
        /// Which file.
        file: PathBuf,
        /// The bytes that it has at most.
        limit: u64,
    },
    /// The file does not say what it should.
    Malformed {
        /// Which file.
        file: PathBuf,
        /// What it should say and does not.
        missing: &'static str,
    },
    /// The sampler panicked; it is asked again at the next sample. The panic's message.
    Panicked(String),
    /// Anything else, in words.
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
