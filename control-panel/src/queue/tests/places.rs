//! A producer that is gone leaves its place in batches to the next, also while a rest has something in it.

use super::*;

#[test]
fn what_joins_a_rest_beside_its_place_is_not_looked_for_there_afterwards() {
    let (queue, _) = queue(16);
    for source in 1..4 {
        let gone = queue.producer(0);
        (0..3).for_each(|id| gone.try_send(plain(id)).unwrap());
        let (cut_short, ids) = read(&queue, 1);
        assert_eq!(ids, [0]);
        drop(gone);
        let next = queue.producer(source);
        (10..12).for_each(|id| next.try_send(plain(id)).unwrap());
        queue.end_frame(cut_short);
        assert_eq!(frame(&queue), [1, 2, 10, 11], "it joins the rest, where its place is taken");
        // Each buffer is filled again.
        for id in 20..24 {
            next.try_send(plain(id)).unwrap();
            next.try_send(plain(id)).unwrap();
            assert_eq!(queue.counts().queued, 2);
            assert_eq!(frame(&queue), [id, id]);
        }
        assert_eq!(next.occupied(), 0);
    }
}

/// One with a clock comes after what a budget kept back, and is handed out before it.
#[test]
fn the_frame_loops_own_count_until_they_are_handed_out_and_no_longer() {
    let (queue, _) = queue(16);
    let producer = queue.producer(0);
    let origin = queue.origin();
    (1..=2).for_each(|id| producer.try_send(item(id, Kind::Clocked)).unwrap());
    let mut batch = queue.begin_frame(true).expect("there is something to drain");
    let own = Local { source: 1, origin, clock: 3, seq: 0, intent: item(3, Kind::Clocked) };
    queue.add_own(&mut batch, &mut vec![own]);
    batch.arrange();
    let mut budget = 0..1;
    let ids: Vec<_> = std::iter::from_fn(|| batch.next(true, || budget.next().is_some()))
        .map(|queued| queued.intent.id)
        .collect();
    assert_eq!(ids, [1, 3]);
    queue.end_frame(batch);
    let busy = queue.busy();
    assert!(queue.begin_frame(true).is_some(), "none of its own is in a frame");
    drop(busy);
    assert_eq!(frame(&queue), [2]);
    let busy = queue.busy();
    assert!(queue.begin_frame(true).is_some());
    drop(busy);
}
