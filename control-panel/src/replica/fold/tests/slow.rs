//! Which operation is named as the slowest, by a clock that the operations themselves move.

use std::{cell::Cell, sync::OnceLock, time::Duration};

use tokio::time::Instant;

use super::{author, run};
use crate::{
    frame::{Collector, SlowestApply},
    replica::{
        Stamp, State,
        fold::{Fold, by_snapshots, by_undo},
        state::Undoable,
    },
};

thread_local! {
    /// What the clock shows, in microseconds, and how often it was read.
    static NOW: Cell<u64> = const { Cell::new(0) };
    static READ: Cell<usize> = const { Cell::new(0) };
}

pub(super) fn clock() -> Instant {
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    READ.set(READ.get() + 1);
    *BEGAN.get_or_init(Instant::now) + Duration::from_micros(NOW.get())
}

/// Each operation takes as many microseconds as it says.
#[derive(Clone, Default)]
pub(super) struct Work;

impl State for Work {
    type Op = u64;

    fn apply(&mut self, took: &u64, _: &Stamp) {
        NOW.set(NOW.get() + took);
        if *took == 13 {
            std::panic::resume_unwind(Box::new("bad"));
        }
    }
}

impl Undoable for Work {
    type Undo = ();

    fn apply_undoable(&mut self, took: &u64, stamp: &Stamp) {
        self.apply(took, stamp);
    }

    fn undo(&mut self, _: &u64, (): ()) {}
}

pub(super) fn folds(budget: usize) -> [Fold<Work>; 2] {
    [by_snapshots(), by_undo()].map(|way| Fold::new(Work, way, budget))
}

pub(super) fn stage(fold: &mut Fold<Work>, peer: u8, seq: u64, lamport: u64, ops: &[u64]) {
    fold.stage(run(author(peer), seq, lamport, ops.iter().copied().map(Some)));
}

/// What a frame reports that does this.
fn slowest(frame: impl FnOnce()) -> Option<SlowestApply> {
    let collector = Collector::begin(clock);
    frame();
    collector.end().1
}

fn stamp(peer: u8, seq: u64, lamport: u64) -> Stamp {
    Stamp { lamport, author: author(peer), seq }
}

/// The operation that is named, and what it took.
fn named(slowest: Option<SlowestApply>) -> (Stamp, u64, bool) {
    let SlowestApply { first, last, operations, took, off_frame } = slowest.expect("one was applied");
    assert_eq!((operations, first), (1, last), "it alone");
    (first, u64::try_from(took.as_micros()).unwrap(), off_frame)
}

#[test]
fn a_run_of_one_is_named() {
    for mut fold in folds(4096) {
        let report = slowest(|| {
            stage(&mut fold, 1, 0, 1, &[5_000]);
            let _ = fold.settle();
            stage(&mut fold, 1, 1, 2, &[40]);
            let _ = fold.settle();
        });
        assert_eq!(named(report), (stamp(1, 0, 1), 5_000, false));
    }
}

#[test]
fn a_local_operation_is_named() {
    for mut fold in folds(4096) {
        let report = slowest(|| {
            for (seq, took) in [(0, 3), (1, 7_000), (2, 3)] {
                fold.apply_tail(&took, &stamp(9, seq, seq + 1));
            }
        });
        assert_eq!(named(report), (stamp(9, 1, 2), 7_000, false));
    }
}

/// In the frame that rolls back, also where it was fast in its own.
#[test]
fn one_that_is_applied_again_is_named() {
    for mut fold in folds(4096) {
        stage(&mut fold, 2, 0, 1, &[1; 8]);
        stage(&mut fold, 2, 8, 9, &[9_000]);
        let _ = fold.settle();
        let report = slowest(|| {
            stage(&mut fold, 1, 0, 9, &[1]);
            let _ = fold.settle();
        });
        let report = report.expect("some were applied");
        assert!(report.first <= stamp(2, 8, 9) && stamp(2, 8, 9) <= report.last, "{report:?}");
        assert!(report.took >= Duration::from_millis(9) && report.operations <= 8, "{report:?}");
    }
}

