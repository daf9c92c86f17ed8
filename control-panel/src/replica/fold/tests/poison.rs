//! Operations that panic.

use super::{Cells, Local, Op, WAYS, author, run, steps, work};
use crate::replica::Stamp;

/// Panics wherever it is.
fn bad() -> impl Iterator<Item = Op> {
    (0..4).map(|input| Op::Bad(0, input))
}

#[test]
fn the_fold_stops_before_a_panic_and_goes_on_without_it_when_it_may() {
    for (name, way) in WAYS {
        let init = Cells::new(1);
        let mut local = Local::new(init, way, 1_000);
        local.commit(Op::Step(1, 5));
        local.seal();
        // The first of four inputs that panic in a state of its own: cell 0 is 0.
        local.stage(&run(author(2), 0, 2, steps([Op::Bad(0, 0), Op::Step(2, 7)])));
        let report = local.fold.settle();
        assert_eq!(report.poisoned.len(), 1, "{name}");
        assert_eq!(report.poisoned[0].message, "bad in 0");
        assert!(!report.poisoned[0].void);
        assert_eq!(local.fold.stopped_at(), Some(report.poisoned[0].stamp));
        let stopped = local.fold.state().clone();
        assert_eq!(stopped.values[2], 0, "{name}: what is above it waits");
        assert_eq!(stopped.values[0], 0, "{name}: what it had written is gone");

        // Nothing runs again, neither it nor what comes after; commits wait too.
        local.commit(Op::Step(3, 3));
        local.seal();
        local.stage(&run(author(3), 0, 9, steps([Op::Step(4, 4)])));
        let (report, done) = work(|| local.fold.settle());
        assert_eq!((report.poisoned.len(), done), (0, 0), "{name}");
        assert_eq!(*local.fold.state(), stopped, "{name}");

        local.fold.void_poison_upto(u64::MAX);
        let report = local.fold.settle();
        assert!(report.poisoned.is_empty(), "{name}: reported once");
        assert_eq!(local.fold.stopped_at(), None);
        let state = local.fold.state();
        assert!([2, 3, 4].iter().all(|cell| state.values[*cell] != 0), "{name}: all that waited is there");
        assert_eq!(state.values[0], 0, "{name}: it is not");

        // Back again while it is not stable: another reducer was declared at or below it.
        let all = local.fold.state().clone();
        local.fold.void_poison_upto(1);
        let _ = local.fold.settle();
        assert_eq!(*local.fold.state(), stopped, "{name}");
        // One that was declared above it is not asked.
        local.fold.void_poison_upto(2);
        let _ = local.fold.settle();
        assert_eq!(*local.fold.state(), all, "{name}");
        // Once it is stable the verdict is final.
        local.fold.stable(local.fold.folded(2));
        local.fold.void_poison_upto(0);
        let (_, done) = work(|| local.fold.settle());
        assert_eq!((local.fold.state(), done), (&all, 0), "{name}");
        // What is below it may change all the same: a revocation reaches below the watermark.
        local.fold.revoke(Stamp { lamport: 1, author: local.me, seq: 0 }, 20, true);
        let _ = local.fold.settle();
        assert_eq!(local.fold.stopped_at(), None, "{name}");
        assert_eq!(local.fold.state().values[1], 0, "{name}");
        assert!([2, 3, 4].iter().all(|cell| local.fold.state().values[*cell] != 0), "{name}");
    }
}

#[test]
fn of_several_that_panic_those_are_void_that_are_not_above() {
    for (name, way) in WAYS {
        let mut local = Local::new(Cells::new(1), way, 1_000);
        local.fold.void_poison_upto(u64::MAX);
        local.stage(&run(author(2), 0, 2, steps([Op::Bad(0, 0), Op::Step(2, 7)])));
        local.stage(&run(author(3), 0, 5, steps([Op::Bad(0, 0), Op::Step(3, 7)])));
        assert_eq!(local.fold.settle().poisoned.len(), 2, "{name}");
        for (upto, stops) in
            [(u64::MAX, None), (1, Some(2)), (3, Some(5)), (5, None), (4, Some(5)), (0, Some(2)), (9, None)]
        {
            local.fold.void_poison_upto(upto);
            assert!(local.fold.settle().poisoned.is_empty(), "{name} {upto}: reported once");
            assert_eq!(local.fold.stopped_at().map(|stamp| stamp.lamport), stops, "{name} {upto}");
            let state = local.fold.state();
            let here = [2, 3].map(|cell| state.values[cell] != 0);
            assert_eq!(here, [stops != Some(2), stops.is_none()], "{name} {upto}");
            assert_eq!(state.values[0], 0, "{name} {upto}");
        }
    }
}

#[test]
fn a_panic_is_tried_again_when_what_is_below_it_changes() {
    for (name, way) in WAYS {
        let mut local = Local::new(Cells::new(1), way, 1_000);
        local.stage(&run(author(2), 0, 5, steps([Op::Bad(0, 0), Op::Step(2, 7)])));
        let _ = local.fold.settle();
        assert!(local.fold.stopped_at().is_some());
        // Whatever each of these leaves in cell 0, some of them lets it pass.
        let mut passed = false;
        for input in 0..64 {
            let below = run(author(1), u64::from(input), 1, steps([Op::Step(0, input)]));
            local.stage(&below);
            let _ = local.fold.settle();
            passed |= local.fold.stopped_at().is_none();
        }
        assert!(passed, "{name}");
    }
}

#[test]
fn a_commit_that_panics_is_sealed_reported_and_left_out() {
    for (name, way) in WAYS {
        let mut local = Local::new(Cells::new(1), way, 1_000);
        local.fold.void_poison_upto(u64::MAX);
        local.commit(Op::Step(1, 5));
        let before = local.fold.state().clone();
        local.commit(Op::Bad(0, 0));
        assert!(local.fold.is_busy(), "{name}: the state has to be restored");
        local.seal();
        let report = local.fold.settle();
        assert_eq!(report.poisoned.len(), 1, "{name}");
        assert!(report.poisoned[0].void);
        assert_eq!(*local.fold.state(), before, "{name}");
    }
}

/// Each panic costs a bounded way back, not the log again.
#[test]
fn many_panics_are_gone_over_in_linear_work() {
    for (name, way) in WAYS {
        let mut local = Local::new(Cells::new(1), way, 100);
        local.fold.void_poison_upto(u64::MAX);
        (0..3_000).for_each(|_| local.commit(Op::Step(1, 5)));
        local.seal();
        local.stage(&run(author(2), 0, 3_001, steps((0..400).flat_map(|_| bad()))));
        let job = local.fold.settle().job.expect("beyond the budget");
        let (made, done) = work(|| job.run());
        assert!(done < 100_000, "{name}: {done}");
        assert!(local.fold.finish(made));
        assert!(local.fold.settle().poisoned.len() >= 400, "{name}");
    }
}
