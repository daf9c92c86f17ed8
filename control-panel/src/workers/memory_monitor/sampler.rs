//! Where the figures come from.

use std::fmt;

use sysinfo::{MemoryRefreshKind, RefreshKind, System};

/// How much memory is in use, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MemorySample {
    /// Bytes in use: what could not be given to a program without taking it from another.
    pub used: u64,
    /// Bytes there are.
    pub total: u64,
}

impl MemorySample {
    /// The used fraction, 0 to 1. A machine that reports no memory at all is not under pressure.
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

/// What the monitor asks how much memory is in use. [`SystemMemory`] unless
/// [`MemoryMonitor::sampler`](super::MemoryMonitor::sampler) names another; any `FnMut() -> MemorySample` is one.
pub trait MemorySampler: Send + 'static {
    /// The usage now. Called on a runtime thread: quick, and without blocking.
    fn sample(&mut self) -> MemorySample;
}

impl<F: FnMut() -> MemorySample + Send + 'static> MemorySampler for F {
    fn sample(&mut self) -> MemorySample {
        self()
    }
}

/// The whole machine's memory, by sysinfo: one read of `/proc/meminfo` on Linux, a system call elsewhere.
pub struct SystemMemory {
    system: System,
}

impl SystemMemory {
    /// Ready to sample.
    #[must_use]
    pub fn new() -> Self {
        let only_memory = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
        Self { system: System::new_with_specifics(only_memory) }
    }
}

impl Default for SystemMemory {
    fn default() -> Self {
        Self::new()
    }
}

impl MemorySampler for SystemMemory {
    fn sample(&mut self) -> MemorySample {
        self.system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        let total = self.system.total_memory();
        MemorySample { used: total.saturating_sub(self.system.available_memory()), total }
    }
}

impl fmt::Debug for SystemMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SystemMemory").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_real_sampler_sees_this_machine() {
        let sample = SystemMemory::new().sample();
        assert!(sample.used > 1 << 20 && sample.used < sample.total, "{sample:?}");
        assert!(sample.fraction() > 0.0 && sample.fraction() < 1.0, "{sample:?}");
    }

    #[test]
    fn fractions_stay_between_none_and_all() {
        assert!(MemorySample { used: 5, total: 0 }.fraction() <= 0.0);
        assert!((MemorySample { used: 5, total: 4 }.fraction() - 1.0).abs() < 1e-9);
        assert!((MemorySample { used: 1, total: 4 }.fraction() - 0.25).abs() < 1e-9);
    }
}