/// Among thousands: within 64 where it comes out of nothing, and alone where others are slow too.
#[test]
fn one_of_many_is_within_a_short_stretch_and_soon_alone() {
    let mut ops = vec![1; 3_000];
    ops[2_000] = 2_000;
    let within = |report: Option<SlowestApply>| {
        let report = report.expect("some were applied");
        assert!(report.operations <= 64, "{report:?}");
        assert!((report.first.seq..=report.last.seq).contains(&2_000), "{report:?}");
    };
    for mut fold in folds(4096) {
        within(slowest(|| {
            stage(&mut fold, 1, 0, 1, &ops);
            let _ = fold.settle();
        }));
    }
    // Where others are slow too each is looked at.
    let [mut fold, _] = folds(4096);
    let report = slowest(|| {
        stage(&mut fold, 1, 0, 1, &[1_500, 1_500, 1_500, 4_000, 1_500]);
        let _ = fold.settle();
    });
    assert_eq!(named(report), (stamp(1, 3, 4), 4_000, false));
}

#[test]
fn the_clock_is_read_seldom_and_outside_a_frame_never() {
    for mut fold in folds(20_000) {
        READ.set(0);
        stage(&mut fold, 1, 0, 1, &vec![1; 9_000]);
        let _ = fold.settle();
        assert_eq!(READ.get(), 0);
        let report = slowest(|| {
            stage(&mut fold, 1, 9_000, 9_001, &vec![1; 9_000]);
            let _ = fold.settle();
        });
        // One in 64, some at the beginning, and where a snapshot is kept.
        assert!((9_000 / 64..250).contains(&READ.get()), "{}", READ.get());
        assert_eq!(report.expect("some were applied").operations, 64);
        let before = READ.get();
        assert_eq!(slowest(|| drop(fold.settle())), None, "nothing was applied");
        assert_eq!(READ.get(), before);
    }
}

#[test]
fn what_a_job_applies_is_reported_by_the_frame_that_takes_it() {
    for mut fold in folds(2) {
        let mut job = None;
        let report = slowest(|| {
            stage(&mut fold, 1, 0, 1, &[1, 6_000, 1]);
            job = fold.settle().job;
        });
        assert_eq!(report, None, "that frame applies nothing");
        let made = job.expect("three are beyond the budget").run();
        let report = slowest(|| assert!(fold.finish(made)));
        let report = report.expect("it says what the job measured");
        assert!(report.off_frame && (1..=2).contains(&report.operations), "{report:?}");
        assert!(report.first.seq <= 1 && report.last.seq >= 1, "{report:?}");
    }
}

/// What panics in the middle of a run leaves all as it would be unmeasured.
#[test]
fn a_panic_between_two_stretches_is_found_where_it_was() {
    for mut fold in folds(4096) {
        fold.void_poison_upto(u64::MAX);
        let mut poisoned = Vec::new();
        let report = slowest(|| {
            stage(&mut fold, 1, 0, 1, &[1, 1, 1, 1, 1, 13, 1, 1, 1, 1]);
            let report = fold.settle();
            poisoned = report.poisoned;
            assert_eq!(report.merged, 9);
        });
        assert!(report.is_some());
        assert_eq!(poisoned.iter().map(|poison| poison.stamp).collect::<Vec<_>>(), [stamp(1, 5, 6)]);
        assert!(!fold.is_busy());
    }
}

#[test]
fn a_frame_inside_another_has_a_clock_of_its_own() {
    let [mut fold, mut other] = folds(4096);
    let outer = slowest(|| {
        stage(&mut fold, 1, 0, 1, &[50]);
        let _ = fold.settle();
        let inner = slowest(|| {
            stage(&mut other, 2, 0, 1, &[900]);
            let _ = other.settle();
        });
        assert_eq!(named(inner), (stamp(2, 0, 1), 900, false));
    });
    assert_eq!(named(outer), (stamp(1, 0, 1), 50, false));
}
