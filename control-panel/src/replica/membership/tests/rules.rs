//! The rules, by hand.

use super::node::{Node, TestRun, owners, peer};
use crate::replica::{
    Author, Grant, Misbehaviour, ReplicaNotice, Stamp,
    membership::{Right, Verdict, Void},
    run::Operation,
};

const RETIRED: Verdict = Verdict::Void(Void::Retired);
const CLOSED: Verdict = Verdict::Void(Void::Closed);
const NOT_GRANTED: Verdict = Verdict::Void(Void::NotGranted);

fn group(count: u8) -> Vec<Node> {
    (0..count).map(|number| Node::new(&owners(count), number)).collect()
}

/// Gives all nodes all that any has, and has them acknowledge until no one owes any.
fn settle(nodes: &mut [Node]) {
    loop {
        let all: Vec<TestRun> = nodes.iter().flat_map(|node| node.log.clone()).collect();
        for node in nodes.iter_mut() {
            node.take(&all);
        }
        let mut quiet = true;
        for node in nodes.iter_mut() {
            if node.membership.ack_due() {
                node.ack();
                quiet = false;
            }
        }
        if quiet {
            break;
        }
    }
}

#[test]
fn what_a_retired_member_made_beside_its_owners_knowledge_is_void() {
    let mut nodes = group(3);
    let known = nodes[2].write(1);
    nodes[0].take([&known]);
    let unknown = nodes[2].write(2);
    nodes[2].restart();
    let next_life = nodes[2].write(3);
    nodes[1].take([&known, &unknown]);
    assert_eq!(nodes[1].verdict(&unknown), Verdict::Valid);
    let retirement = nodes[0].retire(peer(2));
    nodes[1].take([&retirement, &next_life]);
    assert_eq!(nodes[1].verdict(&known), Verdict::Valid);
    assert_eq!(nodes[1].verdict(&unknown), RETIRED);
    assert_eq!(nodes[1].verdict(&next_life), RETIRED, "a later life is retired too");
    assert!(nodes[1].notices.contains(&ReplicaNotice::Retired { peer: peer(2) }));
    assert!(!nodes[1].membership.members().contains_key(&peer(2)));
    assert!(nodes[1].wrong.is_empty());
}

#[test]
fn one_that_is_invited_again_writes_again_and_what_was_void_stays_so() {
    let mut nodes = group(3);
    let lost = nodes[2].write(1);
    let retirement = nodes[0].retire(peer(2));
    nodes[2].take([&retirement]);
    assert_eq!(nodes[2].verdict(&lost), RETIRED);
    let invitation = nodes[0].invite(peer(2), Grant::Write);
    nodes[2].take([&invitation]);
    let again = nodes[2].write(1);
    for node in &mut nodes {
        node.take([&lost, &retirement, &invitation, &again]);
        assert_eq!(node.verdict(&lost), RETIRED);
        assert_eq!(node.verdict(&again), Verdict::Valid);
        assert_eq!(node.membership.members()[&peer(2)], Grant::Write);
    }
}

#[test]
fn of_two_owners_that_retire_each_other_the_senior_one_stays() {
    let mut nodes = group(3);
    let (by_0, by_1) = (nodes[0].retire(peer(1)), nodes[1].retire(peer(0)));
    let (of_0, of_1) = (nodes[0].write(1), nodes[1].write(2));
    nodes[2].take([&by_1, &of_1]);
    assert_eq!(nodes[2].membership.members().len(), 2);
    for node in &mut nodes {
        node.take([&by_0, &of_0, &by_1, &of_1]);
        assert_eq!(node.verdict(&of_0), Verdict::Valid);
        assert_eq!(node.verdict(&of_1), RETIRED);
        assert!(node.membership.members().keys().eq(&[peer(0), peer(2)]));
        let contested = ReplicaNotice::MembershipContested { by: peer(1), peer: peer(0) };
        assert_eq!(node.notices.iter().filter(|it| **it == contested).count(), 1);
    }
}

#[test]
fn a_junior_retires_a_senior_for_good_once_all_others_have_acknowledged() {
    let mut nodes = group(3);
    let by_1 = nodes[1].retire(peer(0));
    nodes[2].take([&by_1]);
    let acknowledgement = nodes[2].ack();
    // Late enough that no low closes it.
    for op in 0..5 {
        nodes[0].write(op);
    }
    let by_0 = nodes[0].retire(peer(1));
    let by_0_and_before = nodes[0].log.clone();
    for node in &mut nodes {
        node.take(&by_0_and_before);
        node.take([&by_1, &acknowledgement]);
        assert_eq!(node.verdict(&by_0), RETIRED);
        assert!(node.membership.members().keys().eq(&[peer(1), peer(2)]), "{:?}", node.membership.members());
    }
}

