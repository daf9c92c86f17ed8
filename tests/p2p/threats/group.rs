//! Rows 17 to 26, as far as they are seen over a connection: members, and what they write.

use std::{
    thread,
    time::{Duration, Instant},
};

use control_panel::{
    IntentSource, Replica, Stamp, State, Version,
    replica::{
        Misbehaviour, ReplicaNotice,
        codec::{Limits, Postcard, read_postcard},
    },
    workers::p2p_sync::{OfflineReason, PeerSignatures},
};
use iroh::{SecretKey, endpoint::ConnectionError};
use serde::{Deserialize, Serialize};

use super::{Against, CAROL, MALLORY, TRUDY};
use crate::{
    forge::Forged,
    node::{LONG, Seen, Setup, Update, folders, for_a_while, until},
    raw::{DELTA, Line, Raw, secret},
};

/// Neither as another life, nor by another key, nor through a friend.
#[test]
fn row_17_a_retired_member_comes_back_neither_as_another_life_nor_by_another_key() {
    let mut against = Against::new();
    let line = against.greet(MALLORY);
    against.alice.app.replica.retire(against.members[MALLORY]).unwrap();
    against.until("it is cut off", |_| line.closed().is_some());
    let at = against.alice.address();
    let by = secret(&against.setups[MALLORY]);
    for key in [by.clone(), SecretKey::generate()] {
        let refused = against.alice.peers.status().refused;
        let raw = Raw::new(key);
        // Refused for its key, whichever life it would be: immediately, or with the stream.
        let connected = raw.connect(against.members[0], at).map(|connection| raw.line(connection));
        if let Ok(Ok(line)) = connected {
            against.until("it is closed", |_| line.closed().is_some());
            assert_eq!(line.bytes_heard(), 0);
            assert!(
                matches!(line.closed(), Some(ConnectionError::ApplicationClosed(_))),
                "{:?}",
                line.closed()
            );
        }
        against.until("it is counted", |alice| alice.peers.status().refused > refused);
    }
    // A member brings a run of a life that no one knew, and one of a key that no one invited.
    let friend = against.greet(TRUDY);
    let stranger = SecretKey::generate();
    for by in [&by, &stranger] {
        let again = Forged { by, members: &against.members, incarnation: 5, lamport: 1, word: "again" };
        friend.send(DELTA, &again.delta());
    }
    let mut carol = against.carol();
    carol.commit("true");
    until(&mut [&mut against.alice, &mut carol], "a member's word is here", |nodes| {
        nodes[0].words() == ["true"] && !nodes[0].app.notices.is_empty()
    });
    for_a_while(&mut [&mut against.alice, &mut carol], Duration::from_millis(500));
    assert_eq!((against.alice.words(), carol.words()), (&["true".to_owned()][..], &["true".to_owned()][..]));
    let stranger = control_panel::Peer(*stranger.public().as_bytes());
    assert_eq!(against.alice.misdeeds(stranger), [Misbehaviour::Stranger]);
}

/// Each of two owners retires the other before they hear of each other; a third hears of both.
#[test]
fn row_18_of_two_owners_that_retire_each_other_one_stays_for_all() {
    let (folders, members) = folders(3);
    let setups: Vec<_> = folders.iter().map(|folder| Setup::new(folder.path(), &members)).collect();
    let mut nodes: Vec<_> = setups.iter().map(Setup::start).collect();
    let [one, other, third] = &mut nodes[..] else { unreachable!() };
    third.knows(one);
    third.knows(other);
    until(&mut [one, other, third], "the third is in contact with both", |nodes| {
        nodes[2].is_online(members[0]) && nodes[2].is_online(members[1])
    });
    // Both acts are in one frame of the third: what it hears of one alone it does not talk to any more.
    one.app.replica.retire(other.peer()).unwrap();
    one.commit("of one");
    other.app.replica.retire(one.peer()).unwrap();
    other.commit("of the other");
    for_a_while(&mut [one, other], Duration::from_secs(2));
    let contested = |notice: &ReplicaNotice| matches!(notice, ReplicaNotice::MembershipContested { .. });
    until(&mut [one, other, third], "the third knows of both", |nodes| {
        nodes[2].app.notices.iter().any(contested)
    });
    for_a_while(&mut [one, other, third], Duration::from_secs(1));
    let (winner, loser) = (one, other);
    let left: Vec<_> = third.app.replica.members().map(|(member, _)| member).collect();
    assert_eq!(left, [winner.peer(), third.peer()], "the senior one");
    let lost = ReplicaNotice::MembershipContested { by: loser.peer(), peer: winner.peer() };
    assert!(third.app.notices.contains(&lost), "{:?}", third.app.notices);
    third.commit("after");
    until(&mut [winner, third], "those that stay agree", |nodes| {
        nodes[0].words() == nodes[1].words() && nodes[0].words().len() == 2
    });
    assert!(!winner.app.replica.members().any(|(member, _)| member == loser.peer()));
    assert_eq!(third.seen_of(loser.peer()).last(), Some(&Seen::Offline(OfflineReason::Revoked)));
}

