//! Runs that share the message that they came in.

use std::sync::{Arc, Weak};

use super::{
    super::{Limits, Postcard},
    stretches::{Nothing, two},
    world::{Op, peer},
};
use crate::{
    replica::{Delta, Misbehaviour, Replica, ReplicaNotice, Verifier, run::Run, short::Bytes},
    testing::TestKeys,
};

/// Three runs of 60 KiB as one message, read by the one that got it.
fn three_in_a_message(author: &mut Replica<Nothing>) -> Delta<Op> {
    let before = author.version().clone();
    for number in 0..3 {
        author.commit((number, "x".repeat(60 << 10)));
        let _ = (author.settle(), author.outbox());
    }
    let bytes = author.since(&before).encode().unwrap();
    let verifier: Arc<dyn Verifier> = Arc::new(TestKeys);
    Delta::decode_own(bytes, &Postcard::new(), &Limits::default(), Some(&verifier)).unwrap()
}

fn message_of(run: &Run<Op>) -> Weak<Vec<u8>> {
    match &run.bytes {
        Bytes::Shared(message, _) => Arc::downgrade(message),
        _ => panic!("it has bytes of its own"),
    }
}

/// The message is in memory once, for all of them; and not for one that waits, as the others may be dropped.
#[test]
fn runs_share_their_message_and_those_that_wait_do_not() {
    let [mut author, mut other] = two();
    let read = three_in_a_message(&mut author);
    let message = message_of(&read.runs[0]);
    assert!(read.runs.iter().all(|run| message_of(run).ptr_eq(&message)));
    let mut runs = read.runs.into_vec();
    let first = runs.remove(0);
    other.merge(Delta::of(runs));
    assert_eq!(message.strong_count(), 1, "that of the first");
    drop(first);
    assert_eq!(message.strong_count(), 0);
}

/// Where somebody else has it, a run that waits counts with the message that it keeps in memory: 8 MiB of those at most, though the runs are a third of it each.
#[test]
fn what_is_kept_in_memory_is_what_counts() {
    let [mut author, mut other] = two();
    let (mut kept, mut floods) = (Vec::new(), None);
    for number in 0..60 {
        let read = three_in_a_message(&mut author);
        // The first message does not come: all others wait.
        if number > 0 {
            kept.push(read.clone());
            other.merge(Delta::of(read.runs[1..].to_vec()));
        }
        let flood = ReplicaNotice::PeerMisbehaved { peer: peer(0), what: Misbehaviour::Flood };
        if floods.is_none() && other.settle().notices.contains(&flood) {
            floods = Some(number);
        }
    }
    // Of 180 KiB there are 45 in 8 MiB, two of each message; of 60 there would be 136.
    assert_eq!(floods, Some(23));
}
