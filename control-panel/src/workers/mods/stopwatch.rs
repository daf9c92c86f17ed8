//! How much time a call of a mod has used: its own, not that of a machine that sleeps, is paused or runs other programs. The
//! accounting is pure; callers read the clocks.

use std::time::{Duration, Instant};

/// The time of one call.
///
/// The wall clock advances while the process is stopped, the machine sleeps, or other programs run. So each interval between
/// two reads of it counts for at most what such an interval can last, and, if the system measures the thread's CPU time, all
/// intervals together count for at most that.
#[derive(Debug, Clone)]
pub(super) struct Stopwatch {
    limit: Duration,
    /// Of the mod's code.
    code: Duration,
    /// Of the host's functions, which may wait without running.
    host: Duration,
    since: Instant,
    /// The thread's CPU time when the call began, if the system measures it.
    ran: Option<Duration>,
}

/// A thread's CPU clock, if the system has one.
pub(super) type ThreadClock = fn() -> Option<Duration>;

/// To which side an interval is charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stretch {
    /// The mod's code ran: at most a slice of fuel.
    Code,
    /// A function of the host ran.
    Host,
}

impl Stopwatch {
    /// The most that a slice of fuel is assumed to last, 20 times its target: a longer one was held up. A single instruction
    /// that fills or copies much memory may last longer, and then counts for less.
    const MOST_OF_A_SLICE: Duration = Duration::from_millis(10);

    pub(super) fn start(limit: Duration, now: Instant, clock: ThreadClock) -> Self {
        Self { limit, code: Duration::ZERO, host: Duration::ZERO, since: now, ran: clock() }
    }

    /// Ends an interval, and begins the next one.
    pub(super) fn lap(&mut self, of: Stretch, now: Instant) {
        let lasted = now.saturating_duration_since(self.since);
        self.since = now;
        // An interval that was held up never uses up a limit alone.
        let most = self.limit / 4;
        match of {
            Stretch::Code => {
                self.code = self.code.saturating_add(lasted.min(most).min(Self::MOST_OF_A_SLICE));
            }
            Stretch::Host => self.host = self.host.saturating_add(lasted.min(most)),
        }
    }

    /// What the call has used up to the last lap.
    pub(super) fn used(&self, clock: ThreadClock) -> Duration {
        let ran = self.ran.and_then(|before| Some(clock()?.saturating_sub(before)));
        self.host.saturating_add(ran.map_or(self.code, |ran| ran.min(self.code)))
    }

    /// Returns whether the limit is reached. Reads the thread's clock only if the wall clock says so.
    pub(super) fn is_over(&self, clock: ThreadClock) -> bool {
        self.host.saturating_add(self.code) >= self.limit && self.used(clock) >= self.limit
    }
}

/// This thread's CPU time so far.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple", target_os = "freebsd"))]
pub(super) fn thread_time() -> Option<Duration> {
    use rustix::time::{ClockId, clock_gettime};

    let time = clock_gettime(ClockId::ThreadCPUTime);
    Some(Duration::new(u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?))
}

/// Not measured on this system.
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple", target_os = "freebsd")))]
pub(super) fn thread_time() -> Option<Duration> {
    None
}

#[cfg(test)]
mod tests {
    use super::{Stretch::*, *};

    const LIMIT: Duration = Duration::from_millis(50);

    fn no_cpu_clock() -> Option<Duration> {
        None
    }

    fn nothing_yet() -> Option<Duration> {
        no_cpu_clock().or(Some(Duration::ZERO))
    }

    /// A thread that has run 6 ms in total by the second read.
    fn six_ms() -> Option<Duration> {
        nothing_yet().map(|before| before + Duration::from_millis(6))
    }

    /// Runs intervals of these many microseconds. Returns after how many the limit is reached.
    fn over_after(
        clock: [ThreadClock; 2],
        stretches: impl IntoIterator<Item = (Stretch, u64)>,
    ) -> Option<usize> {
        let mut now = Instant::now();
        let mut watch = Stopwatch::start(LIMIT, now, clock[0]);
        stretches.into_iter().position(|(of, micros)| {
            now += Duration::from_micros(micros);
            watch.lap(of, now);
            watch.is_over(clock[1])
        })
    }

    #[test]
    fn a_runaway_ends_by_its_limit() {
        let runaway = || std::iter::repeat_n((Code, 500), 1_000);
        assert_eq!(over_after([no_cpu_clock; 2], runaway()), Some(99));
        assert_eq!(over_after([nothing_yet, || Some(Duration::from_secs(1))], runaway()), Some(99));
        assert_eq!(
            over_after([no_cpu_clock; 2], std::iter::repeat_n((Code, 30_000), 100)),
            Some(4),
            "also a slow one"
        );
    }

    #[test]
    fn a_pause_is_not_the_mods() {
        let hour = 3_600_000_000;
        let slices =
            |pauses: usize| (0..12).map(move |slice| (Code, if slice < pauses { hour } else { 500 }));
        for pauses in 0..4 {
            assert_eq!(over_after([no_cpu_clock; 2], slices(pauses)), None, "{pauses}");
        }
        // If the thread's own time is known, it may starve any number of times.
        for pauses in 0..=12 {
            assert_eq!(over_after([nothing_yet, six_ms], slices(pauses)), None, "{pauses}");
        }
        assert_eq!(over_after([no_cpu_clock; 2], [(Code, 3_000), (Host, hour), (Code, 3_000)]), None);
    }

    #[test]
    fn a_slow_function_of_the_host_lends_no_time() {
        for clock in [[no_cpu_clock as ThreadClock; 2], [nothing_yet, six_ms]] {
            assert_eq!(over_after(clock, std::iter::repeat_n((Host, 10_000), 10)), Some(4));
            assert_eq!(over_after(clock, std::iter::repeat_n((Host, 9_000_000), 10)), Some(3));
        }
    }

    #[test]
    fn what_was_used_is_what_was_run_and_waited_for() {
        let now = Instant::now();
        let mut watch = Stopwatch::start(LIMIT, now, nothing_yet);
        watch.lap(Code, now + Duration::from_millis(9));
        watch.lap(Host, now + Duration::from_millis(12));
        assert_eq!(watch.used(six_ms), Duration::from_millis(9));
        assert_eq!(watch.used(no_cpu_clock), Duration::from_millis(12));
        // A clock that goes backwards counts for nothing.
        watch.lap(Code, now);
        assert_eq!(watch.used(no_cpu_clock), Duration::from_millis(12));
    }

    #[test]
    fn no_limit_is_too_long() {
        let now = Instant::now();
        let mut watch = Stopwatch::start(Duration::MAX, now, no_cpu_clock);
        watch.lap(Host, now + Duration::from_secs(1 << 30));
        watch.lap(Code, now + Duration::from_secs(1 << 31));
        assert!(!watch.is_over(no_cpu_clock));
        assert!(Stopwatch::start(Duration::ZERO, now, no_cpu_clock).is_over(no_cpu_clock));
    }
}
