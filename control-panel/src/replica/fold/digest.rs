//! Digests of the state at levels that all replicas share.

use std::collections::VecDeque;

use crate::replica::run::Digest;

/// Digests are taken at Lamport times that are multiples of this.
const STRIDE: u64 = 1024;

/// How many are kept, to compare with those of replicas that are behind.
const KEPT: usize = 64;

/// How many levels that the watermark has passed together are taken: replicas whose watermarks move in other steps then still have levels in common.
const TOGETHER: u64 = 4;

/// What makes a digest.
type Of<S> = fn(&S) -> u64;

/// Digests of the state at levels, each taken once, when it is final: earlier ones differ between replicas that are both right.
pub(super) struct Digests<S> {
    of: Option<Of<S>>,
    taken: VecDeque<Digest>,
    /// The next level.
    next: u64,
    /// The last level that the watermark has reached.
    due: u64,
    /// The first level at which the function panicked, and its message, until that is reported.
    panic: Option<(u64, String)>,
    panicked: bool,
}

impl<S> Digests<S> {
    pub(super) fn new(of: Option<Of<S>>) -> Self {
        Self { of, taken: VecDeque::new(), next: STRIDE, due: 0, panic: None, panicked: false }
    }

    pub(super) fn function(&self) -> Option<Of<S>> {
        self.of
    }

    /// None taken, by the same function.
    pub(super) fn begin_again(&self) -> Self {
        Self::new(self.of)
    }

    /// Everything up to the watermark is final. Returns whether a level is due.
    pub(super) fn stable(&mut self, watermark: u64) -> bool {
        self.due = watermark / STRIDE * STRIDE;
        self.next = self.next.max(self.due.saturating_sub((TOGETHER - 1) * STRIDE));
        self.is_due().is_some()
    }

    /// The level that is to be taken, and how.
    pub(super) fn is_due(&self) -> Option<(u64, Of<S>)> {
        self.of.filter(|_| self.next <= self.due).map(|of| (self.next, of))
    }

    /// The one for the level that was due, or none, as it is no one's to compare.
    pub(super) fn took(&mut self, digest: Option<u64>) {
        if let Some(digest) = digest {
            self.taken.push_back(Digest { level: self.next, digest });
            if self.taken.len() > KEPT {
                self.taken.pop_front();
            }
        }
        self.next += STRIDE;
    }

    /// There is none for the level that was due, as the function panicked: it is not called again for that one.
    pub(super) fn panicked(&mut self, message: String) {
        if !std::mem::replace(&mut self.panicked, true) {
            self.panic = Some((self.next, message));
        }
        self.took(None);
    }

    /// Where the function panicked first, once.
    pub(super) fn take_panic(&mut self) -> Option<(u64, String)> {
        self.panic.take()
    }

    pub(super) fn last(&self) -> Option<Digest> {
        self.taken.back().copied()
    }

    pub(super) fn at(&self, level: u64) -> Option<u64> {
        let place = self.taken.binary_search_by_key(&level, |taken| taken.level).ok()?;
        Some(self.taken[place].digest)
    }
}
