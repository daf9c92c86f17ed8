//! Every loss of contact is one intent, with its reason.

use std::{
    net::UdpSocket,
    time::{Duration, Instant},
};

use control_panel::{
    Peer,
    workers::p2p_sync::OfflineReason::{Closed, TimedOut, Unreachable, WorkerStopped},
};

use crate::{
    node::{Node, Seen, Setup, folders, for_a_while, until},
    process::Process,
};

fn connected(nodes: &mut [&mut Node], peer: Peer) {
    until(nodes, "it is online", |nodes| nodes[0].is_online(peer));
}

/// The seed's own: a peer that is killed is one intent, and nothing is dropped without a word.
#[test]
fn p2p_network_failure_emits_offline_intent_not_silent_drop() {
    let (folders, members) = folders(2);
    let idle = Duration::from_secs(3);
    let mut alice = Setup { idle, ..Setup::new(folders[0].path(), &members) }.start();
    let known = vec![(members[0], alice.address())];
    let bob = Setup { known, journal: true, ..Setup::new(folders[1].path(), &members) };
    for round in 1..=2 {
        let mut child = Process::start(&bob);
        child.say("word child");
        connected(&mut [&mut alice], members[1]);
        until(&mut [&mut alice], "its word is here", |nodes| nodes[0].words().len() == round);
        // A busy machine may hold it up meanwhile.
        connected(&mut [&mut alice], members[1]);
        let before = alice.seen_of(members[1]).len();
        let killed = Instant::now();
        child.kill();
        until(&mut [&mut alice], "it is offline", |nodes| !nodes[0].is_online(members[1]));
        // A figure, not a promise: with --nocapture.
        let times = killed.elapsed().as_secs_f64() / idle.as_secs_f64();
        println!("offline {times:.2} x the idle setting after the kill");
        // Not twice, though it is tried again meanwhile.
        for_a_while(&mut [&mut alice], Duration::from_secs(3));
        let seen = alice.seen_of(members[1]);
        assert_eq!(seen[before..], [Seen::Offline(TimedOut)], "{seen:?}");
    }
}

#[test]
fn a_peer_that_leaves_says_so() {
    let (folders, members) = folders(2);
    let mut nodes: Vec<_> =
        folders.iter().map(|folder| Setup::new(folder.path(), &members).start()).collect();
    let mut bob = nodes.pop().unwrap();
    let mut alice = nodes.pop().unwrap();
    alice.knows(&mut bob);
    until(&mut [&mut alice, &mut bob], "both are online", |nodes| {
        nodes[0].is_online(members[1]) && nodes[1].is_online(members[0])
    });
    let app = bob.stop();
    assert_eq!(app.seen.last(), Some(&(members[0], Seen::Offline(WorkerStopped))));
    until(&mut [&mut alice], "it is offline", |nodes| !nodes[0].is_online(members[1]));
    assert_eq!(alice.seen_since_online(members[1]), [Seen::Online, Seen::Offline(Closed)]);
}

/// In the middle of what it is sent: no breach, as its stream and its connection end together.
#[test]
fn a_peer_that_leaves_in_the_middle_has_closed_and_broke_nothing() {
    let (folders, members) = folders(2);
    let setups: Vec<_> = folders.iter().map(|folder| Setup::new(folder.path(), &members)).collect();
    let mut alice = setups[0].start();
    let known = vec![(members[0], alice.address())];
    let setup = Setup { known, ..setups[1].clone() };
    let long = "x".repeat(64 << 10);
    for _ in 0..6 {
        let mut bob = setup.start();
        until(&mut [&mut alice, &mut bob], "both are online", |nodes| {
            nodes[0].is_online(members[1]) && nodes[1].is_online(members[0])
        });
        let before = alice.seen_of(members[1]).len();
        for _ in 0..20 {
            alice.commit(&long);
        }
        bob.stop();
        until(&mut [&mut alice], "it is offline", |nodes| !nodes[0].is_online(members[1]));
        let seen = alice.seen_of(members[1]);
        assert_eq!(seen[before..], [Seen::Offline(Closed)], "{seen:?}");
    }
    assert!(alice.app.misbehaved.is_empty(), "{:?}", alice.app.misbehaved);
}

#[test]
fn one_that_is_never_reached_is_reported_once() {
    let (folders, members) = folders(2);
    let mut alice = Setup::new(folders[0].path(), &members).start();
    until(&mut [&mut alice], "it is reported", |nodes| !nodes[0].seen_of(members[1]).is_empty());
    for_a_while(&mut [&mut alice], Duration::from_secs(3));
    assert_eq!(alice.seen_of(members[1]), [Seen::Offline(Unreachable)]);
}

/// Where nothing answers, an attempt takes as long as was set: not the idle setting, nor what is the default.
#[test]
fn an_attempt_to_connect_takes_as_long_as_was_set() {
    // It has a port, and reads nothing.
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let times = [Duration::from_millis(500), Duration::from_secs(8)];
    let reported = times.map(|connect| {
        let (folders, members) = folders(2);
        let known = vec![(members[1], silent.local_addr().unwrap())];
        let idle = Duration::from_secs(60);
        let setup = Setup { idle, known, connect, ..Setup::new(folders[0].path(), &members) };
        let began = Instant::now();
        let mut alice = setup.start();
        until(&mut [&mut alice], "it is reported", |nodes| !nodes[0].seen_of(members[1]).is_empty());
        assert_eq!(alice.seen_of(members[1]), [Seen::Offline(Unreachable)]);
        began.elapsed()
    });
    println!("reported after {reported:?}");
    for (reported, set) in reported.into_iter().zip(times) {
        // A busy machine adds to it.
        assert!((set..set + Duration::from_secs(30)).contains(&reported), "{reported:?} of {set:?}");
    }
    assert!(reported[0] < reported[1], "{reported:?}");
}

/// A worker's successor reports what the last one had in contact, and gets it back.
#[test]
fn a_worker_that_is_restarted_says_so() {
    let (folders, members) = folders(2);
    let mut nodes: Vec<_> =
        folders.iter().map(|folder| Setup::new(folder.path(), &members).start()).collect();
    let [alice, bob] = &mut nodes[..] else { unreachable!() };
    alice.knows(bob);
    bob.knows(alice);
    until(&mut [alice, bob], "both are online", |nodes| {
        nodes[0].is_online(members[1]) && nodes[1].is_online(members[0])
    });
    alice.worker.restart().unwrap();
    until(&mut [alice, bob], "it was lost and is back", |nodes| {
        nodes[0].seen_since_online(members[1]).len() >= 3 && nodes[0].is_online(members[1])
    });
    let seen = alice.seen_since_online(members[1]);
    assert_eq!(seen[..3], [Seen::Online, Seen::Offline(WorkerStopped), Seen::Online], "{seen:?}");
}
