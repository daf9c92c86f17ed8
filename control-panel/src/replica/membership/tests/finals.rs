//! What is final, and so what is stable, follows from what is here: whatever came first. A peer that begins anew with its whole log does not call less stable than before.

use super::node::{Node, TestRun, group, peer, settle};
use crate::replica::{Author, Grant};

/// A next life of the node's finds the same, also where these runs come first.
fn assert_order_is_no_matter(node: &Node, first: &[&TestRun]) {
    let next = Author { incarnation: node.me.incarnation + 1, ..node.me };
    let mut log = node.log.clone();
    log.retain(|run| first.iter().all(|other| other.hash != run.hash));
    log.splice(0..0, first.iter().map(|run| TestRun::clone(run)));
    let other = Node::restarted(&node.genesis, next, &log);
    assert_eq!(other.log.len(), node.log.len());
    assert_eq!(other.finals(), node.finals());
    assert_eq!(other.watermark, node.watermark);
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
    assert_order_is_no_matter(zero, &[&late]);
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
    assert_order_is_no_matter(zero, &[&retirement, &vote, &leaves]);
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
        assert_order_is_no_matter(zero, &before.iter().chain([&retirement, &again]).collect::<Vec<_>>());
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
    assert_order_is_no_matter(one, &[&of_3, &of_4, &by_0[0], &by_0[1], &by_0[2]]);
}
