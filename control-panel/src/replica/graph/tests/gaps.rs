//! Runs that come too early: held within bounds, and never stuck.

use super::harness::{TestRun, author, contents, follow, forge, graph, graph_with, seal, take};
use crate::replica::{Author, Misbehaviour, RunHash, graph::Limits};

fn ten() -> Vec<TestRun> {
    let mut a = graph(1);
    (0..10).map(|op| seal(&mut a, &[op])).collect()
}

#[test]
fn the_gap_goes_on_behind_a_duplicate() {
    let runs = ten();
    let mut b = graph(2);
    take(&mut b, &runs[..1]);
    // Early: 2, 3, 4. Then 1 twice, 2 again, as resent by two peers.
    take(&mut b, &runs[2..5]);
    assert_eq!(b.waiting(), 3);
    // The duplicate comes first, and again where the gap has been filled: what is behind it is not stuck.
    take(&mut b, [&runs[0], &runs[2], &runs[1], &runs[1], &runs[2], &runs[0], &runs[5]]);
    assert_eq!((b.version().get(author(1)), b.waiting()), (6, 0));
}

#[test]
fn a_duplicate_in_the_gap_is_held_once() {
    let runs = ten();
    let mut b = graph(2);
    for _ in 0..3 {
        take(&mut b, [&runs[3], &runs[5], &runs[3]]);
    }
    assert_eq!(b.waiting(), 2);
    take(&mut b, &runs);
    assert_eq!((contents(&b).len(), b.waiting()), (10, 0));
}

#[test]
fn a_duplicate_is_no_news() {
    let runs = ten();
    let mut b = graph(2);
    assert_eq!(take(&mut b, &runs), 10);
    assert_eq!(take(&mut b, &runs), 0);
    assert_eq!((contents(&b).len(), b.chains().count()), (10, 1));
    assert!(b.take_refused().is_empty(), "a duplicate is no misbehaviour");
}

#[test]
fn over_the_bound_what_is_furthest_ahead_is_dropped_and_asked_for_again() {
    let runs = ten();
    let mut b = graph_with(2, Limits { gap_ops_per_peer: 3, ..Limits::default() });
    // The furthest first: each nearer one takes the place of a further one.
    take(&mut b, runs[1..].iter().rev());
    assert_eq!(b.waiting(), 3);
    assert_eq!(b.take_refused(), [(author(1).peer, Misbehaviour::Flood)]);
    take(&mut b, &runs[..1]);
    assert_eq!((b.version().get(author(1)), b.waiting()), (4, 0));
    let mut a = graph(1);
    take(&mut a, &runs);
    let missing = a.since(b.version());
    take(&mut b, &missing);
    assert_eq!(contents(&b), contents(&a));
}

#[test]
fn bytes_are_bounded_by_peer_and_in_all() {
    let runs = ten();
    let size = 2 * std::mem::size_of::<crate::replica::run::Run<u64>>();
    let mut b = graph_with(2, Limits { gap_bytes_per_peer: 2 * size, ..Limits::default() });
    take(&mut b, &runs[1..]);
    assert!((1..=4).contains(&b.waiting()), "{}", b.waiting());
    let mut c = graph_with(3, Limits { gap_bytes: 4 * size, ..Limits::default() });
    for peer in 10..100 {
        let early = follow(author(peer), Some(&runs[0]), &[]);
        take(&mut c, [&forge(early, &[1])]);
    }
    assert!((1..=8).contains(&c.waiting()), "{}", c.waiting());
}

#[test]
fn one_author_s_flood_does_not_displace_another_s() {
    let runs = ten();
    let mut b = graph_with(2, Limits { gap_ops_per_peer: 3, ..Limits::default() });
    take(&mut b, &runs[1..4]);
    for seq in 1..100 {
        let mut early = follow(author(9), None, &[]);
        (early.seq, early.previous) = (seq, RunHash([1; 32]));
        take(&mut b, [&forge(early, &[seq])]);
    }
    assert_eq!(b.waiting(), 6);
    take(&mut b, &runs[..1]);
    assert_eq!(b.version().get(author(1)), 4);
}

/// One peer has as many authors as there are incarnations.
#[test]
fn a_peer_that_floods_as_many_lives_takes_its_own_room_and_is_the_one_reported() {
    let runs = ten();
    let run = std::mem::size_of::<crate::replica::run::Run<u64>>();
    let limits = Limits { gap_ops_per_peer: 3, gap_bytes: 12 * run, ..Limits::default() };
    let mut b = graph_with(2, limits);
    let early = |peer, incarnation, seq| {
        let mut early = follow(Author { incarnation, ..author(peer) }, None, &[]);
        (early.seq, early.previous) = (seq, RunHash([1; 32]));
        forge(early, &[seq])
    };
    for life in 0..100 {
        take(&mut b, [&early(9, life, 1)]);
    }
    assert_eq!(b.waiting(), 3, "of all its lives together");
    take(&mut b, &runs[1..4]);
    assert_eq!(b.waiting(), 6);
    // Strangers, of which none exceeds a bound: what all hold together is at the expense of those that hold most, and no fault of theirs.
    for peer in 10..100 {
        take(&mut b, [&early(peer, 0, 1)]);
    }
    assert!((6..=12).contains(&b.waiting()), "{}", b.waiting());
    assert_eq!(b.take_refused(), [(author(9).peer, Misbehaviour::Flood)]);
    take(&mut b, &runs[..2]);
    assert!(b.version().get(author(1)) >= 2);
}

#[test]
fn what_waits_for_nothing_ages() {
    let runs = ten();
    let mut b = graph_with(2, Limits { gap_patience: 5, ..Limits::default() });
    let mut orphan = follow(author(9), None, &[]);
    (orphan.seq, orphan.previous) = (7, RunHash([1; 32]));
    take(&mut b, [&forge(orphan, &[1])]);
    assert_eq!(b.waiting(), 1);
    take(&mut b, &runs);
    assert_eq!(b.waiting(), 0);
}

#[test]
fn a_run_waits_for_each_of_its_heads() {
    let (mut a, mut b, mut c, mut d) = (graph(1), graph(2), graph(3), graph(4));
    let (a1, b1) = (seal(&mut a, &[1]), seal(&mut b, &[2]));
    take(&mut c, [&a1, &b1]);
    let c1 = seal(&mut c, &[3]);
    assert_eq!(take(&mut d, [&c1]), 0);
    assert_eq!(take(&mut d, [&b1]), 1);
    assert_eq!(take(&mut d, [&a1]), 2);
}

#[test]
fn a_thousand_authors_fit() {
    let authors: Vec<_> = (0..1_000_u32).map(|incarnation| Author { incarnation, ..author(1) }).collect();
    let first: Vec<_> = authors.iter().map(|author| forge(follow(*author, None, &[]), &[1])).collect();
    let mut b = graph(2);
    assert_eq!(take(&mut b, &first), 1_000);
    let rows = |graph: &crate::replica::graph::Graph<u64>| -> usize {
        graph.chains().map(|(_, chain)| chain.row.bytes()).sum()
    };
    assert!(rows(&b) < 1_000 * 1_000 * 24, "rows are as long as what was heard of");
    // Everyone heard from everyone: the whole matrix.
    for (index, own) in first.iter().enumerate() {
        let mut others: Vec<_> = first.iter().collect();
        others.remove(index);
        let second = forge(follow(own.header.author, Some(own), &others), &[2]);
        assert_eq!(take(&mut b, [&second]), 1);
    }
    assert_eq!(b.clock(), 2);
    assert!(rows(&b) <= 1_000 * 1_024 * 24, "{}", rows(&b));
}
