//! Rows 1, 2, 3, 6, 7, 9: bytes that no peer should send, or none.

use std::{
    thread,
    time::{Duration, Instant},
};

use control_panel::{
    Author, Peer, Replica, Version,
    replica::codec::{Limits, Postcard},
    workers::p2p_sync::{
        OfflineReason::{Capability, Misbehaved, Stalled, Version as NoVersion},
        PeerSignatures,
    },
};

use super::{Against, CAROL, MALLORY, TRUDY};
use crate::{
    forge::varint,
    node::{Seen, Words, for_a_while, until},
    raw::{BYE, CHUNK, DELTA, Line, OFFER, REQUEST, TOOK, WANT, frame},
};

/// Refused from the prefix: none of what it announces comes.
#[test]
fn row_01_a_length_beyond_its_limit_ends_the_session_and_is_reported_once() {
    let mut against = Against::new();
    let prefix = |kind: u8, length: u32| [&[kind], &length.to_le_bytes()[..]].concat();
    for bytes in [prefix(DELTA, u32::MAX), prefix(TOOK, 11), prefix(200, 1)] {
        let line = against.greet(MALLORY);
        line.write(&bytes);
        against.assert_lost(MALLORY, Misbehaved);
        assert_eq!(line.wait_for(BYE), [3]);
    }
    assert_eq!(against.reported(MALLORY), ["a message beyond its limit", "bytes that no encoder writes"]);
}

/// Each has ten seconds for a message, and five for its hello, however little it sends now and then.
#[test]
fn row_02_a_message_that_does_not_end_and_a_peer_that_says_nothing_are_stalled() {
    let mut against = Against::new();
    let (mallory, trudy) = (against.greet(MALLORY), against.greet(TRUDY));
    mallory.write(&frame(DELTA, &[7; 1000])[..5]);
    let slow = frame(DELTA, &[7; 1000]);
    let mut at = 0;
    let mut last = None::<Instant>;
    let peers = [against.members[MALLORY], against.members[TRUDY]];
    against.until("both are lost", |alice| {
        if last.is_none_or(|last| last.elapsed() >= Duration::from_secs(1)) && at < slow.len() {
            trudy.write(&slow[at..=at]);
            (at, last) = (at + 1, Some(Instant::now()));
        }
        peers.iter().all(|peer| !alice.is_online(*peer))
    });
    for (who, line) in [(MALLORY, &mallory), (TRUDY, &trudy)] {
        against.assert_lost(who, Stalled);
        assert_eq!(line.wait_for(BYE), [2]);
    }
    // A handshake, and then nothing: it was never in contact.
    let reported = against.alice.app.seen.len();
    let silent = against.dial(MALLORY);
    against.until("it is closed", |_| silent.closed().is_some());
    assert_eq!(against.alice.app.seen.len(), reported);
    assert!(against.alice.app.misbehaved.is_empty(), "being slow is no breach");
}

/// It gets no more than a window, and no other peer waits for it.
fn a_reader_that_takes_nothing() -> (Against, Line) {
    let mut against = Against::new();
    let mut carol = against.carol();
    let line = against.greet(MALLORY);
    line.stop_reading();
    let long = "x".repeat(32 << 10);
    for _ in 0..200 {
        against.alice.commit(&long);
    }
    until(&mut [&mut against.alice, &mut carol], "the other has all", |nodes| nodes[1].words().len() == 200);
    assert!(against.alice.is_online(against.members[MALLORY]));
    (against, line)
}

#[test]
fn row_03_a_reader_that_takes_nothing_gets_a_window_and_holds_up_no_other() {
    let (mut against, line) = a_reader_that_takes_nothing();
    line.read_again();
    // Whatever was written: it took none of it, so no more comes.
    for_a_while(&mut [&mut against.alice], Duration::from_secs(2));
    let heard = line.bytes_heard();
    assert!(heard > 512 << 10 && heard <= (1 << 20) + (64 << 10), "{heard}");
}

