//! What happened in all, and what must not.

use std::{
    fmt,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, AtomicU64},
    },
};

/// What must not happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// An intent was accepted and never handed out, or another of its origin before it.
    Lost,
    /// It was handed out twice, or after a later one.
    Doubled,
    /// It was handed back to its sender, and handed out.
    Refused,
    /// Something of an old generation happened after its successor began.
    Stale,
    /// Two generations of a worker lived at once.
    Overlap,
}

impl Fault {
    pub(crate) const ALL: [Self; 5] = [Self::Lost, Self::Doubled, Self::Refused, Self::Stale, Self::Overlap];
}

/// How many faults are kept in full: the first ones.
const KEPT_IN_FULL: usize = 10;

#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) accepted: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) drained: AtomicU64,
    /// Generations that have begun.
    pub(crate) generations: AtomicU64,
    /// Generations that live.
    pub(crate) alive: AtomicI64,
    /// Accounts that are not closed: of workers that live, or whose intents wait.
    pub(crate) accounts: AtomicI64,
    pub(crate) spawned: AtomicU64,
    pub(crate) stopped: AtomicU64,
    pub(crate) restarted: AtomicU64,
    pub(crate) panics: AtomicU64,
    /// Those that held up their thread until they were asked to stop, and those that were never asked.
    pub(crate) jammed: AtomicU64,
    pub(crate) unnoticed: AtomicU64,
    faults: Mutex<Faults>,
}

#[derive(Debug, Default)]
struct Faults {
    counts: [u64; Fault::ALL.len()],
    in_full: Vec<String>,
}

impl Tally {
    pub(crate) fn fault(&self, fault: Fault, what: String) {
        let mut faults = self.lock();
        faults.counts[fault as usize] += 1;
        if faults.in_full.len() < KEPT_IN_FULL {
            faults.in_full.push(what);
        }
    }

    pub(crate) fn count(&self, fault: Fault) -> u64 {
        self.lock().counts[fault as usize]
    }

    pub(crate) fn first_faults(&self) -> Vec<String> {
        self.lock().in_full.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A number as people write it: 12,345,678.
pub(crate) struct Grouped(pub(crate) u64);

impl fmt::Display for Grouped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        let mut grouped = String::new();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        f.pad(&grouped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        let written = [0, 999, 1_000, 12_345_678].map(|number| Grouped(number).to_string());
        assert_eq!(written, ["0", "999", "1,000", "12,345,678"]);
    }
}
