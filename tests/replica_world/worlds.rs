use control_panel::{replica::ReplicaBuilder, testing::World};

use crate::{
    seeds,
    table::{Machines, edit},
};

/// Worlds that differ in everything: of 2 to 7 peers, calm and stormy.
fn world(seed: u64) -> World {
    let calm = World { seed, loss: 0, duplicates: 0, partitions: 0, crashes: 0, ..World::default() };
    let peers = 2 + usize::try_from(seed % 6).expect("small");
    match seed / 6 % 4 {
        0 => World { peers, delay: 30, ..calm },
        1 => World { peers, delay: 10, duplicates: 30, loss: 30, ..calm },
        2 => World { peers, partitions: 3, ..calm },
        _ => World {
            seed,
            peers,
            delay: 8,
            duplicates: 20,
            loss: 20,
            partitions: 2,
            crashes: 3,
            ..World::default()
        },
    }
}

#[test]
fn replicas_converge_by_snapshots() {
    for seed in seeds(100) {
        world(seed).assert_converges(Machines::default, edit);
    }
}

#[test]
fn replicas_converge_by_undoing() {
    for seed in seeds(100) {
        world(seed).assert_converges_with(Machines::default, ReplicaBuilder::undoing, edit);
    }
}

#[test]
fn crashes_at_every_step_lose_nothing_that_was_stored() {
    let mut unstored = 0;
    for seed in seeds(40) {
        let world = World { seed, peers: 4, crashes: 12, ..World::default() };
        world.assert_converges(Machines::default, edit);
        unstored += world.run(Machines::default, |builder| builder, edit).unstored;
    }
    assert!(unstored > 0, "a crash before the store loses what no one knows");
}

#[test]
#[ignore = "some minutes"]
fn a_thousand_peers() {
    let world = World { peers: 1_000, frames: 20, ..World::default() };
    world.assert_converges(Machines::default, |rng, _, _| rng.chance(1).then(|| crate::table::turn(rng)));
}