/// A minute: in `.ci/long`.
#[test]
#[ignore = "it takes a minute"]
fn row_03_a_reader_that_takes_nothing_is_stalled_after_a_minute() {
    let (mut against, _line) = a_reader_that_takes_nothing();
    against.assert_lost(MALLORY, Stalled);
}

/// Both ranges are in the reason, once, however often it dials.
#[test]
fn row_06_another_version_and_an_unknown_capability_are_refused_by_name() {
    let mut against = Against::new();
    let set =
        |hello: &mut Vec<u8>, at: usize, bytes: &[u8]| hello[at..at + bytes.len()].copy_from_slice(bytes);
    for _ in 0..3 {
        let line = against.dial(MALLORY);
        line.greet_with(|hello| set(hello, 0, &[5, 0, 9, 0]));
        assert_eq!(line.wait_for(BYE), [4]);
        against.until("it is closed", |_| line.closed().is_some());

        let line = against.dial(TRUDY);
        line.greet_with(|hello| set(hello, 4, &[0, 0, 0, 0x80]));
        assert_eq!(line.wait_for(BYE), [4]);
        against.until("it is closed", |_| line.closed().is_some());
    }
    let version = NoVersion { ours: 4..=4, theirs: 5..=9 };
    let capability = Capability { unknown: 1 << 31 };
    for (who, reason, words) in
        [(MALLORY, version, ["4 to 4", "5 to 9"]), (TRUDY, capability, ["0x80000000", "update"])]
    {
        let peer = against.members[who];
        against.until("it is reported", |alice| alice.seen_of(peer).contains(&Seen::Offline(reason.clone())));
        for_a_while(&mut [&mut against.alice], Duration::from_millis(500));
        let seen = against.alice.seen_of(peer);
        let refusals = seen.iter().filter(|seen| **seen == Seen::Offline(reason.clone())).count();
        assert!(refusals == 1 && !seen.contains(&Seen::Online), "{seen:?}");
        assert!(words.iter().all(|words| reason.to_string().contains(words)), "{reason}");
    }
}

fn offer(line: &Line, length: u64) {
    line.send(OFFER, &[varint(length), varint(1), vec![7; 32]].concat());
}

/// Nothing is set aside for what is offered; what is beyond the quota is not asked for; and one arrives at a time.
#[test]
fn row_07_snapshots_are_within_the_quota_and_one_at_a_time() {
    let mut against = Against::new();
    let (mallory, trudy) = (against.greet(MALLORY), against.greet(TRUDY));
    for length in [u64::MAX, 1 << 40, (256 << 20) + 1] {
        offer(&mallory, length);
    }
    for_a_while(&mut [&mut against.alice], Duration::from_secs(1));
    assert!(!mallory.has(REQUEST), "beyond the quota");
    offer(&mallory, 1000);
    against.until("it is asked for", |_| mallory.has(REQUEST));
    offer(&trudy, 1000);
    for_a_while(&mut [&mut against.alice], Duration::from_secs(1));
    assert!(!trudy.has(REQUEST), "another arrives");

    // Of the length, and of another hash.
    mallory.send(CHUNK, &[1; 1000]);
    against.assert_lost(MALLORY, Misbehaved);
    assert_eq!(against.reported(MALLORY), ["a snapshot that is not the one offered"]);
    against.until("the other is asked for", |_| trudy.has(REQUEST));
    assert!(against.alice.is_online(against.members[TRUDY]));
    assert_eq!(against.alice.app.rejoined, 0);
}

