//! What is published, and what peers get of it.

use std::collections::BTreeMap;

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
        let mut served: Vec<_> = link
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
        // Some runs at a time, as they were published: each author's in their order.
        let mut last = BTreeMap::new();
        assert!(served.iter().all(|(stamp, _)| last.insert(stamp.author, stamp.seq) < Some(stamp.seq)));
        served.sort_by_key(|(stamp, _)| *stamp);
        assert_eq!(served, given);
    }
}

/// Two authors whose keys begin alike are distinguished by the rest.
#[test]
fn authors_that_are_alike_in_short_get_their_own() {
    let like_alice = Peer(std::array::from_fn(|index| if index < 8 { 1 } else { 7 }));
    let replica = |peer| {
        let builder = Replica::builder(peer, Words::default()).members([ALICE, BOB, like_alice]);
        builder.codec(Postcard::new(), Limits::default()).build()
    };
    for [first, second] in [[ALICE, like_alice], [like_alice, ALICE]] {
        let (mut here, mut other, mut there) = (replica(first), replica(second), replica(BOB));
        let (link, other_link) = (here.link(), other.link());
        for number in 0..40 {
            here.commit(format!("a{number}"));
            frame(&mut here);
        }
        carry(&link, &mut there);
        for number in 0..10 {
            other.commit(format!("b{number}"));
            frame(&mut other);
        }
        carry(&other_link, &mut here);
        carry(&link, &mut there);
        assert_eq!(there.state().0.len(), 50);
        assert_eq!(there.state(), here.state());
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

/// Many edits go with one signature, made as they are sent; and what was proved where it was read is merged as it is.
#[test]
fn what_is_sent_is_signed_once_and_proved_once() {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use crate::{
        replica::{RunHash, Signer, Verifier},
        testing::{TestKeys, TestSigner},
    };

    #[derive(Clone, Default)]
    struct Counts(Arc<AtomicUsize>);

    impl Verifier for Counts {
        fn verify(&self, peer: &Peer, hash: &RunHash, signature: &[u8]) -> bool {
            self.0.fetch_add(1, Ordering::Relaxed);
            TestKeys.verify(peer, hash, signature)
        }
    }

    struct Signs(TestSigner, Counts);

    impl Signer for Signs {
        fn sign(&self, hash: &RunHash) -> Vec<u8> {
            self.1.0.fetch_add(1, Ordering::Relaxed);
            self.0.sign(hash)
        }
    }

    let (signed, proved, others) = (Counts::default(), Counts::default(), Counts::default());
    let by_alice = Signs(TestKeys.signer(ALICE), signed.clone());
    let mut here = builder(ALICE).signer(by_alice).verifier(Counts::default()).build();
    let mut there = builder(BOB).verifier(proved.clone()).build();
    let mut third = builder(BOB).verifier(others.clone()).build();
    let (link, other) = (here.link(), there.link());
    // More than are read from the shelf together, so that some wait for those behind them.
    for number in 0..200 {
        here.commit(format!("word {number}"));
        frame(&mut here);
    }
    let counts = || [&signed, &proved, &others].map(|counts| counts.0.swap(0, Ordering::Relaxed));
    assert_eq!(counts(), [0, 0, 0], "nothing has asked");
    let mut pieces = 0;
    for _ in 0..2 {
        for piece in link.since(&Version::new(), link.limits()).unwrap().unwrap() {
            let delta = other.decode(&piece.unwrap().encode().unwrap()).unwrap();
            // Another's verifier has not seen it.
            third.merge(delta.clone());
            there.merge(delta);
            pieces += 1;
        }
    }
    let _ = (there.settle(), third.settle());
    assert_eq!((there.state().0.len(), there.state()), (200, here.state()));
    assert_eq!(third.state(), there.state());
    assert_eq!(counts(), [pieces / 2, pieces, pieces]);
    assert!(pieces <= 10, "{pieces}");
    // One that does not come from there is looked at: by the peer that signed it, and by the one that takes it.
    there.merge(here.since(&Version::new()));
    assert_eq!(counts()[1], 200);
}

/// A peer that comes back has a little of what it lacks while the rest is read, and then as much at a time as the processor's cache takes.
#[test]
fn what_a_peer_lacks_is_read_a_little_at_first() {
    let mut here = builder(ALICE).build();
    let link = here.link();
    for number in 0..250 {
        here.commit(format!("word {number}"));
        frame(&mut here);
    }
    let pieces = link.since(&Version::new(), link.limits()).unwrap().unwrap();
    let runs = pieces.map(|piece| link.decode(&piece.unwrap().encode().unwrap()).unwrap().len());
    assert_eq!(runs.collect::<Vec<_>>(), [16, 32, 64, 64, 64, 10]);
}

/// What one received with a signature for many runs it hands on up to one: also where it reads a part of them at a time.
#[test]
fn what_is_handed_on_ends_with_a_signature() {
    use crate::testing::TestKeys;

    let signed =
        |peer| builder(peer).history(usize::MAX).signer(TestKeys.signer(peer)).verifier(TestKeys).build();
    let (mut here, mut there, mut third) = (signed(ALICE), signed(BOB), signed(BOB));
    let (link, other, last) = (here.link(), there.link(), third.link());
    for number in 0..300 {
        here.commit(format!("word {number}"));
        frame(&mut here);
    }
    // So that what follows is read in other portions than it came in.
    for number in 0..10 {
        there.commit(format!("other {number}"));
        frame(&mut there);
    }
    carry(&link, &mut there);
    let backlog = other.since(&Version::new(), other.limits()).unwrap().unwrap();
    for piece in backlog {
        third.merge(last.decode(&piece.unwrap().encode().unwrap()).expect("each is proved by itself"));
    }
    frame(&mut third);
    assert_eq!(third.state().0.len(), 310);
}
