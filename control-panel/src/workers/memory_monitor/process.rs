//! The process's own memory, against its tightest limit.

use std::fmt;

use sysinfo::{MemoryRefreshKind, RefreshKind, System};

use super::sample::{MemoryGauge, MemoryReadError, MemorySample, MemorySampler};

/// The process's own memory: resident memory against your budget, or else against all of the machine's; on Linux also address
/// space and data against `RLIMIT_AS` and `RLIMIT_DATA`, if set (`ulimit -v`, `ulimit -d`). The fullest counts.
///
/// Sampling does not modify the process: it changes no limit, and on Linux it reads two small files of `/proc/self`, however
/// many threads there are.
pub struct ProcessMemory {
    total: u64,
    budget: Option<u64>,
}

impl ProcessMemory {
    /// Creates a sampler without a budget.
    #[must_use]
    pub fn new() -> Self {
        let mut system = System::new_with_specifics(RefreshKind::nothing());
        system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        let total = system.total_memory();
        Self { total, budget: None }
    }

    /// The number of bytes that may be resident.
    #[must_use]
    pub fn budget(mut self, bytes: u64) -> Self {
        self.budget = Some(bytes.max(1));
        self
    }
}

impl Default for ProcessMemory {
    fn default() -> Self {
        Self::new()
    }
}

impl MemorySampler for ProcessMemory {
    fn gauge(&self) -> MemoryGauge {
        MemoryGauge::Process
    }

    fn sample(&mut self) -> Result<Option<MemorySample>, MemoryReadError> {
        let resident = MemorySample { used: platform::resident()?, total: self.budget.unwrap_or(self.total) };
        let limited = platform::limited()?;
        Ok(limited.filter(|limited| limited.fraction() > resident.fraction()).or(Some(resident)))
    }
}

impl fmt::Debug for ProcessMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessMemory").field("budget", &self.budget).finish_non_exhaustive()
    }
}

/// Uses sysinfo, and knows no limits.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod platform {
    use sysinfo::{Process, ProcessRefreshKind, ProcessesToUpdate, RefreshKind, System, get_current_pid};

    use super::super::sample::{MemoryReadError, MemorySample};

    pub(super) fn resident() -> Result<u64, MemoryReadError> {
        let unknown = || MemoryReadError::Other("the system does not tell this process's memory".into());
        let this = get_current_pid().map_err(|_| unknown())?;
        let mut system = System::new_with_specifics(RefreshKind::nothing());
        let only_memory = ProcessRefreshKind::nothing().with_memory().without_tasks();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[this]), false, only_memory);
        system.process(this).map(Process::memory).ok_or_else(unknown)
    }

    #[expect(clippy::unnecessary_wraps, reason = "elsewhere files are read")]
    pub(super) fn limited() -> Result<Option<MemorySample>, MemoryReadError> {
        Ok(None)
    }
}

/// Reads `/proc/self` on Linux. Not by sysinfo: its first look at a process raises the soft limit of open files to the hard
/// one, for the process and all its children, and it lists all threads.
#[cfg(any(target_os = "linux", target_os = "android"))]
mod platform {
    use std::path::Path;

    use super::super::{
        file::{SMALL, number_of, read},
        sample::{MemoryReadError, MemorySample},
    };

    const LIMITS: &str = "/proc/self/limits";
    const STATUS: &str = "/proc/self/status";

    /// In bytes. Of the process, not of each of its threads, which are not listed.
    pub(super) fn resident() -> Result<u64, MemoryReadError> {
        let Some(status) = read(Path::new(STATUS), SMALL)? else {
            return Err(MemoryReadError::Other(format!("there is no {STATUS}: is /proc mounted?")));
        };
        bytes_of(&status, "VmRSS")
    }

    /// `status` counts in KiB.
    fn bytes_of(status: &str, key: &'static str) -> Result<u64, MemoryReadError> {
        let bytes = number_of(status, key).and_then(|kib| kib.checked_mul(1 << 10));
        bytes.ok_or_else(|| malformed(STATUS, key))
    }

    /// Returns the fullest of the limited figures; `None` if nothing is limited.
    pub(super) fn limited() -> Result<Option<MemorySample>, MemoryReadError> {
        let Some(limits) = read(Path::new(LIMITS), SMALL)? else { return Ok(None) };
        // The second file is read only if something is limited, which is rare.
        parse(&limits, || read(Path::new(STATUS), SMALL))
    }

