//! The frames.

use std::time::Duration;

/// The frames at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct FramesView {
    /// How the loop is.
    pub state: FrameState,
    /// Frames drained since the panel was built.
    pub count: u64,
    /// Intents applied by the frames that were observed.
    pub applied: u64,
    /// How long ago the last frame ended, of those that were observed.
    #[cfg_attr(feature = "serde", serde(with = "crate::util::seconds::option", default))]
    pub last: Option<Duration>,
    /// For how long a frame has been running, if one runs now.
    #[cfg_attr(feature = "serde", serde(with = "crate::util::seconds::option", default))]
    pub in_frame: Option<Duration>,
    /// Frames a second, since the look before.
    pub rate: f64,
    /// Of how many frames the quantiles below are: those of the last 10 s, at most 1,024.
    pub measured: usize,
    /// What draining and ordering took.
    pub drain: Quantiles,
    /// What applying and settling took.
    pub apply: Quantiles,
    /// What reconciling took.
    pub reconcile: Quantiles,
    /// All three together.
    pub total: Quantiles,
    /// The median of the intents a frame applied.
    pub intents_p50: u32,
    /// The 99th percentile of the intents a frame applied.
    pub intents_p99: u32,
    /// Intents that the last frame left in the queue.
    pub left: u32,
}

/// The median, the 99th percentile and the greatest of some durations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Quantiles {
    /// Half of them took no longer.
    #[cfg_attr(feature = "serde", serde(with = "crate::util::seconds"))]
    pub p50: Duration,
    /// Of a hundred of them 99 took no longer.
    #[cfg_attr(feature = "serde", serde(with = "crate::util::seconds"))]
    pub p99: Duration,
    /// None took longer.
    #[cfg_attr(feature = "serde", serde(with = "crate::util::seconds"))]
    pub max: Duration,
}

/// How the frame loop is, as far as its frames show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum FrameState {
    /// No frame has ended since the panel is observed.
    #[default]
    NoneYet,
    /// A frame ended within the last 5 s.
    Running,
    /// No frame has ended for 5 s, and nothing waits for one: the loop sleeps, or is gone.
    Silent,
    /// No frame has ended for 5 s, and something waits for one; or one frame has been running for that long.
    Stalled,
    /// The panel is gone.
    Gone,
}

impl Quantiles {
    /// Of these durations, which it sorts.
    pub(super) fn of(times: &mut [Duration]) -> Self {
        times.sort_unstable();
        Self { p50: rank(times, 50), p99: rank(times, 99), max: times.last().copied().unwrap_or_default() }
    }
}

/// The least of sorted values that so many percent of them do not exceed (nearest rank).
pub(super) fn rank<T: Copy + Default>(sorted: &[T], percent: usize) -> T {
    let at = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(at).copied().unwrap_or_default()
}