/// What two offer is taken from one of them: the other is asked for the rest.
#[test]
fn row_07_of_two_that_offer_one_gives() {
    let mut against = Against::new();
    let mut carol = Replica::builder(against.members[CAROL], Words::default())
        .members(against.members.clone())
        .codec(Postcard::new(), Limits::default())
        .signer(against.setups[CAROL].key())
        .verifier(PeerSignatures)
        .build();
    for word in ["one", "two", "three"] {
        carol.commit(word.to_owned());
    }
    let _ = carol.settle();
    let snapshot = carol.snapshot().unwrap().encode().unwrap();
    let lines = [against.greet(MALLORY), against.greet(TRUDY)];
    for line in &lines {
        let hash = blake3::hash(&snapshot);
        line.send(OFFER, &[&varint(snapshot.len() as u64)[..], &varint(1), hash.as_bytes()].concat());
    }
    against.until("one is asked for it", |_| lines.iter().any(|line| line.has(REQUEST)));
    let [giver, other] =
        if lines[0].has(REQUEST) { [0, 1] } else { [1, 0] }.map(|which: usize| &lines[which]);
    giver.send(CHUNK, &snapshot);
    against.until("both are asked for the rest", |_| lines.iter().all(|line| line.has(WANT)));
    for_a_while(&mut [&mut against.alice], Duration::from_secs(2));
    assert_eq!(against.alice.words(), ["one", "two", "three"]);
    assert!(!other.has(REQUEST), "it has what the other offers");
    assert_eq!(against.alice.app.rejoined, 1);
}

#[test]
fn row_09_requests_in_a_loop_are_ignored_and_reported_once() {
    let mut against = Against::new();
    let mut carol = against.carol();
    let line = against.greet(MALLORY);
    for _ in 0..1000 {
        line.send(WANT, &Version::new().encode());
    }
    against.alice.commit("word");
    let (mallory, mut nodes) = (against.members[MALLORY], [&mut against.alice, &mut carol]);
    until(&mut nodes, "it is reported, and the other has the word", |nodes| {
        !nodes[0].app.misbehaved.is_empty() && nodes[1].words().len() == 1
    });
    for_a_while(&mut nodes, Duration::from_secs(1));
    assert!(against.alice.is_online(mallory));
    assert_eq!(against.reported(MALLORY), ["requests without progress"]);
}

/// More authors than a group has lives; and more than a frame holds.
#[test]
fn row_09_a_version_of_too_many_authors_ends_the_session() {
    let mut against = Against::new();
    let authors = (0..20_000_u32).map(|number| {
        let mut peer = [0; 32];
        peer[..4].copy_from_slice(&number.to_be_bytes());
        (Author { peer: Peer(peer), incarnation: 0 }, 1)
    });
    let version = authors.collect::<Version>().encode();
    let line = against.greet(MALLORY);
    line.send(WANT, &version);
    against.assert_lost(MALLORY, Misbehaved);
    assert_eq!(line.wait_for(BYE), [3]);
    let line = against.greet(MALLORY);
    line.write(&[&[WANT][..], &40_000_000_u32.to_le_bytes()].concat());
    against.assert_lost(MALLORY, Misbehaved);
    let mut reported = against.reported(MALLORY);
    reported.sort_unstable();
    assert_eq!(reported, ["a message beyond its limit", "a version of more authors than a group has"]);
}

/// No session ends its stream and goes on with the connection.
#[test]
fn a_stream_that_is_reset_under_a_connection_that_stays_ends_the_session() {
    let mut against = Against::new();
    let line = against.greet(MALLORY);
    line.reset();
    against.assert_lost(MALLORY, Misbehaved);
    assert_eq!(against.reported(MALLORY), ["a stream that was reset"]);
}

/// What it did not get it cannot have taken.
#[test]
fn what_was_not_sent_cannot_be_taken() {
    let mut against = Against::new();
    let line = against.greet(MALLORY);
    line.send(TOOK, &varint(9));
    against.assert_lost(MALLORY, Misbehaved);
    assert_eq!(against.reported(MALLORY), ["it took what was not sent"]);
    // Its process goes on as if nothing was.
    thread::sleep(Duration::from_millis(10));
    against.greet(MALLORY);
}
