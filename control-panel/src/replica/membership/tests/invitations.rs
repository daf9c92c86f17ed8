//! What a peer makes that was invited in a quarrel: it is honest, whatever becomes of its invitations.

use super::node::{Node, TestRun, group, owners, peer, settle};
use crate::replica::{Grant, Misbehaviour, ReplicaNotice, membership::Verdict};

fn assert_counts(nodes: &mut [&mut Node], run: &TestRun) {
    settle(nodes);
    for node in nodes {
        assert_eq!(node.verdict(run), Verdict::Valid, "{}", node.me);
        let backdated = |it: &ReplicaNotice| {
            matches!(it, ReplicaNotice::PeerMisbehaved { what: Misbehaviour::Backdated, .. })
        };
        assert!(!node.notices.iter().any(backdated), "{}: all are honest", node.me);
        assert_eq!(node.wrong, [""; 0], "{}", node.me);
    }
}

/// Two owners invite one that was retired: for the one it had left, the other still waited for it. It begins with the invitation of the second, which says nothing of
/// its time, and so below that of the first.
#[test]
fn of_two_invitations_the_one_by_an_owner_that_waited_may_be_the_beginning() {
    let mut nodes = group(4);
    let [zero, one, two, three] = &mut nodes[..] else { unreachable!("there are four") };
    let retirement = one.retire(peer(3));
    two.take([&retirement]);
    let ack = two.ack();
    let waiting = two.invite(peer(3), Grant::Write);
    three.take([&retirement, &ack, &waiting]);
    let written = three.write(1);
    // 0 does not wait for it any more, and invites it too, later.
    zero.take([&retirement, &ack]);
    (2..8).for_each(|op| _ = zero.write(op));
    let later = zero.invite(peer(3), Grant::Write);
    assert!(later.header.lamport > written.header.lamport);
    // All but it know of both, and of each other's clocks.
    settle(&mut [&mut *zero, &mut *one, &mut *two]);
    one.write(8);
    settle(&mut [&mut *zero, &mut *one, &mut *two]);
    assert_counts(&mut [zero, one, two, three], &written);
}

/// 2 invites 8, and is retired by 1, which is retired by 0: then the invitation stands. Until that is known it does not.
struct Quarrel {
    nodes: Vec<Node>,
    retirement: TestRun,
}

fn quarrel(grant: Grant) -> (Quarrel, TestRun, TestRun) {
    let mut nodes = group(4);
    nodes.push(Node::new(&owners(4), 8));
    let [zero, one, two, three, eight] = &mut nodes[..] else { unreachable!("there are five") };
    let retirement = one.retire(peer(2));
    let invitation = two.invite(peer(8), grant);
    eight.take([&invitation]);
    let written = eight.write(1);
    // All go on, so that no one's clock but that of 8 is below what it wrote.
    let others: Vec<_> = (2..8).flat_map(|op| [zero.write(op), one.write(op), two.write(op)]).collect();
    three.take([&retirement, &invitation]);
    three.take(&others);
    assert!(!three.membership.members().contains_key(&peer(8)), "the invitation fell");
    (Quarrel { nodes, retirement }, invitation, written)
}

#[test]
fn what_is_made_while_the_invitation_does_not_stand_counts_when_it_does() {
    for grant in [Grant::Write, Grant::Owner] {
        let (Quarrel { mut nodes, .. }, _, written) = quarrel(grant);
        let [zero, one, two, three, eight] = &mut nodes[..] else { unreachable!("there are five") };
        three.ack();
        let acknowledged = three.write(9);
        assert!(acknowledged.header.lamport > written.header.lamport);
        zero.retire(peer(1));
        assert_counts(&mut [zero, one, two, three, eight], &written);
    }
}

/// And so does what one made whose inviter was invited so.
#[test]
fn so_does_what_one_made_that_a_suspended_owner_invited() {
    let (Quarrel { mut nodes, .. }, invitation, _) = quarrel(Grant::Owner);
    let mut nine = Node::new(&owners(4), 9);
    let [zero, one, two, three, eight] = &mut nodes[..] else { unreachable!("there are five") };
    let second = eight.invite(peer(9), Grant::Write);
    nine.take([&invitation]);
    nine.take(&eight.log);
    let written = nine.write(1);
    three.take(&eight.log);
    let others: Vec<_> =
        (10..18).flat_map(|op| [zero.write(op), one.write(op), two.write(op), eight.write(op)]).collect();
    three.take(&others);
    assert!(second.header.lamport < written.header.lamport);
    three.ack();
    three.write(9);
    zero.retire(peer(1));
    assert_counts(&mut [zero, one, two, three, eight, &mut nine], &written);
}

/// Once the retirement is final the invitation never stands again, and its peer holds no one back.
#[test]
fn one_whose_invitation_fell_for_good_is_not_waited_for() {
    let (Quarrel { mut nodes, retirement }, invitation, written) = quarrel(Grant::Write);
    let [zero, one, two, three, _] = &mut nodes[..] else { unreachable!("there are five") };
    zero.take([&retirement, &invitation]);
    let last = zero.write(20);
    settle(&mut [&mut *zero, &mut *one, &mut *two, &mut *three]);
    for node in [zero, one, three] {
        assert!(node.watermark >= last.header.lamport, "{}: {}", node.me, node.watermark);
        node.take([&written]);
        assert!(!node.verdict(&written).applies());
        assert_eq!(node.wrong, [""; 0], "{}", node.me);
    }
}

/// 8 was invited when 2 was retired for good: nothing that it makes is concurrent with that, so its silence keeps nothing open. Else a next life of 0, which finds out anew what is
/// final, would invite 2 again as one that is waited for, and say nothing of its time: a snapshot that has it would contradict itself.
#[test]
fn one_that_was_invited_behind_a_retirement_need_not_acknowledge_it() {
    let mut nodes = group(3);
    nodes[0].retire(peer(2));
    let [zero, one, _] = &mut nodes[..] else { unreachable!("there are three") };
    settle(&mut [zero, one]);
    one.invite(peer(8), Grant::Write);
    settle(&mut [zero, one]);
    zero.restart();
    zero.invite(peer(2), Grant::Owner);
    assert!(zero.membership.acts.last().is_some_and(|act| act.floor.is_some()));
}
