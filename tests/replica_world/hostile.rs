use control_panel::{replica::ReplicaBuilder, testing::World};

use crate::{
    converges, seeds,
    table::{Machines, edit},
};

/// Of 3 to 7 peers.
fn stormy(seed: u64) -> World {
    let peers = 3 + usize::try_from(seed % 5).expect("small");
    World { seed, peers, frames: 120, delay: 8, partitions: 2, crashes: 3, ..World::default() }
}

#[test]
fn a_member_is_retired_and_invited_again() {
    let (mut void, mut rebased, mut effects) = (0, 0, 0);
    for seed in seeds(40) {
        let world = World { retire: true, ..stormy(seed) };
        converges(&world, |builder| builder);
        let report = world.run(Machines::default, ReplicaBuilder::undoing, edit);
        (void, rebased, effects) = (void + report.void, rebased + report.rebased, effects + report.effects);
    }
    assert!(void > 0 && rebased > 0 && rebased < void && effects > 0, "{void}, {rebased}, {effects}");
}

#[test]
fn two_owners_retire_each_other() {
    let contested = |seed| {
        let world = World { retire: true, ..stormy(seed) };
        world.run(Machines::default, |builder| builder, edit).contested
    };
    assert!(seeds(10).map(contested).sum::<u64>() > 0);
}

#[test]
fn operations_are_taken_back() {
    for seed in seeds(40) {
        let world = World { revocations: 5, retire: seed % 2 == 0, ..stormy(seed) };
        converges(&world, |builder| builder);
        converges(&world, ReplicaBuilder::undoing);
    }
}

/// The one whose word all others heard first stays an owner. What the other one took back is not taken back then, and what became void
/// before that was known does not come back to its author.
#[test]
fn a_junior_owner_retires_a_senior_one() {
    // In about one of ten.
    for seed in seeds(60) {
        let world = World { revocations: 5, retire: true, peers: 3, ..stormy(seed) };
        converges(&world, |builder| builder);
        converges(&world, ReplicaBuilder::undoing);
    }
}

/// What replicas let go the world keeps, and compares with. Peers begin with the state as of a cut.
#[test]
fn history_is_let_go_and_peers_join() {
    let (mut forgotten, mut rejoined, mut late) = (0, 0, 0);
    // In the last one a peer that used up its requests asks for a snapshot that is not offered any more.
    for seed in seeds(40).chain(Some(852)) {
        let joins = usize::try_from(seed % 3).expect("small");
        // A cut covers what all have acknowledged, and is let go when all have the cut: long after, where seven are parted and crash, and in a few of these worlds never.
        let revocations = seed % 2 * 5;
        let world = World { frames: 300, delay: 4, cuts: 3, joins, revocations, ..stormy(seed) };
        forgotten += world.run(Machines::default, |builder| builder, edit).forgotten;
        // Automatic cuts of a short history, and one that is retired comes back to what is gone.
        let world = World { retire: true, forge: seed % 2 == 0, ..world };
        let report = world.run(Machines::default, |builder| builder.history(15).undoing(), edit);
        (rejoined, late) = (rejoined + report.rejoined, late + report.late);
    }
    assert!(forgotten > 0 && rejoined > 0 && late > 0, "{forgotten}, {rejoined}, {late}");
}

#[test]
fn a_peer_goes_on_twice() {
    for seed in seeds(40) {
        let world = World { equivocate: true, ..stormy(seed) };
        converges(&world, |builder| builder);
        converges(&world, ReplicaBuilder::undoing);
    }
}

#[test]
fn forged_runs_are_refused() {
    for seed in seeds(40) {
        let world = World { forge: true, ..stormy(seed) };
        converges(&world, |builder| builder);
    }
}

#[test]
fn faults_happen_together() {
    for seed in seeds(40) {
        let peers = 4 + usize::try_from(seed % 4).expect("small");
        let revocations = seed % 2 * 5;
        let world = World { peers, retire: true, equivocate: true, forge: true, revocations, ..stormy(seed) };
        converges(&world, |builder| builder);
    }
}

/// In small groups, where a copy's branches and a retirement's votes are of the same few: it may vote for each of two that retire each other, on a branch each.
#[test]
fn one_of_four_is_retired_and_one_goes_on_twice() {
    for seed in seeds(40) {
        let world = World { peers: 4, retire: true, equivocate: true, ..stormy(seed) };
        converges(&world, ReplicaBuilder::undoing);
        let calm = World { seed, peers: 4, retire: true, equivocate: true, ..World::default() };
        converges(&calm, ReplicaBuilder::undoing);
    }
}

/// A retired peer that had heard of one branch of a copy only would void the other, which all others had and called stable.
#[test]
fn the_word_of_a_retired_peer_voids_nothing() {
    for seed in seeds(40) {
        let peers = 4 + usize::try_from(seed % 3).expect("small");
        let storm =
            World { peers, frames: 120, delay: 8, duplicates: 10, loss: 10, partitions: 2, ..stormy(seed) };
        let world = World { crashes: 0, retire: true, equivocate: true, forge: true, ..storm };
        converges(&world, |builder| builder);
    }
}

/// A life that begins without its last frame may retire another, or vote for that, without what the life before had admitted: so it must not have called
/// that stable yet.
#[test]
fn a_crash_before_the_store_takes_no_promise_back() {
    for seed in seeds(40) {
        let world = World { peers: 3, retire: true, ..stormy(seed) };
        converges(&world, |builder| if seed % 2 == 0 { builder } else { builder.undoing() });
    }
}

/// Rollbacks that a frame does not pay for come back frames later, among others.
#[test]
fn what_exceeds_the_budget_comes_back_later() {
    let (mut jobs, build) = (0, |builder: ReplicaBuilder<Machines>| builder.redo_budget(12));
    for seed in seeds(40) {
        let world = World { delay: 20, ..stormy(seed) };
        converges(&world, build);
        jobs += world.run(Machines::default, |builder| build(builder).undoing(), edit).jobs;
    }
    assert!(jobs > 0);
}
