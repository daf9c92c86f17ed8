//! Maps the readings of all gauges to one level: the worst. Pure.

use super::{
    sample::{MemoryGauge, MemoryReadError, MemorySample},
    thresholds::MemoryThresholds,
};
use crate::workers::MemoryLevel;

/// How many samples in a row must fail before a gauge's last reading is discarded.
const MISSES: u32 = 3;

/// The reading of one gauge: one of [`MemoryReadings`](super::MemoryReadings).
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq)]
pub struct MemoryReading {
    /// Which gauge.
    pub gauge: MemoryGauge,
    /// The last sample, while it is valid; `None` if there is nothing to measure, or it failed three times in a row.
    pub sample: Option<MemorySample>,
    /// Why the last sample failed, if it did.
    pub error: Option<MemoryReadError>,
    /// The level of this gauge alone.
    pub level: MemoryLevel,
}

/// The thresholds of both kinds of gauges.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct AllThresholds {
    pub(super) memory: MemoryThresholds,
    pub(super) stall: MemoryThresholds,
}

impl AllThresholds {
    fn of(&self, gauge: MemoryGauge) -> &MemoryThresholds {
        if gauge == MemoryGauge::Stall { &self.stall } else { &self.memory }
    }
}

/// All gauges, each with its own level: each has its own hysteresis.
#[derive(Debug)]
pub(super) struct Judge {
    gauges: Vec<Standing>,
    /// The thresholds by which the levels were last judged.
    thresholds: Option<AllThresholds>,
}

#[derive(Debug)]
struct Standing {
    reading: MemoryReading,
    /// The last sample, whether still valid or not.
    last: MemorySample,
    misses: u32,
}

impl Judge {
    pub(super) fn new(gauges: impl IntoIterator<Item = MemoryGauge>) -> Self {
        let standing = |gauge| Standing {
            reading: MemoryReading { gauge, sample: None, error: None, level: MemoryLevel::Normal },
            last: MemorySample::default(),
            misses: 0,
        };
        Self { gauges: gauges.into_iter().map(standing).collect(), thresholds: None }
    }

    /// Records the sample of the gauge at this index. Returns the error if it fails and did not before.
    pub(super) fn take(
        &mut self,
        at: usize,
        sample: Result<Option<MemorySample>, MemoryReadError>,
    ) -> Option<&MemoryReadError> {
        let gauge = self.gauges.get_mut(at)?;
        match sample {
            Ok(sample) => {
                gauge.misses = 0;
                gauge.last = sample.unwrap_or(gauge.last);
                gauge.reading.sample = sample;
                gauge.reading.error = None;
            }
            Err(error) => {
                gauge.misses = gauge.misses.saturating_add(1);
                gauge.reading.sample = gauge.reading.sample.filter(|_| gauge.misses < MISSES);
                gauge.reading.error = Some(error);
            }
        }
        gauge.reading.error.as_ref().filter(|_| gauge.misses == 1)
    }

    /// The current level: the worst of all. New thresholds judge the gauges of their kind afresh, regardless of the previous
    /// level: hysteresis is for changes of the measurement, not of the settings.
    pub(super) fn level(&mut self, thresholds: AllThresholds) -> MemoryLevel {
        let judged_by = self.thresholds.replace(thresholds);
        for Standing { reading, .. } in &mut self.gauges {
            let of = thresholds.of(reading.gauge);
            let same = judged_by.is_some_and(|before| before.of(reading.gauge) == of);
            let before = if same { reading.level } else { MemoryLevel::Normal };
            reading.level =
                reading.sample.map_or(MemoryLevel::Normal, |sample| of.level(before, sample.fraction()));
        }
        self.gauges.iter().map(|gauge| gauge.reading.level).max().unwrap_or_default()
    }

    /// Returns the worst gauge and its last sample: of the gauges at the highest level, the one furthest above its warning
    /// threshold. If none has a sample, the first.
    pub(super) fn worst(&self) -> (MemoryGauge, MemorySample) {
        let mut worst: Option<(&Standing, MemoryLevel, f64)> = None;
        for gauge in &self.gauges {
            let beyond = match (gauge.reading.sample, &self.thresholds) {
                (Some(sample), Some(all)) => sample.fraction() - all.of(gauge.reading.gauge).warning(),
                _ => f64::NEG_INFINITY,
            };
            let level = gauge.reading.level;
            if worst.is_none_or(|(_, worst, by)| level > worst || (level == worst && beyond > by)) {
                worst = Some((gauge, level, beyond));
            }
        }
        worst.map_or((MemoryGauge::Custom, MemorySample::default()), |(gauge, ..)| {
            (gauge.reading.gauge, gauge.last)
        })
    }

