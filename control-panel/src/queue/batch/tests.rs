mod awkward;
mod listed;
mod room;

use std::{
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
};

use super::{bucket::Bucket, *};
use crate::{intent::LatestKey, queue::shares::LaneId};

struct Op(u32, u64);

impl Intent for Op {
    type Source = u8;

    fn clock(&self) -> Option<u64> {
        Some(self.1).filter(|&clock| clock > 0)
    }
}

fn producer(source: u8, origin: u64) -> ProducerKey<u8> {
    ProducerKey { source, origin: Origin(origin), lane: Some(usize::from(source)) }
}

/// Two producers of source 2, one of source 1, and clocked ones, pushed in this order.
fn batch() -> Batch<Op> {
    let mut batch = Batch::new();
    let (a, b, c) = (producer(2, 7), producer(2, 3), producer(1, 9));
    for (bucket_id, producer, clock, seq, id) in [
        (0, a, 0, 0, 30),
        (1, b, 0, 0, 20),
        (0, a, 5, 1, 60),
        (2, c, 0, 4, 10),
        (0, a, 0, 2, 31),
        (1, b, 2, 1, 50),
    ] {
        batch.intents.push(bucket_id, || producer, clock, seq, Op(id, clock));
    }
    batch.arrange();
    batch
}

fn freed(batch: &mut Batch<Op>) -> Vec<(LaneId, usize)> {
    let mut freed = Vec::new();
    batch.freed().take(|lane, count| freed.push((lane, count)));
    freed
}

fn all(batch: &mut Batch<Op>) -> Vec<u32> {
    let mut ids = Vec::new();
    while let Some(queued) = batch.next(false, || true) {
        ids.push(queued.intent.0);
    }
    ids
}

fn rooms(batch: &Batch<Op>) -> Vec<usize> {
    batch.intents.buckets.iter().map(Bucket::room).collect()
}

#[test]
fn local_ones_by_producer_then_clocked_ones_by_key() {
    assert_eq!(all(&mut batch()), [10, 20, 30, 31, 50, 60]);
    assert_eq!(
        batch().fold(Vec::new(), |ids, queued| [ids, vec![queued.intent.0]].concat()),
        [10, 20, 30, 31, 50, 60]
    );
    let mut last = None;
    while let Some(queued) = batch().next(true, || true) {
        assert!(last < Some(queued.causality_order()));
        last = Some(queued.causality_order());
        if queued.intent.0 == 10 {
            break;
        }
    }
}

#[test]
fn a_panic_loses_the_one_it_was_about_and_no_other() {
    for at in 0..6 {
        let (mut batch, mut seen) = (batch(), Vec::new());
        let folded = catch_unwind(AssertUnwindSafe(|| {
            batch.fold((), |(), queued| {
                assert!(seen.len() < at, "the reducer panics");
                seen.push(queued.intent.0);
            });
        }));
        assert!(folded.is_err());
        batch.settle();
        assert_eq!(freed(&mut batch).iter().map(|(_, count)| count).sum::<usize>(), at + 1);
        assert_eq!(batch.len(), 5 - at);
        batch.arrange();
        seen.extend(all(&mut batch));
        assert_eq!(seen.len(), 5);
        assert!(seen.is_sorted());
    }
}

#[test]
fn slots_are_freed_once_and_for_those_who_hold_one() {
    let mut batch = batch();
    let mut local = vec![Local { source: 0, origin: Origin(99), clock: 0, seq: 0, intent: Op(1, 0) }];
    batch.add(&mut local);
    batch.arrange();
    let mut may = [true, true, false].into_iter();
    let mut ids = Vec::new();
    while let Some(queued) = batch.next(true, || may.next().unwrap_or(false)) {
        ids.push(queued.intent.0);
    }
    assert_eq!(ids, [1, 10, 20], "the budget does not count the loop's own");
    batch.settle();
    assert_eq!(freed(&mut batch), [(1, 1), (2, 1)]);
    batch.arrange();
    assert_eq!(all(&mut batch), [30, 31, 50, 60]);
    batch.settle();
    let rest = freed(&mut batch).iter().map(|(_, count)| count).sum::<usize>();
    assert_eq!((rest, batch.len(), batch.remaining()), (4, 0, 0));
    assert!(!batch.intents.uses(0));
}

#[test]
fn some_one_by_one_and_the_others_at_once() {
    for first in 0..7 {
        let mut batch = batch();
        let mut ids: Vec<_> =
            (0..first).map_while(|_| batch.next(false, || true)).map(|queued| queued.intent.0).collect();
        assert_eq!(batch.remaining(), 6 - ids.len());
        ids.extend(batch.fold(Vec::new(), |ids, queued| [ids, vec![queued.intent.0]].concat()));
        assert_eq!(ids, [10, 20, 30, 31, 50, 60], "{first} first");
    }
}

fn own(number: u32) -> Local<Op> {
    Local { source: 0, origin: Origin(99), clock: 0, seq: number.into(), intent: Op(number, 0) }
}

