//! Two and three replicas over streams that are delayed and split anywhere, and break at any byte. `SEEDS=…` runs more.

use std::time::Duration;

use super::group::{Group, builder};
use crate::testing::Rng;

fn seeds(few: u64) -> u64 {
    std::env::var("SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(few)
}

fn word(rng: &mut Rng, seed: u64) -> String {
    // Mostly short; some fill pieces, and some the window.
    let length = match rng.below(40) {
        0 if seed % 4 == 0 => 300_000,
        0..4 => 40_000,
        _ => 4,
    };
    format!("{:04}{}", rng.below(10_000), "x".repeat(length))
}

fn step(group: &mut Group, rng: &mut Rng, seed: u64) {
    let (node, link, side) = (rng.index(group.nodes.len()), rng.index(group.links.len()), rng.index(2));
    match rng.below(20) {
        0..4 => {
            group.nodes[node].replica.commit(word(rng, seed));
        }
        4..6 => group.frame(node, rng.index(4)),
        6..8 => {
            group.frame(node, rng.index(2));
            group.flush(node);
        }
        8..12 => _ = (0..=rng.index(3)).all(|_| group.send(link, side)),
        12..16 => {
            let count = if rng.chance(70) { rng.index(300) } else { rng.index(200_000) };
            group.deliver(link, side, count);
        }
        16 => {
            group.now += Duration::from_millis(rng.below(50));
            group.tick();
        }
        17 if rng.chance(10) => group.disconnect(link),
        // A worker is restarted: what is on its way to the frame is lost, and its connections.
        18 if rng.chance(5) => {
            let links: Vec<_> =
                (0..group.links.len()).filter(|it| group.links[*it].ends.contains(&node)).collect();
            for link in links {
                group.disconnect(link);
            }
        }
        // The program is killed: it goes on from what is durable, as its next life.
        19 if rng.chance(3) => {
            let links: Vec<_> =
                (0..group.links.len()).filter(|it| group.links[*it].ends.contains(&node)).collect();
            for link in links {
                group.disconnect(link);
            }
            let members = group.nodes.len();
            let it = &mut group.nodes[node];
            it.incarnation += 1;
            it.replica = builder(members, node, it.incarnation).build();
            it.replica.merge(it.disk.replica.since(&crate::Version::new()));
            let _ = it.replica.settle();
        }
        _ => {
            if group.links[link].sides.is_none() && rng.chance(30) {
                group.connect(link);
            }
        }
    }
}

fn run(members: usize, seed: u64, steps: usize) {
    let mut rng = Rng::new(seed);
    let mut group = Group::new(members);
    for _ in 0..steps {
        step(&mut group, &mut rng, seed);
    }
    // Those that are connected go on where they are.
    for link in 0..group.links.len() {
        if group.links[link].sides.is_none() {
            group.connect(link);
        }
    }
    group.rest();
    group.assert_equal();
    let wants: u64 = group.links.iter().flat_map(|link| link.wants).sum();
    assert_eq!(wants, 0, "nothing that arrived was dropped");
}

fn run_all(members: usize, few: u64) {
    for seed in 0..seeds(few) {
        let failed = std::panic::catch_unwind(|| run(members, seed, 600)).is_err();
        assert!(!failed, "{members} members, seed {seed}");
    }
}

#[test]
fn two_converge_and_nothing_is_sent_again() {
    run_all(2, 60);
}

#[test]
fn three_converge_and_nothing_is_sent_again() {
    run_all(3, 40);
}

/// Over each of many short connections travels what is missing, and little else.
#[test]
fn a_reconnect_costs_what_was_missing() {
    let mut rng = Rng::new(3);
    let mut group = Group::pair();
    for round in 0..40 {
        for node in 0..2 {
            for _ in 0..rng.index(20) {
                group.nodes[node].replica.commit(word(&mut rng, 1));
            }
            group.frame(node, 0);
            group.flush(node);
        }
        group.disconnect(0);
        let missing: usize = (0..2)
            .map(|node| {
                let [here, there] = [node, 1 - node].map(|node| &group.nodes[node].disk.replica);
                let delta = here.since(there.version());
                if delta.is_empty() { 0 } else { delta.encode().unwrap().len() }
            })
            .sum();
        group.connect(0);
        let mut sent = 0;
        loop {
            let mut moved = false;
            for side in 0..2 {
                while group.send(0, side) {
                    moved = true;
                }
                sent += group.links[0].pipes[side].len();
                group.deliver(0, side, usize::MAX);
                group.frame(side, usize::MAX);
                group.flush(side);
            }
            if !moved {
                break;
            }
        }
        // Hellos, versions, acknowledgements, a new beginning of the chains for each piece.
        let most = missing + missing / 100 + 4_000;
        assert!(sent <= most, "round {round}: {sent} bytes for {missing} that were missing");
    }
    group.rest();
    group.assert_equal();
}
