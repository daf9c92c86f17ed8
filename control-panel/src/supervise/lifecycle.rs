//! Restart, intensity and backoff: when a worker's next generation starts, if any.
//!
//! Pure: exits and instants in, decisions out.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use super::exit::Exit;

/// When a worker that ended is started again. (Erlang/OTP calls these temporary, transient and permanent.)
#[non_exhaustive]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Restart {
    /// Never by itself: it runs once, unless it is restarted by hand, or [because it is stuck](crate::OnStuck::Restart). The
    /// default.
    #[default]
    Never,
    /// After an error or a panic.
    OnFailure,
    /// Whenever it ended by itself, also without an error.
    Always,
}

/// How many restarts within how long are too many, after which a worker stays down.
///
/// The window slides: only restarts that lie less than `period` back count. (Erlang/OTP's intensity and
/// period.) Default: 5 in 10 s.
///
/// Each restart is remembered for that long, but no more than 1024 moments are: of more than 1024 `restarts`, those that lie
/// less than a 1024th of the period apart are remembered, and forgotten, as one moment. For restarts without end, ask for more
/// than there can be: `Intensity::new(u32::MAX, Duration::from_secs(1))`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intensity {
    restarts: u32,
    period: Duration,
}

impl Intensity {
    /// At most `restarts` within any `period`.
    #[must_use]
    pub fn new(restarts: u32, period: Duration) -> Self {
        Self { restarts, period }
    }
}

impl Default for Intensity {
    fn default() -> Self {
        Self::new(5, Duration::from_secs(10))
    }
}

/// How long to wait before a restart: twice as long each time, up to a limit, less some jitter, so that
/// workers that fail together do not return together.
///
/// The wait starts over once a generation has been up for the limit. Default: 100 ms doubling to 30 s.
/// (Exponential backoff; the jitter is the "equal jitter" of Brooker, "Exponential Backoff and Jitter", AWS
/// Architecture Blog, 2015: each wait lies between half and all of its nominal length.)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    base: Duration,
    max: Duration,
}

impl Backoff {
    /// Waits `base` first, and never longer than `max`, or than `base` where that is longer: then each wait is `base`.
    #[must_use]
    pub fn new(base: Duration, max: Duration) -> Self {
        Self { base, max: max.max(base) }
    }

    /// No wait at all.
    #[must_use]
    pub fn none() -> Self {
        Self::new(Duration::ZERO, Duration::ZERO)
    }

    /// The wait before retry number `attempt` (from 0). `random` is any 64 random bits.
    fn delay(&self, attempt: u32, random: u64) -> Duration {
        let nominal = 2_u32.checked_pow(attempt).and_then(|factor| self.base.checked_mul(factor));
        let nominal = nominal.map_or(self.max, |nominal| nominal.min(self.max));
        let fraction = f64::from(u32::try_from(random >> 32).unwrap_or(u32::MAX)) / f64::from(u32::MAX);
        nominal.saturating_sub((nominal / 2).mul_f64(fraction))
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new(Duration::from_millis(100), Duration::from_secs(30))
    }
}

impl Restart {
    /// Whether a generation that ended so by itself is followed by another.
    pub(crate) fn wants(self, exit: &Exit) -> bool {
        match self {
            Self::Never => false,
            Self::OnFailure => exit.is_failure(),
            Self::Always => exit.is_failure() || matches!(exit, Exit::Finished),
        }
    }
}

/// The restarts of one worker, or of one group, that may still lie within the period.
#[derive(Debug)]
pub(crate) struct Window {
    intensity: Intensity,
    /// When, and how many from then on: oldest first.
    recent: VecDeque<(Instant, u32)>,
    /// How many that is together; at most `intensity.restarts`.
    count: u32,
}

/// How many moments a window remembers, or one or two more.
const MOMENTS: u32 = 1024;

impl Window {
    pub(crate) fn new(intensity: Intensity) -> Self {
        Self { intensity, recent: VecDeque::new(), count: 0 }
    }

    /// Counts a restart at `now`, unless it would be one too many.
    pub(crate) fn admit(&mut self, now: Instant) -> bool {
        let Intensity { restarts, period } = self.intensity;
        while let Some((_, several)) =
            self.recent.front().filter(|(then, _)| now.duration_since(*then) >= period)
        {
            self.count -= several;
            self.recent.pop_front();
        }
        let within = self.count < restarts;
        if within {
            self.count += 1;
            // So few are told apart however close they are.
            let least = Duration::from_nanos(1);
            let grain = if restarts > MOMENTS { least.max(period / MOMENTS) } else { Duration::ZERO };
            match self.recent.back_mut().filter(|(then, _)| now.duration_since(*then) < grain) {
                Some((_, several)) => *several += 1,
                None => self.recent.push_back((now, 1)),
            }
        }
        within
    }
}

/// How often one worker was restarted in a row, and so how long it waits the next time.
#[derive(Debug)]
pub(crate) struct Retry {
    backoff: Backoff,
    attempt: u32,
    seed: u64,
}

