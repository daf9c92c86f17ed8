//! How much memory is kept from frame to frame.

use std::panic::resume_unwind;

use super::*;

/// One frame in which these producers have so many each.
fn filled(batch: &mut Batch<Op>, capacity: usize, slots: impl IntoIterator<Item = (BucketId, u64)>) {
    for (bucket_id, count) in slots {
        (0..count).for_each(|seq| {
            batch.intents.push(bucket_id, || producer(1, bucket_id as u64), 0, seq, Op(0, 0));
        });
    }
    batch.arrange();
    batch.fold((), |(), _| ());
    batch.settle();
    freed(batch);
    batch.trim(capacity);
}

#[test]
fn a_bucket_is_one_cache_line() {
    assert_eq!((size_of::<Bucket<Op>>(), align_of::<Bucket<Op>>()), (64, 64));
}

#[test]
fn producers_that_fill_the_queue_in_turn_take_memory_once() {
    for (producers, capacity) in [(5, 256), (33, 256), (64, 64)] {
        let mut batch = Batch::new();
        (0..producers).for_each(|bucket_id| filled(&mut batch, capacity, [(bucket_id, capacity as u64)]));
        let before = rooms(&batch);
        for frame in 0..1000 {
            filled(&mut batch, capacity, [(frame % producers, capacity as u64)]);
            assert_eq!(rooms(&batch), before, "{producers} producers, frame {frame}");
        }
    }
}

#[test]
fn room_for_bursts_that_do_not_come_again_is_given_back() {
    let mut batch = Batch::new();
    (0..50).for_each(|bucket_id| filled(&mut batch, 100, [(bucket_id, 100)]));
    assert!(batch.intents.room() >= 5000);
    (0..600).for_each(|_| filled(&mut batch, 100, [(0, 100), (1, 3)]));
    let kept = rooms(&batch);
    assert_eq!(kept.iter().sum::<usize>(), batch.intents.room());
    assert!((100..=200).contains(&kept[0]) && kept[1] <= 6, "{kept:?}");
    assert!(kept[2..].iter().all(|&room| room == 0), "{kept:?}");
}

#[test]
fn room_is_bounded_whatever_filled_it() {
    let mut batch = Batch::new();
    for bucket_id in 0..50 {
        filled(&mut batch, 10, [(bucket_id, 2000)]);
        let kept: usize = rooms(&batch).iter().sum();
        assert!(kept == batch.intents.room() && kept <= 160 + 256 * (bucket_id + 1), "{kept}");
    }
}

#[test]
fn a_bucket_keeps_one_buffer_however_it_is_read() {
    let mut batch = Batch::new();
    for round in 0..8 {
        for seq in 0..100 {
            batch.intents.push(0, || producer(1, 1), 0, seq, Op(0, 0));
        }
        let first = [0, 1, 100, 50][round % 4];
        for left in (0..100).rev().take(first) {
            assert!(batch.next(false, || true).is_some());
            assert_eq!(batch.remaining(), left);
        }
        let mut drained = first;
        // A reducer that panics now and then, and is called again.
        while batch.remaining() > 0 {
            let unwound = catch_unwind(AssertUnwindSafe(|| {
                batch.fold((), |(), _| {
                    drained += 1;
                    if drained % 40 == 0 && round >= 4 {
                        resume_unwind(Box::new("on purpose"));
                    }
                });
            }));
            assert_eq!((unwound.is_err(), batch.remaining()), (round >= 4 && drained < 100, 100 - drained));
            batch.settle();
        }
        batch.settle();
        freed(&mut batch);
        let room = batch.intents.room();
        assert_eq!(room, batch.intents.buckets.iter().map(Bucket::room).sum::<usize>());
        assert!((100..200).contains(&room), "{room} after round {round}");
    }
}

/// The buffer of what was cut off, and that of what was added to it.
#[test]
fn of_two_buffers_the_greater_is_kept_and_the_other_given_up() {
    let room = |batch: &Batch<Op>| {
        let buckets: usize = batch.intents.buckets.iter().map(Bucket::room).sum();
        assert_eq!(batch.intents.room(), buckets);
        buckets
    };
    for (first, second) in [(100, 10), (10, 100)] {
        for limited in [false, true] {
            let mut batch = Batch::new();
            batch.add(&mut (0..first).map(own).collect());
            batch.arrange();
            assert!(batch.next(limited, || true).is_some());
            batch.settle();
            batch.add(&mut (first..first + second).map(own).collect());
            batch.arrange();
            let both = room(&batch);
            // Past the end of the first buffer, which the next intents are to have.
            (0..first).for_each(|_| assert!(batch.next(limited, || true).is_some()));
            batch.settle();
            assert_eq!(room(&batch), both);
            batch.add(&mut (first + second..2 * first + second).map(own).collect());
            assert_eq!(room(&batch), both);
            batch.arrange();
            assert_eq!(batch.fold(0, |count, _| count + 1), first + second - 1);
            batch.settle();
            assert!((100..200).contains(&room(&batch)), "{} of {both}", room(&batch));
        }
    }
}

#[test]
fn a_great_buffer_with_little_in_it_is_given_up() {
    let mut batch = Batch::new();
    batch.add(&mut (0..1000).map(own).collect());
    batch.arrange();
    (0..990).for_each(|_| assert!(batch.next(true, || true).is_some()));
    batch.settle();
    batch.trim(10);
    assert!(batch.intents.room() <= 160 + 256, "{}", batch.intents.room());
    batch.arrange();
    assert_eq!(all(&mut batch), (990..1000).collect::<Vec<_>>());
}
