//! Rows 5, 15, 35: to be another, and to learn what is another's.

use std::{thread, time::Duration};

use control_panel::{
    Replica, Version,
    replica::{
        Grant,
        codec::{Limits, Postcard},
    },
    workers::p2p_sync::{OfflineReason, PairError, PeerSignatures},
};
use iroh::{SecretKey, endpoint::ConnectionError};

use super::{Against, CAROL, MALLORY};
use crate::{
    node::{Seen, Setup, Words, folders, for_a_while, pair, until},
    raw::{DELTA, HELLO, Raw},
    relay::{Faults, Relay, near_side},
    trust::redeem,
};

/// Over its time, and one that was used: both are refused, and pair no one.
#[test]
fn row_05_an_expired_and_a_used_ticket_are_refused() {
    let (folders, keys) = folders(3);
    let mut alice = Setup::new(folders[0].path(), &[]).start();
    let mut bob = Setup::new(folders[1].path(), &keys[..1]).start();
    let mut carol = Setup::new(folders[2].path(), &keys[..1]).start();
    alice.address();
    let short = alice.peers.ticket(Grant::Write, Duration::from_millis(200)).unwrap().text();
    let used = alice.peers.ticket(Grant::Write, Duration::from_secs(600)).unwrap().text();
    let open = alice.peers.ticket(Grant::Write, Duration::from_secs(600)).unwrap().text();
    thread::sleep(Duration::from_millis(300));
    assert_eq!(redeem(&mut bob, &short), Err(PairError::Refused), "its time is over");
    assert_eq!(redeem(&mut bob, &used), Ok(keys[0]));
    assert_eq!(redeem(&mut carol, &used), Err(PairError::Refused), "it was used");
    until(&mut [&mut alice, &mut bob], "the one is a member", |nodes| {
        nodes[0].app.replica.members().any(|(member, _)| member == keys[1])
    });
    let trusted: Vec<_> = alice.peers.status().peers.iter().map(|peer| peer.peer).collect();
    assert_eq!(trusted, [keys[1]]);
    assert!(
        carol
            .peers
            .status()
            .peers
            .iter()
            .all(|peer| peer.grant != Some(Grant::Write) || peer.peer == keys[0])
    );
    drop(open);
}

/// Whatever listens where the inviter was: it has not the key that is in the ticket.
#[test]
fn row_05_a_ticket_is_bound_to_the_key_that_invites() {
    let (folders, keys) = folders(2);
    let mut alice = Setup::new(folders[0].path(), &[]).start();
    let at = alice.address();
    let ticket = alice.peers.ticket(Grant::Write, Duration::from_secs(600)).unwrap().text();
    alice.stop();
    let other = Raw::at(SecretKey::generate(), at);
    let mut bob = Setup::new(folders[1].path(), &keys[..1]).start();
    let redeemed = redeem(&mut bob, &ticket);
    assert!(matches!(redeemed, Err(PairError::Refused | PairError::Unreachable)), "{redeemed:?}");
    drop(other);
}

/// Each packet of the handshake, the pairing and the session comes twice: there is one peer, one contact, each word once.
#[test]
fn row_05_packets_that_are_replayed_pair_and_say_nothing_twice() {
    let Some(bind) = near_side() else { return };
    let (folders, members) = folders(2);
    let mut alice = Setup::new(folders[0].path(), &members).start();
    let relay = Relay::to(alice.address(), 5);
    relay.faults(Faults { doubled: 100, ..Faults::default() });
    let known = vec![(members[0], relay.address)];
    let mut bob = Setup { bind, known, ..Setup::new(folders[1].path(), &members) }.start();
    bob.commit("once");
    until(&mut [&mut alice, &mut bob], "it is here", |nodes| {
        !nodes[0].words().is_empty() && nodes[0].is_online(members[1]) && nodes[1].is_online(members[0])
    });
    for_a_while(&mut [&mut alice, &mut bob], Duration::from_secs(1));
    assert_eq!(alice.words(), ["once"]);
    assert_eq!(alice.seen_since_online(members[1]), [Seen::Online]);
    assert_eq!(bob.seen_since_online(members[0]), [Seen::Online]);
    assert!(relay.figures().doubled > 10);
}

/// In another's name, with a signature of its own: the one that sent it is charged, and nothing of it is taken.
#[test]
fn row_15_what_another_did_not_sign_is_charged_to_the_one_that_sent_it() {
    let mut against = Against::new();
    let mut forged = Replica::builder(against.members[CAROL], Words::default())
        .members(against.members.clone())
        .codec(Postcard::new(), Limits::default())
        .signer(against.setups[MALLORY].key())
        .verifier(PeerSignatures)
        .build();
    forged.commit("forged".to_owned());
    let _ = forged.settle();
    let delta = forged.since(&Version::new()).encode().unwrap();
    let line = against.greet(MALLORY);
    line.send(DELTA, &delta);
    against.until("it is reported", |alice| !alice.app.misbehaved.is_empty());
    for_a_while(&mut [&mut against.alice], Duration::from_millis(500));
    assert_eq!(against.reported(MALLORY), ["a delta that its authors did not provably write"]);
    assert!(against.reported(CAROL).is_empty() && against.alice.words().is_empty());
    assert!(against.alice.is_online(against.members[MALLORY]));

    // The one that is named comes, and its words count.
    let mut carol = against.carol();
    carol.commit("true");
    until(&mut [&mut against.alice, &mut carol], "its word is here", |nodes| nodes[0].words() == ["true"]);
}