    pub(super) fn readings(&self) -> impl Iterator<Item = MemoryReading> {
        self.gauges.iter().map(|gauge| gauge.reading.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use MemoryGauge::{Cgroup, Process, Stall, System};
    use MemoryLevel::{Critical, Normal, Warning};

    fn thresholds(warning: f64, critical: f64) -> AllThresholds {
        AllThresholds {
            memory: MemoryThresholds::new(warning, critical),
            stall: MemoryThresholds::new(0.1, 0.4),
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "as a sampler gives it")]
    fn percent(used: u64) -> Result<Option<MemorySample>, MemoryReadError> {
        Ok(Some(MemorySample { used, total: 100 }))
    }

    fn failed() -> Result<Option<MemorySample>, MemoryReadError> {
        Err(MemoryReadError::Other("not today".into()))
    }

    #[test]
    fn the_worst_gauge_decides_and_each_has_its_own_hysteresis() {
        let usual = thresholds(0.7, 0.9);
        let mut judge = Judge::new([Cgroup, System, Stall]);
        let mut at = |cgroup, system, stall| {
            for (at, used) in [cgroup, system, stall].into_iter().enumerate() {
                judge.take(at, percent(used));
            }
            (judge.level(usual), judge.worst().0)
        };
        assert_eq!(at(10, 50, 0), (Normal, Stall), "the nearest to its threshold");
        assert_eq!(at(10, 75, 0), (Warning, System));
        assert_eq!(at(95, 75, 0), (Critical, Cgroup));
        assert_eq!(at(69, 66, 0), (Warning, Cgroup), "both within their hysteresis; critical is left");
        assert_eq!(at(10, 66, 0), (Warning, System));
        assert_eq!(at(69, 10, 0), (Normal, Cgroup), "this one's level was left before");
        assert_eq!(at(69, 10, 45), (Critical, Stall));
        assert_eq!(at(91, 10, 37), (Critical, Stall), "0.27 beyond its warning, and the other 0.21");
        assert_eq!(at(91, 10, 34), (Critical, Cgroup), "the level comes first");
    }

    #[test]
    fn new_thresholds_judge_afresh() {
        let mut judge = Judge::new([System]);
        judge.take(0, percent(60));
        assert_eq!(judge.level(thresholds(0.55, 0.9)), Warning);
        assert_eq!(judge.level(thresholds(0.62, 0.9)), Normal, "although within the hysteresis");
        assert_eq!(judge.level(thresholds(0.2, 0.3)), Critical);
        assert_eq!(judge.level(thresholds(0.2, 0.62)), Warning);
        judge.take(0, percent(16));
        assert_eq!(judge.level(thresholds(0.2, 0.62)), Warning, "the same thresholds keep it");
    }

    #[test]
    fn new_thresholds_of_one_kind_judge_only_that_kind_afresh() {
        let usual = thresholds(0.7, 0.9);
        let mut judge = Judge::new([System, Stall]);
        let mut at = |system, stall, thresholds| {
            judge.take(0, percent(system));
            judge.take(1, percent(stall));
            judge.level(thresholds);
            judge.readings().map(|reading| reading.level).collect::<Vec<_>>()
        };
        assert_eq!(at(75, 15, usual), [Warning, Warning]);
        let other_stall = AllThresholds { stall: MemoryThresholds::new(0.09, 0.4), ..usual };
        assert_eq!(at(67, 8, other_stall), [Warning, Normal], "within its hysteresis, and not asked anew");
        let other_memory = AllThresholds { memory: MemoryThresholds::new(0.69, 0.9), ..other_stall };
        assert_eq!(at(67, 9, other_stall), [Warning, Warning]);
        assert_eq!(at(67, 6, other_memory), [Normal, Warning]);
    }

    #[test]
    fn a_gauge_that_fails_is_believed_twice_and_the_others_always() {
        let usual = thresholds(0.7, 0.9);
        let mut judge = Judge::new([Cgroup, Process]);
        judge.take(0, percent(95));
        judge.take(1, percent(75));
        assert_eq!(judge.level(usual), Critical);
        for level in [Critical, Critical, Warning, Warning] {
            let newly = judge.take(0, failed()).is_some();
            assert_eq!(newly, judge.gauges[0].misses == 1);
            assert_eq!(judge.level(usual), level);
            assert!(judge.readings().next().is_some_and(|reading| reading.error.is_some()));
        }
        judge.take(0, percent(95));
        judge.take(0, failed());
        assert_eq!(judge.level(usual), Critical, "it was read in between");
        judge.take(0, Ok(None));
        assert_eq!((judge.level(usual), judge.worst().0), (Warning, Process), "what is gone does not count");
    }

    #[test]
    fn without_any_gauge_nothing_is_scarce() {
        let mut judge = Judge::new([]);
        assert_eq!(judge.level(thresholds(0.0, 0.0)), Normal);
        assert!(judge.take(0, failed()).is_none());
        assert_eq!(judge.worst().1, MemorySample::default());
        let mut silent = Judge::new([System]);
        silent.take(0, failed());
        assert_eq!(silent.level(thresholds(0.0, 0.0)), Normal, "nothing was ever read");
        silent.take(0, percent(0));
        assert_eq!(silent.level(thresholds(0.0, 0.0)), Normal, "nothing is used");
        silent.take(0, percent(1));
        assert_eq!(silent.level(thresholds(0.0, 0.0)), Critical);
    }
}
