//! Authors that give one number twice: both runs are kept, and the author is reported.

use super::harness::{author, contents, follow, forge, graph, seal, take};
use crate::replica::Misbehaviour;

#[test]
fn both_branches_are_kept_whatever_came_first() {
    let mut a = graph(1);
    let first = seal(&mut a, &[0]);
    let left = forge(follow(author(1), Some(&first), &[]), &[1]);
    let right = forge(follow(author(1), Some(&first), &[]), &[2]);
    let left2 = forge(follow(author(1), Some(&left), &[]), &[3]);
    let right2 = forge(follow(author(1), Some(&right), &[]), &[4]);
    let (mut b, mut c) = (graph(2), graph(3));
    assert_eq!(take(&mut b, [&first, &left, &left2, &right, &right2]), 5);
    assert_eq!(take(&mut c, [&right2, &right, &left2, &left, &first]), 5);
    assert_eq!(contents(&b), contents(&c));
    let what = Misbehaviour::Fork {
        author: author(1),
        runs: [left.hash.min(right.hash), left.hash.max(right.hash)],
    };
    for graph in [&mut b, &mut c] {
        assert_eq!(graph.take_refused(), [(author(1).peer, what)]);
        assert!(graph.is_forked(author(1)));
        assert_eq!(graph.version().get(author(1)), 3);
        assert_eq!(graph.chains_of(author(1).peer).count(), 2);
        let branch = graph.chains().find_map(|(_, chain)| chain.fork).unwrap();
        assert_eq!((branch.mark.next_seq, branch.mark.clock), (1, 1));
    }
}

#[test]
fn a_fork_at_the_very_first_run() {
    let left = forge(follow(author(1), None, &[]), &[1]);
    let right = forge(follow(author(1), None, &[]), &[2]);
    let mut b = graph(2);
    assert_eq!(take(&mut b, [&left, &right, &left, &right]), 2);
    assert!(b.is_forked(author(1)));
    // Each branch goes on.
    let left2 = forge(follow(author(1), Some(&left), &[]), &[3]);
    let right2 = forge(follow(author(1), Some(&right), &[]), &[4]);
    assert_eq!(take(&mut b, [&left2, &right2]), 2);
    assert_eq!(b.chains().count(), 2);
}

#[test]
fn a_fork_of_a_fork_and_a_third_at_one_place() {
    let mut runs = vec![forge(follow(author(1), None, &[]), &[0])];
    for (from, op) in [(0, 1), (1, 2), (0, 3), (3, 4), (3, 5), (0, 6), (1, 7), (5, 8)] {
        runs.push(forge(follow(author(1), Some(&runs[from]), &[]), &[op]));
    }
    let mut oracle = super::oracle::Oracle::default();
    for run in &runs {
        oracle.add(run);
    }
    for seed in 0..100 {
        let mut shuffled = runs.clone();
        super::harness::Random(seed).shuffle(&mut shuffled);
        let mut b = graph(2);
        assert_eq!(take(&mut b, &shuffled), runs.len());
        assert_eq!(b.chains().count(), 5);
        oracle.check(&b);
        assert_eq!(b.take_refused().len(), 1, "once an author");
    }
}

#[test]
fn a_head_that_names_a_branch_waits_for_it() {
    // c saw the left branch, d the right one first: what c says is not refused for that.
    let left = forge(follow(author(1), None, &[]), &[1]);
    let right = forge(follow(author(1), None, &[]), &[2]);
    let (mut c, mut d) = (graph(3), graph(4));
    take(&mut c, [&left]);
    take(&mut d, [&right]);
    let c1 = seal(&mut c, &[3]);
    assert_eq!(take(&mut d, [&c1]), 0);
    assert!(d.take_refused().is_empty());
    assert_eq!(take(&mut d, [&left]), 2);
}

#[test]
fn a_graph_that_has_both_branches_names_both() {
    let left = forge(follow(author(1), None, &[]), &[1]);
    let right = forge(follow(author(1), None, &[]), &[2]);
    let (mut c, mut d) = (graph(3), graph(4));
    take(&mut c, [&left, &right]);
    let c1 = seal(&mut c, &[3]);
    assert_eq!(c1.header.heads.len(), 2);
    assert!(c1.header.heads.is_sorted_by_key(|head| head.hash));
    assert_eq!(take(&mut d, [&right, &left, &c1]), 3);
}

#[test]
fn a_version_does_not_hide_a_branch() {
    let first = forge(follow(author(1), None, &[]), &[0]);
    let left = forge(follow(author(1), Some(&first), &[]), &[1]);
    let right = forge(follow(author(1), Some(&first), &[]), &[2]);
    let (mut c, mut d) = (graph(3), graph(4));
    take(&mut c, [&first, &left, &right]);
    take(&mut d, [&first, &right]);
    assert_eq!(c.version().get(author(1)), d.version().get(author(1)));
    assert_ne!(c.version(), d.version());
    assert!(!d.version().covers(c.version()));
    let missing = c.since(d.version());
    assert_eq!(take(&mut d, &missing), 1);
    assert_eq!(contents(&c), contents(&d));
}

#[test]
fn a_copied_key_is_found_out_though_neither_replica_knows_of_the_other_branch() {
    let (mut a, mut copy) = (graph(1), graph(1));
    let first = seal(&mut a, &[0]);
    take(&mut copy, [&first]);
    for op in 1..4 {
        seal(&mut a, &[op]);
    }
    for op in 11..19 {
        seal(&mut copy, &[op]);
    }
    // By counts alone each would send, or ask for, what is after the other's end: nothing that can be admitted.
    for _ in 0..2 {
        let missing = a.since(copy.version());
        take(&mut copy, &missing);
        let missing = copy.since(a.version());
        take(&mut a, &missing);
    }
    assert_eq!(contents(&a), contents(&copy));
    assert!(a.is_forked(author(1)) && copy.is_forked(author(1)));
    assert!(a.since(copy.version()).is_empty(), "once both know, nothing is sent again");
}
