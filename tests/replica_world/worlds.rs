use std::collections::BTreeSet;

use control_panel::{
    replica::ReplicaBuilder,
    testing::{Rng, World},
};

use crate::{
    converges, seeds,
    table::{Machines, edit, turn},
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
        converges(&world(seed), |builder| builder);
    }
}

#[test]
fn replicas_converge_by_undoing() {
    for seed in seeds(100) {
        converges(&world(seed), ReplicaBuilder::undoing);
    }
}

#[test]
fn crashes_at_every_step_lose_nothing_that_was_stored() {
    let mut unstored = 0;
    for seed in seeds(40) {
        let world = World { seed, peers: 4, crashes: 12, ..World::default() };
        converges(&world, |builder| builder);
        unstored += world.run(Machines::default, |builder| builder, edit).unstored;
    }
    assert!(unstored > 0, "a crash before the store loses what no one knows");
}

/// What those commit that may only read is void on all, and comes back to them; and all wait for what they acknowledge.
#[test]
fn readers_are_heard_and_write_nothing() {
    let mut alone = 0;
    // Some of these need not show all that they are for.
    for seed in seeds(130).filter(|seed| *seed >= 100) {
        let readers = 1 + usize::try_from(seed % 2).expect("small");
        let calm = World { frames: 150, joins: 2, readers, ..world(seed) };
        let world = match seed % 3 {
            0 => calm,
            1 => World { cuts: 2, revocations: 5, ..calm },
            _ => World { joins: 4, retire: true, ..World { peers: calm.peers.max(3), ..calm } },
        };
        converges(&world, if seed % 2 == 0 { |builder| builder } else { ReplicaBuilder::undoing });
        alone += world.run(Machines::default, |builder| builder, edit).unwritten;
    }
    assert!(alone > 0, "a reader commits");
}

/// Long enough for digests to be compared: replicas that converge are never reported to differ.
#[test]
fn digests_of_equal_states_are_equal() {
    let mut agreed = 0;
    for seed in seeds(60).step_by(31) {
        let world = World { peers: 3, frames: 1_300, crashes: 5, revocations: seed % 2 * 5, ..world(seed) };
        let build = |builder: ReplicaBuilder<Machines>| builder.digest(|machines| digest(machines.states));
        agreed += world.run(Machines::default, build, |rng, _, _| Some(turn(rng))).agreed;
    }
    assert!(agreed > 0);
}

fn digest(states: [u8; 4]) -> u64 {
    u64::from(u32::from_le_bytes(states)).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// Eight replicas admit runs of a thousand authors, and every acknowledgement of theirs.
#[test]
#[ignore = "some minutes, some GB"]
fn a_thousand_members() {
    thousand(1_000);
}

/// The same of fewer, which the gate has time for.
#[test]
fn a_hundred_members() {
    thousand(100);
}

fn thousand(members: usize) {
    let world = World {
        peers: 8,
        crowd: members - 8,
        frames: 60,
        partitions: 2,
        crashes: 4,
        retire: true,
        forge: true,
        ..World::default()
    };
    let edits = |rng: &mut Rng, peer, _: &_| rng.chance(if peer < 8 { 30 } else { 1 }).then(|| turn(rng));
    world.assert_converges(Machines::default, edits);
    let report = world.run(Machines::default, ReplicaBuilder::undoing, edits);
    let authors: BTreeSet<_> = report.log.iter().map(|(stamp, _)| stamp.author.peer).collect();
    assert!(authors.len() > members / 4, "{} of {members} edited", authors.len());
}
