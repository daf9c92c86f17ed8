use std::sync::Arc;

use proptest::prelude::*;

use super::{
    entry::{Body, Entry, Head},
    frame_bytes, put_end,
    read::{ENDINGS, ReadFrame, read_frame},
};
use crate::replica::answers::Answer;

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
