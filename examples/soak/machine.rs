//! What this process takes: memory by its allocator and by the operating system, and threads.

use std::{
    alloc::System,
    fs,
    time::{Duration, Instant},
};

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static COUNTING: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const EVERY: Duration = Duration::from_millis(100);

/// Bytes that are allocated now.
pub(crate) fn live_bytes() -> u64 {
    let stats = COUNTING.stats();
    stats.bytes_allocated.saturating_sub(stats.bytes_deallocated) as u64
}

/// The resident set in bytes, where the operating system tells it as Linux does.
pub(crate) fn resident() -> Option<u64> {
    Some(1024 * field("VmRSS:")?)
}

/// The library's one clock thread, which stays for a while when there is nothing to do: Linux tells so much of its name.
const CLOCK: &str = "control-panel-c";

/// Threads of this process that a panel must not leave over; likewise.
pub(crate) fn threads() -> Option<usize> {
    let tasks = fs::read_dir("/proc/self/task").ok()?;
    let names = tasks.flatten().filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
    let (clocks, others): (Vec<_>, Vec<_>) = names.partition(|name| name.trim_end() == CLOCK);
    Some(others.len() + clocks.len().saturating_sub(1))
}

fn field(name: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Memory over time.
#[derive(Debug)]
pub(crate) struct Samples {
    next: Instant,
    live: Vec<u64>,
    resident: Vec<u64>,
}

impl Samples {
    /// With room for so long, so that it takes no more memory later.
    pub(crate) fn new(time: Duration) -> Self {
        let room = usize::try_from(time.as_millis() / EVERY.as_millis()).unwrap_or(usize::MAX).min(1 << 20);
        let (live, resident) = (Vec::with_capacity(room + 16), Vec::with_capacity(room + 16));
        Self { next: Instant::now(), live, resident }
    }

    /// Looks, now and then.
    pub(crate) fn look(&mut self) {
        let now = Instant::now();
        if now >= self.next {
            self.next = now + EVERY;
            self.live.push(live_bytes());
            self.resident.extend(resident());
        }
    }

    pub(crate) fn live(&self) -> Flat {
        Flat::of(&self.live)
    }

    /// `None` where it cannot be measured.
    pub(crate) fn resident(&self) -> Option<Flat> {
        (!self.resident.is_empty()).then(|| Flat::of(&self.resident))
    }
}

/// The medians of the third and of the last quarter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flat {
    pub(crate) third: u64,
    pub(crate) last: u64,
}

impl Flat {
    fn of(samples: &[u64]) -> Self {
        let quarter = samples.len() / 4;
        let (third, last) = (2 * quarter..3 * quarter, 3 * quarter..samples.len());
        let median = |range: std::ops::Range<usize>| {
            let mut part = samples[range].to_vec();
            part.sort_unstable();
            part.get(part.len() / 2).copied().unwrap_or(0)
        };
        Self { third: median(third), last: median(last) }
    }

    /// Whether the last quarter took no more than a twentieth above the third, or `little` bytes.
    pub(crate) fn is_within(self, little: u64) -> bool {
        self.last <= self.third + (self.third / 20).max(little)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leak_is_not_flat() {
        let leaking: Vec<_> = (0..100).map(|n| (10 << 20) + n * (100 << 10)).collect();
        let steady: Vec<_> = (0..100).map(|n| (10 << 20) + n % 7 * (100 << 10)).collect();
        assert!(!Flat::of(&leaking).is_within(1 << 20));
        assert!(Flat::of(&steady).is_within(1 << 20));
        assert_eq!(Flat::of(&[]), Flat { third: 0, last: 0 });
    }
}
