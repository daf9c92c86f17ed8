//! Restart and backoff: whether a worker's next run starts, and when. How often it may is up to
//! [`intensity`](super::intensity).
//!
//! Pure: exits and instants go in, decisions come out.

use std::time::Duration;

use tokio::time::Instant;

use super::exit::Exit;

/// When a worker that ended is restarted. (Erlang/OTP calls these temporary, transient and permanent.)
#[non_exhaustive]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Restart {
    /// Never automatically: it runs once, unless it is restarted by hand, or [because it is
    /// stuck](crate::supervision::OnStuck::Restart). The default.
    #[default]
    Never,
    /// After an error or a panic.
    OnFailure,
    /// Whenever it ended by itself, even without an error.
    Always,
}

/// How long to wait before a restart: twice as long each time, up to a limit, less some jitter, so that workers that
/// fail together do not return together.
///
/// The wait starts over once a run has been up for the limit. Default: 100 ms doubling to 30 s. (Exponential backoff;
/// the jitter is the "equal jitter" of Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015: each
/// wait lies between half and all of its nominal length.)
///
/// # Why these numbers
/// 100 ms: a cut connection or a replaced service is often back by then, and a user does not notice the pause. 30 s,
/// reached with the tenth failure in a row after at most 51 s: half a minute is as long as one waits for something to
/// come back by itself before looking into it, and two attempts a minute are no load for a service that is down. It
/// starts over after 30 s of uptime: a run that lived as long as the longest wait causes no more than the two restarts
/// a minute that the limit allows anyway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    base: Duration,
    max: Duration,
}

impl Backoff {
    /// Waits `base` first, and never longer than `max`. If `base` is longer than `max`, each wait is `base`.
    #[must_use]
    pub fn new(base: Duration, max: Duration) -> Self {
        Self { base, max: max.max(base) }
    }

    /// No wait at all.
    ///
    /// ```
    /// # use control_panel::Backoff;
    /// assert!(Backoff::none().delay(1, 0).is_zero());
    /// ```
    #[must_use]
    pub fn none() -> Self {
        Self::new(Duration::ZERO, Duration::ZERO)
    }

    /// The wait before retry number `attempt` (from 0), for code that retries by itself. The `seed` only determines the jitter,
    /// so use another one for each attempt and each worker.
    ///
    /// ```
    /// use control_panel::Backoff;
    /// use std::time::Duration;
    ///
    /// let backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(30));
    /// let third = backoff.delay(2, 7);
    /// assert!(
    ///     third >= Duration::from_millis(200) && third <= Duration::from_millis(400)
    /// );
    /// assert_eq!(third, backoff.delay(2, 7));
    /// ```
    #[must_use]
    pub fn delay(&self, attempt: u32, seed: u64) -> Duration {
        self.jittered(attempt, mix(seed))
    }

    /// `random` is any 64 random bits.
    fn jittered(&self, attempt: u32, random: u64) -> Duration {
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
    /// Whether another run follows one that ended by itself with this exit.
    pub(crate) fn wants(self, exit: &Exit) -> bool {
        match self {
            Self::Never => false,
            Self::OnFailure => exit.is_failure(),
            Self::Always => exit.is_failure() || matches!(exit, Exit::Finished),
        }
    }
}

/// How often one worker was restarted in a row, which determines its next wait.
#[derive(Debug)]
pub(crate) struct Retry {
    backoff: Backoff,
    attempt: u32,
    seed: u64,
}

impl Retry {
    /// `seed` only determines the jitter.
    pub(crate) fn new(backoff: Backoff, seed: u64) -> Self {
        Self { backoff, attempt: 0, seed }
    }

    /// Returns the wait before the next run, after one that was up from `started` to `now`.
    pub(crate) fn delay(&mut self, started: Instant, now: Instant) -> Duration {
        if now.duration_since(started) >= self.backoff.max {
            self.attempt = 0;
        }
        let delay = self.backoff.delay(self.attempt, self.seed);
        self.seed = self.seed.wrapping_add(GOLDEN);
        self.attempt = self.attempt.saturating_add(1);
        delay
    }

    /// The worker reports that it is healthy: the next wait is the first one again.
    pub(crate) fn reset(&mut self) {
        self.attempt = 0;
    }
}

/// The step of [`mix`]'s generator: 2^64 divided by the golden ratio.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The number after `seed` in `SplitMix64` (Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", 2014).
fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(GOLDEN);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
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
        assert_eq!(Backoff::new(Duration::MAX, Duration::MAX).jittered(u32::MAX, 0), Duration::MAX);
        assert!(Backoff::new(Duration::MAX, Duration::MAX).jittered(3, u64::MAX) >= Duration::MAX / 3);
    }
}
