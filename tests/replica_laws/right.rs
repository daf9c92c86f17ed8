use std::collections::HashMap;

use control_panel::{
    Stamp, State,
    replica::{Footprint, Undoable},
    testing::{laws, laws_undoable},
};

/// A `HashMap` that is asked by key alone is right, and so is a NaN.
#[derive(Clone, Debug, Default, PartialEq)]
struct Measured {
    by_key: HashMap<u64, f64>,
    last: f64,
}

impl State for Measured {
    type Op = (u64, f64);

    fn apply(&mut self, (key, value): &(u64, f64), _: &Stamp) {
        self.last = self.by_key.get(key).copied().unwrap_or(1.5) / value;
        self.by_key.insert(*key, *value);
    }
}

#[test]
fn a_hash_map_and_a_nan_are_right() {
    for seed in 0..10 {
        laws(seed, Measured::default, |rng, _| {
            (rng.below(10), if rng.chance(10) { f64::NAN } else { [0.0, 1.0, 2.0][rng.index(3)] })
        });
    }
}

/// What joins without order: its operations commute.
#[derive(Clone, Debug, Default, PartialEq)]
struct Highest(u64);

impl State for Highest {
    type Op = u64;

    fn apply(&mut self, op: &u64, _: &Stamp) {
        self.0 = self.0.max(*op);
    }
}

impl Undoable for Highest {
    type Undo = u64;

    fn apply_undoable(&mut self, op: &u64, stamp: &Stamp) -> u64 {
        let before = self.0;
        self.apply(op, stamp);
        before
    }

    fn undo(&mut self, _: &u64, before: u64) {
        self.0 = before;
    }

    fn footprint(_: &u64) -> Footprint {
        Footprint::Commutes
    }
}

#[test]
fn operations_that_commute_are_right() {
    (0..10).for_each(|seed| laws_undoable(seed, Highest::default, |rng, _| rng.next_u64()));
}

/// `edit` may keep what it likes between its calls, and read the state.
#[test]
fn edit_sees_the_state() {
    let (mut calls, mut highest) = (0, 0);
    laws(3, Highest::default, |rng, state| {
        calls += 1;
        assert!(state.0 >= highest);
        highest = state.0;
        state.0 + rng.below(2)
    });
    assert_eq!(calls, 200);
}