/// Two are retired, and the frame stands still: the worker, which waits until it may report the first, has not come to the second.
#[test]
fn row_17_a_retired_member_is_sent_nothing_more_though_the_worker_waits_for_the_frame() {
    let mut against = Against::new();
    let lines = [MALLORY, TRUDY].map(|who| against.greet(who));
    against.alice.commit("before");
    let word = |line: &Line, word: &[u8]| {
        let has = |body: &[u8]| body.windows(word.len()).any(|part| part == word);
        line.frames().iter().any(|(kind, body)| *kind == DELTA && has(body))
    };
    against.until("both have a word", |_| lines.iter().all(|line| word(line, b"before")));

    let floods = against.alice.panel.sender(IntentSource::P2pSync);
    while floods.try_send(Update::Say("flood".to_owned())).is_ok() {}
    for who in [MALLORY, TRUDY] {
        against.alice.app.replica.retire(against.members[who]).unwrap();
    }
    // From here on the replica goes on, and the queue does not.
    let publish = |against: &mut Against| {
        let _ = (against.alice.app.replica.settle(), against.alice.app.replica.outbox());
    };
    publish(&mut against);
    let began = Instant::now();
    let wait_for = |what: &str, is: &dyn Fn() -> bool| {
        while !is() {
            assert!(began.elapsed() < LONG, "it is not so: {what}");
            thread::sleep(Duration::from_millis(2));
        }
    };
    wait_for("the worker came to the first", &|| lines[0].closed().is_some());
    against.alice.app.replica.commit("secret".to_owned());
    publish(&mut against);
    wait_for("the second is cut off", &|| lines[1].closed().is_some() || word(&lines[1], b"secret"));
    assert!(lines.iter().all(|line| !word(line, b"secret") && line.closed().is_some()));
    for who in [MALLORY, TRUDY] {
        against.assert_lost(who, OfflineReason::Revoked);
    }
}

/// It takes all that it is sent, and says nothing of its own: named once; editing goes on; an owner retires it.
#[test]
fn row_20_a_member_that_acknowledges_nothing_is_named_and_holds_up_no_edit() {
    let mut against = Against::with(|setup| Setup { unstable: 10, ..setup });
    let mut carol = against.carol();
    let line = against.greet(MALLORY);
    for number in 0..20 {
        against.alice.commit(&number.to_string());
    }
    until(&mut [&mut against.alice, &mut carol], "the other has all", |nodes| nodes[1].words().len() == 20);
    let mut round = 0;
    // The two beside it acknowledge what they have with what they say.
    let held = |notice: &ReplicaNotice| matches!(notice, ReplicaNotice::PeerHoldsBack { .. });
    while !against.alice.app.notices.iter().any(held) {
        round += 1;
        assert!(round < 50, "{:?}", against.alice.app.notices);
        carol.commit("more");
        until(&mut [&mut against.alice, &mut carol], "it is here", |nodes| {
            nodes[0].words().len() == 20 + round
        });
    }
    assert!(against.alice.is_online(against.members[MALLORY]) && line.closed().is_none());
    let named =
        |notice: &&ReplicaNotice| matches!(notice, ReplicaNotice::PeerHoldsBack { ops, .. } if *ops > 10);
    let before = against.alice.app.notices.iter().filter(named).count();
    for_a_while(&mut [&mut against.alice, &mut carol], Duration::from_millis(500));
    assert_eq!(against.alice.app.notices.iter().filter(named).count(), before, "not again and again");
    let watermark = against.alice.app.replica.watermark();
    for silent in [MALLORY, TRUDY] {
        against.alice.app.replica.retire(against.members[silent]).unwrap();
    }
    let mut round = 0;
    while against.alice.app.replica.watermark() <= watermark + 10 {
        round += 1;
        assert!(round < 50, "it still waits");
        let words = against.alice.words().len() + 2;
        carol.commit("after");
        against.alice.commit("after");
        until(&mut [&mut against.alice, &mut carol], "it is here and there", |nodes| {
            nodes.iter().all(|node| node.words().len() == words)
        });
    }
}

