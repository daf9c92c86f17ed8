//! What is refused, and that nothing follows from it.

use super::harness::{author, contents, follow, forge, graph, graph_with, head, seal, take};
use crate::replica::{
    Misbehaviour, RunHash,
    graph::{Candidate, ChainId, Graph, Limits, Members},
    run::{Header, Run},
};
use std::sync::Arc;

/// Two authors with two runs each, the second behind the other's first, and an observer that has them.
fn world() -> (Graph<u64>, [Arc<Run<u64>>; 4]) {
    let (mut a, mut b, mut observer) = (graph(1), graph(2), graph(3));
    let a1 = seal(&mut a, &[1, 2]);
    let b1 = seal(&mut b, &[3]);
    take(&mut a, [&b1]);
    take(&mut b, [&a1]);
    let a2 = seal(&mut a, &[4]);
    let b2 = seal(&mut b, &[5]);
    let runs = [a1, b1, a2, b2];
    assert_eq!(take(&mut observer, &runs), 4);
    (observer, runs)
}

/// Offers a changed run behind a2 that knows b2, and a run that builds on it: neither may be admitted, held, or known of.
fn refuses(change: impl FnOnce(&mut Header), what: Misbehaviour) {
    let (mut observer, [.., a2, b2]) = world();
    let mut header = follow(author(1), Some(&a2), &[&b2]);
    change(&mut header);
    let bad = forge(header, &[6]);
    refuses_run(&mut observer, &bad, what);
}

fn refuses_run(observer: &mut Graph<u64>, bad: &Arc<Run<u64>>, what: Misbehaviour) {
    let (before, version, clock) = (contents(observer), observer.version().clone(), observer.clock());
    let child = forge(Header { lamport: 9, ..follow(author(1), Some(bad), &[]) }, &[7]);
    let grandchild = forge(Header { lamport: 10, ..follow(author(2), None, &[&child]) }, &[8]);
    // A descendant that waits is let go of; one that comes later is not held.
    assert_eq!(take(observer, [&child]), 0);
    assert_eq!(take(observer, [bad]), 0, "{what:?} was admitted");
    assert_eq!(take(observer, [&child, &grandchild]), 0);
    // The grandchild may be wrong by itself, as it names the child's place.
    assert_eq!(observer.take_refused()[0], (bad.header.author.peer, what));
    assert_eq!((contents(observer), observer.version(), observer.clock()), (before, &version, clock));
    assert!(observer.waiting() <= 1, "the grandchild waits for a run of another author, until it is too old");
}

#[test]
fn a_right_run_is_admitted() {
    let (mut observer, [.., a2, b2]) = world();
    let good = forge(follow(author(1), Some(&a2), &[&b2]), &[6]);
    assert_eq!(take(&mut observer, [&good]), 1);
}

#[test]
fn a_clock_that_jumps_is_refused() {
    refuses(|header| header.lamport += 1, Misbehaviour::Clock);
}

#[test]
fn a_clock_of_zero_is_refused() {
    refuses(|header| header.lamport = 0, Misbehaviour::Clock);
}

#[test]
fn the_greatest_clock_is_refused() {
    refuses(|header| header.lamport = u64::MAX, Misbehaviour::Clock);
}

#[test]
fn a_clock_below_what_the_run_declares_is_refused() {
    refuses(|header| header.lamport -= 1, Misbehaviour::Clock);
}

#[test]
fn a_clock_below_a_head_is_refused() {
    // As if the head were not there: what a backdated run would declare.
    let (mut observer, [a1, b1, ..]) = world();
    let b2 = forge(follow(author(2), Some(&b1), &[&a1]), &[5]);
    take(&mut observer, [&b2]);
    let header = Header { lamport: b1.clock() + 1, ..follow(author(2), Some(&b1), &[&a1]) };
    refuses_run(&mut observer, &forge(header, &[6]), Misbehaviour::Clock);
}

#[test]
fn a_sequence_with_a_hole_is_refused() {
    refuses(|header| header.seq += 1, Misbehaviour::Chain);
}

#[test]
fn a_sequence_that_overlaps_is_refused() {
    refuses(|header| header.seq -= 1, Misbehaviour::Chain);
}

#[test]
fn the_greatest_sequence_number_is_refused() {
    refuses(|header| header.seq = u64::MAX, Misbehaviour::Chain);
}

#[test]
fn a_second_beginning_in_the_middle_is_refused() {
    let genesis = super::harness::origin();
    refuses(|header| header.previous = genesis, Misbehaviour::Chain);
}

#[test]
fn a_first_run_with_a_predecessor_is_refused() {
    refuses(
        |header| {
            header.seq = 0;
            header.previous = RunHash([9; 32]);
        },
        Misbehaviour::Chain,
    );
}

#[test]
fn a_run_of_another_group_is_refused() {
    let (mut observer, _) = world();
    let header = Header { previous: RunHash([7; 32]), ..follow(author(5), None, &[]) };
    refuses_run(&mut observer, &forge(header, &[6]), Misbehaviour::Chain);
}

#[test]
fn a_head_named_again_is_refused() {
    let (mut observer, [_, b1, a2, _]) = world();
    // a2 declared b1.
    let bad = forge(follow(author(1), Some(&a2), &[&b1]), &[6]);
    refuses_run(&mut observer, &bad, Misbehaviour::Chain);
}

#[test]
fn a_head_that_goes_back_is_refused() {
    let (mut observer, [_, b1, a2, b2]) = world();
    let a3 = forge(follow(author(1), Some(&a2), &[&b2]), &[6]);
    assert_eq!(take(&mut observer, [&a3]), 1);
    let bad = forge(follow(author(1), Some(&a3), &[&b1]), &[7]);
    refuses_run(&mut observer, &bad, Misbehaviour::Chain);
}

