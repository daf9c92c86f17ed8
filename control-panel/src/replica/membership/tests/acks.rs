//! Acknowledgements lead to silence, and all to one watermark.

use super::node::{Node, TestRun, owners, peer};
use crate::replica::{ReplicaNotice, run::Operation};

/// Each round every node takes what the others made in the last one, and acknowledges if it owes that. Returns how many
/// acknowledgements there were until no one owed any.
fn rounds_until_quiet(nodes: &mut [Node], mut made: Vec<TestRun>) -> usize {
    let (mut acks, mut quiet) = (0, 0);
    while quiet < 8 {
        for node in nodes.iter_mut() {
            node.take(&made);
        }
        made.clear();
        for node in nodes.iter_mut() {
            if node.membership.ack_due() {
                made.push(node.ack());
            }
        }
        acks += made.len();
        quiet = if made.is_empty() { quiet + 1 } else { 0 };
        assert!(acks < 10 * nodes.len(), "they go on and on");
    }
    acks
}

#[test]
fn every_group_falls_silent_at_the_last_operation() {
    for count in [2, 3, 7, 50] {
        let mut nodes: Vec<_> = (0..count).map(|number| Node::new(&owners(count), number)).collect();
        let made = vec![nodes[0].write(1), nodes[1].write(2)];
        let acks = rounds_until_quiet(&mut nodes, made);
        assert!(acks <= 2 * nodes.len(), "{count} members made {acks}");
        assert!(nodes.iter().all(|node| node.watermark == 1), "{count}");
        let made = vec![nodes[1].write(3)];
        let last = made[0].clock();
        let acks = rounds_until_quiet(&mut nodes, made);
        assert!(acks <= 2 * nodes.len(), "{count} members made {acks}");
        assert!(nodes.iter().all(|node| node.watermark == last), "{count}");
        assert_eq!(rounds_until_quiet(&mut nodes, Vec::new()), 0);
    }
}

#[test]
fn where_one_does_not_answer_the_others_fall_silent_too() {
    let mut nodes: Vec<_> = (0..3).map(|number| Node::new(&owners(4), number)).collect();
    let made = vec![nodes[0].write(1)];
    assert!(rounds_until_quiet(&mut nodes, made) <= 3);
    assert!(nodes.iter().all(|node| node.watermark == 0));
    assert!(nodes.iter().all(|node| node.membership.holds_back() == Some(peer(3))));
    let made = vec![nodes[1].retire(peer(3))];
    let last = made[0].clock();
    assert!(rounds_until_quiet(&mut nodes, made) <= 9);
    assert!(nodes.iter().all(|node| node.watermark == last));
}

#[test]
fn with_many_members_an_acknowledgement_waits_some_calls() {
    let mut node = Node::new(&owners(50), 1);
    let mut other = Node::new(&owners(50), 0);
    node.take([&other.write(1)]);
    let calls = (1..9).find(|_| node.membership.ack_due());
    assert_eq!(calls, Some(4));
    assert!(node.membership.ack_due(), "until it is made");
    node.ack();
    assert!(!node.membership.ack_due());
}

#[test]
fn alone_nothing_waits_for_anyone() {
    let mut node = Node::new(&owners(1), 0);
    let run = node.write(1);
    assert_eq!(node.watermark, run.clock());
    assert!(!node.membership.ack_due());
    assert_eq!(node.membership.holds_back(), None);
}

#[test]
fn a_member_that_holds_back_is_reported_once_a_crossing() {
    let mut node = Node::new(&owners(2), 0);
    node.write(1);
    assert_eq!(node.membership.check_bound(10, 10), None);
    let report = Some(ReplicaNotice::PeerHoldsBack { peer: peer(1), ops: 11 });
    assert_eq!(node.membership.check_bound(11, 10), report);
    assert_eq!(node.membership.check_bound(12, 10), None);
    assert_eq!(node.membership.check_bound(3, 10), None);
    assert_eq!(node.membership.check_bound(11, 10), report);
}

/// A crash may take back what a replica admitted, or says of that in a run that is not stored: a next life may retire another without it.
#[test]
fn what_a_replica_has_counts_when_its_word_of_that_is_stored() {
    let mut nodes: Vec<_> = (0..2).map(|number| Node::new(&owners(2), number)).collect();
    let written = nodes[0].write(1);
    nodes[1].take([&written]);
    let answer = nodes[1].write(2);
    nodes[0].take([&answer]);
    assert!(nodes[0].membership.live.low.level >= written.clock(), "it has all, up to there");
    assert_eq!(nodes[0].watermark, 0);
    let word = nodes[0].make_unstored(vec![Operation::Ack { digest: None }]);
    assert_eq!(nodes[0].watermark, 0);
    nodes[0].store(&word);
    assert_eq!(nodes[0].watermark, written.clock());
}
