//! What the frame thread applies and undoes, whatever arrives.

use std::sync::Arc;

use super::{Cells, Local, Op, Rng, WAYS, Way, author, from_scratch, run, steps, work};
use crate::replica::{Redo, run::Run};

const BUDGET: usize = 100;

fn step(rng: &mut Rng) -> Op {
    Op::Step(rng.below(super::CELLS), u8::try_from(rng.below(64)).unwrap())
}

/// Settles, and finishes what jobs there are, and checks each frame's work.
fn frames(local: &mut Local, runs: &mut Vec<Arc<Run<Op>>>) -> usize {
    let mut jobs = 0;
    loop {
        runs.extend(local.seal());
        let (report, done) = work(|| local.fold.settle());
        assert!(done <= BUDGET, "{done} in a frame");
        assert!(
            report.undone.min(report.redone) + report.merged <= done || jobs > 0,
            "the report says what was done"
        );
        match report.job {
            Some(job) => {
                jobs += 1;
                let made = job.run();
                let (finished, done) = work(|| local.fold.finish(made));
                assert!(finished && done <= BUDGET, "{done} in a frame that finishes");
            }
            None if !local.fold.is_busy() => return jobs,
            None => {}
        }
    }
}

fn check(way: Way, name: &str, play: impl Fn(&mut Local, &mut Rng, &mut Vec<Arc<Run<Op>>>)) {
    let init = Cells::new(1);
    let mut local = Local::new(init.clone(), way, BUDGET);
    local.fold.void_poison_upto(u64::MAX);
    let mut runs = Vec::new();
    play(&mut local, &mut Rng::new(3), &mut runs);
    assert!(frames(&mut local, &mut runs) > 0, "{name}: a job");
    assert!(*local.fold.state() == from_scratch(&init, &runs, |_, _| false, u64::MAX, true), "{name}");
}

fn stage(local: &mut Local, runs: &mut Vec<Arc<Run<Op>>>, run: Arc<Run<Op>>) {
    runs.extend(local.seal());
    local.stage(&run);
    runs.push(run);
}

#[test]
fn ten_thousand_late_operations_are_a_job() {
    for (name, way) in WAYS {
        check(way, name, |local, rng, runs| {
            (0..2_000).for_each(|_| local.commit(step(rng)));
            for seq in 0..1_000 {
                let ops: Vec<_> = (0..10).map(|_| step(rng)).collect();
                stage(local, runs, run(author(2), seq * 10, 1 + rng.below(1_900) as u64, steps(ops)));
            }
        });
    }
}

#[test]
fn one_late_operation_below_many_is_a_job() {
    for (name, way) in WAYS {
        check(way, name, |local, rng, runs| {
            (0..2_000).for_each(|_| local.commit(Op::All(3)));
            stage(local, runs, run(author(2), 0, 5, steps([step(rng)])));
        });
    }
}

#[test]
fn a_joiner_with_all_of_history_is_a_job() {
    for (name, way) in WAYS {
        check(way, name, |local, rng, runs| {
            for seq in 0..500 {
                let ops: Vec<_> = (0..100).map(|_| step(rng)).collect();
                stage(local, runs, run(author(2), seq * 100, 1 + seq * 100, steps(ops)));
            }
        });
    }
}

#[test]
fn a_panic_above_a_long_log_is_a_job() {
    // One that panics at least once in four.
    let bad = |cell: usize| (0..64).map(move |input| Op::Bad(cell, input));
    let init = Cells::new(1);
    let (_, undo) = WAYS[1];
    let mut local = Local::new(init.clone(), undo, BUDGET);
    local.fold.void_poison_upto(u64::MAX);
    let (mut rng, mut runs) = (Rng::new(4), Vec::new());
    (0..2_000).for_each(|_| local.commit(step(&mut rng)));
    stage(&mut local, &mut runs, run(author(2), 0, 2_001, steps(bad(3))));
    assert!(frames(&mut local, &mut runs) > 0, "the base is too far away for a frame");
    assert!(*local.fold.state() == from_scratch(&init, &runs, |_, _| false, u64::MAX, true));
}

#[test]
fn revoking_an_old_operation_is_a_job() {
    for (name, way) in WAYS {
        let init = Cells::new(1);
        let mut local = Local::new(init.clone(), way, BUDGET);
        let (mut rng, mut runs) = (Rng::new(4), Vec::new());
        (0..3_000).for_each(|_| local.commit(step(&mut rng)));
        runs.extend(local.seal());
        local.fold.stable(2_900);
        let stamp = runs[0].stamp(17);
        local.fold.revoke(stamp, 3_001, true);
        assert!(frames(&mut local, &mut runs) > 0, "{name}: a job");
        let expected = from_scratch(&init, &runs, |_, other| *other == stamp, u64::MAX, true);
        assert!(*local.fold.state() == expected, "{name}");
    }
}

/// More is committed in each frame than the budget allows: beside the budget, a frame applies again as many as it commits.
#[test]
fn a_flood_of_commits_does_not_keep_a_job_from_being_shown() {
    for (name, way) in WAYS {
        let init = Cells::new(1);
        let mut local = Local::new(init.clone(), way, BUDGET);
        let (mut rng, mut runs) = (Rng::new(4), Vec::new());
        (0..500).for_each(|_| local.commit(Op::All(9)));
        let note = run(author(2), 0, 5, steps([Op::Note(1), Op::Step(1, 5), Op::All(4)]));
        stage(&mut local, &mut runs, note);
        let mut frames = 0;
        while !local.fold.state().notes.contains(&1) {
            frames += 1;
            assert!(frames < 8, "{name}: shown in a few frames");
            runs.extend(local.seal());
            let (report, settled) = work(|| local.fold.settle());
            (0..3 * BUDGET).for_each(|_| local.commit(step(&mut rng)));
            runs.extend(local.seal());
            let finished = report.job.map(Redo::run).map_or(0, |made| {
                let (finished, done) = work(|| local.fold.finish(made));
                assert!(finished);
                done
            });
            assert!(settled + finished <= 4 * BUDGET && finished <= BUDGET, "{name}: {settled}, {finished}");
        }
        let last = local.fold.settle();
        assert!(last.job.is_none(), "{name}");
        assert!(*local.fold.state() == from_scratch(&init, &runs, |_, _| false, u64::MAX, true), "{name}");
    }
}
