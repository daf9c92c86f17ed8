//! A whole snapshot's bytes: rows 1 to 9 and 26 of the threats.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    panic::{AssertUnwindSafe, catch_unwind},
};

use super::super::{Coding, Limits, Postcard, Refused, SnapshotBytes, words::Words};
use crate::{
    replica::{Grant, Peer, Replica, ReplicaBuilder, Snapshot},
    testing::Rng,
};

fn peer(number: u8) -> Peer {
    Peer([number; 32])
}

fn builder(number: u8) -> ReplicaBuilder<Words> {
    let mut builder = Replica::builder(peer(number), Words::default()).members([peer(1), peer(2)]);
    builder.identify = Some(Box::new(Coding::new(Postcard::<String>::new(), Limits::default())));
    builder.digest(|words| {
        let mut hasher = DefaultHasher::new();
        words.hash(&mut hasher);
        hasher.finish()
    })
}

fn exchange(group: &mut [Replica<Words>]) {
    for _ in 0..6 {
        for from in 0..group.len() {
            let out = group[from].outbox();
            for (to, replica) in group.iter_mut().enumerate() {
                out.iter().filter(|_| to != from).for_each(|delta| replica.merge(delta.clone()));
                let _ = replica.settle();
            }
        }
    }
}

/// A group with a cut, a retirement, an invitation and a revocation, and operations above the cut.
fn group() -> [Replica<Words>; 2] {
    let mut group = [1, 2].map(|number| builder(number).build());
    for word in 0..20 {
        group[word % 2].commit(format!("word {word}"));
    }
    group[0].invite(peer(4), Grant::Write).unwrap();
    exchange(&mut group);
    group[0].retire(peer(4)).unwrap();
    exchange(&mut group);
    group[0].cut().unwrap();
    exchange(&mut group);
    group[0].invite(peer(3), Grant::Write).unwrap();
    let stamp = group[1].commit("undone".into());
    group[1].revoke(stamp).unwrap();
    for word in 0..6 {
        group[word % 2].commit(format!("later {word}"));
    }
    exchange(&mut group);
    group
}

fn decode(bytes: &[u8]) -> Result<Snapshot<Words>, super::super::DecodeError> {
    Snapshot::decode(bytes, &Postcard::new(), &Limits::default())
}

#[test]
fn a_joiner_begins_with_the_bytes() {
    let mut group = group();
    let snapshot = group[0].snapshot().unwrap();
    assert!(snapshot.level() > 0 && !snapshot.is_empty());
    let bytes = snapshot.encode().unwrap();
    let read = decode(&bytes).unwrap();
    assert_eq!(read.encode().unwrap(), bytes, "what was read is what was written");

    let mut joiner = builder(3).join(read).unwrap();
    let _ = joiner.settle();
    assert_eq!(joiner.state(), group[0].state());
    joiner.commit("joined".into());
    let [first, second] = group;
    let mut all = [first, second, joiner];
    exchange(&mut all);
    assert!(all[1].state().0.contains(&"joined".to_owned()));
    assert_eq!((all[2].state(), all[2].watermark()), (all[1].state(), all[1].watermark()));
}

#[test]
fn another_schema_is_refused() {
    let mut group = group();
    let mut snapshot = group[0].snapshot().unwrap();
    snapshot.schema = 7;
    let error = decode(&snapshot.encode().unwrap()).unwrap_err();
    assert_eq!(error.refused(), &Refused::Schema { found: 7, known: 0 });
}

#[test]
fn without_a_codec_there_are_no_bytes() {
    let mut replica = Replica::new(peer(1), [peer(1)], Words::default());
    replica.commit("word".into());
    assert_eq!(replica.snapshot().unwrap().encode(), Err(super::super::EncodeError::NoCodec));
}

#[test]
fn damage_is_an_error() {
    let mut group = group();
    let bytes = group[0].snapshot().unwrap().encode().unwrap();
    for end in 0..bytes.len() {
        assert!(decode(&bytes[..end]).is_err());
    }
    let mut rng = Rng::new(1);
    for _ in 0..2_000 {
        let mut flipped = bytes.clone();
        flipped[rng.index(bytes.len())] ^= 1 << rng.below(8);
        assert!(decode(&flipped).is_err());
    }
}

/// With the right hash, as a giver that lies has it: an error, or a replica that goes on; never a panic.
#[test]
fn lies_are_errors_or_harm_nothing_but_the_state() {
    let mut group = group();
    let bytes = group[0].snapshot().unwrap().encode().unwrap();
    let delta = group[1].since(&crate::replica::Version::new());
    let content = SnapshotBytes::open(&bytes, &Limits::default()).unwrap().content.to_vec();
    let (mut refused, mut joined) = (0, 0);
    let mut rng = Rng::new(7);
    for turn in 0..6_000 {
        let mut lie = content.clone();
        for _ in 0..=rng.below(2) {
            let at = rng.index(lie.len());
            lie[at] = if rng.chance(50) { lie[at] ^ (1 << rng.below(8)) } else { rng.below(4) as u8 };
        }
        let sealed = SnapshotBytes::seal(0, |out| {
            out.extend_from_slice(&lie);
            Ok(())
        });
        let end = catch_unwind(AssertUnwindSafe(|| {
            let Ok(snapshot) = decode(&sealed.unwrap()) else { return false };
            let Ok(mut replica) = builder(3).join(snapshot) else { return false };
            let _ = replica.settle();
            replica.commit("word".into());
            let _ = replica.outbox();
            replica.merge(delta.clone());
            let _ = replica.settle();
            let _ = (replica.outbox(), replica.snapshot());
            true
        }));
        let goes_on = end.unwrap_or_else(|_| panic!("turn {turn}"));
        joined += u32::from(goes_on);
        refused += u32::from(!goes_on);
    }
    assert!(refused > 1_000 && joined > 100, "{refused} refused, {joined} joined");
}
