//! Tasks with keys against a simple model, for any burst, limit and backlog.

use proptest::prelude::*;

use super::super::{KeyId, Place, PoolId, pool::Pools};
use crate::{intent::Origin, lifecycle::SpawnError, supervisor::machine::pool::Replaced};

#[derive(Debug, Clone, Copy)]
enum Step {
    /// Spawns a task, with this key if there is one.
    Spawn(Option<u64>),
    /// A task that has a place is gone.
    Leave(usize),
    /// A waiting task is gone, because it was stopped by hand.
    GiveUp(usize),
}

/// The expected state: which tasks have a place, and which wait, each with its key.
#[derive(Debug, Default)]
struct Model {
    placed: Vec<(Origin, Option<u64>)>,
    waiting: Vec<(Origin, Option<u64>)>,
}

impl Model {
    fn living(&self) -> usize {
        self.placed.len() + self.waiting.len()
    }

    fn newest(&self, key: Option<u64>) -> Option<Origin> {
        let tasks = self.placed.iter().chain(&self.waiting);
        tasks.filter(|&&(_, other)| key.is_some() && other == key).map(|&(id, _)| id).max()
    }

    fn waits(&self, id: Origin) -> bool {
        self.waiting.iter().any(|&(waiting, _)| waiting == id)
    }
}

fn place(limit: usize, backlog: usize, key: Option<u64>) -> Place {
    Place { pool: PoolId(0), limit, backlog, key: key.map(KeyId) }
}

fn run(limit: usize, backlog: usize, steps: &[Step]) {
    let (mut pools, mut model) = (Pools::default(), Model::default());
    for (id, &step) in (1..).map(Origin).zip(steps) {
        match step {
            Step::Spawn(key) => {
                let before = model.newest(key);
                let full = model.living() >= limit + backlog;
                match pools.admit(id, Some(place(limit, backlog, key))) {
                    Err(refusal) => {
                        assert_eq!(refusal, SpawnError::Backlog);
                        assert!(full && before.is_none(), "{id} is refused: {model:?}");
                        continue;
                    }
                    Ok(admitted) => {
                        assert!(before.is_some() || !full, "{id} is one too many: {model:?}");
                        let free = before.is_none() && model.placed.len() < limit;
                        assert_eq!(admitted.waits, !free, "{id}: {model:?}");
                        match admitted.replaces {
                            None => assert_eq!(before, None),
                            Some(Replaced::CalledOff(called_off)) => {
                                assert!(before == Some(called_off) && model.waits(called_off), "{model:?}");
                                model.waiting.retain(|&(waiting, _)| waiting != called_off);
                            }
                            Some(Replaced::Placed(stopped)) => {
                                assert!(before == Some(stopped) && !model.waits(stopped), "{model:?}");
                            }
                        }
                        if free { model.placed.push((id, key)) } else { model.waiting.push((id, key)) }
                    }
                }
            }
            Step::Leave(n) if !model.placed.is_empty() => {
                let (gone, key) = model.placed.remove(n % model.placed.len());
                let next = pools.left(gone, place(limit, backlog, key));
                let newer = model.newest(key);
                assert!(newer.is_none() || next == newer, "{gone}'s place is the newest's: {model:?}");
                let of_key = |key| model.placed.iter().any(|&(_, other)| other == key);
                let kept = model.waiting.iter().all(|&(_, key)| key.is_some() && of_key(key));
                assert!(next.is_some() || kept, "a place is free, and one waits in vain: {model:?}");
                if let Some(next) = next {
                    let at = model.waiting.iter().position(|&(waiting, _)| waiting == next);
                    model.placed.push(model.waiting.remove(at.expect("it waited")));
                }
            }
            Step::GiveUp(n) if !model.waiting.is_empty() => {
                let (gone, key) = model.waiting.remove(n % model.waiting.len());
                assert_eq!(pools.left(gone, place(limit, backlog, key)), None, "none has its place yet");
            }
            Step::Leave(_) | Step::GiveUp(_) => {}
        }
        for key in 0..3 {
            let of_key =
                |tasks: &[(Origin, _)]| tasks.iter().filter(|&&(_, other)| other == Some(key)).count();
            assert!(of_key(&model.placed) <= 1 && of_key(&model.waiting) <= 1, "{model:?}");
        }
        assert!(model.placed.len() <= limit, "{model:?}");
        // Besides the backlog, one for each that is asked to make way.
        assert!(model.living() <= 2 * limit + backlog, "{model:?}");
    }
    while let Some((gone, key)) = model.placed.pop() {
        let next = pools.left(gone, place(limit, backlog, key));
        let at = model.waiting.iter().position(|&(waiting, _)| Some(waiting) == next);
        model.placed.extend(at.map(|at| model.waiting.remove(at)));
    }
    assert!(
        model.waiting.is_empty() && pools.by_id.is_empty() && pools.keys.is_empty(),
        "{model:?} {pools:?}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_newest_of_a_key_is_never_one_too_many(
        limit in 1_usize..4,
        backlog in 0_usize..4,
        steps in prop::collection::vec(
            prop_oneof![
                6 => prop::option::weighted(0.8, 0_u64..3).prop_map(Step::Spawn),
                2 => any::<usize>().prop_map(Step::Leave),
                1 => any::<usize>().prop_map(Step::GiveUp),
            ],
            0..60,
        ),
    ) {
        run(limit, backlog, &steps);
    }
}
