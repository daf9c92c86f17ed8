//! How far a state goes back, and which operations.

use super::{Cells, Local, Op, Rng, WAYS, author, by_undo, from_scratch, run, steps, work};
use crate::replica::fold::snapshots::Snapshots;
use std::sync::Arc;

/// Snapshots that survive by age starve: the newest is always dropped by the next late operation, and none comes into the gap.
#[test]
fn with_a_constant_depth_a_rollback_stays_short() {
    let (_, way) = WAYS[0];
    let mut local = Local::new(Cells::new(1), way, 1 << 20);
    let (mut most, mut sum, frames) = (0, 0, 3_000);
    for frame in 0..frames {
        (0..2).for_each(|_| local.commit(Op::Step(1, 5)));
        local.seal();
        let lamport = local.clock.saturating_sub(1_500).max(1);
        local.stage(&run(author(2), frame, lamport, steps([Op::Step(2, 5)])));
        let redone = local.fold.settle().redone;
        most = redone.max(most);
        sum += redone;
    }
    // Above it: 1,500 ticks of own operations, and half as many of the other's; below it up to two intervals.
    assert!(
        most <= 2_250 + 2 * 1_024 && sum as u64 / frames <= 2_250 + 1_024,
        "{most}, {}",
        sum as u64 / frames
    );
}

#[test]
fn snapshots_survive_by_their_positions() {
    let mut snapshots = Snapshots::new(16, 0, Arc::new(Cells::new(1)));
    for position in (16..=16 * 1_000).step_by(16) {
        snapshots.keep(position, Arc::new(Cells::new(1)));
    }
    let kept: Vec<_> = snapshots.positions().map(|position| position / 16).collect();
    let two = |power: u32| [((1_000 >> power) - 1) << power, (1_000 >> power) << power];
    let mut expected: Vec<_> = (0..10).flat_map(two).filter(|position| *position > 0).collect();
    expected.sort_unstable();
    expected.dedup();
    assert_eq!(kept, expected);
}

/// Two-key swaps, so that what a late operation touches spreads from key to key.
#[test]
fn footprints_are_transitive() {
    for seed in 0..2_000 {
        let mut rng = Rng::new(seed);
        let init = Cells::new(seed);
        let mut local = Local::new(init.clone(), by_undo, 4096);
        let mut runs = Vec::new();
        for frame in 0..12 {
            for _ in 0..rng.below(8) {
                let (one, other) = (rng.below(super::CELLS), rng.below(super::CELLS));
                local.commit(if rng.one_in(3) { Op::Step(one, 9) } else { Op::Swap(one, other) });
            }
            runs.extend(local.seal());
            let lamport = 1 + rng.below(usize::try_from(local.clock).unwrap() + 1) as u64;
            let late = run(author(2), frame, lamport, steps([Op::Step(rng.below(super::CELLS), 3)]));
            local.stage(&late);
            runs.push(late);
            let _ = local.fold.settle();
        }
        assert_eq!(
            *local.fold.state(),
            from_scratch(&init, &runs, |_, _| false, u64::MAX, true),
            "seed {seed}"
        );
    }
}

#[test]
fn a_late_operation_that_shares_nothing_is_applied_where_it_arrives() {
    let mut local = Local::new(Cells::new(1), by_undo, 4096);
    (0..200).for_each(|place| local.commit(Op::Step(place % 10, 5)));
    local.seal();
    local.stage(&run(author(2), 0, 5, steps([Op::Step(11, 5)])));
    let (report, done) = work(|| local.fold.settle());
    assert_eq!((report.undone, report.redone, report.merged, done), (0, 0, 1, 1));
    local.stage(&run(author(2), 1, 6, steps([Op::Step(7, 5)])));
    let (report, done) = work(|| local.fold.settle());
    assert_eq!(
        (report.undone, report.redone, report.merged, done),
        (20, 20, 1, 41),
        "those of the key, above it"
    );
}

#[test]
fn what_commutes_is_never_undone() {
    let mut local = Local::new(Cells::new(1), by_undo, 4096);
    for note in 0..100 {
        local.commit(Op::Note(note));
        local.commit(Op::All(3));
    }
    let note = local.seal().expect("two hundred operations").stamp(0);
    local.stage(&run(author(2), 0, 5, steps([Op::All(5), Op::Note(7)])));
    let (report, done) = work(|| local.fold.settle());
    assert_eq!((report.undone, done), (98, 98 * 2 + 2), "the notes stay");

    // It cannot be taken back either: all is applied again, from the base.
    local.fold.revoke(note, 300, true);
    let (_, done) = work(|| local.fold.settle());
    assert_eq!(done, 201, "all others once, and nothing is undone");
    assert!(!local.fold.state().notes.contains(&0));
}
