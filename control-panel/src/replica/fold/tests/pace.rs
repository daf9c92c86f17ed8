//! What is merged is applied off the frame after a slow one, by a clock that the operations themselves move.

use std::time::Duration;

use super::{
    author, run,
    slow::{Work, clock, folds, stage},
};
use crate::{
    frame::Collector,
    replica::{
        Redo, Stamp,
        answers::{Answer, Answers, Question},
        fold::{Fold, by_undo},
    },
};

/// In microseconds.
const LIMIT: u64 = 4_000;

fn paced(budget: usize) -> [Fold<Work>; 2] {
    folds(budget).map(|mut fold| {
        fold.set_pace(Some(Duration::from_micros(LIMIT)));
        fold
    })
}

/// One author's operations, a frame each.
struct Typist {
    seq: u64,
}

impl Typist {
    /// What one frame does that merges these: the operations that it applied, its job, and whether it changed where they are applied.
    fn frame(&mut self, fold: &mut Fold<Work>, ops: &[u64]) -> (usize, Option<Redo<Work>>, Option<bool>) {
        let collector = Collector::begin(clock);
        stage(fold, 1, self.seq, self.seq + 1, ops);
        self.seq += ops.len() as u64;
        let report = fold.settle();
        let change = fold.take_pace();
        let _ = collector.end();
        (report.merged, report.job, change)
    }

    /// The same, where it is off the frame; then the frame that takes what the job made.
    fn job(&mut self, fold: &mut Fold<Work>, ops: &[u64]) -> Option<bool> {
        let (merged, job, change) = self.frame(fold, ops);
        assert_eq!((merged, change), (0, None), "the frame applies nothing");
        let made = job.expect("it is off the frame").run();
        let collector = Collector::begin(clock);
        assert!(fold.finish(made));
        assert_eq!(fold.settle().merged, ops.len());
        let change = fold.take_pace();
        let _ = collector.end();
        change
    }
}

#[test]
fn after_a_slow_frame_what_is_merged_is_a_job_until_eight_were_fast() {
    for mut fold in paced(4096) {
        let mut typist = Typist { seq: 0 };
        let all = |frame: (usize, Option<Redo<Work>>, Option<bool>)| (frame.0, frame.1.is_some(), frame.2);
        assert_eq!(all(typist.frame(&mut fold, &[LIMIT - 1, 1])), (2, false, None), "as long as it may");
        assert_eq!(all(typist.frame(&mut fold, &[LIMIT - 1, 2])), (2, false, Some(true)));
        for _ in 0..7 {
            assert_eq!(typist.job(&mut fold, &[LIMIT / 2, LIMIT / 2]), None);
        }
        assert_eq!(typist.job(&mut fold, &[1, LIMIT]), None, "they begin again");
        for _ in 0..7 {
            assert_eq!(typist.job(&mut fold, &[1]), None);
        }
        assert_eq!(typist.job(&mut fold, &[LIMIT]), Some(false));
        assert_eq!(all(typist.frame(&mut fold, &[1])), (1, false, None));
        assert_eq!(all(typist.frame(&mut fold, &[2 * LIMIT])), (1, false, Some(true)), "and so again");
    }
}

/// A frame that takes back and applies again pays for that; what is typed here no job applies.
#[test]
fn what_is_applied_again_counts_and_a_commit_does_not() {
    for mut fold in paced(4096) {
        let collector = Collector::begin(clock);
        let seal = |fold: &mut Fold<Work>, seq: u64, lamport: u64| {
            fold.apply_tail(&(3 * LIMIT), &Stamp { lamport, author: author(9), seq });
            fold.seal(&run(author(9), seq, lamport, [Some(3 * LIMIT)]));
        };
        seal(&mut fold, 0, 5);
        let _ = fold.settle();
        assert_eq!(fold.take_pace(), None, "it was committed");
        stage(&mut fold, 1, 0, 1, &[1]);
        let _ = fold.settle();
        assert_eq!(fold.take_pace(), Some(true), "it was applied again");
        let _ = collector.end();
    }
}

#[test]
fn outside_a_frame_and_without_a_limit_no_time_is_too_long() {
    let mut typist = Typist { seq: 0 };
    for mut fold in folds(4096) {
        typist.seq = 0;
        assert_eq!(typist.frame(&mut fold, &[100 * LIMIT]).2, None);
    }
    for mut fold in paced(4096) {
        stage(&mut fold, 1, 0, 1, &[100 * LIMIT]);
        let _ = fold.settle();
        assert_eq!(fold.take_pace(), None);
    }
}

