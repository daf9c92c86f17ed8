use std::sync::Arc;

use proptest::prelude::*;
use serde::{Deserialize, Serialize, Serializer, ser};
use tokio::time::Instant;

use super::{
    IntentRecorder,
    entry::{Body, Entry, Head},
    frame_bytes, put_end,
    read::{ENDINGS, ReadFrame, read_frame},
};
use crate::{
    Delta, GraphIntent, Replica,
    frame::{Ending, Recorder},
    intent::order::{CausalityOrder, Origin, QueuedIntent},
    journal::{
        handover::handover,
        store::{
            Item,
            testing::{HERE, Words},
        },
    },
    replica::{
        answers::Answer,
        codec::{Limits, Postcard},
    },
};

fn entry() -> impl Strategy<Value = Entry> {
    let value = prop::collection::vec(any::<u8>(), 0..300).prop_map(|bytes| Body::Value(bytes.into()));
    let opaque = ("[a-zA-Z]{0,9}", any::<bool>())
        .prop_map(|(variant, skipped)| Body::Opaque { variant: variant.into(), skipped });
    let clock = prop_oneof![Just(0), 1_u64..3, any::<u64>()];
    (
        prop::collection::vec(any::<u8>(), 0..3),
        0_u64..3,
        0_u64..4,
        clock,
        prop_oneof![3 => value, 1 => opaque],
    )
        .prop_map(|(source, origin, seq, clock, body)| Entry {
            source: source.into(),
            origin,
            seq,
            clock,
            body,
        })
}

proptest! {
    #[test]
    fn a_frame_comes_back_from_its_bytes(
        entries in prop::collection::vec(entry(), 0..20),
        ending in 0_usize..4,
        empty_before in prop_oneof![Just(0), any::<u64>()],
        runs in 0_usize..300,
        answers in prop::collection::vec((0_u8..3, any::<u64>(), any::<u64>()), 0..3),
        lost_before in prop_oneof![3 => Just(0), 1 => 1..u64::MAX],
    ) {
        let head = Head { ending: ENDINGS[ending], empty_before, lost_before };
        let answers: Vec<_> = answers.into_iter().map(|(question, nth, value)| Answer { question, nth, value }).collect();
        let mut bytes = frame_bytes(head, &entries);
        put_end(&mut bytes, &answers, runs);
        prop_assert_eq!(read_frame(&bytes).unwrap(), ReadFrame { head, entries, answers, runs });
    }

    /// Whatever the bytes are, they are read or refused.
    #[test]
    fn no_bytes_are_too_much(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read_frame(&bytes);
    }
}

#[test]
fn what_a_producer_sends_in_a_row_takes_two_bytes_beside_its_value() {
    let entry = |seq| Entry {
        source: Arc::from([1]),
        origin: 7,
        seq,
        clock: 0,
        body: Body::Value(Arc::from([9, 9, 9])),
    };
    let length = |count: u64| frame_bytes(Head::default(), &(0..count).map(entry).collect::<Vec<_>>()).len();
    assert_eq!(length(11) - length(1), 10 * (3 + 2));
}

