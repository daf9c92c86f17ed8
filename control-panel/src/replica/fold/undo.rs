//! Undo records, beside the log.

use super::{
    entry::{Entry, Mark, Out},
    footprint::{Touched, mark},
    going_back::{GoingBack, Meter, Plan, apply_with},
};
use crate::replica::{Stamp, Undoable};

/// A stack of undo records, parallel to the unstable part of the log.
///
/// With footprints it is more than a stack: a late operation is applied where it arrives, and its record put in at its place.
pub(super) struct ByUndo<S: Undoable> {
    /// The position of the first record.
    start: usize,
    /// A record for each operation from there to the end; `None` where the operation is not in the state.
    records: Vec<Option<S::Undo>>,
    /// How many records at the front are not needed any more: dropped in bulk.
    stale: usize,
    touched: Touched,
}

impl<S: Undoable> ByUndo<S> {
    pub(super) fn new(start: usize, end: usize) -> Self {
        let mut records = Vec::new();
        records.resize_with(end - start, || None);
        Self { start, records, stale: 0, touched: Touched::default() }
    }

    /// Nothing of the slice is marked any more.
    fn unmark(log: &mut [Entry<S::Op>]) {
        for entry in log {
            entry.set_affected(false);
        }
    }
}

/// Whether an operation is in the state, and does not touch that key.
fn misses<S: Undoable>(key: u64, other: &mut Entry<S::Op>) -> bool {
    if !other.is_plain() {
        return false;
    }
    match mark::<S>(other) {
        Mark::One => other.key != key,
        Mark::Commutes => true,
        Mark::All | Mark::Several | Mark::Unknown => false,
    }
}

impl<S: Undoable> GoingBack<S> for ByUndo<S> {
    fn empty(&self, start: usize, end: usize) -> Box<dyn GoingBack<S>> {
        Box::new(Self::new(start, end))
    }

    fn clones(&self) -> bool {
        false
    }

    fn apply_last(&mut self, state: &mut S, op: &S::Op, stamp: &Stamp) {
        // Room first: after a panic there is one for each operation.
        self.records.push(None);
        let record = state.apply_undoable(op, stamp);
        if let Some(last) = self.records.last_mut() {
            *last = Some(record);
        }
    }

    fn skip_last(&mut self) {
        self.records.push(None);
    }

    fn apply(&mut self, state: &mut S, log: &mut [Entry<S::Op>], at: usize, meter: &mut Meter) {
        let kept = self.start + self.stale;
        let (stable, rest) = log.split_at_mut(kept.saturating_sub(at).min(log.len()));
        for entry in stable {
            apply_with(entry, meter, |op, stamp| state.apply(op, stamp));
        }
        if rest.is_empty() {
            return;
        }
        let records = &mut self.records[at.max(kept) - self.start..];
        for (entry, record) in rest.iter_mut().zip(records) {
            apply_with(entry, meter, |op, stamp| *record = Some(state.apply_undoable(op, stamp)));
        }
    }

    fn apply_newest(&mut self, state: &mut S, log: &mut [Entry<S::Op>], at: usize, meter: &mut Meter) {
        debug_assert!(self.start + self.records.len() == at);
        // Room first: after a panic there is one for each operation.
        let begin = self.records.len();
        self.records.resize_with(begin + log.len(), || None);
        for (entry, record) in log.iter_mut().zip(&mut self.records[begin..]) {
            *record = Some(state.apply_undoable(entry.op(), &entry.stamp()));
            entry.set_applied(true);
            meter.passed += 1;
            meter.merged += 1;
        }
    }

    fn is_apart(&self, late: &mut Entry<S::Op>, above: &mut [Entry<S::Op>], at: usize) -> bool {
        if at < self.start + self.stale {
            return false;
        }
        match mark::<S>(late) {
            Mark::Commutes => above.iter().all(Entry::is_plain),
            Mark::One => above.iter_mut().all(|other| {
                let known = other.mark == Mark::One && other.key != late.key && other.is_plain();
                known || misses::<S>(late.key, other)
            }),
            Mark::All | Mark::Several | Mark::Unknown => false,
        }
    }

