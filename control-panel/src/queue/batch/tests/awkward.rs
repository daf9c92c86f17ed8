//! Sources whose order panics, which is code of the user's.

use std::{cell::Cell, cmp::Ordering, panic::resume_unwind};

use super::*;

thread_local! {
    /// How many comparisons it takes to the panic.
    static FUSE: Cell<Option<u32>> = const { Cell::new(None) };
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fused(u8);

impl Ord for Fused {
    fn cmp(&self, other: &Self) -> Ordering {
        match FUSE.get() {
            Some(0) => resume_unwind(Box::new("on purpose")),
            fuse => FUSE.set(fuse.map(|left| left - 1)),
        }
        self.0.cmp(&other.0)
    }
}

impl PartialOrd for Fused {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

const OWN: Origin = Origin(9);

/// Says which producer sent it.
#[derive(Clone)]
struct From(u8, bool);

impl Intent for From {
    type Source = Fused;

    fn clock(&self) -> Option<u64> {
        self.1.then_some(5)
    }
}

fn push(batch: &mut Batch<From>, source: u8, seq: u64, clocked: bool) {
    let lane = usize::from(source);
    let producer = ProducerKey { source: Fused(source), origin: Origin(source.into()), lane: Some(lane) };
    batch.intents.push(lane, || producer, if clocked { 5 } else { 0 }, seq, From(source, clocked));
}

/// A frame that an order's panic ends hands nothing out; whatever comes of it later is from the producer that it names, and frees
/// that one's slot.
#[test]
fn an_order_that_panics_confuses_nothing_wherever_it_does() {
    let mut unwound = 0;
    for sources in [[2, 1, 3], [2, 3, 1], [3, 2, 1], [3, 1, 2], [1, 3, 2]] {
        for (clocked, own) in [(true, 0), (true, 2), (false, 0), (false, 2)] {
            unwound += (0..20).filter(|&fuse| unwinds(sources, clocked, own, fuse)).count();
        }
    }
    assert!(unwound > 50, "{unwound}");
}

/// Whether the order panics when it is asked for the first time after so many comparisons. Then so many intents of the loop's
/// own are added.
fn unwinds(sources: [u8; 3], clocked: bool, own: u64, fuse: u32) -> bool {
    let mut batch = Batch::new();
    for source in sources {
        push(&mut batch, source, 0, clocked);
    }
    FUSE.set(Some(fuse));
    let arranged = catch_unwind(AssertUnwindSafe(|| batch.arrange()));
    FUSE.set(None);
    batch.settle();
    assert_eq!((batch.freed().sum(), batch.len()), (0, 3));
    let own = (0..own).map(|seq| Local {
        source: Fused(2),
        origin: OWN,
        clock: if clocked { 5 } else { 0 },
        seq,
        intent: From(2, clocked),
    });
    batch.add(&mut own.clone().collect());
    batch.arrange();
    let mut drained = Vec::new();
    while let Some(queued) = batch.next(true, || true) {
        let (from, order) = (queued.intent.0, queued.causality_order());
        drained.push(from);
        assert_eq!(order.source, Fused(from));
        batch.settle();
        let mut freed = Vec::new();
        batch.freed().take(|lane, count| freed.push((lane, count)));
        assert_eq!(freed, if order.origin == OWN { vec![] } else { vec![(usize::from(from), 1)] });
        batch.arrange();
    }
    let twos = 1 + own.count();
    assert_eq!(drained, [&[1][..], &[2].repeat(twos), &[3]].concat(), "{sources:?}, {clocked}, {fuse}");
    arranged.is_err()
}

/// As those that come again are in order already.
#[test]
fn the_order_is_asked_for_once_where_the_same_producers_come_again() {
    let mut batch = Batch::new();
    for (frame, turn) in [0, 1, 2, 1].into_iter().enumerate() {
        [2, 1, 3].iter().cycle().skip(turn).take(3).for_each(|&source| push(&mut batch, source, 0, false));
        FUSE.set((frame > 0).then_some(0));
        batch.arrange();
        FUSE.set(None);
        assert_eq!(batch.fold(Vec::new(), |all, queued| [all, vec![queued.source.0]].concat()), [1, 2, 3]);
        batch.settle();
    }
}

/// Whenever the first came.
#[test]
fn a_batch_is_as_old_as_its_first_intent_whatever_that_is() {
    for clocked in [true, false] {
        let mut batch = Batch::<From>::new();
        for seq in 0..3 {
            let before = tokio::time::Instant::now();
            let (clock, intent) = (u64::from(clocked), From(0, clocked));
            let own = Local { source: Fused(0), origin: OWN, clock, seq, intent };
            batch.add(&mut vec![own]);
            batch.arrange();
            assert!(batch.next(false, || true).is_some_and(|queued| queued.queued_at >= before), "{clocked}");
            batch.settle();
        }
    }
}
