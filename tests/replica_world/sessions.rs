use control_panel::{
    replica::ReplicaBuilder,
    testing::{World, WorldReport},
};

use crate::{
    converges, seeds,
    table::{Machines, edit},
};

/// Of 2 to 6 peers.
fn world(seed: u64) -> World {
    let peers = 2 + usize::try_from(seed % 5).expect("small");
    World { seed, peers, frames: 120, delay: 6, ..World::default() }
}

fn reports(worlds: impl Iterator<Item = World>) -> impl Iterator<Item = WorldReport> {
    worlds.map(|world| world.run(Machines::default, ReplicaBuilder::undoing, edit))
}

/// A side that reads nothing for a time. Where that is longer than the other waits, the session ends, and the next one has all that this one had not.
#[test]
fn a_reader_that_stalls_is_left_and_loses_nothing() {
    let (mut stalls, mut stalled) = (0, 0);
    let stalling = |seed| World { stalls: 5, ..world(seed) };
    for report in reports(seeds(30).map(stalling)) {
        (stalls, stalled) = (stalls + report.stalls, stalled + report.stalled);
        assert!(report.stalls > 0);
    }
    assert!(0 < stalled && stalled < 2 * stalls, "{stalled} of {stalls}");
    seeds(10).map(stalling).for_each(|world| converges(&world, |builder| builder));
}

/// What breaks the protocol ends the session with an honest peer, or is counted; the two connect again.
#[test]
fn a_session_that_is_broken_into_ends_and_loses_nothing() {
    let mut breaches = 0;
    for report in reports(seeds(30).map(|seed| World { forge: true, stalls: 2, ..world(seed) })) {
        assert!(report.breaches > 0);
        breaches += report.breaches;
    }
    assert!(breaches > 40, "{breaches}");
}

/// Without a fault there is one connection of each two, nothing is sent that the other had, and nothing asked for again.
#[test]
fn calm_sessions_begin_once_and_repair_nothing() {
    let calm = |seed| World { loss: 0, duplicates: 0, partitions: 0, crashes: 0, ..world(seed) };
    for (seed, report) in seeds(30).zip(reports(seeds(30).map(calm))) {
        let peers = 2 + seed % 5;
        assert_eq!((report.sessions, report.repairs), (peers * (peers - 1), 0), "{:?}", calm(seed));
        assert!(report.concurrent > 0 && report.late > 0);
    }
}

/// More replicas than all connect with all others: what one makes is passed on.
#[test]
fn twelve_pass_on_what_they_hear() {
    for seed in seeds(5) {
        let world = World { seed, peers: 12, joins: 2, cuts: 1, frames: 60, ..World::default() };
        let report = world.run(Machines::default, ReplicaBuilder::undoing, edit);
        assert_eq!(report.joined, 2, "{world}");
    }
}