#[test]
fn one_that_begins_again_is_fast_and_has_the_limit() {
    for mut fold in paced(4096) {
        let mut typist = Typist { seq: 0 };
        assert_eq!(typist.frame(&mut fold, &[2 * LIMIT]).2, Some(true));
        let mut fold = fold.begin_again(Work, 1);
        let mut typist = Typist { seq: 1 };
        let (merged, job, change) = typist.frame(&mut fold, &[2 * LIMIT]);
        assert_eq!((merged, job.is_some(), change), (1, false, Some(true)));
    }
}

/// As recorded, whatever the time is now.
#[test]
fn a_replay_is_as_slow_as_its_record_was() {
    for slow in [true, false] {
        for [mut fold, mut again] in [paced(4096), paced(4096)] {
            let (took, replayed) = if slow { (2 * LIMIT, 1) } else { (1, 2 * LIMIT) };
            let outer = Answers::set(Some(Answers::to_record()));
            let change = Typist { seq: 0 }.frame(&mut fold, &[took]).2;
            let unusual = Answers::set(outer).unwrap().into_unusual();
            assert_eq!(change, slow.then_some(true));
            let says_slow = Answer { question: Question::TooSlow as u8, nth: 0, value: 1 };
            assert_eq!(unusual, if slow { vec![says_slow] } else { Vec::new() });
            let outer = Answers::set(Some(Answers::to_replay(unusual)));
            assert_eq!(Typist { seq: 0 }.frame(&mut again, &[replayed]).2, change);
            Answers::set(outer);
        }
    }
}

/// Digests and compaction look at states of the past. A frame that may apply nothing gets there by a job, and memory stays bounded.
#[test]
fn what_is_stable_is_forgotten_also_off_the_frame() {
    for (budget, is_slow) in [(4096, true), (0, false), (8, false)] {
        let made = [paced(budget), folds(budget)].into_iter().flatten().enumerate();
        for (_, mut fold) in made.filter(|(place, _)| is_slow == (*place < 2)) {
            fold.set_digest(|_| 7);
            let mut typist = Typist { seq: 0 };
            if is_slow {
                assert_eq!(typist.frame(&mut fold, &[2 * LIMIT]).2, Some(true));
            }
            for _ in 0..30 {
                let (_, job, _) = typist.frame(&mut fold, &[LIMIT + 1; 100]);
                let collector = Collector::begin(clock);
                if let Some(job) = job {
                    assert!(fold.finish(job.run()));
                }
                let _ = fold.settle();
                let _ = fold.take_pace();
                let _ = collector.end();
            }
            fold.stable(2_500);
            fold.compact(2_200);
            let mut jobs = 0;
            for _ in 0..30 {
                let collector = Collector::begin(clock);
                let before = clock();
                let report = fold.settle();
                assert_eq!(
                    (report.merged, clock() - before),
                    (0, Duration::ZERO),
                    "the frame applies nothing"
                );
                let _ = fold.take_pace();
                let made = report.job.map(Redo::run);
                let before = clock();
                if let Some(made) = made {
                    jobs += 1;
                    assert!(fold.finish(made));
                }
                assert_eq!(clock() - before, Duration::ZERO, "{budget}");
                let _ = collector.end();
            }
            assert_eq!(
                (fold.base().1, fold.digest().map(|digest| digest.level)),
                (2_200, Some(2_048)),
                "{budget}"
            );
            assert!((1..9).contains(&jobs) && !fold.is_busy(), "{budget}: {jobs}, one for each");
        }
    }
}

/// A program that drops its jobs does not make them forever.
#[test]
fn what_is_dropped_is_not_looked_at_again() {
    let mut fold = Fold::new(Work, by_undo(), 8);
    fold.void_poison_upto(u64::MAX);
    for seq in 0..100 {
        stage(&mut fold, 1, seq * 5, seq * 5 + 1, &[1; 5]);
        let _ = fold.settle();
    }
    fold.stable(400);
    fold.compact(200);
    assert!(fold.settle().job.is_some());
    assert!(fold.settle().job.is_none());
    fold.compact(300);
    let job = fold.settle().job.expect("another place");
    assert!(fold.finish(job.run()));
    let _ = fold.settle();
    assert_eq!(fold.base().1, 300);
}
