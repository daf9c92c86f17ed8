//! Row 14 of the threats, between peers: a peer whose log is lost or old hears from the others what its own author made.

use control_panel::{Author, Peer, Version, replica::ReplicaNotice};

use crate::{
    node::{Node, Setup, folders, until},
    raw::{HAVE, Line, Raw},
};

fn own(peer: Peer, incarnation: u32) -> Author {
    Author { peer, incarnation }
}

fn lives(node: &Node) -> Vec<&ReplicaNotice> {
    let is_life = |notice: &&ReplicaNotice| matches!(notice, ReplicaNotice::NextLife { .. });
    node.app.notices.iter().filter(is_life).collect()
}

/// It commits nothing before it has its log again: then it is the peer that it was, though what it gets comes in pieces.
#[test]
fn row_14_one_that_waits_for_its_lost_log_goes_on_as_itself() {
    const WORDS: usize = 400;
    let (folders, members) = folders(2);
    let setups: Vec<_> = folders.iter().map(|folder| Setup::new(folder.path(), &members)).collect();
    let (mut alice, mut bob) = (setups[0].start(), setups[1].start());
    bob.knows(&mut alice);
    for number in 0..WORDS {
        bob.commit(&format!("{number} {}", "w".repeat(1_000)));
        alice.commit("a");
    }
    until(&mut [&mut alice, &mut bob], "all words are here and there", |nodes| {
        nodes.iter().all(|node| node.words().len() == 2 * WORDS)
    });
    bob.stop();

    let mut bob = setups[1].start();
    bob.knows(&mut alice);
    until(&mut [&mut alice, &mut bob], "it has all words", |nodes| nodes[1].words().len() == 2 * WORDS);
    assert_eq!(bob.app.remembered, 1);
    bob.commit("again");
    until(&mut [&mut alice, &mut bob], "they go on", |nodes| {
        nodes.iter().all(|node| node.words().len() == 2 * WORDS + 1)
    });
    assert_eq!((lives(&bob), bob.app.replica.author()), (vec![], own(members[1], 0)));
    assert_eq!(alice.words(), bob.words());
    assert!(alice.app.notices.is_empty(), "it contradicted itself nowhere: {:?}", alice.app.notices);
}

/// It says that it has so many operations of the other's, by lives, and brings none.
fn claims(raw: &Raw, alice: &mut Node, lives: &[(u32, u64)]) -> Line {
    let (peer, at) = (alice.peer(), alice.address());
    let line = raw.dial(peer, at);
    line.greet_with(|hello| {
        hello.truncate(hello.len() - Version::new().encode().len());
        hello.extend(
            lives.iter().map(|(life, count)| (own(peer, *life), *count)).collect::<Version>().encode(),
        );
    });
    line.send(HAVE, &Version::new().encode());
    line
}

/// What it commits before that is of a life that no one has heard of: so it contradicts nothing, whatever was lost. And a peer that spoke of what it did not bring is not heeded again.
#[test]
fn row_14_one_that_commits_before_it_has_its_lost_log_does_so_in_its_next_life() {
    let (folders, members) = folders(2);
    let mut alice = Setup::new(folders[0].path(), &members).start();
    let raw = Raw::of(&Setup::new(folders[1].path(), &members));
    let line = claims(&raw, &mut alice, &[(0, 5), (3, 2)]);
    until(&mut [&mut alice], "it is said", |nodes| nodes[0].is_online(members[1]));
    assert_eq!((alice.app.remembered, alice.app.replica.author()), (1, own(members[0], 0)));
    let stamp = alice.app.replica.commit("new".to_owned());
    assert_eq!((stamp.author, stamp.seq), (own(members[0], 4), 0));
    alice.commit("and on");
    let expected = ReplicaNotice::NextLife { author: own(members[0], 4), cut_off: false };
    assert_eq!(lives(&alice), [&expected]);

    drop(line);
    until(&mut [&mut alice], "it is gone", |nodes| !nodes[0].is_online(members[1]));
    let _line = claims(&raw, &mut alice, &[(4, 100)]);
    until(&mut [&mut alice], "it is back", |nodes| nodes[0].is_online(members[1]));
    let stamp = alice.app.replica.commit("still".to_owned());
    assert_eq!((alice.app.remembered, stamp.author, stamp.seq), (1, own(members[0], 4), 2));
    assert_eq!(alice.words(), ["new", "and on", "still"]);
}
