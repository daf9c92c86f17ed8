//! Intensity: how often a worker, or a group, may be restarted before it stays down. A sliding window.
//!
//! Pure: exits and instants go in, decisions come out.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use super::exit::Exit;

/// How many restarts within which period are allowed before a worker stays down.
///
/// The window slides: only restarts less than `period` ago count. (Erlang/OTP's intensity and period.)
///
/// # The default, and why
/// `Intensity::of_panics(5, Duration::from_secs(10))`: **an error is retried for as long as it takes**, at the pace of
/// the [`Backoff`](crate::Backoff). An error says that something outside is missing, and that may come back after a
/// minute or a weekend; until then the wait bounds the load, not a count. **A panic** says that the program is wrong,
/// and a sixth panic within 10 s makes it no less so: with the default backoff, a worker that panics as soon as it
/// starts stays down after some 3 s. The same applies to a worker that was stopped because it was stuck, and to any
/// restart without a wait, as with [`Backoff::none`](crate::Backoff::none): without a wait, a count is the only bound.
/// (5 in 10 s is systemd's `StartLimitBurst` and `StartLimitIntervalSec`. Kubernetes and Pekko's backoff supervisor
/// retry without end.)
///
/// If failing too often [ends the panel](crate::supervision::Escalate::Panel), the default is `Intensity::new(5,
/// Duration::from_secs(10))`, because escalation requires counting errors too.
///
/// Each restart that counts is remembered for the period, in at most 1024 moments: with more than 1024 `restarts`,
/// those less than a 1024th of the period apart are remembered, and forgotten, as one moment.
///
/// ```
/// use control_panel::{
///     Context, ControlPanel, GraphIntent, IntentSource, Restart, Worker,
///     WorkerStatus, testing,
///     supervision::Intensity,
/// };
/// use std::time::Duration;
///
/// #[derive(GraphIntent)]
/// enum Update {}
///
/// testing::paused(async |panel: &mut ControlPanel<Update>| {
///     let dead_server =
///         |_: Context<Update>| async { Err::<(), _>("connection refused") };
///     let connect = |name| {
///         Worker::new(name, IntentSource::P2pSync, dead_server)
///             .restart(Restart::OnFailure)
///     };
///     let patient = panel.spawn(connect("patient"));
///     let hasty = panel.spawn(
///         connect("hasty").intensity(Intensity::new(5, Duration::from_secs(10))),
///     );
///     testing::advance(Duration::from_secs(3600)).await;
///     assert!(!patient.status().is_final(), "it tries every 30 s or more often");
///     assert!(
///         matches!(hasty.status(), WorkerStatus::Ended(_)),
///         "it tried five times more"
///     );
/// });
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intensity {
    counts: Counts,
    restarts: u32,
    period: Duration,
}

/// Which restarts count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counts {
    None,
    /// Those after a panic or a stop for being stuck, and those without a wait.
    Panics,
    All,
}

impl Intensity {
    /// At most `restarts` within any `period`, after errors and panics alike.
    #[must_use]
    pub fn new(restarts: u32, period: Duration) -> Self {
        Self { counts: Counts::All, restarts, period }
    }

    /// At most `restarts` within any `period` after panics, after being stuck, or without a wait; unlimited after
    /// errors.
    ///
    /// ```
    /// # use control_panel::supervision::Intensity;
    /// # use std::time::Duration;
    /// // A service that is down may fail for hours; a bug may not.
    /// let intensity = Intensity::of_panics(2, Duration::from_secs(60));
    /// assert_ne!(intensity, Intensity::default());
    /// ```
    #[must_use]
    pub fn of_panics(restarts: u32, period: Duration) -> Self {
        Self { counts: Counts::Panics, restarts, period }
    }

    /// No limit, not even after panics. With [`Backoff::none`](crate::Backoff::none), a worker that fails as soon as it
    /// starts then keeps a core busy.
    ///
    /// ```
    /// # use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, testing, worker};
    /// # use std::time::Duration;
    /// # #[derive(Debug, PartialEq, GraphIntent)] enum Update { Row(u32) }
    /// # use control_panel::{Restart, Worker, supervision::Intensity};
    /// # async fn runs(cx: Context<Update>) { cx.cancelled().await }
    /// let always = Worker::new("follow", IntentSource::Restore, runs)
    ///     .restart(Restart::Always)
    ///     .intensity(Intensity::unlimited());
    /// # ControlPanel::<Update>::new().spawn(always);
    /// ```
    #[must_use]
    pub fn unlimited() -> Self {
        Self { counts: Counts::None, restarts: u32::MAX, period: Duration::ZERO }
    }

    /// The default if failing too often ends the panel.
    pub(crate) fn of_escalating() -> Self {
        Self { counts: Counts::All, ..Self::default() }
    }

    /// How many restarts within which period; `None` without a limit.
    pub(crate) fn limit(self) -> Option<(u32, Duration)> {
        (!self.is_unlimited()).then_some((self.restarts, self.period))
    }

    pub(crate) fn is_unlimited(self) -> bool {
        self.counts == Counts::None
    }

    /// Whether a restart after this exit, with this wait, counts.
    fn counts(self, exit: &Exit, wait: Duration) -> bool {
        match self.counts {
            Counts::None => false,
            Counts::Panics => {
                wait.is_zero() || !matches!(exit, Exit::Failed(_) | Exit::Finished | Exit::NotReady)
            }
            Counts::All => true,
        }
    }
}

