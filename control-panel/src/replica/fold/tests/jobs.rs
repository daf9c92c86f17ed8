//! Jobs that are lost, late, or another's.

use std::sync::Arc;

use super::{Cells, Local, Op, WAYS, Way, author, from_scratch, run, steps};
use crate::replica::{Redo, run::Run};

/// A fold that has just made a job, and the runs.
fn with_job(way: Way) -> (Cells, Local, Vec<Arc<Run<Op>>>, Redo<Cells>) {
    let init = Cells::new(1);
    let mut local = Local::new(init.clone(), way, 50);
    (0..200).for_each(|input| local.commit(Op::All(input % 64)));
    let mut runs: Vec<_> = local.seal().into_iter().collect();
    let late = run(author(2), 0, 5, steps([Op::Step(1, 5)]));
    local.stage(&late);
    runs.push(late);
    let before = local.fold.state().clone();
    let job = local.fold.settle().job.expect("a job");
    assert_eq!(*local.fold.state(), before, "what is seen is as it was");
    (init, local, runs, job)
}

fn expected(init: &Cells, runs: &[Arc<Run<Op>>]) -> Cells {
    from_scratch(init, runs, |_, _| false, u64::MAX, true)
}

#[test]
fn a_job_that_is_dropped_is_made_again() {
    for (name, way) in WAYS {
        let (init, mut local, runs, job) = with_job(way);
        assert!(local.fold.settle().job.is_none(), "{name}: it is somewhere");
        drop(job);
        let job = local.fold.settle().job.expect("made again");
        drop(job.run());
        let job = local.fold.settle().job.expect("made again, as its result was dropped");
        assert!(local.fold.finish(job.run()));
        assert!(local.fold.settle().job.is_none());
        assert_eq!(*local.fold.state(), expected(&init, &runs), "{name}");
    }
}

#[test]
fn what_was_decided_while_a_job_was_away_counts_also_when_it_is_lost() {
    for (name, way) in WAYS {
        let (_, mut local, _, job) = with_job(way);
        (0..45).for_each(|input| local.commit(Op::Step(2, input)));
        local.seal();
        assert!(local.fold.finish(job.run()));
        // What is left of the frame's budget is too little for these, of which some panic.
        local.stage(&run(author(3), 0, 400, steps((0..16).map(|input| Op::Bad(0, input)))));
        let job = local.fold.settle().job.expect("a job");
        local.fold.void_poison_upto(u64::MAX);
        drop(job);
        let mut poisoned = Vec::new();
        while local.fold.is_busy() {
            let report = local.fold.settle();
            poisoned.extend(report.poisoned);
            // With snapshots alone it is too much for any frame.
            assert!(report.job.is_none_or(|job| local.fold.finish(job.run())), "{name}");
        }
        assert!(!poisoned.is_empty(), "{name}");
        assert!(poisoned.iter().all(|poison| poison.void), "{name}");
        assert_eq!(local.fold.stopped_at(), None, "{name}");
    }
}

#[test]
fn a_result_that_is_not_awaited_is_refused() {
    for (name, way) in WAYS {
        let (init, mut local, runs, job) = with_job(way);
        let (_, _, _, other) = with_job(way);
        assert!(!local.fold.finish(other.run()), "{name}: another's");
        assert!(local.fold.finish(job.run()), "{name}: its own");
        let (_, _, _, other) = with_job(way);
        assert!(!local.fold.finish(other.run()), "{name}: none is awaited");
        let _ = local.fold.settle();
        assert_eq!(*local.fold.state(), expected(&init, &runs), "{name}");
    }
}

/// What is committed, staged and revoked while a job runs is there when its result is.
#[test]
fn what_came_since_is_put_on_top_of_a_result() {
    for (name, way) in WAYS {
        let (init, mut local, mut runs, job) = with_job(way);
        (0..20).for_each(|input| local.commit(Op::Step(2, input)));
        runs.extend(local.seal());
        let more = run(author(3), 0, 190, steps([Op::Swap(1, 2), Op::Note(8)]));
        local.stage(&more);
        runs.push(more);
        let stamp = runs[0].stamp(199);
        local.fold.revoke(stamp, 230, true);
        let _ = local.fold.settle();
        assert!(local.fold.finish(job.run()));
        let shown = from_scratch(
            &init,
            &[runs[0].clone(), runs[1].clone(), runs[2].clone()],
            |_, _| false,
            u64::MAX,
            true,
        );
        assert_eq!(*local.fold.state(), shown, "{name}: the result, and what was committed since");
        while local.fold.is_busy() {
            if let Some(job) = local.fold.settle().job {
                assert!(local.fold.finish(job.run()));
            }
        }
        let expected = from_scratch(&init, &runs, |_, other| *other == stamp, u64::MAX, true);
        assert_eq!(*local.fold.state(), expected, "{name}");
    }
}

#[test]
fn jobs_and_folds_go_to_other_threads() {
    fn sent<T: Send + Sync>() {}
    sent::<crate::replica::fold::Fold<Cells>>();
    sent::<Redo<Cells>>();
    sent::<crate::replica::Redone<Cells>>();
}

/// Also in a frame that has no budget: what was committed while the jobs ran is put on top of what they made, an operation a frame at least.
#[test]
fn what_is_committed_while_jobs_run_does_not_keep_them_from_being_shown() {
    for (name, way) in WAYS {
        let init = Cells::new(1);
        let mut local = Local::new(init.clone(), way, 0);
        let mut runs = Vec::new();
        let late = run(author(2), 0, 5, steps([Op::Step(1, 5)]));
        local.stage(&late);
        runs.push(late);
        let mut jobs = 0;
        for _ in 0..12 {
            let Some(job) = local.fold.settle().job else { break };
            jobs += 1;
            (0..3).for_each(|input| local.commit(Op::All(input)));
            runs.extend(local.seal());
            assert!(local.fold.finish(job.run()));
        }
        assert_eq!(jobs, 2, "{name}");
        for _ in 0..6 {
            assert!(local.fold.settle().job.is_none(), "{name}");
        }
        assert_eq!(*local.fold.state(), expected(&init, &runs), "{name}");
        assert!(!local.fold.is_busy(), "{name}");
    }
}