#[test]
fn a_lost_senior_owner_holds_back_until_its_retirement_is_final() {
    let mut nodes = group(3);
    let before = nodes[1].write(1);
    let _lost = nodes.remove(0);
    settle(&mut nodes);
    assert_eq!(nodes[0].watermark, 0);
    assert_eq!(nodes[0].membership.holds_back(), Some(peer(0)));
    nodes[0].retire(peer(0));
    settle(&mut nodes);
    for node in &nodes {
        assert!(node.watermark > before.header.lamport, "{}", node.watermark);
        assert_eq!(node.membership.low(peer(0)), 0);
    }
}

#[test]
fn of_two_owners_the_junior_cannot_do_without_the_senior() {
    let mut nodes = group(2);
    nodes.remove(0);
    nodes[0].write(1);
    nodes[0].retire(peer(0));
    settle(&mut nodes);
    // No one else could tell which of them retired the other first.
    assert_eq!(nodes[0].watermark, 0);
    let mut nodes = group(2);
    nodes.remove(1);
    nodes[0].write(1);
    let retirement = nodes[0].retire(peer(1));
    assert_eq!(nodes[0].watermark, 0, "its own word that it has all is in its next run");
    assert!(nodes[0].membership.ack_due());
    nodes[0].ack();
    assert_eq!(nodes[0].watermark, retirement.clock());
    assert!(!nodes[0].membership.ack_due());
}

#[test]
fn rights_are_those_of_the_runs_past() {
    let members = [(peer(0), Grant::Owner), (peer(1), Grant::Write), (peer(2), Grant::Read)].into();
    let mut nodes: Vec<_> = (0..3).map(|number| Node::new(&members, number)).collect();
    let written = nodes[1].write(1);
    let [author_1, author_2] = [1, 2].map(|number| Author { peer: peer(number), incarnation: 0 });
    let own = Stamp { lamport: 1, author: author_1, seq: 0 };
    let others = Stamp { lamport: 1, author: author_2, seq: 0 };
    let made = [
        (nodes[1].make(vec![Operation::Revoke { stamp: Box::new(own) }]), Verdict::Valid),
        (nodes[1].make(vec![Operation::Revoke { stamp: Box::new(others) }]), NOT_GRANTED),
        (nodes[1].make(vec![Operation::Cut { upto: 1 }]), NOT_GRANTED),
        (nodes[1].invite(peer(9), Grant::Owner), NOT_GRANTED),
        (nodes[1].retire(peer(0)), NOT_GRANTED),
        (nodes[2].ack(), Verdict::Valid),
        (nodes[2].write(2), NOT_GRANTED),
        (nodes[0].make(vec![Operation::Cut { upto: 1 }]), Verdict::Valid),
        (nodes[0].make(vec![Operation::Revoke { stamp: Box::new(own) }]), Verdict::Valid),
    ];
    let (up, down) = (nodes[0].invite(peer(2), Grant::Write), nodes[0].invite(peer(1), Grant::Read));
    let unaware = nodes[1].write(3);
    nodes[1].take([&made[7].0, &made[8].0, &up, &down]);
    nodes[2].take([&made[7].0, &made[8].0, &up, &down]);
    let aware = [nodes[1].write(4), nodes[2].write(5)];
    let runs: Vec<_> = made.iter().map(|(run, _)| run.clone()).chain(aware.clone()).collect();
    for node in &mut nodes {
        node.take([&written, &unaware, &up, &down]);
        node.take(&runs);
        for (run, verdict) in &made {
            assert_eq!(node.verdict(run), *verdict, "{run:?}");
        }
        assert_eq!(node.verdict(&unaware), Verdict::Valid);
        assert_eq!(aware.each_ref().map(|run| node.verdict(run)), [NOT_GRANTED, Verdict::Valid]);
        assert_eq!(node.membership.members().len(), 3);
        assert!(!node.membership.may(peer(1), Right::Write) && node.membership.may(peer(0), Right::Own));
        let reported = node
            .notices
            .iter()
            .filter(|it| matches!(it, ReplicaNotice::PeerMisbehaved { what: Misbehaviour::NotGranted, .. }));
        assert_eq!(reported.count(), 2, "once for each peer");
    }
}

#[test]
fn a_stranger_is_refused_and_one_that_was_invited_is_not() {
    let mut nodes = group(2);
    let mut joiner = Node::new(&owners(2), 7);
    let stray = joiner.write(1);
    nodes[1].take([&stray]);
    assert!(nodes[1].log.is_empty());
    let stranger = ReplicaNotice::PeerMisbehaved { peer: peer(7), what: Misbehaviour::Stranger };
    assert_eq!(nodes[1].notices, [stranger]);

    let invitation = nodes[0].invite(peer(7), Grant::Write);
    let mut joiner = Node::new(&owners(2), 7);
    joiner.take([&invitation]);
    let written = joiner.write(1);
    nodes[1].take([&written]);
    assert!(nodes[1].log.is_empty(), "its invitation is not here yet");
    nodes[1].take([&invitation]);
    assert_eq!(nodes[1].verdict(&written), Verdict::Valid);
    assert!(nodes[1].notices.contains(&ReplicaNotice::Invited { peer: peer(7), grant: Grant::Write }));
}

