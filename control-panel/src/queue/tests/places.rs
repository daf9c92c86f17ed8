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
