//! The frame loop's pace and its figures: how long frames took, and how often the machine took the frame
//! thread off its core meanwhile.

use std::{
    fs::File,
    io::{Read, Seek},
    thread,
    time::{Duration, Instant},
};

use control_panel::FrameReport;

/// Keeps a steady rate by sleeping between frames.
#[derive(Debug)]
pub(crate) struct Pace {
    period: Duration,
    next: Instant,
}

impl Pace {
    pub(crate) fn new(frames_per_second: u32) -> Self {
        Self { period: Duration::from_secs(1) / frames_per_second, next: Instant::now() }
    }

    /// Sleeps until the next frame is due. Frames that were missed are not made up for.
    pub(crate) fn wait(&mut self) {
        self.next += self.period;
        let now = Instant::now();
        match self.next.checked_duration_since(now) {
            Some(left) => thread::sleep(left),
            None => self.next = now,
        }
    }
}

/// Durations, each remembered to within 4%, in bounded memory however long the program runs.
#[derive(Debug, Default)]
pub(crate) struct Durations {
    /// By microseconds: exact below 32, then 32 buckets for each doubling.
    buckets: Vec<u64>,
    count: u64,
    max: Duration,
}

/// Buckets for each doubling: 2 to this power.
const PRECISION: u32 = 5;

impl Durations {
    pub(crate) fn record(&mut self, duration: Duration) {
        let bucket = bucket(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX));
        if self.buckets.len() <= bucket {
            self.buckets.resize(bucket + 1, 0);
        }
        self.buckets[bucket] += 1;
        self.count += 1;
        self.max = self.max.max(duration);
    }

    pub(crate) fn max(&self) -> Duration {
        self.max
    }

    /// The duration that `percent` of all do not exceed (by nearest rank).
    pub(crate) fn percentile(&self, percent: u64) -> Duration {
        let rank = (self.count * percent.min(100)).div_ceil(100).max(1);
        let mut seen = 0;
        for (bucket, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return Duration::from_micros(highest(bucket)).min(self.max);
            }
        }
        self.max
    }
}

fn bucket(micros: u64) -> usize {
    let doublings = (u64::BITS - micros.leading_zeros()).saturating_sub(PRECISION + 1);
    // The highest bits, the first of which is always set from the second doubling on.
    let within = micros >> doublings;
    usize::try_from((u64::from(doublings) << PRECISION) + within).unwrap_or(usize::MAX)
}

/// The longest duration, in microseconds, that falls into a bucket.
fn highest(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    let doublings = (bucket >> PRECISION).saturating_sub(1);
    let within = bucket - (doublings << PRECISION);
    ((within + 1) << doublings) - 1
}

/// The figures of all frames.
#[derive(Debug, Default)]
pub(crate) struct FrameTimes {
    pub(crate) count: u64,
    /// Draining, ordering and applying.
    pub(crate) apply: Durations,
    /// All of it: reconciling included, sleeping not.
    pub(crate) whole: Durations,
    /// Involuntary context switches during frames; `None` where the system does not tell.
    pub(crate) switches: Option<u64>,
    /// Those during the frame whose apply took longest.
    pub(crate) switches_in_longest: Option<u64>,
    pub(crate) most_applied: usize,
    /// Frames that left intents behind for the next.
    pub(crate) left_some: u64,
}

impl FrameTimes {
    pub(crate) fn record(&mut self, report: &FrameReport, whole: Duration, switches: Option<u64>) {
        self.count += 1;
        if self.count == 1 || report.apply_time > self.apply.max() {
            self.switches_in_longest = switches;
        }
        self.apply.record(report.apply_time);
        self.whole.record(whole);
        self.switches = switches.map(|more| self.switches.unwrap_or(0) + more);
        self.most_applied = self.most_applied.max(report.applied);
        self.left_some += u64::from(report.left > 0);
    }
}

/// Counts how often the system took this thread off its core although it wanted to run.
#[derive(Debug)]
pub(crate) struct ContextSwitches {
    status: Option<File>,
    buffer: String,
}

impl ContextSwitches {
    /// Of the calling thread. Linux tells; elsewhere there is no figure.
    pub(crate) fn of_this_thread() -> Self {
        Self { status: File::open("/proc/thread-self/status").ok(), buffer: String::with_capacity(2_048) }
    }

    pub(crate) fn involuntary(&mut self) -> Option<u64> {
        let status = self.status.as_mut()?;
        self.buffer.clear();
        status.rewind().ok()?;
        status.read_to_string(&mut self.buffer).ok()?;
        let line = self.buffer.lines().find_map(|line| line.strip_prefix("nonvoluntary_ctxt_switches:"))?;
        line.trim().parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(durations: &[u64]) -> Durations {
        let mut all = Durations::default();
        for micros in durations {
            all.record(Duration::from_micros(*micros));
        }
        all
    }

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let hundred = micros(&(1..=100).map(|n| n % 30).collect::<Vec<_>>());
        assert_eq!(hundred.percentile(0), Duration::ZERO);
        assert_eq!(hundred.percentile(100), Duration::from_micros(29));
        let four = micros(&[1, 2, 3, 30]);
        let of = |percent| u64::try_from(four.percentile(percent).as_micros()).expect("small");
        assert_eq!([of(25), of(50), of(75), of(76), of(99)], [1, 2, 3, 30, 30]);
        assert_eq!(Durations::default().percentile(99), Duration::ZERO);
    }

    #[test]
    fn long_durations_are_kept_to_within_four_percent_and_never_above_the_longest() {
        for value in [31_u64, 32, 33, 63, 64, 65, 1_000, 4_000, 123_456, 10_000_000, u64::MAX / 2_000] {
            let highest = highest(bucket(value));
            assert!(highest >= value && highest - value <= value / 25, "{value} became {highest}");
            assert!(
                value < 32 || bucket(highest + 1) == bucket(value) + 1,
                "buckets leave no gap at {value}"
            );
            assert_eq!(micros(&[value]).percentile(50), Duration::from_micros(value));
        }
        let mut longest = Durations::default();
        longest.record(Duration::MAX);
        assert_eq!((longest.max(), longest.buckets.len() < 3_000), (Duration::MAX, true));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn linux_tells_context_switches() {
        let mut switches = ContextSwitches::of_this_thread();
        let before = switches.involuntary().expect("a figure");
        assert!(switches.involuntary().expect("a figure") >= before);
    }
}
