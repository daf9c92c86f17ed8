//! What became of the intents of one sender, or of one source.

use std::{
    hint,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio::time::Instant;

use crate::util::SeqLock;

/// Counts what a sender sends. Its queue writes them under its lock, except `refused` and `dropped`; observers read them without it.
#[derive(Debug)]
pub(crate) struct SendFigures {
    sent: AtomicU64,
    refused: AtomicU64,
    dropped: AtomicU64,
    blocked: Blocked,
}

/// What observers read of a sender, whatever its intents are.
pub(crate) trait CountsSends: Send + Sync {
    fn counts(&self, now: Instant) -> SendCounts;
}

/// The same at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct SendCounts {
    /// Accepted, as of when the queue last took its block back: at the last frame, or later.
    pub(crate) sent: u64,
    /// Handed back.
    pub(crate) refused: u64,
    pub(crate) dropped: u64,
    /// Sends that wait for a slot.
    pub(crate) waiting: usize,
    /// For how long sends waited since the queue is observed, added up.
    pub(crate) blocked: Duration,
}

/// Adds up for how long sends waited: the integral of how many wait.
///
/// Until it is observed, waits are counted and not timed: two readings of the clock would be a fifth of what a wait costs.
#[derive(Debug)]
struct Blocked {
    epoch: Instant,
    /// How many wait; the nanoseconds up to when that last changed, added up; when that was, in nanoseconds from the epoch, or
    /// [`UNTIMED`] until it is observed.
    waits: SeqLock<3>,
}

/// Before any time: nothing has waited since.
const UNTIMED: u64 = u64::MAX;

/// How often a reader looks again where a writer is at work. It is for a few instructions.
const LOOKS: usize = 64;

impl SendFigures {
    pub(crate) fn new() -> Self {
        Self::since(Instant::now(), UNTIMED)
    }

    /// New ones, for which the clock is not read again.
    pub(crate) fn sibling(&self) -> Self {
        Self::since(self.blocked.epoch, self.blocked.last_change())
    }

    fn since(epoch: Instant, since: u64) -> Self {
        let blocked = Blocked { epoch, waits: SeqLock::new() };
        blocked.waits.write([0, 0, since]);
        Self { sent: AtomicU64::new(0), refused: AtomicU64::new(0), dropped: AtomicU64::new(0), blocked }
    }

    /// So many more were accepted. Under the queue's lock: a load and a store are cheaper than an addition there.
    #[inline]
    pub(crate) fn add_sent(&self, more: u64) {
        self.sent.store(self.sent.load(Ordering::Relaxed) + more, Ordering::Relaxed);
    }

    pub(crate) fn refuse(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn drop_one(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// Waits are timed from now on, also those under way. Under the queue's lock.
    pub(crate) fn observe(&self, now: Instant) {
        if self.blocked.last_change() == UNTIMED {
            self.blocked.change(Some(now), |waiting| waiting);
        }
    }

    /// The time, if waits are timed.
    pub(crate) fn clock(&self) -> Option<Instant> {
        (self.blocked.last_change() != UNTIMED).then(Instant::now)
    }

    /// A send begins to wait, at this time if waits are timed. Under the queue's lock.
    #[inline]
    pub(crate) fn begin_wait(&self, now: Option<Instant>) {
        self.blocked.change(now, |waiting| waiting + 1);
    }

    /// A send waits no longer. Under the queue's lock.
    #[inline]
    pub(crate) fn end_wait(&self, now: Option<Instant>) {
        self.blocked.change(now, |waiting| waiting.saturating_sub(1));
    }

    pub(crate) fn counts(&self, now: Instant) -> SendCounts {
        let (waiting, blocked) = self.blocked.read(now);
        SendCounts {
            sent: self.sent.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
            waiting,
            blocked,
        }
    }
}

impl Blocked {
    fn last_change(&self) -> u64 {
        self.waits.load()[2]
    }

    #[inline]
    fn change(&self, now: Option<Instant>, to: impl FnOnce(u64) -> u64) {
        match now {
            None => self.waits.set(0, to(self.waits.load()[0])),
            Some(now) => self.change_at(self.nanos(now), to),
        }
    }

    #[inline(never)]
    fn change_at(&self, now: u64, to: impl FnOnce(u64) -> u64) {
        let [waiting, total, since] = self.waits.load();
        let more = now.saturating_sub(since).saturating_mul(waiting);
        self.waits.write([to(waiting), total.saturating_add(more), now]);
    }

    fn read(&self, now: Instant) -> (usize, Duration) {
        let intact = (0..LOOKS).find_map(|_| {
            let intact = self.waits.read();
            if intact.is_none() {
                hint::spin_loop();
            }
            intact
        });
        // Where the writer does not run, its half of a change is off by one wait.
        let [waiting, total, since] = intact.map_or_else(|| self.waits.load(), |(waits, _)| waits);
        let since = self.nanos(now).saturating_sub(since);
        let total = total.saturating_add(since.saturating_mul(waiting));
        (usize::try_from(waiting).unwrap_or(usize::MAX), Duration::from_nanos(total))
    }

    fn nanos(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.epoch).as_nanos()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_add_up_also_those_that_go_on() {
        let figures = SendFigures::new();
        let at = |ms| figures.blocked.epoch + Duration::from_millis(ms);
        let blocked = |ms| {
            let SendCounts { waiting, blocked, .. } = figures.counts(at(ms));
            (waiting, blocked.as_millis())
        };
        let timed = |ms| Some(at(ms));
        figures.observe(at(0));
        assert_eq!(blocked(5), (0, 0));
        figures.begin_wait(timed(10));
        assert_eq!(blocked(30), (1, 20), "it goes on");
        figures.begin_wait(timed(40));
        assert_eq!(blocked(50), (2, 50));
        figures.end_wait(timed(60));
        figures.observe(at(80));
        figures.end_wait(timed(100));
        assert_eq!((blocked(100), blocked(900)), ((0, 110), (0, 110)));
        figures.end_wait(timed(900));
        assert_eq!(blocked(950), (0, 110), "nothing waits");
    }

    #[test]
    fn waits_are_timed_from_when_they_are_observed_those_under_way_too() {
        let figures = SendFigures::new();
        let at = |ms| figures.blocked.epoch + Duration::from_millis(ms);
        let blocked = |figures: &SendFigures, ms| {
            let SendCounts { waiting, blocked, .. } = figures.counts(at(ms));
            (waiting, blocked.as_millis())
        };
        assert_eq!(figures.clock(), None, "nothing reads it");
        figures.begin_wait(None);
        figures.begin_wait(None);
        figures.end_wait(None);
        assert_eq!(blocked(&figures, 50), (1, 0), "counted, not timed");
        assert_eq!(figures.sibling().clock(), None);
        figures.observe(at(50));
        assert!(figures.clock().is_some() && figures.sibling().clock().is_some());
        assert_eq!(blocked(&figures, 60), (1, 10));
        figures.end_wait(Some(at(70)));
        assert_eq!(blocked(&figures, 90), (0, 20));
        assert_eq!(blocked(&figures.sibling(), 90), (0, 0), "its own waits alone");
    }
}
