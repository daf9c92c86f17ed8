//! States of the past: digests, bases, what is settled.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use super::{Cells, Local, Op, Rng, WAYS, author, from_scratch, run, steps};
use crate::replica::run::Run;

fn digest(state: &Cells) -> u64 {
    let mut hasher = DefaultHasher::new();
    (state.values, &state.notes).hash(&mut hasher);
    hasher.finish()
}

fn history(rng: &mut Rng, count: u64) -> Vec<Arc<Run<Op>>> {
    let mut op = || match rng.below(9) {
        0 => Op::Note(u32::try_from(rng.below(99)).unwrap()),
        1 => Op::All(3),
        _ => Op::Step(rng.below(super::CELLS), 7),
    };
    (0..count).map(|seq| run(author(2 + (seq % 3) as u8), seq, 1 + seq, steps([op()]))).collect()
}

#[test]
fn digests_are_the_same_in_whatever_order_runs_came() {
    let runs = history(&mut Rng::new(5), 5_000);
    let mut digests = Vec::new();
    for (_, way) in WAYS {
        for seed in 0..2 {
            let mut local = Local::new(Cells::new(1), way, 4096);
            local.fold.set_digest(digest);
            let mut rng = Rng::new(seed);
            for window in runs.chunks(200) {
                let mut window: Vec<_> = window.to_vec();
                while !window.is_empty() {
                    local.stage(&window.swap_remove(rng.below(window.len())));
                    if rng.one_in(7) {
                        let _ = local.fold.settle();
                    }
                }
                let _ = local.fold.settle();
                local.fold.stable(local.clock.saturating_sub(50));
                let _ = local.fold.settle();
            }
            digests.push([1024, 2048, 3072, 4096].map(|level| local.fold.digest_at(level)));
            assert_eq!(local.fold.digest().map(|last| last.level), Some(4096));
        }
    }
    let expected = [1024, 2048, 3072, 4096]
        .map(|level| Some(digest(&from_scratch(&Cells::new(1), &runs, |_, _| false, level, true))));
    assert!(digests.iter().all(|of| *of == expected), "{digests:?} {expected:?}");
}

#[test]
fn no_digest_where_a_revocation_from_above_reached_below() {
    for (name, way) in WAYS {
        let runs = history(&mut Rng::new(5), 3_000);
        let mut local = Local::new(Cells::new(1), way, 10_000);
        local.fold.set_digest(digest);
        for run in &runs {
            local.stage(run);
        }
        local.fold.revoke(runs[999].stamp(0), 1_030, true);
        let _ = local.fold.settle();
        local.fold.stable(2_100);
        let _ = local.fold.settle();
        assert_eq!(local.fold.digest_at(1_024), None, "{name}: others may not have seen it at that level");
        assert!(local.fold.digest_at(2_048).is_some(), "{name}: all that are there have");
    }
}

#[test]
fn what_is_compacted_is_in_the_base() {
    for (name, way) in WAYS {
        let init = Cells::new(1);
        let runs = history(&mut Rng::new(6), 3_000);
        let mut local = Local::new(init.clone(), way, 8_000);
        for run in &runs {
            local.stage(run);
        }
        let _ = local.fold.settle();
        local.fold.stable(2_900);
        let at = local.fold.state_at(1_700).expect("it is above the base");
        assert_eq!(at, from_scratch(&init, &runs, |_, _| false, 1_700, true), "{name}");
        local.fold.compact(1_500);
        let _ = local.fold.settle();
        assert!(!local.fold.is_busy());
        let (base, level) = local.fold.base();
        assert_eq!(level, 1_500);
        assert_eq!(**base, from_scratch(&init, &runs, |_, _| false, 1_500, true), "{name}");
        assert!(local.fold.state_at(1_499).is_none());
        let at = local.fold.state_at(1_700).expect("it is above the base");
        assert_eq!(at, from_scratch(&init, &runs, |_, _| false, 1_700, true), "{name}");
        assert_eq!(local.fold.entries(0, 2_000).count(), 500, "{name}: the others are forgotten");
        assert_eq!(local.fold.unstable(2_900), 100);

        // What comes below the base changes nothing: it is void by another rule.
        local.stage(&run(author(7), 0, 1_400, steps([Op::All(1)])));
        let _ = local.fold.settle();
        assert_eq!(*local.fold.state(), from_scratch(&init, &runs, |_, _| false, u64::MAX, true), "{name}");
        let late = run(author(7), 1, 2_950, steps([Op::All(1)]));
        local.stage(&late);
        let _ = local.fold.settle();
        let all = [&runs[..], &[late]].concat();
        assert_eq!(*local.fold.state(), from_scratch(&init, &all, |_, _| false, u64::MAX, true), "{name}");
    }
}

#[test]
fn what_is_staged_is_not_folded_before_it_is_in_the_state() {
    let (_, way) = WAYS[1];
    let mut local = Local::new(Cells::new(1), way, 10);
    assert_eq!(local.fold.folded(7), 7);
    (0..50).for_each(|_| local.commit(Op::All(1)));
    local.seal();
    local.stage(&run(author(2), 0, 20, steps([Op::All(2)])));
    assert_eq!(local.fold.folded(40), 19);
    let job = local.fold.settle().job.expect("beyond the budget");
    assert_eq!(local.fold.folded(40), 19, "while a job runs");
    assert!(local.fold.finish(job.run()));
    let _ = local.fold.settle();
    assert_eq!(local.fold.folded(40), 40);
}