/// Void everywhere, as all run the same reducer; and no program ends by it, nor by a restart on top of it.
#[test]
fn row_21_a_word_that_makes_apply_panic_is_void_everywhere_and_ends_no_program() {
    let mut against = Against::with(|setup| Setup { journal: true, ..setup });
    let mut carol = against.carol();
    let mut mallory = against.replica(MALLORY);
    // Each says by its word which reducer it runs.
    let mut trudy = against.replica(TRUDY);
    trudy.commit("of trudy".to_owned());
    let _ = trudy.settle();
    against.greet(TRUDY).send(DELTA, &trudy.since(&Version::new()).encode().unwrap());
    against.alice.commit("of alice");
    carol.commit("of carol");
    until(&mut [&mut against.alice, &mut carol], "three have spoken", |nodes| {
        nodes.iter().all(|node| node.words().len() == 3)
    });
    for word in ["before", "poison", "after"] {
        mallory.commit(word.to_owned());
    }
    let _ = mallory.settle();
    let line = against.greet(MALLORY);
    line.send(DELTA, &mallory.since(&Version::new()).encode().unwrap());
    let poisoned = |notice: &ReplicaNotice| matches!(notice, ReplicaNotice::Poisoned { void: true, .. });
    until(&mut [&mut against.alice, &mut carol], "all else is here and there", |nodes| {
        nodes.iter().all(|node| node.words().len() == 5 && node.app.notices.iter().any(poisoned))
    });
    for_a_while(&mut [&mut against.alice, &mut carol], Duration::from_millis(300));
    let reported = against.alice.app.notices.iter().filter(|notice| poisoned(notice)).count();
    assert_eq!((reported, against.alice.words()), (1, carol.words()));
    carol.stop();
    let carol = against.setups[CAROL].start();
    assert_eq!(carol.words(), against.alice.words(), "it starts over it");
}

/// Beyond what an operation may have: refused as it is read. And many that come late are no long frame.
#[test]
fn row_22_an_operation_beyond_its_limit_is_refused_and_late_ones_are_a_job() {
    let mut against = Against::new();
    let by = secret(&against.setups[MALLORY]);
    let long = "x".repeat(Limits::default().op_bytes + 1);
    let line = against.greet(MALLORY);
    let forged = Forged { by: &by, members: &against.members, incarnation: 0, lamport: 1, word: &long };
    line.send(DELTA, &forged.delta());
    against.until("it is reported", |alice| !alice.app.misbehaved.is_empty());
    assert_eq!(against.reported(MALLORY), ["a delta that cannot be read"]);
    assert!(against.alice.words().is_empty());

    // More than a frame's budget, all of them before what is there.
    for word in 0..50 {
        against.alice.commit(&word.to_string());
    }
    let mut late = against.replica(TRUDY);
    for word in 0..6_000 {
        late.commit(word.to_string());
    }
    let _ = late.settle();
    let friend = against.greet(TRUDY);
    for part in late.since(&Version::new()).parts(&Limits::default().with_bytes(60_000)) {
        friend.send(DELTA, &part.encode().unwrap());
    }
    against.until("all is here", |alice| alice.words().len() == 6_050);
    assert!(against.alice.most_redone <= 4_096, "{} in one frame", against.alice.most_redone);
}

/// Kept and passed on, and not applied.
#[test]
fn row_23_what_a_newer_program_writes_is_kept_and_passed_on() {
    #[derive(Clone, Default, Serialize, Deserialize)]
    struct Newer(Vec<(String, u8)>);

    impl State for Newer {
        type Op = (String, u8);

        fn apply(&mut self, op: &Self::Op, _: &Stamp) {
            self.0.push(op.clone());
        }
    }

    let mut against = Against::new();
    let mut carol = against.carol();
    let codec = Postcard::<(String, u8)>::migrating(1, |_, bytes| Ok((read_postcard(bytes)?, 0)));
    let mut newer = Replica::builder(against.members[MALLORY], Newer::default())
        .members(against.members.clone())
        .codec(codec, Limits::default())
        .signer(against.setups[MALLORY].key())
        .verifier(PeerSignatures)
        .build();
    newer.commit(("new".to_owned(), 7));
    let _ = newer.settle();
    let line = against.greet(MALLORY);
    line.send(DELTA, &newer.since(&Version::new()).encode().unwrap());
    carol.commit("old");
    let needs = ReplicaNotice::NeedsUpgrade { schema: 1 };
    until(&mut [&mut against.alice, &mut carol], "both have it, and say so", |nodes| {
        nodes.iter().all(|node| node.words() == ["old"] && node.app.notices.contains(&needs))
    });
    for node in [&against.alice, &carol] {
        assert!(node.app.replica.is_provisional());
        assert_eq!(node.app.replica.version().get(newer.author()), 1);
    }
    assert!(against.alice.is_online(against.members[MALLORY]) && against.alice.app.misbehaved.is_empty());
}