#[derive(Debug, GraphIntent, Serialize, Deserialize)]
#[intent(crate = crate, source = u8)]
enum Update {
    Add(u8),
    /// Where that is so, it has no bytes behind its delta.
    Merge(Delta<String>, #[serde(serialize_with = "unless_broken")] bool),
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn unless_broken<S: Serializer>(broken: &bool, serializer: S) -> Result<S::Ok, S::Error> {
    if *broken { Err(ser::Error::custom("no bytes")) } else { serializer.serialize_bool(false) }
}

fn keyed(order: CausalityOrder<u8>, update: Update) -> QueuedIntent<Update> {
    QueuedIntent::keyed(order, Instant::now(), update)
}

/// Source, origin, number, clock.
type Key = (u8, u64, u64, u64);

/// The record of frames of intents with these keys.
fn recorded(frames: &[&[Key]]) -> Vec<ReadFrame> {
    let (handover, mut items) = handover();
    let mut recorder = IntentRecorder::<Update>::new(handover, Arc::new(1.into()));
    for (number, keys) in (1..).zip(frames) {
        recorder.begin();
        for (source, origin, seq, clock) in keys.iter().copied() {
            let order = CausalityOrder { clock, source, origin: Origin(origin), seq };
            recorder.intent(&keyed(order, Update::Add(7)));
        }
        recorder.end(number, Ending::Settled, None);
    }
    drop(recorder);
    let mut read = Vec::new();
    while let Ok(Item::Frame(frame)) = items.try_recv() {
        read.push(read_frame(&frame.intents).unwrap());
    }
    read
}

/// Each is counted, also those at the end, the last of which has a record of its own.
#[test]
fn frames_without_intents_are_counted() {
    let key: &[Key] = &[(1, 0, 0, 0)];
    let frames = recorded(&[&[], &[], &[], key, key, &[], key, &[], &[], &[], &[]]);
    let counts: Vec<_> = frames.iter().map(|frame| (frame.entries.len(), frame.head.empty_before)).collect();
    assert_eq!(counts, [(1, 3), (1, 0), (1, 1), (0, 3)]);
}

/// An intent's key is left out where it is the next of the one before, and only there: of the same source, the same producer, the next number, the same frame.
#[test]
fn each_intent_keeps_its_key() {
    let frames: [&[Key]; 3] = [
        &[(1, 0, 0, 0), (1, 0, 1, 0), (2, 0, 2, 0), (2, 0, 5, 0), (2, 3, 6, 0), (2, 3, 7, 9), (2, 3, 8, 9)],
        &[(2, 3, 9, 0), (2, 3, 10, 4), (2, 3, 9, 4), (2, 3, u64::MAX, 0), (2, 3, 0, 0), (2, 0, 1, 0)],
        &[(2, 0, 2, 300), (1, 0, 3, 0), (1, 1, 4, u64::MAX)],
    ];
    let key = |Entry { source, origin, seq, clock, .. }: &Entry| (source[0], *origin, *seq, *clock);
    let keys = recorded(&frames).into_iter().map(|frame| frame.entries.iter().map(key).collect::<Vec<_>>());
    assert_eq!(keys.collect::<Vec<_>>(), frames);
}

/// The runs of a delta count only where its intent is there.
#[test]
fn an_intent_without_bytes_names_no_runs() {
    let builder = Replica::builder(HERE, Words::default()).codec(Postcard::new(), Limits::default());
    let mut replica = builder.build();
    let mut delta = |word: &str| {
        replica.commit(word.to_owned());
        let _ = replica.settle();
        replica.outbox().unwrap()
    };
    let (handover, mut items) = handover();
    let mut recorder = IntentRecorder::<Update>::new(handover, Arc::new(1.into()));
    recorder.begin();
    let deltas = [(delta("one"), false), (delta("two"), true), (delta("three"), false)];
    for (seq, (delta, broken)) in (0..).zip(deltas) {
        let order = CausalityOrder { clock: 0, source: 1, origin: Origin(0), seq };
        recorder.intent(&keyed(order, Update::Merge(delta, broken)));
    }
    recorder.end(1, Ending::Settled, None);
    let Ok(Item::Frame(frame)) = items.try_recv() else { panic!("a frame was handed over") };
    let seqs: Vec<_> = frame.runs.iter().map(|run| run.key.seq).collect();
    assert_eq!(seqs, [0, 2]);
    let read = read_frame(&frame.intents).unwrap();
    let bodies: Vec<_> = read.entries.into_iter().map(|entry| entry.body).collect();
    let value = |bytes: &[u8]| Body::Value(bytes.into());
    assert_eq!(
        bodies,
        [
            value(&[1, 0, 1, 0]),
            Body::Opaque { variant: "Merge".into(), skipped: false },
            value(&[1, 1, 1, 0])
        ]
    );
    assert_eq!(read.runs, 2);
}
