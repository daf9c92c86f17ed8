//! When to choose, and what. Pure: instants, settings and observations in, decisions out.

use std::{collections::BTreeSet, time::Duration};

use tokio::time::Instant;

use super::{PrefetchNode, PrefetchSettings};
use crate::{
    Backoff,
    workers::{MemoryLevel, wait::after},
};

/// The factor by which a warning slows the pace.
const SLOWER: u32 = 4;
/// The maximum of `ahead`, whatever the policy asks for: choices are remembered.
const MOST_AHEAD: usize = 1_024;

/// What to do now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step<N> {
    /// Try to send this, then report the outcome: [`Plan::sent`] or [`Plan::refused`].
    Send(N),
    /// Nothing until then, unless something changes.
    WaitUntil(Instant),
    /// Nothing until something changes.
    Idle,
}

/// What was chosen so far, and when the next choice is due.
#[derive(Debug)]
pub(super) struct Plan<N> {
    backoff: Backoff,
    /// Attempts since the last success.
    attempts: u32,
    /// Of the next attempt's jitter.
    seed: u64,
    focus: Option<N>,
    /// The settings at the last call.
    settings: Option<PrefetchSettings>,
    /// Chosen for the current focus.
    chosen: BTreeSet<N>,
    /// The ranking of the current neighbourhood, the best first, once requested; and how far ahead it reaches.
    ranked: Option<(usize, Vec<N>)>,
    /// When the last one was sent.
    last: Option<Instant>,
    /// Congestion forbids another attempt until then.
    not_before: Option<Instant>,
}

impl<N: PrefetchNode> Plan<N> {
    pub(super) fn new(backoff: Backoff, seed: u64) -> Self {
        Self {
            backoff,
            attempts: 0,
            seed,
            focus: None,
            settings: None,
            chosen: BTreeSet::new(),
            ranked: None,
            last: None,
            not_before: None,
        }
    }

    /// Another neighbourhood was published, whose ranking is not known yet. A new focus forgets the choices and the backoff:
    /// what is wanted now has not been refused yet.
    pub(super) fn look_at(&mut self, focus: Option<&N>) {
        if self.focus.as_ref() != focus {
            self.focus = focus.cloned();
            self.chosen.clear();
            self.forget_backoff();
        }
        self.ranked = None;
    }

    /// Returns what to do now. Calls `rank` for the best so many when the ranking is needed, and `occupied` for the number of
    /// the queue's slots that previous intents still occupy.
    pub(super) fn next(
        &mut self,
        now: Instant,
        settings: &PrefetchSettings,
        level: MemoryLevel,
        rank: impl FnOnce(usize) -> Vec<N>,
        occupied: impl FnOnce() -> usize,
    ) -> Step<N> {
        // A raised budget takes effect now rather than after a backoff of half a minute. Publishing the same settings again
        // resets nothing: a host may do that in every frame.
        if self.settings.is_some_and(|before| before != *settings) {
            self.forget_backoff();
        }
        self.settings = Some(*settings);
        let pace = match level {
            MemoryLevel::Normal => settings.pace,
            MemoryLevel::Warning => settings.pace.saturating_mul(SLOWER),
            MemoryLevel::Critical => return Step::Idle,
        };
        let ahead = settings.ahead.min(MOST_AHEAD);
        if !settings.enabled || settings.budget == 0 || self.chosen.len() >= ahead {
            return Step::Idle;
        }
        let due = self.last.map(|last| after(last, pace));
        if let Some(due) = due.max(self.not_before).filter(|due| *due > now) {
            return Step::WaitUntil(due);
        }
        let (_, ranked) = match self.ranked.take().filter(|(asked, _)| *asked == ahead) {
            Some(ranked) => self.ranked.insert(ranked),
            // Nodes already chosen may still rank first: the frame loop may not have applied them yet.
            None => self.ranked.insert((ahead, rank(ahead + self.chosen.len()))),
        };
        let best = ranked.iter().find(|node| !self.chosen.contains(node)).cloned();
        let Some(best) = best else { return Step::Idle };
        if occupied() >= settings.budget {
            return Step::WaitUntil(self.refused(now));
        }
        Step::Send(best)
    }

    /// The chosen node is in the queue.
    pub(super) fn sent(&mut self, node: N, now: Instant) {
        self.chosen.insert(node);
        self.last = Some(now);
        self.attempts = 0;
    }

    /// There was no room. Returns until when not to try again.
    pub(super) fn refused(&mut self, now: Instant) -> Instant {
        let delay = self.backoff.delay(self.attempts, self.seed);
        self.attempts = self.attempts.saturating_add(1);
        self.seed = self.seed.wrapping_add(1);
        // At least a timer's tick, so that a backoff of zero is not a busy loop.
        *self.not_before.insert(after(now, delay.max(Duration::from_millis(1))))
    }

    fn forget_backoff(&mut self) {
        self.attempts = 0;
        self.not_before = None;
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
