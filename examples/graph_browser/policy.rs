//! The policy that the panel distributes to its workers: how many webviews there may be, and from when on
//! memory is scarce.

use std::time::Duration;

use control_panel::workers::{
    memory_monitor::{MemoryLevel, MemoryPolicy, MemoryThresholds},
    prefetch::{PrefetchPolicy, PrefetchSettings},
};

use serde::{Deserialize, Serialize};

use crate::lifecycle::Limits;

/// The most active webviews that are any use: each is loaded and reconciled every frame.
const MOST_ACTIVE: usize = 256;
/// The most pages kept warm: each may hold 64 KiB of text, so this is 256 MiB at worst.
const MOST_WARM: usize = 4_096;

/// Between two pages fetched ahead of the visitor, who opens twenty a second.
const PREFETCH_PACE: Duration = Duration::from_millis(50);

/// What every worker may watch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct LifecyclePolicy {
    /// Nodes that may be active at once; at least 1.
    pub(crate) active_webview_limit: usize,
    /// Nodes that may be kept warm at once.
    pub(crate) warm_cache_limit: usize,
    /// The used fraction of memory, 0 to 1, from which on it is scarce.
    pub(crate) memory_pressure_threshold: f32,
}

impl Default for LifecyclePolicy {
    fn default() -> Self {
        Self { active_webview_limit: 4, warm_cache_limit: 8, memory_pressure_threshold: 0.80 }
    }
}

impl LifecyclePolicy {
    /// The most pages that are active or warm, whatever the policy.
    #[cfg(feature = "journal")]
    pub(crate) const MOST_KEPT: usize = MOST_ACTIVE + MOST_WARM;

    /// A policy one can work with, and what had to be changed to make it one.
    ///
    /// # Errors
    /// In words for the user, where no sensible meaning can be given to a number.
    pub(crate) fn checked(mut self) -> Result<(Self, Vec<String>), String> {
        if self.active_webview_limit == 0 {
            return Err("0 active webviews would show no page at all: give at least 1".into());
        }
        let threshold = self.memory_pressure_threshold;
        if !(0.0..=1.0).contains(&threshold) {
            return Err(format!(
                "a memory threshold of {threshold} is no fraction of all memory: give 0 to 1"
            ));
        }
        let mut notes = Vec::new();
        let mut at_most = |limit: &mut usize, most, what| {
            if *limit > most {
                notes.push(format!("{what} {limit} is more than is any use: {most} it is"));
                *limit = most;
            }
        };
        at_most(&mut self.active_webview_limit, MOST_ACTIVE, "an active webview limit of");
        at_most(&mut self.warm_cache_limit, MOST_WARM, "a warm cache limit of");
        Ok((self, notes))
    }

    /// What may be active and warm at this level of memory pressure.
    pub(crate) fn limits(&self, level: MemoryLevel) -> Limits {
        match level {
            MemoryLevel::Normal => Limits { active: self.active_webview_limit, warm: self.warm_cache_limit },
            MemoryLevel::Warning => {
                Limits { active: (self.active_webview_limit / 2).max(1), warm: self.warm_cache_limit / 2 }
            }
            MemoryLevel::Critical => Limits { active: 1, warm: 0 },
        }
    }
}

impl MemoryPolicy for LifecyclePolicy {
    fn memory_thresholds(&self) -> MemoryThresholds {
        MemoryThresholds::warning_at(f64::from(self.memory_pressure_threshold))
    }
}

/// What is prefetched becomes active and pushes another page into the warm cache: so there is none without one, nor where
/// only the visitor's own page may be active. At most half of the active pages are guesses.
impl PrefetchPolicy for LifecyclePolicy {
    fn prefetch(&self) -> PrefetchSettings {
        PrefetchSettings {
            enabled: self.warm_cache_limit > 0,
            pace: PREFETCH_PACE,
            budget: 2,
            ahead: self.active_webview_limit / 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(active: usize, warm: usize, threshold: f32) -> LifecyclePolicy {
        LifecyclePolicy {
            active_webview_limit: active,
            warm_cache_limit: warm,
            memory_pressure_threshold: threshold,
        }
    }

    #[test]
    fn absurd_policies_are_refused_in_words() {
        assert!(policy(0, 8, 0.8).checked().is_err_and(|why| why.contains("at least 1")));
        for threshold in [f32::NAN, f32::INFINITY, -0.1, 1.1] {
            let refused = policy(4, 8, threshold).checked();
            assert!(refused.is_err_and(|why| why.contains("0 to 1")), "{threshold}");
        }
    }

    #[test]
    fn limits_beyond_use_are_clamped_and_said() {
        let (clamped, notes) = policy(usize::MAX, usize::MAX, 1.0).checked().expect("usable");
        assert_eq!((clamped.active_webview_limit, clamped.warm_cache_limit), (MOST_ACTIVE, MOST_WARM));
        assert_eq!(notes.len(), 2);
        assert!(notes[0].contains(&usize::MAX.to_string()), "{notes:?}");
        let default = LifecyclePolicy::default();
        assert_eq!(default.checked(), Ok((default, Vec::new())));
    }

    #[test]
    fn there_is_no_prefetch_without_a_place_for_it() {
        assert!(!policy(4, 0, 0.8).prefetch().enabled);
        assert_eq!(policy(1, 8, 0.8).prefetch().ahead, 0);
        assert_eq!((policy(5, 8, 0.8).prefetch().enabled, policy(5, 8, 0.8).prefetch().ahead), (true, 2));
    }

    #[test]
    fn pressure_narrows_the_limits_but_one_page_can_always_be_seen() {
        let policy = policy(1, 0, 0.5);
        for level in [MemoryLevel::Normal, MemoryLevel::Warning, MemoryLevel::Critical] {
            assert_eq!(policy.limits(level), Limits { active: 1, warm: 0 });
        }
        let default = LifecyclePolicy::default();
        assert_eq!(default.limits(MemoryLevel::Warning), Limits { active: 2, warm: 4 });
    }
}
