//! Whose late operations others are applied again for: row 11.

use std::collections::BTreeMap;

use super::{Cells, Local, Op, Rng, WAYS, author, run, steps};
use crate::replica::Peer;

/// Settles, and runs what is beyond the budget.
fn settle(local: &mut Local) -> usize {
    let mut jobs = 0;
    loop {
        local.seal();
        match local.fold.settle().job {
            Some(job) => {
                jobs += 1;
                assert!(local.fold.finish(job.run()));
            }
            None if !local.fold.is_busy() => return jobs,
            None => {}
        }
    }
}

fn charged(local: &Local) -> Vec<(u8, u64)> {
    local.fold.charged().iter().map(|(peer, redone)| (peer.0[0], *redone)).collect()
}

/// In a frame, and as a job.
#[test]
fn each_peer_is_charged_with_what_it_would_have_caused_alone() {
    for (name, way) in WAYS {
        for budget in [4096, 5] {
            let mut local = Local::new(Cells::new(1), way, budget);
            // Each touches what all do, so that all above a late one is redone.
            (0..10).for_each(|_| local.commit(Op::All(1)));
            settle(&mut local);
            assert_eq!(charged(&local), [], "{name}: its own are not late");
            for (peer, lamport) in [(2, 8), (3, 3), (4, 11)] {
                local.seal();
                local.stage(&run(author(peer), 0, lamport, steps([Op::All(2)])));
            }
            let jobs = settle(&mut local);
            assert_eq!((jobs > 0, budget < 10), (budget < 10, jobs > 0), "{name}");
            assert_eq!(charged(&local), [(2, 3), (3, 8)], "{name}, {budget}: not the newest");
            // What is there already is not late again.
            local.stage(&run(author(3), 0, 3, steps([Op::All(2)])));
            settle(&mut local);
            assert_eq!(charged(&local), [(2, 3), (3, 8)], "{name}, {budget}");
        }
    }
}

#[test]
fn a_job_that_is_lost_is_charged_once() {
    for (name, way) in WAYS {
        let mut local = Local::new(Cells::new(1), way, 5);
        (0..10).for_each(|_| local.commit(Op::All(1)));
        settle(&mut local);
        for (peer, lamport) in [(2, 8), (3, 3)] {
            local.stage(&run(author(peer), 0, lamport, steps([Op::All(2)])));
            let job = local.fold.settle().job;
            drop(job);
        }
        settle(&mut local);
        assert_eq!(charged(&local), [(2, 3), (3, 8)], "{name}");
    }
}

/// Only what shares keys is applied again, and charged.
#[test]
fn what_a_late_operation_does_not_touch_is_not_charged() {
    let mut local = Local::new(Cells::new(1), WAYS[1].1, 4096);
    (0..10).for_each(|at| local.commit(Op::Step(at % 2, 1)));
    settle(&mut local);
    local.stage(&run(author(2), 0, 3, steps([Op::Step(0, 1)])));
    settle(&mut local);
    // Of 3 to 10, in turns of both cells.
    assert_eq!(charged(&local), [(2, 4)]);
}

/// Against the plain rule, for any schedule: those that were there above the lowest of a peer's that were not.
#[test]
fn at_random() {
    let (mut jobs, mut late) = (0, 0);
    for (seed, (name, way)) in (0..40).flat_map(|seed| WAYS.map(|way| (seed, way))) {
        let rng = &mut Rng::new(seed);
        let mut local = Local::new(Cells::new(seed), way, [4096, 20][rng.below(2)]);
        let mut there: Vec<(u64, u8)> = Vec::new();
        let (mut expected, mut seqs) = (BTreeMap::<Peer, u64>::new(), [0; 6]);
        for _ in 0..20 {
            for _ in 0..rng.below(4) {
                local.commit(Op::All(1));
                there.push((local.clock, 9));
            }
            settle(&mut local);
            let mut fresh: Vec<(u64, u8)> = Vec::new();
            for _ in 0..rng.below(5) {
                let (peer, ops) = (1 + u8::try_from(rng.below(5)).unwrap(), 1 + rng.below(3));
                let lamport = (local.clock + 2).saturating_sub(rng.below(12) as u64).max(1);
                let taken = |at| there.contains(&(at, peer)) || fresh.contains(&(at, peer));
                if (lamport..lamport + ops as u64).any(taken) {
                    continue;
                }
                let seq = &mut seqs[usize::from(peer)];
                local.stage(&run(author(peer), *seq, lamport, steps((0..ops).map(|_| Op::All(2)))));
                *seq += ops as u64;
                fresh.extend((lamport..lamport + ops as u64).map(|at| (at, peer)));
            }
            jobs += settle(&mut local);
            for peer in 1..6 {
                let lowest = fresh.iter().filter(|(_, of)| *of == peer).min();
                let above = lowest.map_or(0, |lowest| there.iter().filter(|it| *it > lowest).count());
                if above > 0 {
                    late += 1;
                    *expected.entry(Peer([peer; 32])).or_default() += above as u64;
                }
            }
            there.append(&mut fresh);
            assert_eq!(*local.fold.charged(), expected, "{name}, seed {seed}");
        }
    }
    assert!(jobs > 20 && late > 200, "{jobs}, {late}");
}
