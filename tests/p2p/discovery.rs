//! How peers come to know where others are.

use std::fs;

use crate::node::{Node, Seen, Setup, folders, pair, until};
use control_panel::replica::Grant;

/// Each in contact with each.
fn all_online(nodes: &[&mut Node]) -> bool {
    let peers: Vec<_> = nodes.iter().map(|node| node.peer()).collect();
    nodes
        .iter()
        .all(|node| peers.iter().filter(|peer| **peer != node.peer()).all(|peer| node.is_online(*peer)))
}

/// The first invites two that do not know of each other. They meet through it, and stay in sync when it goes.
#[test]
fn those_that_know_a_third_find_each_other() {
    let (folders, keys) = folders(3);
    // Which peers are members is in the journal.
    let start =
        |number: usize| Setup { journal: true, ..Setup::new(folders[number].path(), &keys[..1]) }.start();
    let (mut alice, mut bob, mut carol) = (start(0), start(1), start(2));
    pair(&mut alice, &mut bob, Grant::Write);
    pair(&mut alice, &mut carol, Grant::Write);
    until(&mut [&mut alice, &mut bob, &mut carol], "all are in contact", all_online);

    alice.stop();
    until(&mut [&mut bob, &mut carol], "the first is gone", |nodes| {
        nodes.iter().all(|node| !node.is_online(keys[0]))
    });
    bob.commit("from bob");
    carol.commit("from carol");
    until(&mut [&mut bob, &mut carol], "both words are here and there", |nodes| {
        nodes.iter().all(|node| node.words().len() == 2)
    });
    assert_eq!(bob.words(), carol.words());

    // One of them comes back elsewhere while the first is away: it finds the other in its address book.
    bob.stop();
    until(&mut [&mut carol], "it is gone", |nodes| !nodes[0].is_online(keys[1]));
    let mut bob = start(1);
    until(&mut [&mut bob, &mut carol], "it is back", all_online);
    until(&mut [&mut bob, &mut carol], "and has what it had", |nodes| nodes[0].words().len() == 2);
    // No one misbehaved, and what was out of reach was reported once.
    for node in [&bob, &carol] {
        assert!(node.app.misbehaved.is_empty(), "{:?}", node.app.misbehaved);
        assert!(node.seen_of(keys[0]).iter().filter(|seen| **seen != Seen::Online).count() <= 2);
    }
}

/// One that moves is found where it says that it is, by those that hear of it from others.
#[test]
fn one_that_moves_is_found() {
    let (folders, members) = folders(3);
    let setups: Vec<_> = folders.iter().map(|folder| Setup::new(folder.path(), &members)).collect();
    let (mut alice, mut bob, mut carol) = (setups[0].start(), setups[1].start(), setups[2].start());
    // A line: the last one is known to the one in the middle alone.
    alice.knows(&mut bob);
    carol.knows(&mut bob);
    until(&mut [&mut alice, &mut bob, &mut carol], "all are in contact", all_online);

    // Twice it comes back at another port, without what it knew, and only the one in the middle is said where.
    for _ in 0..2 {
        carol.stop();
        until(&mut [&mut alice, &mut bob], "it is gone", |nodes| {
            nodes.iter().all(|node| !node.is_online(members[2]))
        });
        fs::remove_file(setups[2].folder.join("peers")).unwrap();
        carol = setups[2].start();
        bob.knows(&mut carol);
        until(&mut [&mut alice, &mut bob, &mut carol], "all are in contact again", all_online);
    }
}
