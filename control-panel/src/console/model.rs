//! The console's model: snapshots go in, views come out. Pure: no clock, no lock, no panel.

use std::collections::{BTreeMap, VecDeque};

use tokio::time::Instant;

use super::{
    Cursor, History, Observer, Snapshot, View,
    history::Collecting,
    kept::{End, Heard, Rates, Step},
};
use crate::{frame::FrameSample, panel::observed::PanelFigures};

/// How many frames are kept, for their quantiles.
const FRAMES: usize = 1024;

/// How much a [`Console`] keeps and shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Rows of workers in a view: 1,000 by default.
    pub workers: usize,
    /// Ends that are kept: 100 by default.
    pub ends: usize,
    /// Points of the history, a second each or more: 300 by default.
    pub points: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { workers: 1000, ends: 100, points: 300 }
    }
}

/// Turns what an [`Observer`] reads into rows, rates, freshness and recent ends.
///
/// What it keeps is bounded by its [`Limits`] and by the number of living workers and sources. Its views depend on the snapshots and
/// moments that it was given, and on nothing else.
#[derive(Debug, Default)]
pub struct Console {
    pub(super) limits: Limits,
    pub(super) latest: Option<Snapshot>,
    /// The figures before the panel was gone.
    pub(super) known: Option<PanelFigures>,
    pub(super) first: Option<Instant>,
    pub(super) heard: BTreeMap<u64, Heard>,
    /// Newest first.
    pub(super) ends: VecDeque<End>,
    pub(super) ends_seen: u64,
    pub(super) missed: u64,
    pub(super) samples: VecDeque<FrameSample>,
    pub(super) history: History,
    pub(super) collecting: Collecting,
    pub(super) step: Option<Step>,
    pub(super) rates: Rates,
}

impl Console {
    /// Creates a console with other limits than the default.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// How far it has read: where the next snapshot begins.
    pub fn cursor(&self) -> Cursor {
        self.latest.as_ref().map(Snapshot::cursor).unwrap_or_default()
    }

    /// Reads the panel, and returns what to show now: [`take`](Self::take) and [`view`](Self::view) in one.
    pub fn refresh(&mut self, observer: &Observer) -> View {
        let snapshot = observer.snapshot(self.cursor());
        let now = snapshot.at();
        self.take(snapshot);
        self.view(now)
    }

    /// Takes a snapshot. Each must begin where the one before it [ended](Self::cursor).
    pub fn take(&mut self, snapshot: Snapshot) {
        let now = snapshot.at;
        self.first.get_or_insert(now);
        self.missed += snapshot.missed;
        for (event, at) in &snapshot.events {
            self.note_end(event, *at);
        }
        self.samples.extend(&snapshot.samples);
        while self.samples.len() > FRAMES {
            self.samples.pop_front();
        }
        if snapshot.gone {
            // What is gone does nothing any more.
            self.rates = Rates::default();
        }
        if let Some(figures) = &snapshot.figures {
            self.hear(figures, now);
            self.count(figures, &snapshot);
            self.known = Some(figures.clone());
        }
        self.latest = Some(snapshot);
    }

    /// The last minutes. It changes when a snapshot is taken, once a second at most.
    pub fn history(&self) -> &History {
        &self.history
    }
}