/// What the frame loop adds to a rest of its own stays behind that, number by number, whether the numbers have gaps or not.
#[test]
fn numbers_are_those_they_were_accepted_with() {
    for (first, second) in [([0, 1, 4], [5, 9]), ([0, 1, 2], [3, 4])] {
        for (taken, again) in (0..3).flat_map(|taken| (0..4).map(move |again| (taken, again))) {
            let mut batch = Batch::new();
            let mut drained = Vec::new();
            // The same bucket again, in the next frame, without gaps.
            for (first, second) in [(first, second), ([20, 21, 22], [23, 24])] {
                batch.add(&mut first.map(own).into());
                batch.arrange();
                drained.extend((0..taken).map_while(|_| batch.next(false, || true)));
                batch.settle();
                batch.add(&mut second.map(own).into());
                batch.arrange();
                drained.extend((0..again).map_while(|_| batch.next(false, || true)));
                batch.settle();
                drained.extend(std::iter::from_fn(|| batch.next(false, || true)));
                batch.settle();
            }
            let drained: Vec<_> =
                drained.iter().map(|queued| (queued.causality_order().seq, queued.intent.0)).collect();
            let all = first.into_iter().chain(second).chain(20..25);
            let all: Vec<_> = all.map(|number| (number.into(), number)).collect();
            assert_eq!(drained, all, "{taken}, then {again}");
        }
    }
}

#[test]
fn the_loops_own_use_the_same_buckets_again() {
    let mut batch = Batch::new();
    for frame in 0..100 {
        batch.add(&mut vec![own(frame), Local { origin: Origin(98), ..own(frame) }]);
        batch.arrange();
        assert_eq!(all(&mut batch), [frame, frame]);
        batch.settle();
    }
    assert_eq!(batch.intents.buckets.len(), 2);
}

/// Those that a budget keeps back stay in order, with the loop's own, which no budget keeps back, among them.
#[test]
fn clocked_ones_that_are_kept_back_come_in_order_whatever_is_added_to_them() {
    let (few, many) = (0..40, 0..200);
    for (count, budget) in [(few, 3), (many, 7)] {
        for own_every in [0, 1, 3] {
            let mut batch = Batch::new();
            for n in count.clone() {
                // 1, 8, 15, … in another order than they are accepted in.
                let clock = 1 + 7 * (n * 37 % count.end);
                batch.intents.push(0, || producer(1, 1), clock, n, Op(u32::try_from(clock).unwrap(), clock));
            }
            let (mut drained, mut given, mut frame, mut added, mut came) = (Vec::new(), 0, 0, 0, 0);
            while given < count.end || batch.len() > 0 {
                if own_every > 0 && frame % own_every == 0 && frame < 9 {
                    // Before, among and behind those of the sender.
                    let clock = [2, 5000, 90][added % 3];
                    added += 1;
                    batch.add(&mut vec![Local { clock, ..own(5000) }]);
                }
                batch.arrange();
                let (mut left, mut last) = (budget, None);
                while let Some(queued) = batch.next(true, || left > 0) {
                    assert!(last < Some(queued.causality_order()), "in frame {frame}");
                    last = Some(queued.causality_order());
                    if queued.intent.0 < 5000 {
                        left -= 1;
                        drained.push(queued.intent.0);
                    } else {
                        came += 1;
                    }
                }
                assert_eq!(came, added, "no budget keeps the loop's own back");
                batch.settle();
                given += freed(&mut batch).iter().map(|(_, count)| *count as u64).sum::<u64>();
                assert_eq!((drained.len() as u64, batch.len() as u64), (given, count.end - given));
                frame += 1;
            }
            assert!(drained.is_sorted() && drained.len() as u64 == count.end);
        }
    }
}

