//! Maps a fraction to a level, by thresholds with hysteresis. Pure.

use crate::workers::MemoryLevel;

/// The used fractions from which the level is a warning, and critical.
///
/// A level is left only once the fraction has fallen by [`hysteresis`](Self::hysteresis) below the level's threshold, so that
/// usage that wavers around a threshold does not make the level flap.
///
/// Whatever the arguments, each level can be entered and left: NaN and numbers outside 0 to 1 are moved into that range,
/// critical is never below warning, a hysteresis of more than half a threshold counts as half of it there, and with nothing
/// used the level is normal.
///
/// ```
/// use control_panel::workers::memory_monitor::MemoryThresholds;
///
/// let thresholds = MemoryThresholds::new(0.7, 0.9);
/// assert_eq!((thresholds.warning(), thresholds.critical()), (0.7, 0.9));
/// assert_eq!(
///     MemoryThresholds::new(f64::NAN, -3.0),
///     MemoryThresholds::new(1.0, 1.0)
/// );
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MemoryThresholds {
    warning: f64,
    critical: f64,
    hysteresis: f64,
}

impl MemoryThresholds {
    /// Creates thresholds as fractions of the total, with a hysteresis of 0.05.
    #[must_use]
    pub fn new(warning: f64, critical: f64) -> Self {
        let warning = fraction(warning, 1.0);
        Self { warning, critical: fraction(critical, 1.0).max(warning), hysteresis: 0.05 }
    }

    /// A warning from this fraction, critical half-way between it and the total.
    #[must_use]
    pub fn warning_at(warning: f64) -> Self {
        let warning = fraction(warning, 1.0);
        Self::new(warning, f64::midpoint(warning, 1.0))
    }

    /// How far below its threshold the fraction must fall before the level is left; at most half the threshold counts.
    ///
    /// ```
    /// use control_panel::workers::memory_monitor::MemoryThresholds;
    ///
    /// let thresholds = MemoryThresholds::new(0.7, 0.9).with_hysteresis(0.1);
    /// assert_eq!(thresholds.hysteresis(), 0.1); // left at 0.6 and 0.8
    /// ```
    #[must_use]
    pub fn with_hysteresis(mut self, hysteresis: f64) -> Self {
        self.hysteresis = fraction(hysteresis, 0.0);
        self
    }

    /// Returns the fraction from which the level is a warning.
    #[must_use]
    pub fn warning(&self) -> f64 {
        self.warning
    }

    /// Returns the fraction from which the level is critical.
    #[must_use]
    pub fn critical(&self) -> f64 {
        self.critical
    }

    /// Returns the hysteresis, as it was given.
    #[must_use]
    pub fn hysteresis(&self) -> f64 {
        self.hysteresis
    }

    /// Returns the level at this used fraction, coming from `current`.
    pub(super) fn level(&self, current: MemoryLevel, used: f64) -> MemoryLevel {
        let reached = |level, threshold: f64| {
            // With a threshold of 5%, a hysteresis of 5% would leave no room to fall.
            let hysteresis = if current >= level { self.hysteresis.min(threshold / 2.0) } else { 0.0 };
            used > 0.0 && used >= threshold - hysteresis
        };
        if reached(MemoryLevel::Critical, self.critical) {
            MemoryLevel::Critical
        } else if reached(MemoryLevel::Warning, self.warning) {
            MemoryLevel::Warning
        } else {
            MemoryLevel::Normal
        }
    }
}

/// Warning from 0.80, critical from 0.90.
impl Default for MemoryThresholds {
    fn default() -> Self {
        Self::new(0.80, 0.90)
    }
}

fn fraction(number: f64, otherwise: f64) -> f64 {
    if number.is_nan() { otherwise } else { number.clamp(0.0, 1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workers::MemoryLevel::*;

    fn levels(thresholds: MemoryThresholds, used: &[f64]) -> Vec<MemoryLevel> {
        let mut level = Normal;
        used.iter()
            .map(|&used| {
                level = thresholds.level(level, used);
                level
            })
            .collect()
    }

    #[test]
    fn a_level_is_entered_at_its_threshold_and_left_below_the_hysteresis() {
        let thresholds = MemoryThresholds::new(0.7, 0.9).with_hysteresis(0.1);
        assert_eq!(
            levels(thresholds, &[0.69, 0.7, 0.65, 0.61, 0.59, 0.65, 0.9, 0.85, 0.79, 0.61, 0.5]),
            [Normal, Warning, Warning, Warning, Normal, Normal, Critical, Critical, Warning, Warning, Normal]
        );
    }

    #[test]
    fn a_jump_skips_a_level_both_ways() {
        assert_eq!(levels(MemoryThresholds::default(), &[0.99, 0.1]), [Critical, Normal]);
    }

    #[test]
    fn a_hysteresis_as_large_as_the_threshold_does_not_keep_the_level() {
        assert_eq!(levels(MemoryThresholds::new(0.05, 0.4), &[0.07, 0.03, 0.02]), [Warning, Warning, Normal]);
        let all = MemoryThresholds::new(0.6, 0.8).with_hysteresis(1.0);
        assert_eq!(
            levels(all, &[0.8, 0.41, 0.39, 0.31, 0.29]),
            [Critical, Critical, Warning, Warning, Normal]
        );
        assert_eq!(levels(MemoryThresholds::new(0.0, 0.0), &[0.0, 1e-9, 0.0]), [Normal, Critical, Normal]);
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

        /// From every level, full use is critical, and no use is normal; and a level that was entered is not left by the same
        /// sample.
        #[test]
        fn whatever_is_given_each_level_can_be_entered_and_left(
            warning in number(), critical in number(), hysteresis in number(), used in 0.0..=1.0,
        ) {
            for thresholds in [MemoryThresholds::new(warning, critical), MemoryThresholds::warning_at(warning)] {
                let thresholds = thresholds.with_hysteresis(hysteresis);
                for from in [Normal, Warning, Critical] {
                    proptest::prop_assert_eq!(thresholds.level(from, 0.0), Normal);
                    proptest::prop_assert_eq!(thresholds.level(from, 1.0), Critical);
                    let level = thresholds.level(from, used);
                    proptest::prop_assert_eq!(thresholds.level(level, used), level);
                    // Not only at zero: slightly more than nothing is normal too, if a warning begins above it.
                    proptest::prop_assert_eq!(thresholds.level(from, thresholds.warning() * 0.49), Normal);
                }
            }
        }
    }

    fn number() -> impl proptest::strategy::Strategy<Value = f64> {
        use proptest::{num::f64::ANY, prop_oneof};
        prop_oneof![0.0..=1.0, 0.0..=0.06, ANY, proptest::strategy::Just(0.0), proptest::strategy::Just(1.0)]
    }

    #[test]
    fn absurd_thresholds_are_made_usable() {
        let upside_down = MemoryThresholds::new(0.9, 0.2);
        assert_eq!((upside_down.warning(), upside_down.critical()), (0.9, 0.9));
        assert_eq!(MemoryThresholds::new(f64::NAN, f64::INFINITY), MemoryThresholds::new(1.0, 1.0));
        assert_eq!(MemoryThresholds::warning_at(-5.0), MemoryThresholds::new(0.0, 0.5));
        let nothing = MemoryThresholds::default().with_hysteresis(f64::NAN);
        assert_eq!(levels(nothing, &[0.80, 0.79]), [Warning, Normal]);
    }
}
