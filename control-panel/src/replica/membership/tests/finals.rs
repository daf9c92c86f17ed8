//! What is final, and so what is stable, follows from what is here: whatever came first. A peer that begins anew with its whole log does not call less stable than before.

use super::node::{Node, TestRun, group, owners, peer, settle};
use crate::replica::{Author, Grant, membership::Verdict};

/// A next life of the node's, to which these runs came first, and then what of its log is kept.
fn in_other_order(node: &Node, first: &[&TestRun], is_kept: impl Fn(&TestRun) -> bool) -> Node {
    let next = Author { incarnation: node.me.incarnation + 1, ..node.me };
    let mut log = node.log.clone();
    log.retain(|run| is_kept(run) && first.iter().all(|other| other.hash != run.hash));
    log.splice(0..0, first.iter().map(|run| TestRun::clone(run)));
    let other = Node::restarted(&node.genesis, next, &log);
    assert_eq!(other.log.len(), log.len());
    other
}

/// A next life of the node's finds the same, also where these runs come first.
fn assert_order_is_no_matter(node: &Node, first: &[&TestRun]) {
    let other = in_other_order(node, first, |_| true);
    assert_eq!(other.finals(), node.finals());
    assert_eq!(other.watermark, node.watermark);
}

/// The same where no run is left that found it: these are the node's own. So the next one finds it, with all in its past.
fn assert_found_anew(node: &Node, first: &[&TestRun]) {
    assert_order_is_no_matter(node, first);
    let mut other = in_other_order(node, first, |run| run.header.author != node.me);
    assert!(other.finals().is_empty(), "no run is left that found it");
    other.ack();
    assert_eq!(other.finals(), node.finals());
}

/// 1 retires 3 and then invites 8; 3, which has not heard of it, invites 8 too. That never stands, as the retirement is final: 8 cannot have begun with it.
#[test]
fn an_invitation_that_never_stands_is_no_beginning() {
    let mut nodes = group(4);
    let late = nodes[3].invite(peer(8), Grant::Owner);
    let written = nodes[0].write(1);
    nodes[1].take([&written]);
    let retirement = nodes[1].retire(peer(3));
    let [zero, one, two, _] = &mut nodes[..] else { unreachable!("there are four") };
    settle(&mut [zero, one, two]);
    one.invite(peer(8), Grant::Owner);
    settle(&mut [zero, one, two]);
    assert!(zero.watermark >= retirement.clock(), "3 is gone: {}", zero.watermark);
    zero.take([&late]);
    assert_order_is_no_matter(zero, &[&late]);
}

/// 3 invites 8 as well, and what 1 retires is 3: that 8 was silent keeps nothing open, though one of its invitations does not have the retirement in its past.
#[test]
fn one_that_the_retired_invited_too_need_not_acknowledge_its_retirement() {
    let mut nodes = group(4);
    let late = nodes[3].invite(peer(8), Grant::Owner);
    let retirement = nodes[1].retire(peer(3));
    let again = nodes[1].invite(peer(8), Grant::Owner);
    let [zero, _, two, _] = &mut nodes[..] else { unreachable!("there are four") };
    two.take([&retirement, &again]);
    let vote = two.ack();
    zero.take([&retirement, &again, &vote]);
    zero.ack();
    assert_eq!(zero.finals().len(), 1, "all that stay have it in their past");
    zero.take([&late]);
    assert_found_anew(zero, &[&late]);
}

/// 1 retires 3, and all that stay have acknowledged it. That 2 leaves of itself, which the others have not, keeps that retirement open and not this one.
#[test]
fn a_retirement_does_not_wait_for_another_that_lacks_acknowledgements() {
    let mut nodes = group(4);
    let retirement = nodes[1].retire(peer(3));
    nodes[2].take([&retirement]);
    let vote = nodes[2].ack();
    let leaves = nodes[2].retire(peer(2));
    let zero = &mut nodes[0];
    zero.take([&retirement, &vote]);
    zero.ack();
    assert_eq!(zero.finals().len(), 1, "all that stay have it in their past");
    zero.take([&leaves]);
    assert_eq!(zero.finals().len(), 1);
    assert_found_anew(zero, &[&retirement, &vote, &leaves]);
}

/// One that is retired and invited again, without a word from it yet, need not acknowledge its retirement: it begins behind that, though it began before it once.
#[test]
fn one_that_is_there_again_begins_behind_its_retirement() {
    for target in [3, 8] {
        let mut nodes = group(4);
        let before = (target == 8).then(|| nodes[1].invite(peer(8), Grant::Write));
        let retirement = nodes[1].retire(peer(target));
        let again = nodes[1].invite(peer(target), Grant::Write);
        let votes: Vec<TestRun> = [2, 3]
            .map(|voter: usize| {
                nodes[voter].take(before.iter().chain([&retirement]));
                nodes[voter].ack()
            })
            .into();
        let zero = &mut nodes[0];
        zero.take(before.iter().chain([&retirement]));
        zero.take(votes.iter().filter(|vote| vote.header.author.peer != peer(target)));
        zero.ack();
        assert_eq!(zero.finals().len(), 1, "all that stay have it in their past");
        zero.take([&again]);
        assert_found_anew(zero, &before.iter().chain([&retirement, &again]).collect::<Vec<_>>());
    }
}