#[test]
fn an_invitation_that_falls_takes_its_peers_operations_along() {
    let mut nodes = group(3);
    let invitation = nodes[1].invite(peer(7), Grant::Owner);
    let mut joiner = Node::new(&owners(3), 7);
    joiner.take([&invitation]);
    let (written, retirement) = (joiner.write(1), joiner.retire(peer(2)));
    nodes[2].take([&invitation, &written, &retirement]);
    assert_eq!(nodes[2].verdict(&written), Verdict::Valid);
    assert!(!nodes[2].membership.members().contains_key(&peer(2)));
    let senior = nodes[0].retire(peer(1));
    nodes[2].take([&senior]);
    assert_eq!(nodes[2].verdict(&written), NOT_GRANTED);
    assert!(nodes[2].membership.members().keys().eq(&[peer(0), peer(2)]));
    assert!(
        !nodes[2]
            .notices
            .contains(&ReplicaNotice::PeerMisbehaved { peer: peer(7), what: Misbehaviour::NotGranted })
    );
}

#[test]
fn a_copy_that_writes_below_what_others_acknowledged_is_closed_in_either_order() {
    let mut nodes = group(3);
    let mut copy = Node::new(&owners(3), 2);
    let backdated = copy.write(9);
    let runs: Vec<_> = (0..4)
        .flat_map(|op| {
            let run = nodes[2].write(op);
            nodes[0].take([&run]);
            let ack = nodes[0].ack();
            nodes[2].take([&ack]);
            [run, ack]
        })
        .collect();
    let other = nodes[1].write(7);
    nodes[0].take([&other]);
    let ack = nodes[0].ack();
    let later = nodes[0].ack();
    assert!(nodes[0].membership.low(peer(0)) >= backdated.header.lamport);
    let mut all: Vec<_> = runs.iter().chain([&other, &ack, &later, &backdated]).cloned().collect();
    for first in [false, true] {
        if first {
            all.rotate_right(1);
        }
        let mut node = Node::new(&owners(3), 1);
        node.take(&all);
        assert_eq!(node.verdict(&backdated), CLOSED);
        assert!(runs.iter().all(|run| node.verdict(run) == Verdict::Valid));
        let reported = ReplicaNotice::PeerMisbehaved { peer: peer(2), what: Misbehaviour::Backdated };
        assert_eq!(node.notices.iter().filter(|it| **it == reported).count(), 1);
    }
}

#[test]
fn one_that_was_invited_holds_back_from_its_invitation_on() {
    let mut nodes = group(2);
    let before = nodes[0].write(1);
    settle(&mut nodes);
    let invitation = nodes[0].invite(peer(7), Grant::Write);
    settle(&mut nodes);
    for node in &nodes {
        assert!((before.clock()..invitation.clock()).contains(&node.watermark));
        assert_eq!(node.membership.holds_back(), Some(peer(7)));
    }
    nodes.push(Node::new(&owners(2), 7));
    settle(&mut nodes);
    assert!(nodes.iter().all(|node| node.watermark == invitation.clock()));
}

#[test]
fn an_invitation_beside_a_retirement_rescues_nothing() {
    let mut nodes = group(3);
    let retirement = nodes[0].retire(peer(2));
    let invitation = nodes[1].invite(peer(2), Grant::Write);
    nodes[2].take([&invitation]);
    let written = nodes[2].write(1);
    for node in &mut nodes {
        node.take([&invitation, &written, &retirement]);
        assert_eq!(node.verdict(&written), RETIRED);
        assert!(!node.membership.members().contains_key(&peer(2)));
    }
}

#[test]
fn a_retirement_that_is_closed_retires_no_one() {
    let mut nodes = group(3);
    let mut copy = Node::new(&owners(3), 2);
    let backdated = copy.retire(peer(1));
    let first = [nodes[0].write(1), nodes[1].write(2), nodes[2].write(3)];
    nodes[0].take(&first);
    let closing = nodes[0].ack();
    let mut all: Vec<_> = first.iter().chain([&closing]).cloned().collect();
    for place in [0, all.len()] {
        all.insert(place, backdated.clone());
        let mut node = Node::new(&owners(3), 1);
        node.take(&all);
        assert_eq!(node.verdict(&backdated), CLOSED);
        assert!(node.membership.members().contains_key(&peer(1)));
        all.remove(place);
    }
}

#[test]
fn of_two_invitations_of_one_peer_either_may_be_its_beginning() {
    let mut nodes = group(2);
    let early = nodes[0].invite(peer(7), Grant::Write);
    let mut joiner = Node::new(&owners(2), 7);
    joiner.take([&early]);
    let written = joiner.write(1);
    for op in 0..5 {
        nodes[1].write(op);
    }
    let late = nodes[1].invite(peer(7), Grant::Write);
    assert!(written.header.lamport < late.header.lamport);
    settle(&mut nodes);
    for node in &mut nodes {
        node.take([&written]);
        assert_eq!(node.verdict(&written), Verdict::Valid);
        assert_eq!(node.wrong, [""; 0]);
    }
}