    fn apply_apart(&mut self, state: &mut S, late: &mut Entry<S::Op>, at: usize, meter: &mut Meter) {
        let place = at - self.start;
        self.records.insert(place, None);
        self.records[place] = Some(state.apply_undoable(late.op(), &late.stamp()));
        late.set_applied(true);
        meter.passed += 1;
        meter.merged += 1;
    }

    fn plan(&mut self, log: &mut [Entry<S::Op>], at: usize, most: usize) -> Option<Plan> {
        if at < self.start + self.stale {
            return None;
        }
        self.touched.clear();
        let mut plan = Plan::default();
        let mut tries_again = false;
        for place in 0..log.len() {
            let entry = &mut log[place];
            // Most by far: in the state, and sharing nothing with what is late.
            if entry.is_plain() && self.touched.misses(entry) {
                continue;
            }
            let (wanted, applied) = (entry.wanted(), entry.applied());
            let mut feasible = true;
            if wanted != applied {
                // It comes or goes. What commutes cannot be taken back.
                feasible = wanted || mark::<S>(entry) != Mark::Commutes;
                self.touched.add::<S>(entry);
                entry.set_affected(applied);
                plan.cost += 1;
            } else if (applied || entry.blocks()) && self.touched.meets::<S>(entry) {
                // Transitively: what comes after it may depend on it. One that panicked may not, after what is new below it.
                self.touched.add::<S>(entry);
                entry.set_affected(true);
                tries_again |= !applied;
                plan.cost += 1 + usize::from(applied);
            } else {
                continue;
            }
            plan.undoes |= applied;
            plan.length = place + 1;
            if plan.cost > most || !feasible {
                Self::unmark(&mut log[..=place]);
                return None;
            }
        }
        if tries_again {
            // Only now, as an operation that panicked is left alone if nothing comes of the plan.
            for entry in log.iter_mut().filter(|entry| entry.affected() && !entry.applied()) {
                entry.set(Out::Poison, false);
                entry.set_affected(false);
            }
        }
        Some(plan)
    }

    fn undo(&mut self, state: &mut S, log: &mut [Entry<S::Op>], at: usize, meter: &mut Meter) {
        let records = &mut self.records[at - self.start..];
        for (entry, record) in log.iter_mut().zip(records).rev() {
            if entry.affected() {
                let undo = record.take().expect("an operation that is applied has a record");
                state.undo(entry.op(), undo);
                entry.set_affected(false);
                entry.set_applied(false);
                meter.undone += 1;
            }
        }
    }

    fn plan_all(&mut self, log: &mut [Entry<S::Op>], at: usize) -> bool {
        if at < self.start + self.stale || log.iter_mut().any(|entry| mark::<S>(entry) == Mark::Commutes) {
            return false;
        }
        for entry in log {
            entry.set_affected(entry.applied());
        }
        true
    }

    fn append(&mut self, count: usize) {
        self.records.resize_with(self.records.len() + count, || None);
    }

    fn insert(&mut self, positions: &[usize]) {
        // Below the first record the records move, and that is all.
        let below = positions.iter().take_while(|position| {
            let below = **position < self.start;
            self.start += usize::from(below);
            below
        });
        let positions = &positions[below.count()..];
        if let [position] = positions {
            self.stale += usize::from(*position < self.start + self.stale);
            self.records.insert(position - self.start, None);
            return;
        }
        self.stale += positions.iter().take_while(|position| **position < self.start + self.stale).count();
        let mut from = self.records.len();
        let mut to = from + positions.len();
        self.records.resize_with(to, || None);
        for position in positions.iter().rev() {
            let gap = position - self.start;
            // What is behind the gap moves up, by swaps with the empty places at the end.
            while to > gap + 1 {
                (from, to) = (from - 1, to - 1);
                self.records.swap(from, to);
            }
            to -= 1;
        }
    }

    fn reset(&mut self, position: usize) {
        self.records[position.saturating_sub(self.start)..].iter_mut().for_each(|record| *record = None);
    }

    fn forget(&mut self, position: usize) {
        self.stale = self.stale.max(position.saturating_sub(self.start).min(self.records.len()));
        // In bulk: what is moved is less than what is dropped.
        if self.stale >= 256 && self.stale * 2 >= self.records.len() {
            self.records.drain(..self.stale);
            self.start += self.stale;
            self.stale = 0;
        }
    }

    fn fits(&self, end: usize) -> bool {
        self.start + self.records.len() == end
    }
}