impl Default for Intensity {
    fn default() -> Self {
        Self::of_panics(5, Duration::from_secs(10))
    }
}

/// The restarts of one worker or group that may still lie within the period.
#[derive(Debug)]
pub(crate) struct Window {
    intensity: Intensity,
    /// Moments, oldest first, each with the number of restarts remembered for it.
    recent: VecDeque<(Instant, u32)>,
    /// The sum of these numbers; at most `intensity.restarts`.
    count: u32,
}

/// The number of moments that a window remembers, give or take one or two.
const MOMENTS: u32 = 1024;

impl Window {
    pub(crate) fn new(intensity: Intensity) -> Self {
        Self { intensity, recent: VecDeque::new(), count: 0 }
    }

    /// Counts a restart decided at `now`, after this exit and before this wait. Returns `false` if that exceeds the
    /// limit.
    pub(crate) fn admit(&mut self, exit: &Exit, wait: Duration, now: Instant) -> bool {
        !self.intensity.counts(exit, wait) || self.count(now)
    }

    /// The restarts within the period that ends now, of how many that are allowed, and the period. Changes nothing.
    pub(crate) fn standing(&self, now: Instant) -> (u32, Intensity) {
        let within = self
            .recent
            .iter()
            .filter(|(then, _)| now.saturating_duration_since(*then) < self.intensity.period);
        (within.map(|(_, several)| several).sum(), self.intensity)
    }

    fn count(&mut self, now: Instant) -> bool {
        let Intensity { restarts, period, .. } = self.intensity;
        while let Some((_, several)) =
            self.recent.front().filter(|(then, _)| now.duration_since(*then) >= period)
        {
            self.count -= several;
            self.recent.pop_front();
        }
        let within = self.count < restarts;
        if within {
            self.count += 1;
            // With this few restarts, each is its own moment, however close they are.
            let least = Duration::from_nanos(1);
            let grain = if restarts > MOMENTS { least.max(period / MOMENTS) } else { Duration::ZERO };
            match self.recent.back_mut().filter(|(then, _)| now.duration_since(*then) < grain) {
                Some((_, several)) => *several += 1,
                None => self.recent.push_back((now, 1)),
            }
        }
        debug_assert!(self.count <= restarts, "it remembers no more restarts than it admits");
        debug_assert_eq!(
            self.count,
            self.recent.iter().map(|(_, several)| several).sum::<u32>(),
            "it counts each moment's"
        );
        within
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::util::PanicReport;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn the_window_slides() {
        let mut steady = Window::new(Intensity::new(3, 500 * MS));
        let mut now = Instant::now();
        for _ in 0..9_000 {
            now += 400 * MS;
            assert!(steady.count(now), "one failure each 400 ms is fine for an hour");
        }
        let mut burst = Window::new(Intensity::new(3, 500 * MS));
        for (at, again) in [(0, true), (166, true), (332, true), (499, false)] {
            assert_eq!(burst.count(now + at * MS), again, "failure at {at} ms");
        }
        for (at, within) in [(499, 3), (500, 2), (666, 1), (832, 0)] {
            assert_eq!(burst.standing(now + at * MS), (within, Intensity::new(3, 500 * MS)), "at {at} ms");
        }
    }

    #[test]
    fn many_restarts_are_counted_in_few_moments() {
        let (restarts, period) = (10_000, Duration::from_secs(10));
        let mut window = Window::new(Intensity::new(restarts, period));
        let start = Instant::now();
        // Two a millisecond for half the period reach the limit exactly.
        for nth in 0..restarts {
            assert!(window.count(start + nth / 2 * MS), "restart {nth}");
        }
        assert!(!window.count(start + 5_000 * MS) && !window.count(start + period - MS));
        assert!(window.recent.len() <= 2 + MOMENTS as usize, "{}", window.recent.len());
        // Restarts of the first moment, a 1024th of the period, are forgotten together.
        let again = (0..10_000).take_while(|_| window.count(start + period)).count();
        assert!((2..=20).contains(&again), "{again}");
        let mut endless = Window::new(Intensity::new(u32::MAX, Duration::MAX));
        assert!((0..100_000).all(|nth| endless.count(start + nth * MS)));
        assert_eq!(endless.recent.len(), 1);
    }

    #[test]
    fn by_default_panics_count_and_what_waits_for_nothing_and_errors_do_not() {
        let error = Exit::Failed(Box::<dyn std::error::Error + Send + Sync>::from("down").into());
        let panic = Exit::Panicked(PanicReport::new(Box::new("bug"), None));
        let limits = [Intensity::default(), Intensity::of_escalating(), Intensity::unlimited()];
        for (exit, wait, fit) in [
            (&error, MS, [true, false, true]),
            (&Exit::Finished, MS, [true, false, true]),
            (&Exit::NotReady, MS, [true, false, true]),
            (&error, Duration::ZERO, [false, false, true]),
            (&panic, MS, [false, false, true]),
            (&Exit::Stuck, MS, [false, false, true]),
            (&Exit::Aborted, MS, [false, false, true]),
        ] {
            for (limit, fits) in limits.into_iter().zip(fit) {
                let (mut window, now) = (Window::new(limit), Instant::now());
                assert!((0..5).all(|_| window.admit(exit, wait, now)), "{limit:?}, {exit}");
                assert_eq!(window.admit(exit, wait, now), fits, "{limit:?}, {exit}");
                assert!(!fits || window.recent.is_empty(), "nothing is remembered that does not count");
            }
        }
    }
}
