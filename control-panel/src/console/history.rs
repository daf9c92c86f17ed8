//! The last minutes, for plots.

use std::{collections::VecDeque, time::Duration};

use super::frames_view::rank;

/// How many sources have a line of their own; those beyond are added up in one more.
const SOURCES: usize = 8;

/// The name of that line.
const OTHERS: &str = "others";

/// How many frames of one point are looked at for its quantiles.
const FRAMES: usize = 1024;

/// The last minutes of a panel, a point a second at most: what [`Console::history`](super::Console::history) returns.
#[derive(Debug, Clone, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct History {
    /// The sources, in the order in which they were seen; beyond eight, the last line is that of all others.
    pub sources: Vec<String>,
    /// Oldest first.
    pub points: VecDeque<Point>,
}

/// One stretch of time.
#[derive(Debug, Clone, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Point {
    /// When it ended, from when the panel was first observed.
    #[cfg_attr(feature = "serde", serde(with = "crate::util::seconds"))]
    pub at: Duration,
    /// The greatest depth of the queue that was seen.
    pub depth: usize,
    /// The most sends that were seen waiting.
    pub waiting: usize,
    /// Frames a second.
    pub frames: f64,
    /// The median of what a frame took.
    #[cfg_attr(feature = "serde", serde(with = "crate::util::seconds"))]
    pub frame_p50: Duration,
    /// The 99th percentile.
    #[cfg_attr(feature = "serde", serde(with = "crate::util::seconds"))]
    pub frame_p99: Duration,
    /// Intents accepted a second, by source. Shorter than the list of sources where some were seen only later.
    pub intents: Vec<f64>,
}

/// The point that is being collected.
#[derive(Debug, Default)]
pub(super) struct Collecting {
    depth: usize,
    waiting: usize,
    frames: u64,
    times: Vec<Duration>,
    intents: Vec<u64>,
}

impl History {
    /// The line of a source.
    fn line(&mut self, source: &str) -> usize {
        if let Some(at) = self.sources.iter().position(|known| known == source) {
            return at;
        }
        let name = if self.sources.len() < SOURCES { source } else { OTHERS };
        if self.sources.len() <= SOURCES {
            self.sources.push(name.to_owned());
        }
        self.sources.len() - 1
    }

    pub(super) fn push(&mut self, point: Point, most: usize) {
        self.points.push_back(point);
        while self.points.len() > most {
            self.points.pop_front();
        }
    }
}

impl Collecting {
    pub(super) fn queue(&mut self, depth: usize, waiting: usize) {
        self.depth = self.depth.max(depth);
        self.waiting = self.waiting.max(waiting);
    }

    pub(super) fn frames(&mut self, count: u64, times: impl IntoIterator<Item = Duration>) {
        self.frames += count;
        let room = FRAMES.saturating_sub(self.times.len());
        self.times.extend(times.into_iter().take(room));
    }

    pub(super) fn intents(&mut self, history: &mut History, source: &str, count: u64) {
        let line = history.line(source);
        if self.intents.len() <= line {
            self.intents.resize(line + 1, 0);
        }
        self.intents[line] += count;
    }

    /// The point, of so much time.
    pub(super) fn take(&mut self, at: Duration, span: Duration) -> Point {
        let Self { depth, waiting, frames, mut times, intents } = std::mem::take(self);
        times.sort_unstable();
        Point {
            at,
            depth,
            waiting,
            frames: rate(frames, span),
            frame_p50: rank(&times, 50),
            frame_p99: rank(&times, 99),
            intents: intents.into_iter().map(|count| rate(count, span)).collect(),
        }
    }
}

/// So many a second.
#[expect(clippy::cast_precision_loss, reason = "a rate is for display")]
pub(super) fn rate(count: u64, span: Duration) -> f64 {
    if span.is_zero() { 0.0 } else { count as f64 / span.as_secs_f64() }
}