#[test]
fn a_head_in_the_middle_of_a_run_is_refused() {
    let (mut observer, [a1, b1, _, b2]) = world();
    let mut header = follow(author(2), Some(&b2), &[&a1]);
    header.heads[0].seq = 0;
    let bad = forge(header, &[6]);
    // The hash is known, at another place: it waits for what does not exist, and ages.
    assert_eq!(take(&mut observer, [&bad]), 0);
    assert_eq!(contents(&observer).len(), 4);
    // Where the hash is the chain's last, the contradiction is reported.
    let mut header = follow(author(1), Some(&a1), &[&b2]);
    header.heads[0].seq = 0;
    let _ = b1;
    refuses_run(&mut observer, &forge(header, &[7]), Misbehaviour::Chain);
}

#[test]
fn a_head_of_its_own_chain_is_refused() {
    let (mut observer, [.., a2, _]) = world();
    let bad = forge(follow(author(1), Some(&a2), &[&a2]), &[6]);
    refuses_run(&mut observer, &bad, Misbehaviour::Chain);
}

#[test]
fn heads_out_of_order_or_twice_are_refused() {
    let (mut observer, [.., a2, b2]) = world();
    let c1 = seal(&mut observer, &[6]);
    let right = follow(author(1), Some(&a2), &[&b2, &c1]);
    let mut turned = right.clone();
    turned.heads.reverse();
    refuses_run(&mut observer, &forge(turned, &[7]), Misbehaviour::Chain);
    let mut twice = right;
    twice.heads = [head(&b2)].into_iter().chain(twice.heads.iter().copied()).collect();
    refuses_run(&mut observer, &forge(twice, &[7]), Misbehaviour::Chain);
}

#[test]
fn two_heads_of_one_branch_are_refused() {
    let (mut observer, [a1, b1, a2, _]) = world();
    let c1 = forge(follow(author(4), None, &[&a1, &a2, &b1]), &[6]);
    refuses_run(&mut observer, &c1, Misbehaviour::Chain);
}

#[test]
fn two_heads_of_one_branch_are_refused_of_a_later_run_too() {
    let (mut observer, [a1, b1, a2, _]) = world();
    let c1 = forge(follow(author(4), None, &[&b1]), &[6]);
    assert_eq!(take(&mut observer, [&c1]), 1);
    let c2 = forge(follow(author(4), Some(&c1), &[&a1, &a2]), &[7]);
    refuses_run(&mut observer, &c2, Misbehaviour::Chain);
}

#[test]
fn a_run_without_operations_is_malformed() {
    let (mut observer, [.., a2, b2]) = world();
    let bad = forge(follow(author(1), Some(&a2), &[&b2]), &[]);
    assert_eq!(take(&mut observer, [&bad]), 0);
    assert_eq!(observer.take_refused(), [(author(1).peer, Misbehaviour::Malformed)]);
}

#[test]
fn a_run_over_the_limits_is_malformed() {
    let limits = Limits { run_ops: 2, heads: 1, ..Limits::default() };
    let (mut a, mut b, mut c) = (graph(1), graph(2), graph_with(3, limits));
    let (long, b1) = (seal(&mut a, &[1, 2, 3]), seal(&mut b, &[1]));
    let a1 = forge(follow(author(4), None, &[]), &[1]);
    let heads = forge(follow(author(5), None, &[&b1, &a1]), &[1]);
    assert_eq!(take(&mut c, [&long, &b1, &a1, &heads]), 2);
    assert_eq!(
        c.take_refused(),
        [(author(1).peer, Misbehaviour::Malformed), (author(5).peer, Misbehaviour::Malformed)]
    );
}

#[test]
fn a_stranger_is_refused_by_its_past() {
    let (mut observer, [a1, b1, ..]) = world();
    let chain = observer.chains_of(author(1).peer).next().unwrap();
    let members = InvitedAt(chain);
    observer.offer(forge(follow(author(7), None, &[&b1]), &[6]));
    assert!(observer.admit_next_of(&members).is_none());
    assert_eq!(observer.take_refused(), [(author(7).peer, Misbehaviour::Stranger)]);
    let guest = forge(follow(author(8), None, &[&a1]), &[6]);
    observer.offer(guest.clone());
    assert!(observer.admit_next_of(&members).is_some());
    // Its later runs are not asked about.
    observer.offer(forge(follow(author(8), Some(&guest), &[]), &[7]));
    assert!(observer.admit_next_of(&members).is_some());
}

/// A member is one that has the first two operations of a chain in its past.
struct InvitedAt(ChainId);

impl Members<u64> for InvitedAt {
    fn knows(&self, candidate: &Candidate<'_, u64>) -> bool {
        assert_eq!(candidate.run.header.seq, 0, "only first runs are asked about");
        candidate.covers((self.0, 2))
    }

    fn counts(&self, _: &Run<u64>, _: &dyn Fn((ChainId, u64)) -> bool) -> bool {
        false
    }
}

#[test]
fn one_report_of_a_kind_and_a_bounded_number() {
    let mut observer = graph(1);
    for peer in 0..=u8::MAX {
        let bad = Header { lamport: 5, ..follow(author(peer), None, &[]) };
        let worse = Header { seq: 4, ..follow(author(peer), None, &[]) };
        take(&mut observer, &[forge(bad.clone(), &[1]), forge(bad, &[2]), forge(worse, &[3])]);
    }
    assert_eq!(observer.take_refused().len(), 256);
    assert!(observer.take_refused().is_empty());
}
