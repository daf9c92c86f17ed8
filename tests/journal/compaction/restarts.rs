//! Restarts of a journal that is compacted.

use control_panel::{
    Peer,
    journal::Journal,
    replica::{ReplicaNotice, Version, codec::Limits},
    testing::Rng,
};

use crate::{HERE, THERE, builder};

/// Three members that meet at random, one of which has a journal and is closed and started again: it is what it was, each time.
#[test]
fn a_restart_changes_nothing_whatever_was_let_go_of() {
    let seeds = std::env::var("SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(4);
    for seed in 0..seeds {
        let cuts = restarts(seed);
        assert!(cuts >= 3, "seed {seed}: only {cuts} starts went on from a snapshot");
    }
}

fn restarts(seed: u64) -> u32 {
    let peers = [HERE, THERE, Peer([3; 32])];
    let builder = |peer| builder(peer).members(peers).history(30);
    let (folder, mut rng) = (tempfile::tempdir().unwrap(), Rng::new(seed));
    let path = folder.path().join("app.journal");
    let start = || {
        let journal = Journal::open(&path).unwrap();
        let replica = journal.replica(builder(HERE)).unwrap();
        (journal, replica)
    };
    let (mut journal, here) = start();
    let mut replicas = [here, builder(peers[1]).build(), builder(peers[2]).build()];
    let (mut cuts, mut words) = (0, 0_u64);
    for round in 0..260 {
        let at = rng.index(3);
        for _ in 0..rng.below(3) {
            words += 1;
            replicas[at].commit(format!("{words} ").repeat(if rng.chance(60) { 700 } else { 1 }));
        }
        for notice in replicas[at].settle().notices {
            assert!(!matches!(notice, ReplicaNotice::PeerMisbehaved { .. }), "seed {seed}: {notice:?}");
        }
        if at == 0 {
            journal.flush().unwrap();
        }
        let sent = replicas[at].outbox();
        for to in (0..3).filter(|to| *to != at) {
            if let Some(delta) = sent.as_ref().filter(|_| rng.chance(70)) {
                replicas[to].merge(delta.clone());
            }
            if rng.chance(25) {
                let lacked = replicas[at].since(replicas[to].version());
                replicas[to].merge(lacked);
            }
        }
        if round % 20 == 19 {
            let here = &mut replicas[0];
            let _ = here.settle();
            journal.close().unwrap();
            let was = (here.author(), here.version().clone(), here.state().clone());
            let (members, clock) = (here.members().collect::<Vec<_>>(), here.clock());
            let (again, replica) = start();
            assert_eq!(
                (replica.author(), replica.version().clone(), replica.state().clone()),
                was,
                "seed {seed}"
            );
            assert_eq!((replica.members().collect::<Vec<_>>(), replica.clock()), (members, clock));
            assert!(replica.watermark() >= here.watermark(), "seed {seed}: what was stable stays so");
            let missing = again.since(&Version::new(), &Limits::default()).unwrap();
            cuts += u32::from(missing.snapshot.is_some());
            (journal, replicas[0]) = (again, replica);
        }
    }
    for _ in 0..4 {
        for (at, to) in [(0, 1), (1, 2), (2, 0), (0, 2), (2, 1), (1, 0)] {
            let _ = replicas[at].settle();
            journal.flush().unwrap();
            drop(replicas[at].outbox());
            journal.flush().unwrap();
            let lacked = replicas[at].since(replicas[to].version());
            replicas[to].merge(lacked);
            let _ = replicas[to].settle();
        }
    }
    let states: Vec<_> = replicas.iter().map(|replica| replica.state().0.len() as u64).collect();
    assert_eq!(states, [words; 3], "seed {seed}");
    assert!(replicas.iter().all(|replica| replica.state() == replicas[0].state()), "seed {seed}");
    cuts
}
