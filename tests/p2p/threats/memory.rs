//! Rows 10, 12 to 14, 17, 22 and 26: members that break what no connection shows, again and again. What it takes is the same at the end.

use std::{net::SocketAddr, time::Duration};

use control_panel::{
    Peer, Version,
    replica::{Misbehaviour, codec::Limits},
};
use iroh::SecretKey;

use super::{Against, MALLORY};
use crate::{
    forge::Forged,
    node::{Setup, folders, for_a_while, until},
    process::{Process, free_port},
    raw::{CHUNK, DELTA, HAVE, OFFER, REQUEST, Raw, secret},
};

/// In a session of their own, until all of them were read.
fn send_all(raw: &Raw, (peer, at): (Peer, SocketAddr), alice: &Process, deltas: &[Vec<u8>]) {
    let line = raw.dial(peer, at);
    line.greet();
    line.wait_for(HAVE);
    for delta in deltas {
        line.send(DELTA, delta);
    }
    // Behind them all: they were read when it is asked for, or the session has ended.
    line.send(OFFER, &[&[0xe8, 7, 1][..], &[7; 32]].concat());
    alice.wait_for("all was read", |_| line.closed().is_some() || line.has(REQUEST));
    line.send(CHUNK, &[1; 1_000]);
    alice.wait_for("it is over", |_| line.closed().is_some());
}

fn assert_flat(alice: &Process, flood: impl Fn(u64)) {
    // What an allocator keeps it has by then.
    (0..3).for_each(&flood);
    let before = alice.memory();
    (3..9).for_each(&flood);
    let after = alice.memory();
    println!("{before} KiB, and {after} KiB after six more");
    assert!(after < before + (8 << 10), "{before} KiB, and {after} KiB after six more");
}

/// Members that break what no connection shows: clocks, gaps, other lives, snapshots that lie, operations beyond their limits. All of it again and again: what it takes is the same at the end.
#[test]
fn members_that_break_the_rules_leave_memory_flat() {
    let (folders, members) = folders(2);
    let setups: Vec<_> = folders.iter().map(|folder| Setup::new(folder.path(), &members)).collect();
    let at = free_port();
    let alice = Process::start(&Setup { bind: at, ..setups[0].clone() });
    let (raw, by) = (Raw::of(&setups[1]), secret(&setups[1]));
    let forged = |by: &SecretKey, incarnation: u32, lamport: u64, word: &str| {
        Forged { by, members: &members, incarnation, lamport, word }.delta()
    };
    // The first of them is never sent.
    let mut mallory = setups[1].builder().incarnation(1).build();
    for number in 0..3_000 {
        mallory.commit(number.to_string());
        let _ = mallory.settle();
        drop(mallory.outbox());
    }
    let gap: Vec<_> = mallory
        .since(&Version::new())
        .parts(&Limits::default().with_bytes(1))
        .iter()
        .skip(1)
        .map(|part| part.encode().unwrap())
        .collect();
    let (stranger, long) = (SecretKey::generate(), "x".repeat((1 << 20) + 1));
    let sends = |deltas: &[Vec<u8>]| send_all(&raw, (members[0], at), &alice, deltas);
    let flood = |round: u64| {
        sends(&gap);
        // Each another run: none of them is known from before.
        let clocks = (0..500).map(|number| forged(&by, 0, 2 + 500 * round + number, "jumps"));
        sends(&clocks.collect::<Vec<_>>());
        let strangers = (0..500).map(|number| forged(&stranger, 0, 1, &format!("{round} {number}")));
        sends(&strangers.collect::<Vec<_>>());
        for _ in 0..4 {
            sends(&[forged(&by, 0, 1, &long)]);
        }
    };
    assert_flat(&alice, flood);
    assert!(alice.last("state").is_some_and(|state| state.ends_with(" 0")), "nothing of it counts");
}

/// One number, and a new word of 60 KiB for it each time, 31 MiB in all: of the branches that no other names 16 are taken, and what waits of one author is bounded.
#[test]
fn row_13_an_author_that_forks_without_end_leaves_memory_flat() {
    let (folders, members) = folders(2);
    let setups: Vec<_> = folders.iter().map(|folder| Setup::new(folder.path(), &members)).collect();
    let at = free_port();
    let alice = Process::start(&Setup { bind: at, ..setups[0].clone() });
    let (raw, by, long) = (Raw::of(&setups[1]), secret(&setups[1]), "x".repeat(60 << 10));
    assert_flat(&alice, |round| {
        // Each session within the window that it is given.
        for session in 0..6 {
            let forks = (0..10).map(|number| {
                let word = format!("{round} {session} {number} {long}");
                Forged { by: &by, members: &members, incarnation: 0, lamport: 1, word: &word }.delta()
            });
            send_all(&raw, (members[0], at), &alice, &forks.collect::<Vec<_>>());
        }
    });
    // What came after the first was acknowledged is dated back as well.
    let words = || alice.last("state").and_then(|state| state.rsplit(' ').next()?.parse::<usize>().ok());
    assert!(words().is_some_and(|words| (1..=17).contains(&words)), "{:?}", alice.last("state"));
}

/// One key, and a new life each time: of those that no other names 1,024 are taken, the rest waits within its bounds; it is reported once, and another's word comes through.
#[test]
fn row_14_a_peer_that_begins_without_end_has_so_many_lives_and_no_more() {
    let mut against = Against::new();
    let by = secret(&against.setups[MALLORY]);
    let line = against.greet(MALLORY);
    for incarnation in 0..1_500 {
        let forged = Forged { by: &by, members: &against.members, incarnation, lamport: 1, word: "again" };
        line.send(DELTA, &forged.delta());
    }
    let mallory = against.members[MALLORY];
    against.until("it is reported", |alice| alice.misdeeds(mallory).contains(&Misbehaviour::Flood));
    let mut carol = against.carol();
    carol.commit("through");
    until(&mut [&mut against.alice, &mut carol], "a member is through", |nodes| {
        nodes[0].words().iter().any(|word| word == "through")
    });
    for_a_while(&mut [&mut against.alice, &mut carol], Duration::from_secs(1));
    let version = against.alice.app.replica.version();
    let lives = version.iter().filter(|(author, _)| author.peer == mallory).count();
    assert!((1..=1_024).contains(&lives), "{lives}");
    assert_eq!(against.misdeeds(MALLORY), [Misbehaviour::Flood]);
}
