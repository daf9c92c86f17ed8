//! The order of producers, which a batch keeps from frame to frame.

use super::*;

/// A frame of these producers, each with one intent, in whatever places they have in the batch.
fn frame(batch: &mut Batch<Op>, from: &[(BucketId, ProducerKey<u8>)]) {
    for &(bucket_id, producer) in from {
        batch.intents.push(bucket_id, || producer, 0, 0, Op(0, 0));
    }
    assert_eq!(batch.intents.producers(), from.len());
    batch.arrange();
    let mut drained = Vec::new();
    batch.fold((), |(), queued| drained.push((queued.source, queued.causality_order().origin)));
    let mut names: Vec<_> = from.iter().map(|(_, producer)| producer.name()).collect();
    names.sort_unstable();
    assert_eq!(drained, names);
    batch.settle();
    assert_eq!(freed(batch).iter().map(|(_, count)| count).sum::<usize>(), from.len());
    assert_eq!((batch.len(), batch.remaining(), batch.intents.producers()), (0, 0, 0));
}

/// A place may be another producer's in the next frame, and a producer may have another place.
#[test]
fn they_come_in_order_and_once_whichever_they_are_and_in_whatever_order_they_send() {
    let before = [(0, producer(1, 9)), (1, producer(2, 3)), (2, producer(0, 4)), (3, producer(1, 2))];
    let after = [(0, producer(2, 8)), (1, producer(0, 7)), (2, producer(1, 5)), (9, producer(1, 2))];
    let many: Vec<_> = (0..40).map(|n| (n, producer(1, (n as u64 * 17) % 40 + 20))).collect();
    let mut batch = Batch::new();
    for from in [&before[..], &after, &before, &many, &after, &many, &before, &before] {
        for turn in 0..5 {
            for count in [from.len(), 3, from.len(), 1, 0, 2] {
                let from: Vec<_> = from.iter().copied().cycle().skip(turn).take(count).collect();
                frame(&mut batch, &from);
                let mut own_too = vec![own(0), Local { source: 3, origin: Origin(98), ..own(1) }];
                batch.add(&mut own_too);
                batch.arrange();
                assert_eq!(all(&mut batch), [0, 1]);
                batch.settle();
            }
        }
    }
    assert!(batch.intents.buckets.len() <= 42, "the frame loop's own take no further buckets");
}

#[test]
fn those_who_come_no_more_are_forgotten() {
    let mut batch = Batch::new();
    let all: Vec<_> = (0..100).map(|n| (n, producer(1, n as u64))).collect();
    frame(&mut batch, &all);
    assert_eq!(batch.intents.listed().len(), 100);
    for _ in 0..3 {
        frame(&mut batch, &all[..1]);
    }
    assert!(batch.intents.listed().len() < 10);
}
