//! What is published, and what peers get of it.

use super::Link;
use crate::{
    Peer, Replica,
    replica::{
        Delta, ReplicaBuilder, Version,
        codec::{Limits, Postcard, words::Words},
    },
    util::park::wait,
};

const ALICE: Peer = Peer([1; 32]);
const BOB: Peer = Peer([2; 32]);

fn builder(peer: Peer) -> ReplicaBuilder<Words> {
    Replica::builder(peer, Words::default()).members([ALICE, BOB]).codec(Postcard::new(), Limits::default())
}

fn frame(replica: &mut Replica<Words>) {
    let _ = (replica.settle(), replica.outbox());
}

/// What a link serves to a replica, merged there.
fn carry(link: &Link<Words>, to: &mut Replica<Words>) -> usize {
    let backlog = link.since(to.version(), link.limits()).unwrap().expect("nothing is gone");
    let mut ops = 0;
    for piece in backlog {
        let delta = link.decode(&piece.unwrap().encode().unwrap()).unwrap();
        ops += delta.len();
        to.merge(delta);
    }
    frame(to);
    ops
}

#[test]
fn what_is_settled_is_published_and_served() {
    let (mut here, mut there) = (builder(ALICE).build(), builder(BOB).build());
    let link = here.link();
    let other = there.link();
    assert_eq!(link.genesis(), other.genesis());
    here.commit("one".to_owned());
    assert_eq!(carry(&link, &mut there), 0, "not settled");
    for word in ["two", "three"] {
        frame(&mut here);
        carry(&link, &mut there);
        carry(&other, &mut here);
        here.commit(word.to_owned());
    }
    frame(&mut here);
    carry(&link, &mut there);
    assert_eq!(there.state(), here.state());
    assert_eq!(there.state().0.len(), 3);
    assert_eq!(link.version(), *here.version());
    assert_eq!(link.durable_version(), *here.version());
    assert_eq!(link.members().len(), 2);
}

#[test]
fn a_frame_without_news_publishes_nothing() {
    let mut here = builder(ALICE).build();
    let link = here.link();
    here.commit("one".to_owned());
    frame(&mut here);
    let published = link.published();
    for _ in 0..10 {
        frame(&mut here);
    }
    assert_eq!(link.published(), published);
    here.commit("two".to_owned());
    frame(&mut here);
    assert!(link.published() > published);
    assert!(wait(link.changed(published)) > published);
}

#[test]
fn all_that_wait_hear_of_what_is_published() {
    let mut here = builder(ALICE).build();
    let link = here.link();
    let published = link.published();
    let waiting: Vec<_> = (0..4)
        .map(|_| {
            let link = link.clone();
            std::thread::spawn(move || wait(link.changed(published)))
        })
        .collect();
    here.commit("one".to_owned());
    frame(&mut here);
    for thread in waiting {
        assert!(thread.join().unwrap() > published);
    }
}

/// As many runs as make blocks of all sizes: what is served is what the replica itself would give.
#[test]
fn the_shelf_serves_what_the_replica_would() {
    let (mut here, mut there) = (builder(ALICE).build(), builder(BOB).build());
    let link = here.link();
    let mut versions = vec![Version::new()];
    for number in 0..700 {
        here.commit(format!("a{number}"));
        if number % 3 == 0 {
            there.commit(format!("b{number}"));
            frame(&mut there);
            here.merge(there.since(here.version()));
        }
        frame(&mut here);
        if number % 50 == 0 {
            there.merge(here.since(there.version()));
        }
        if number % 23 == 0 {
            versions.push(here.version().clone());
            versions.push(there.version().clone());
        }
    }
    let small = Limits::default().with_bytes(2048);
    for version in &versions {
        let served: Vec<_> = link
            .since(version, &small)
            .unwrap()
            .unwrap()
            .flat_map(|piece| {
                let bytes = piece.unwrap().encode().unwrap();
                assert!(bytes.len() <= 2048);
                let delta = link.decode(&bytes).unwrap();
                delta.operations().map(|(stamp, word)| (stamp, word.clone())).collect::<Vec<_>>()
            })
            .collect();
        let given: Delta<String> = here.since(version);
        let given: Vec<_> = given.operations().map(|(stamp, word)| (stamp, word.clone())).collect();
        assert_eq!(served, given);
    }
}

/// A key that is alive twice: each asks with an end that the other does not know, and gets the whole chain.
#[test]
fn forks_are_served_whole_once() {
    let (mut first, mut copy) = (builder(ALICE).build(), builder(ALICE).build());
    let (one, two) = (first.link(), copy.link());
    first.commit("one".to_owned());
    frame(&mut first);
    copy.commit("other".to_owned());
    copy.commit("more".to_owned());
    frame(&mut copy);

    let mut bob = builder(BOB).build();
    assert_eq!(carry(&one, &mut bob), 1);
    assert!(carry(&two, &mut bob) >= 2);
    assert_eq!(bob.version().ends(first.author()).len(), 2);
    // One that has both branches lacks neither.
    let three = bob.link();
    carry(&three, &mut first);
    // Whether it acknowledges on its branch depends on which of the two is void; where it does, the other has that too.
    carry(&one, &mut bob);
    let version = first.version().clone();
    let left: usize = three
        .since(&version, three.limits())
        .unwrap()
        .unwrap()
        .map(|piece| three.decode(&piece.unwrap().encode().unwrap()).unwrap().operations().count())
        .sum();
    assert_eq!(left, 0, "{version:?}");
}

#[test]
fn what_a_cut_let_go_needs_a_snapshot() {
    let mut here =
        Replica::builder(ALICE, Words::default()).codec(Postcard::new(), Limits::default()).build();
    let link = here.link();
    for word in ["one", "two", "three"] {
        here.commit(word.to_owned());
        frame(&mut here);
    }
    here.cut().unwrap();
    frame(&mut here);
    here.commit("four".to_owned());
    frame(&mut here);
    assert!(link.since(&Version::new(), link.limits()).unwrap().is_none());
    assert!(link.since(here.version(), link.limits()).unwrap().unwrap().is_empty());

    let asked = {
        let link = link.clone();
        std::thread::spawn(move || wait(link.snapshot()))
    };
    while !asked.is_finished() {
        frame(&mut here);
        std::thread::yield_now();
    }
    let snapshot = asked.join().unwrap();
    assert!(snapshot.level() > 0);
}

#[cfg(feature = "journal")]
#[test]
fn with_a_journal_peers_get_what_is_durable() {
    use crate::journal::Journal;

    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path().join("words.journal")).unwrap();
    let mut here = journal.replica(builder(ALICE)).unwrap();
    let mut there = builder(BOB).build();
    let link = here.link();
    here.commit("one".to_owned());
    frame(&mut here);
    assert_eq!(link.version(), *here.version());
    assert_eq!(link.durable_version(), Version::new());
    assert_eq!(carry(&link, &mut there), 0, "no writer has written it");
    let durable = link.durable();
    journal.flush().unwrap();
    wait(link.news(link.published(), durable));
    assert_eq!(link.durable_version(), *here.version());
    assert_eq!(carry(&link, &mut there), 1);
    assert!(!link.has_failed());

    journal.close().unwrap();
    drop(journal);
    assert!(link.has_failed());
    assert!(link.since(&Version::new(), link.limits()).is_err());
}