/// What joins a rest comes in order with it, and what stays behind stays whole: local and clocked intents, in whatever place
/// their producer has in either batch.
#[test]
fn what_joins_and_what_stays_are_whole() {
    for taken in 0..6 {
        let mut rest = batch();
        let mut drained: Vec<_> = (0..taken).map_while(|_| rest.next(true, || true)).collect();
        rest.settle();
        let mut behind = Vec::new();
        rest.intents.count_lanes(|lane, count| behind.extend(vec![lane; count]));
        assert_eq!(behind.len(), 6 - taken);

        let (mut active, mut spare) = (Batch::new(), Clocked::new());
        // Those of source 2 are in the rest until the end; slot 0 is another's there.
        let sends = [
            (0, producer(3, 11), 0),
            (1, producer(2, 3), 0),
            (0, producer(3, 11), 5),
            (3, producer(1, 9), 5),
        ];
        for (seq, (bucket_id, producer, clock)) in (10..).zip(sends.iter().chain(&sends).copied()) {
            active.intents.push(bucket_id, || producer, clock, seq, Op(100, clock));
        }
        rest.intents.join(&mut active.intents, &mut spare, |lane| !behind.contains(&lane));
        assert!(spare.is_unused());
        let stays = if behind.contains(&1) { 4 } else { 2 };
        assert_eq!((rest.len(), active.len()), (6 - taken + 8 - stays, stays));
        for batch in [&rest, &active] {
            assert_eq!(
                batch.intents.room(),
                rooms(batch).iter().sum::<usize>() + batch.intents.clocked.room()
            );
        }
        // More of the same producers, before and after.
        active.intents.push(1, || producer(2, 3), 0, 18, Op(100, 0));
        active.intents.push(3, || producer(1, 9), 5, 19, Op(100, 5));
        for batch in [&mut rest, &mut active] {
            batch.arrange();
            let from = drained.len();
            drained.extend(std::iter::from_fn(|| batch.next(false, || true)));
            assert!(drained[from..].is_sorted_by(|a, b| a.causality_order() < b.causality_order()));
            batch.settle();
            assert_eq!((batch.len(), batch.remaining()), (0, 0));
            assert!((0..4).all(|bucket_id| !batch.intents.uses(bucket_id)));
        }
        assert_eq!(drained.len(), 6 + 8 + 2);
        drained.sort_by_key(|queued| queued.causality_order().seq);
        assert_eq!(drained.iter().filter(|q| q.causality_order().seq >= 10).count(), 10, "each once");
        let freed: usize = [&mut rest, &mut active].into_iter().flat_map(freed).map(|(_, count)| count).sum();
        assert_eq!(freed, 16);
    }
}

/// Sends of a `latest` intent, or of another.
fn send(batch: &mut Batch<Op>, seq: u64, key: Option<u64>, id: u32) {
    let (intents, key) = (&mut batch.intents, key.map(|key| LatestKey { variant: 0, key }));
    let Some(key) = key else { return intents.push(0, || producer(1, 1), 0, seq, Op(id, 0)) };
    match intents.renew(0, key, || seq) {
        Some(place) => drop(mem::replace(place, Op(id, 0))),
        None => intents.push_latest(0, || producer(1, 1), key, seq, Op(id, 0)),
    }
}

#[test]
fn the_newest_comes_at_its_own_place() {
    let mut batch = Batch::new();
    let sends = [(None, 0), (Some(7), 1), (Some(8), 2), (None, 3), (Some(7), 4), (None, 5)];
    for taken in 0..6 {
        for (seq, &(key, id)) in (0..).zip(&sends) {
            send(&mut batch, seq, key, id);
        }
        assert_eq!(batch.len(), 5);
        batch.arrange();
        // Cut short after so many.
        let mut drained: Vec<_> = (0..taken).map_while(|_| batch.next(true, || true)).collect();
        batch.settle();
        assert_eq!(freed(&mut batch), if taken > 0 { vec![(1, taken)] } else { vec![] });
        batch.arrange();
        drained.extend(std::iter::from_fn(|| batch.next(taken % 2 == 0, || true)));
        batch.settle();
        let drained: Vec<_> = drained.iter().map(|q| (q.causality_order().seq, q.intent.0)).collect();
        assert_eq!(drained, [(0, 0), (2, 2), (3, 3), (4, 4), (5, 5)]);
        assert_eq!(freed(&mut batch).iter().map(|(_, count)| count).sum::<usize>(), 5 - taken);
        assert!(batch.intents.renew(0, LatestKey { variant: 0, key: 7 }, || 0).is_none(), "of another frame");
    }
}

#[test]
fn replacing_takes_no_memory_however_often() {
    let mut batch = Batch::new();
    send(&mut batch, 0, None, 0);
    for seq in 1..100_000 {
        send(&mut batch, seq, Some(seq % 3), 1);
    }
    assert_eq!(batch.len(), 4);
    assert!(batch.intents.room() <= 8, "{}", batch.intents.room());
    assert_eq!(batch.intents.room(), rooms(&batch).iter().sum::<usize>());
}

#[test]
fn intents_without_a_size_are_handed_out_like_others() {
    struct Tick;
    impl Intent for Tick {
        type Source = u8;
    }
    let mut batch = Batch::new();
    for round in 0..3 {
        for seq in 0..100 {
            batch.intents.push(0, || producer(1, 1), 0, seq, Tick);
        }
        let seqs: Vec<_> = (0..10 * round).map_while(|_| batch.next(false, || true)).collect();
        let last = seqs.last().map(|queued| queued.causality_order().seq);
        assert_eq!(last, u64::checked_sub(10 * round, 1));
        assert_eq!(batch.fold(0, |count, _| count + 1), 100 - 10 * round);
        batch.settle();
        let mut freed = Vec::new();
        batch.freed().take(|lane, count| freed.push((lane, count)));
        assert_eq!(freed, [(1, 100)]);
        // Those with a clock have a number beside them, which takes room.
        (0..1000).for_each(|seq| batch.intents.push(0, || producer(1, 1), 1 + seq, seq, Tick));
        assert_eq!(batch.fold(0, |count, _| count + 1), 1000);
        batch.settle();
        batch.freed().take(|_, _| ());
        batch.trim(10);
        assert!(batch.intents.room() <= 160 + 256);
    }
}
