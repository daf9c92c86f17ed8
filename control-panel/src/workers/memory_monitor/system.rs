//! The whole machine's memory.

use std::fmt;

use sysinfo::{MemoryRefreshKind, RefreshKind, System};

use super::sample::{MemoryGauge, MemoryReadError, MemorySample, MemorySampler};

/// The whole machine's memory, read by sysinfo: one read of `/proc/meminfo` on Linux, a system call elsewhere.
pub struct SystemMemory {
    system: System,
}

impl SystemMemory {
    /// Creates a sampler.
    #[must_use]
    pub fn new() -> Self {
        Self { system: System::new_with_specifics(RefreshKind::nothing()) }
    }
}

impl Default for SystemMemory {
    fn default() -> Self {
        Self::new()
    }
}

impl MemorySampler for SystemMemory {
    fn gauge(&self) -> MemoryGauge {
        MemoryGauge::System
    }

    fn sample(&mut self) -> Result<Option<MemorySample>, MemoryReadError> {
        self.system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        let total = self.system.total_memory();
        if total == 0 {
            // This is the only way in which sysinfo reports a failure.
            return Err(MemoryReadError::Other("the system does not tell how much memory it has".into()));
        }
        let used = total.saturating_sub(self.system.available_memory());
        Ok(Some(MemorySample { used, total }))
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
    fn the_real_gauge_sees_this_machine() {
        let sample = SystemMemory::new().sample().expect("readable").expect("every machine has memory");
        assert!(sample.used > 1 << 20 && sample.used < sample.total, "{sample:?}");
    }
}
