//! How changes come into the log.

use std::cmp::Ordering;

use super::{
    change::Change,
    entry::{Entry, Out},
    line::Line,
};
use crate::replica::{Peer, Stamp, State, gallop::partition_point_from_end};

impl<S: State> Line<S> {
    /// Puts changes into the log; the state follows with [`fold`](Self::fold). What is not above `base` is too late: it is folded or void.
    pub(super) fn merge(&mut self, changes: &[Change<S::Op>], base: u64) {
        debug_assert!(!self.waits(), "sealed before");
        let changes = self.append_runs(changes, base);
        if changes.is_empty() {
            self.check();
            return;
        }
        let mut fresh = std::mem::take(&mut self.fresh);
        let mut out = false;
        for change in changes {
            match change {
                Change::In(run) => fresh.extend(Entry::of(run).filter(|entry| entry.lamport > base)),
                Change::Out(_) | Change::Revoke(..) => out = true,
            }
        }
        if !fresh.is_sorted_by(|one, other| one.order(other).is_lt()) {
            fresh.sort_unstable_by(Entry::order);
            fresh.dedup_by(|one, other| one.order(other).is_eq());
        }
        let back = self.insert(&mut fresh);
        fresh.clear();
        fresh.shrink_to(1024);
        self.fresh = fresh;
        if out || back {
            for change in changes {
                self.judge(change);
            }
        }
        self.check();
    }

    /// A merge of two sorted lists, over the part of the log that is above the lowest new entry. Returns whether some were there already.
    fn insert(&mut self, fresh: &mut Vec<Entry<S::Op>>) -> bool {
        let Some(lowest) = fresh.first() else { return false };
        let place = partition_point_from_end(&self.log, |entry| entry.order(lowest).is_lt());
        let count = fresh.len();
        if count == 1 {
            // A run of one operation: no list of what moves.
            let known = self.log.get(place).is_some_and(|next| next.order(lowest).is_eq());
            if let Some(entry) = fresh.pop().filter(|_| !known) {
                let late = (place < self.log.len()).then(|| entry.author().peer);
                self.log.insert(place, entry);
                self.shift(&[self.first + place]);
                if let Some(peer) = late {
                    self.charges.note(peer, self.first + place);
                }
            }
            return known;
        }
        let mut positions = Vec::with_capacity(count);
        let mut late: Vec<(Peer, usize)> = Vec::new();
        let mut moved = self.log.split_off(place).into_iter().peekable();
        self.log.reserve(count + moved.len());
        for entry in fresh.drain(..) {
            let mut order = Ordering::Greater;
            while let Some(next) = moved.peek() {
                order = next.order(&entry);
                if order.is_ge() {
                    break;
                }
                self.log.extend(moved.next());
            }
            if order.is_ne() {
                positions.push(self.end());
                // Of what one peer has in a row, the lowest says all.
                let peer = entry.author().peer;
                if moved.peek().is_some() && late.last().is_none_or(|(last, _)| *last != peer) {
                    late.push((peer, self.end()));
                }
                self.log.push(entry);
            }
        }
        self.log.extend(moved);
        self.shift(&positions);
        for (peer, position) in late {
            self.charges.note(peer, position);
        }
        positions.len() < count
    }

    /// Operations are new at these positions: whatever points into the log moves with its operation.
    fn shift(&mut self, positions: &[usize]) {
        let Some(lowest) = positions.first() else { return };
        self.way.insert(positions);
        for position in positions {
            self.charges.shift(*position);
            self.floor += usize::from(*position < self.floor);
            self.reach += usize::from(*position < self.reach);
            if let Some(frozen) = &mut self.frozen {
                *frozen += usize::from(*position <= *frozen);
            }
        }
        self.touch(*lowest);
    }

    /// The verdict on operations that are in the log.
    fn judge(&mut self, change: &Change<S::Op>) {
        match change {
            Change::In(run) => Entry::of(run).for_each(|entry| self.set_out(&entry, Out::Void, false)),
            Change::Out(run) => Entry::of(run).for_each(|entry| self.set_out(&entry, Out::Void, true)),
            Change::Revoke(stamp, on) => {
                // Both of an author's operations that have this place, if it forked.
                let begin = self.log.partition_point(|entry| entry.lamport < stamp.lamport);
                let same = self.log[begin..].iter().take_while(|entry| entry.lamport == stamp.lamport);
                let named: Vec<_> = same.filter(|entry| entry.stamp() == *stamp).cloned().collect();
                for entry in &named {
                    self.set_out(entry, Out::Revoked, *on);
                }
            }
        }
    }

    /// The position of the first entry that is not below that place.
    pub(super) fn from(&self, stamp: &Stamp) -> usize {
        let below = |entry: &Entry<S::Op>| {
            entry.lamport < stamp.lamport || (entry.lamport == stamp.lamport && entry.stamp() < *stamp)
        };
        self.first + self.log.partition_point(below)
    }

    fn set_out(&mut self, entry: &Entry<S::Op>, out: Out, on: bool) {
        if let Ok(place) = self.log.binary_search_by(|other| other.order(entry)) {
            if self.log[place].set(out, on) {
                // Whether it panics is seen when it is back.
                self.log[place].set(Out::Poison, false);
                self.touch(self.first + place);
            }
        }
    }
}