impl Retry {
    /// `seed` decides the jitter and nothing else.
    pub(crate) fn new(backoff: Backoff, seed: u64) -> Self {
        Self { backoff, attempt: 0, seed }
    }

    /// The wait before the next generation, after one that was up from `started` to `now`.
    pub(crate) fn delay(&mut self, started: Instant, now: Instant) -> Duration {
        if now.duration_since(started) >= self.backoff.max {
            self.attempt = 0;
        }
        let random = self.random();
        let delay = self.backoff.delay(self.attempt, random);
        self.attempt = self.attempt.saturating_add(1);
        delay
    }

    /// The worker says that it is well: the next wait is the first one again.
    pub(crate) fn reset(&mut self) {
        self.attempt = 0;
    }

    /// `SplitMix64` (Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", 2014).
    fn random(&mut self) -> u64 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn failure() -> Exit {
        Exit::Failed(Box::<dyn std::error::Error + Send + Sync>::from("down").into())
    }

    #[test]
    fn the_restart_policy_decides_by_the_exit() {
        for (restart, exit, again) in [
            (Restart::Never, failure(), false),
            (Restart::OnFailure, failure(), true),
            (Restart::OnFailure, Exit::Finished, false),
            (Restart::Always, Exit::Finished, true),
            (Restart::Always, failure(), true),
            (Restart::Always, Exit::Cancelled, false),
            (Restart::Always, Exit::Aborted, false),
        ] {
            assert_eq!(restart.wants(&exit), again, "{restart:?} after {exit}");
        }
    }

    #[test]
    fn the_window_slides() {
        let mut steady = Window::new(Intensity::new(3, 500 * MS));
        let mut now = Instant::now();
        for _ in 0..9_000 {
            now += 400 * MS;
            assert!(steady.admit(now), "one failure each 400 ms is fine for an hour");
        }
        let mut burst = Window::new(Intensity::new(3, 500 * MS));
        for (at, again) in [(0, true), (166, true), (332, true), (499, false)] {
            assert_eq!(burst.admit(now + at * MS), again, "failure at {at} ms");
        }
    }

    #[test]
    fn many_restarts_are_counted_in_few_moments() {
        let (restarts, period) = (10_000, Duration::from_secs(10));
        let mut window = Window::new(Intensity::new(restarts, period));
        let start = Instant::now();
        // Two a millisecond for half the period are as many as there may be.
        for nth in 0..restarts {
            assert!(window.admit(start + nth / 2 * MS), "restart {nth}");
        }
        assert!(!window.admit(start + 5_000 * MS) && !window.admit(start + period - MS));
        assert!(window.recent.len() <= 2 + MOMENTS as usize, "{}", window.recent.len());
        // Those of the first moment, a 1024th of the period, are forgotten together.
        let again = (0..10_000).take_while(|_| window.admit(start + period)).count();
        assert!((2..=20).contains(&again), "{again}");
        let mut endless = Window::new(Intensity::new(u32::MAX, Duration::MAX));
        assert!((0..100_000).all(|nth| endless.admit(start + nth * MS)));
        assert_eq!(endless.recent.len(), 1);
        let mut endless = Window::new(Intensity::new(u32::MAX, Duration::from_secs(1)));
        assert!((0..100_000).all(|nth| endless.admit(start + nth * MS)));
        assert!(endless.recent.len() <= 2 + MOMENTS as usize);
    }

    #[test]
    fn waits_double_up_to_the_limit_with_jitter() {
        let mut retry = Retry::new(Backoff::new(10 * MS, 65 * MS), 7);
        let now = Instant::now();
        for nominal in [10, 20, 40, 65, 65, 65] {
            let delay = retry.delay(now, now);
            assert!(delay >= nominal * MS / 2 && delay <= nominal * MS, "{delay:?} of {nominal} ms");
        }
        let delay = retry.delay(now, now + 65 * MS);
        assert!(delay <= 10 * MS, "uptime resets the backoff, and this was {delay:?}");
        retry.delay(now, now);
        retry.reset();
        let delay = retry.delay(now, now);
        assert!(delay <= 10 * MS, "so does the worker's own word, and this was {delay:?}");
    }

    #[test]
    fn jitter_spreads_over_the_band_and_extremes_do_not_overflow() {
        let backoff = Backoff::new(100 * MS, 100 * MS);
        let now = Instant::now();
        let delays: Vec<_> = (0..1_000).map(|seed| Retry::new(backoff, seed).delay(now, now)).collect();
        let (least, most) = (delays.iter().min().unwrap(), delays.iter().max().unwrap());
        assert!(*most >= *least + 40 * MS, "80% of the 50 ms band, and this was {least:?} to {most:?}");
        assert_eq!(Backoff::new(Duration::MAX, Duration::MAX).delay(u32::MAX, 0), Duration::MAX);
        assert!(Backoff::new(Duration::MAX, Duration::MAX).delay(3, u64::MAX) >= Duration::MAX / 3);
    }
}