    fn parse(
        limits: &str,
        status: impl FnOnce() -> Result<Option<String>, MemoryReadError>,
    ) -> Result<Option<MemorySample>, MemoryReadError> {
        let [space, data] = [soft_limit(limits, "Max address space")?, soft_limit(limits, "Max data size")?];
        if space.is_none() && data.is_none() {
            return Ok(None);
        }
        let status = status()?.unwrap_or_default();
        let mut fullest: Option<MemorySample> = None;
        for (total, key) in [(space, "VmSize"), (data, "VmData")] {
            let Some(total) = total else { continue };
            let sample = MemorySample { used: bytes_of(&status, key)?, total: total.max(1) };
            fullest = fullest.filter(|other| other.fraction() >= sample.fraction()).or(Some(sample));
        }
        Ok(fullest)
    }

    /// In bytes; `None` means unlimited.
    fn soft_limit(limits: &str, name: &'static str) -> Result<Option<u64>, MemoryReadError> {
        let line = limits.lines().find_map(|line| line.strip_prefix(name));
        match line.and_then(|line| line.split_ascii_whitespace().next()) {
            Some("unlimited") => Ok(None),
            Some(number) => number.parse().map(Some).map_err(|_| malformed(LIMITS, name)),
            None => Err(malformed(LIMITS, name)),
        }
    }

    fn malformed(file: &str, missing: &'static str) -> MemoryReadError {
        MemoryReadError::Malformed { file: file.into(), missing }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn what_is_resident_is_the_processs_own_line() {
            assert_eq!(bytes_of("VmHWM:\t 9 kB\nVmRSS:\t    7 kB\n", "VmRSS"), Ok(7 << 10));
            assert_eq!(bytes_of("VmHWM:\t 9 kB\n", "VmRSS"), Err(malformed(STATUS, "VmRSS")));
        }

        fn limits(data: &str, space: &str) -> String {
            format!(
                "Limit                     Soft Limit           Hard Limit           Units     \n\
                 Max data size             {data}            unlimited            bytes     \n\
                 Max address space         {space}            unlimited            bytes     \n"
            )
        }

        fn sample(limits: &str, status: &str) -> Result<Option<MemorySample>, MemoryReadError> {
            parse(limits, || Ok(Some(status.to_owned())))
        }

        const STATUS_TEXT: &str = "Name:\tx\nVmSize:\t    1000 kB\nVmData:\t     300 kB\n";

        #[test]
        fn the_fullest_limit_counts_and_no_limit_is_none() {
            assert_eq!(parse(&limits("unlimited", "unlimited"), || unreachable!("not needed")), Ok(None));
            let used = |data, space| sample(&limits(data, space), STATUS_TEXT).expect("well-formed");
            let space = MemorySample { used: 1_000 << 10, total: 2_048_000 };
            let data = MemorySample { used: 300 << 10, total: 409_600 };
            assert_eq!(used("unlimited", "2048000"), Some(space));
            assert_eq!(used("409600", "unlimited"), Some(data));
            assert_eq!(used("409600", "2048000"), Some(data), "75% and 50%");
            assert_eq!(used("40960000", "2048000"), Some(space), "1% and 50%");
            assert_eq!(used("0", "unlimited").map(|full| full.fraction()), Some(1.0), "no limit is 0 of 0");
        }

        #[test]
        fn garbage_is_an_error_that_says_where() {
            for (limits, status, missing) in [
                ("", STATUS_TEXT, "Max address space"),
                (&limits("1", "-5"), STATUS_TEXT, "Max address space"),
                (&limits("many", "5"), STATUS_TEXT, "Max data size"),
                (&limits("unlimited", "5"), "VmSize:\tmany kB", "VmSize"),
                (&limits("5", "unlimited"), "VmSize:\t5 kB", "VmData"),
                (&limits("5", "unlimited"), "VmData:\t18446744073709551615 kB", "VmData"),
            ] {
                let error = sample(limits, status).expect_err(missing);
                assert!(
                    matches!(&error, MemoryReadError::Malformed { missing: named, .. } if *named == missing)
                );
                assert!(error.to_string().contains(missing), "{error}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_real_gauge_sees_this_process_and_its_budget() {
        let of_all = ProcessMemory::new().sample().expect("readable").expect("every process has memory");
        assert!(of_all.used > 100 << 10 && of_all.used < of_all.total, "{of_all:?}");
        let of_a_byte = ProcessMemory::new().budget(0).sample().expect("readable").expect("as before");
        assert_eq!((of_a_byte.total, of_a_byte.fraction()), (1, 1.0));
    }
}