/// What a friend passes on of another are the bytes that the other signed.
#[test]
fn row_08_runs_are_passed_on_as_they_came() {
    let mut against = Against::new();
    let mut carol = against.carol();
    against.alice.commit("verbatim");
    until(&mut [&mut against.alice, &mut carol], "it is here and there", |nodes| {
        nodes.iter().all(|node| node.words() == ["verbatim"])
    });
    let direct = against.greet(MALLORY);
    let friend = against.trudy.dial(against.members[CAROL], carol.address());
    friend.greet();
    until(&mut [&mut against.alice, &mut carol], "both send it", |_| direct.has(DELTA) && friend.has(DELTA));
    let [direct, friend] = [direct, friend].map(|line| line.wait_for(DELTA));
    // Behind the format, the number of runs and the length of the first: that run.
    let word = direct.windows(8).position(|bytes| bytes == b"verbatim").unwrap();
    let run = &direct[3..word + 8];
    assert!(friend.windows(run.len()).any(|bytes| bytes == run), "{direct:?}\n{friend:?}");
}

/// A retirement that did not know of an operation: it is void, though a friend brings it.
#[test]
fn row_16_what_a_retired_member_signed_is_void_though_a_friend_brings_it() {
    let (folders, members) = folders(3);
    let mut nodes: Vec<_> =
        folders.iter().map(|folder| Setup::new(folder.path(), &members).start()).collect();
    let [alice, bob, carol] = &mut nodes[..] else { unreachable!() };
    carol.knows(bob);
    carol.commit("late");
    until(&mut [bob, carol], "the friend has it", |nodes| nodes[0].words() == ["late"]);
    alice.app.replica.retire(members[2]).unwrap();
    alice.frame();
    bob.knows(alice);
    alice.commit("after");
    bob.commit("after");
    until(&mut [alice, bob, carol], "both have both", |nodes| {
        nodes[..2].iter().all(|node| node.words() == ["after", "after"])
    });
    // It is not talked to any more, here and there.
    until(&mut [alice, bob, carol], "it is cut off", |nodes| {
        nodes[1].seen_of(members[2]).last() == Some(&Seen::Offline(OfflineReason::Revoked))
    });
    for_a_while(&mut [alice, bob, carol], Duration::from_millis(500));
    assert_eq!(alice.words(), ["after", "after"]);
}

/// It is served and heard; its words are void everywhere.
#[test]
fn a_peer_that_may_read_is_served_and_its_words_are_void() {
    let (folders, keys) = folders(2);
    let mut alice = Setup::new(folders[0].path(), &[]).start();
    let mut bob = Setup::new(folders[1].path(), &keys[..1]).start();
    pair(&mut alice, &mut bob, Grant::Read);
    bob.commit("void");
    alice.commit("heard");
    until(&mut [&mut alice, &mut bob], "it is served", |nodes| {
        nodes[1].words().contains(&"heard".to_owned())
    });
    until(&mut [&mut alice, &mut bob], "its word came", |nodes| {
        nodes[0].app.replica.version().iter().any(|(author, count)| author.peer == keys[1] && count > 0)
    });
    for_a_while(&mut [&mut alice, &mut bob], Duration::from_millis(500));
    assert_eq!((alice.words(), bob.words()), (&["heard".to_owned()][..], &["heard".to_owned()][..]));
    assert!(alice.app.misbehaved.is_empty() && alice.is_online(keys[1]));
}

/// The connection is closed before anything is said: no hello, so no group, no version, no peers.
#[test]
fn row_35_an_unpaired_key_is_shown_nothing() {
    let mut against = Against::new();
    let at = against.alice.address();
    let stranger = Raw::new(SecretKey::generate());
    // It may be closed at any moment of this.
    let closed = match stranger.connect(against.members[0], at).map(|connection| stranger.line(connection)) {
        Ok(Ok(line)) => {
            line.write(&[HELLO]);
            against.until("it is closed", |_| line.closed().is_some());
            assert_eq!(line.bytes_heard(), 0);
            line.closed()
        }
        Ok(Err(closed)) => Some(closed),
        Err(_) => None,
    };
    if let Some(closed) = closed {
        let ConnectionError::ApplicationClosed(close) = closed else { panic!("{closed:?}") };
        assert_eq!((u64::from(close.error_code), &close.reason[..]), (1, &b""[..]));
    }
    against.until("it is counted", |alice| alice.peers.status().refused > 0);
}
