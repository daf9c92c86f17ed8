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
    /// For how long sends waited, added up.
    pub(crate) blocked: Duration,
}

/// Adds up for how long sends waited: the integral of how many wait.
#[derive(Debug)]
struct Blocked {
    epoch: Instant,
    /// How many wait; the nanoseconds up to when that last changed, added up; when that was, in nanoseconds from the epoch.
    waits: SeqLock<3>,
}

/// How often a reader looks again where a writer is at work. It is for a few instructions.
const LOOKS: usize = 64;

impl SendFigures {
    pub(crate) fn new() -> Self {
        Self::since(Instant::now())
    }

    /// New ones, for which the clock is not read again.
    pub(crate) fn sibling(&self) -> Self {
        Self::since(self.blocked.epoch)
    }

    fn since(epoch: Instant) -> Self {
        let blocked = Blocked { epoch, waits: SeqLock::new() };
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

    /// A send begins to wait. Under the queue's lock.
    pub(crate) fn begin_wait(&self, now: Instant) {
        self.blocked.change(now, |waiting| waiting + 1);
    }

    /// A send waits no longer. Under the queue's lock.
    pub(crate) fn end_wait(&self, now: Instant) {
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
    fn change(&self, now: Instant, to: impl FnOnce(u64) -> u64) {
        let now = self.nanos(now);
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
        assert_eq!(blocked(5), (0, 0));
        figures.begin_wait(at(10));
        assert_eq!(blocked(30), (1, 20), "it goes on");
        figures.begin_wait(at(40));
        assert_eq!(blocked(50), (2, 50));
        figures.end_wait(at(60));
        figures.end_wait(at(100));
        assert_eq!((blocked(100), blocked(900)), ((0, 110), (0, 110)));
        figures.end_wait(at(900));
        assert_eq!(blocked(950), (0, 110), "nothing waits");
    }
}