/// 0 retires 3, and 2 retires 4. 1 and 2 have acknowledged both, so no retirement of 0 by 3 has all votes: also where 0 retires these two next, without their word, as 3 knows nothing of
/// that beside the retirement of itself.
#[test]
fn a_voter_is_one_to_the_retired_also_where_it_is_retired_later() {
    let mut nodes = group(5);
    let of_3 = nodes[0].retire(peer(3));
    let of_4 = nodes[2].retire(peer(4));
    nodes[0].take([&of_4]);
    let by_0 = [nodes[0].ack(), nodes[0].retire(peer(1)), nodes[0].retire(peer(2))];
    nodes[2].take([&of_3]);
    let vote = nodes[2].ack();
    let one = &mut nodes[1];
    one.take([&of_3, &of_4, &by_0[0], &vote]);
    one.ack();
    assert_eq!(one.finals().len(), 2, "both");
    one.take(&by_0);
    assert!(one.finals().len() >= 2);
    assert_found_anew(one, &[&of_3, &of_4, &by_0[0], &by_0[1], &by_0[2]]);
}

/// 0 retires 1, and 2 retires 3: final only together, as neither of the retired has acknowledged the other's. 1 was away and retires 2: that takes precedence over what 2 did, and falls
/// with 1. All but these have both retirements, and 4 says so, but not that it heard the others say it.
fn final_only_together() -> (Vec<Node>, Vec<TestRun>) {
    let mut nodes = group(5);
    // So it is above all that the others promise, and not closed.
    (0..20).for_each(|op| _ = nodes[1].write(op));
    nodes[1].retire(peer(2));
    let of_2 = nodes[1].log.clone();
    let retirements = [nodes[0].retire(peer(1)), nodes[2].retire(peer(3))];
    for of in [4, 0, 2] {
        nodes[of].take(&retirements);
        nodes[of].ack();
    }
    let votes = [0, 2].map(|of: usize| TestRun::clone(nodes[of].log.last().expect("its vote")));
    nodes[4].take(&votes);
    (nodes, of_2)
}

/// What this replica's last run found final, and what was found in its past.
fn found_by(node: &Node) -> usize {
    let own = node.graph.own_chain().expect("it made a run");
    node.membership.chains[own.index()].view.finals.len()
}

/// It is final to none before a run has all of it in its past: what comes then and comes first are else not the same. An author that can make that run does.
#[test]
fn what_no_run_found_final_is_final_to_no_one() {
    let (mut nodes, of_2) = final_only_together();
    let four = &mut nodes[4];
    assert!(four.finals().is_empty(), "no run found it");
    assert_order_is_no_matter(four, &of_2.iter().collect::<Vec<_>>());
    assert!(four.membership.ack_due(), "it would find it");
    four.ack();
    assert_eq!(four.finals().len(), 2);
    assert!(!four.membership.ack_due(), "it is found");
    four.take(&of_2);
    assert_order_is_no_matter(four, &of_2.iter().collect::<Vec<_>>());
    assert_eq!(four.finals().len(), 2);
}

/// A run that has in its past what contests one of them too would find neither final. As another run found both, which it has in its past, they are.
#[test]
fn what_a_run_found_final_is_final_to_all_that_have_it() {
    let (mut nodes, of_2) = final_only_together();
    let before = nodes[4].log.clone();
    let zero = &mut nodes[0];
    zero.take(&of_2);
    zero.take(&before);
    zero.ack();
    assert_eq!((zero.finals().len(), found_by(zero)), (0, 0));
    let found = nodes[4].ack();
    let zero = &mut nodes[0];
    zero.take([&found]);
    assert_eq!((zero.finals().len(), found_by(zero)), (2, 0));
    let said = zero.ack();
    assert_eq!(found_by(zero), 2);
    nodes[4].take(of_2.iter().chain([&said]));
    assert_eq!(nodes[4].finals(), nodes[0].finals());
}

/// What a crash takes back found nothing.
#[test]
fn what_this_replica_found_counts_when_that_is_durable() {
    let (mut nodes, _) = final_only_together();
    let four = &mut nodes[4];
    let run = four.make_unstored(vec![crate::replica::run::Operation::Ack { digest: None }]);
    assert_eq!((four.finals().len(), found_by(four)), (0, 2));
    assert!(!four.membership.ack_due(), "it made the run that finds it");
    assert!(four.membership.is_unconfirmed(&four.graph));
    four.store(&run);
    assert_eq!(four.finals().len(), 2);
    assert!(!four.membership.is_unconfirmed(&four.graph));
}

/// 0 forks, and on the other branch retires 2, below what the others had promised. A run counts an act as its author made it, and all acknowledge it; it is void all the same.
#[test]
fn a_retirement_that_is_closed_is_final_to_no_one() {
    let mut nodes = group(3);
    let mut hidden = Node::restarted(&owners(3), nodes[0].me, &[]);
    nodes[0].write(0);
    settle(&mut nodes.iter_mut().collect::<Vec<_>>());
    let retirement = hidden.retire(peer(2));
    for _ in 0..2 {
        for node in &mut nodes {
            node.take([&retirement]);
            node.ack();
        }
        settle(&mut nodes.iter_mut().collect::<Vec<_>>());
    }
    for node in &nodes {
        assert_ne!(node.verdict(&retirement), Verdict::Valid);
        assert_eq!((node.finals().len(), found_by(node)), (0, 1));
    }
}
