//! Which operations a late one touches.

use std::collections::BTreeSet;

use super::entry::{Entry, Mark};
use crate::replica::{Undoable, mix::SPREAD, state::Footprint};

/// How many keys are searched one by one before they are sorted.
const FEW: usize = 8;

/// The keys that operations write whose place or content changed, from the lowest of them on.
#[derive(Default)]
pub(super) struct Touched {
    all: bool,
    any: bool,
    /// One bit a key: most operations share none, and are passed with one test.
    filter: u64,
    few: Vec<u64>,
    /// No hash: a peer chooses its keys, and those that collide would make a pass quadratic.
    many: BTreeSet<u64>,
}

impl Touched {
    pub(super) fn clear(&mut self) {
        (self.all, self.any, self.filter) = (false, false, 0);
        self.few.clear();
        self.many.clear();
    }

    /// What the operation touches is touched.
    pub(super) fn add<S: Undoable>(&mut self, entry: &mut Entry<S::Op>) {
        match mark::<S>(entry) {
            Mark::One => self.insert(entry.key),
            Mark::Commutes => {}
            Mark::All | Mark::Unknown => (self.all, self.any) = (true, true),
            Mark::Several => {
                if let Footprint::Keys(keys) = S::footprint(entry.op()) {
                    keys.as_slice().iter().for_each(|key| self.insert(*key));
                }
            }
        }
    }

    /// Whether that is known without asking for a footprint, and is no: see [`meets`](Self::meets).
    pub(super) fn misses<Op>(&self, entry: &Entry<Op>) -> bool {
        match entry.mark {
            Mark::One => !self.all && self.filter & bit(entry.key) == 0,
            Mark::Commutes => true,
            Mark::Unknown | Mark::Several | Mark::All => false,
        }
    }

    /// Whether the order of the operation and one of those added can matter.
    pub(super) fn meets<S: Undoable>(&self, entry: &mut Entry<S::Op>) -> bool {
        match mark::<S>(entry) {
            Mark::Commutes => false,
            _ if self.all => true,
            Mark::One => self.contains(entry.key),
            Mark::All | Mark::Unknown => self.any,
            Mark::Several => match S::footprint(entry.op()) {
                Footprint::Keys(keys) => keys.as_slice().iter().any(|key| self.contains(*key)),
                _ => self.any,
            },
        }
    }

    fn insert(&mut self, key: u64) {
        self.any = true;
        if self.all || self.contains(key) {
            return;
        }
        self.filter |= bit(key);
        if self.many.is_empty() && self.few.len() < FEW {
            self.few.push(key);
        } else {
            self.many.extend(self.few.drain(..));
            self.many.insert(key);
        }
    }

    fn contains(&self, key: u64) -> bool {
        self.filter & bit(key) != 0 && (self.few.contains(&key) || self.many.contains(&key))
    }
}

/// What is known of the footprint, after asking for it if need be.
#[inline]
pub(super) fn mark<S: Undoable>(entry: &mut Entry<S::Op>) -> Mark {
    if entry.mark == Mark::Unknown {
        ask::<S>(entry);
    }
    entry.mark
}

#[inline(never)]
fn ask<S: Undoable>(entry: &mut Entry<S::Op>) {
    entry.mark = match S::footprint(entry.op()) {
        Footprint::All => Mark::All,
        Footprint::Commutes => Mark::Commutes,
        Footprint::Keys(keys) => match keys.as_slice() {
            [key] => {
                entry.key = *key;
                Mark::One
            }
            _ => Mark::Several,
        },
    };
}

fn bit(key: u64) -> u64 {
    1 << (key.wrapping_mul(SPREAD) >> 58)
}
