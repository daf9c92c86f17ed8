//! How far "stable" holds where a key is used twice at the same time: with one that is no owner it does, and with more it may not. What is
//! void is the same everywhere, in any case.

use std::collections::BTreeMap;

use super::{
    node::{Members, Node, TestRun, group, owners, peer},
    random::Random,
    seeds,
};
use crate::replica::{
    Grant, Misbehaviour, ReplicaNotice, RunHash,
    graph::ChainId,
    membership::{Verdict, Void},
};

/// The same key once more, with what it had.
fn copy(of: &Node) -> Node {
    Node::restarted(&of.genesis, of.me, &of.log)
}

/// So many rounds in which each hears all, also what others sent, and acknowledges it.
fn acknowledge(nodes: &mut [Node], others: &[TestRun], rounds: usize) {
    for _ in 0..rounds {
        let all: Vec<_> =
            nodes.iter().flat_map(|node| node.log.clone()).chain(others.iter().cloned()).collect();
        for node in &mut *nodes {
            node.take(&all);
            node.ack();
        }
    }
}

/// All nodes come to have everything. Returns the verdicts, which are the same on all, and what was found wrong on these.
fn meet(nodes: &mut [Node], honest: &[usize]) -> (BTreeMap<RunHash, Verdict>, Vec<String>) {
    let all: Vec<TestRun> = nodes.iter().flat_map(|node| node.log.clone()).collect();
    for node in &mut *nodes {
        node.take(&all);
    }
    let verdicts = nodes[0].judged();
    assert!(nodes.iter().all(|node| node.judged() == verdicts), "verdicts differ");
    (verdicts, honest.iter().flat_map(|of| nodes[*of].wrong.clone()).collect())
}

/// What the shared part knew, and promised, a branch has from there on, and not from its own first run on.
#[test]
fn a_branch_begins_with_what_it_leaves() {
    let mut nodes = group(3);
    nodes[0].invite(peer(9), Grant::Write);
    acknowledge(&mut nodes, &[], 3);
    let mut hidden = copy(&nodes[2]);
    nodes[2].write(1);
    hidden.write(2);
    let both: Vec<_> = nodes[2].log.iter().chain(&hidden.log).cloned().collect();
    nodes[0].take(&both);
    let Node { graph, membership, .. } = &nodes[0];
    let (branch, fork) =
        graph.chains().find_map(|(id, chain)| Some((id, chain.fork?))).expect("the second is a branch");
    let before = fork.mark.next_seq - 1;
    let knew = |chain: ChainId| membership.chains[chain.index()].known.at(before).count();
    assert_eq!([knew(fork.parent), knew(branch)], [1, 1], "of the invitation");
    let promised = membership.closure.low_at(fork.parent, fork.mark.next_seq);
    assert!(promised > 0);
    assert_eq!(membership.closure.low_at(branch, fork.mark.next_seq), promised);
}

#[test]
fn where_one_that_is_no_owner_forks_what_is_stable_stays() {
    let (mut closed, mut retired) = (0, 0);
    for seed in seeds(150) {
        let mut random = Random::new(seed);
        let mut members: Members = owners(2);
        members.extend([(peer(2), Grant::Write), (peer(3), Grant::Write)]);
        let mut nodes: Vec<_> = (0..4).map(|number| Node::new(&members, number)).collect();
        let forks_at = random.below(20);
        for step in 0..60 {
            if step == forks_at {
                nodes.push(copy(&nodes[2]));
            }
            let (of, other) = (random.index(nodes.len()), random.index(nodes.len()));
            // What the two show to the same peer makes them known: mostly each has its own friends.
            let apart =
                nodes.len() > 4 && (of.is_multiple_of(2) != other.is_multiple_of(2)) && random.percent(70);
            if !apart {
                let news = nodes[other].log.clone();
                nodes[of].take(&news);
            }
            let node = &mut nodes[of];
            match random.below(40) {
                0 if of == 0 => _ = node.retire(peer(3)),
                1 if of == 0 => _ = node.retire(peer(2)),
                2 if of == 1 => _ = node.invite(peer(3), Grant::Write),
                3..15 => _ = node.write(step),
                _ => _ = node.ack(),
            }
        }
        let (verdicts, wrong) = meet(&mut nodes, &[0, 1, 3]);
        assert_eq!(wrong, [""; 0], "seed {seed}");
        closed += verdicts.values().filter(|verdict| **verdict == Verdict::Void(Void::Closed)).count();
        retired += verdicts.values().filter(|verdict| **verdict == Verdict::Void(Void::Retired)).count();
    }
    assert!(closed > 0 && retired > 0, "{closed} closed, {retired} retired");
}

#[test]
fn two_that_fork_together_can_take_back_what_is_stable() {
    // 1 and 2 fork; 0 is honest.
    let mut nodes: Vec<_> = (0..3).map(|number| Node::new(&owners(3), number)).collect();
    let mut hidden = [copy(&nodes[1]), copy(&nodes[2])];
    let of_0 = nodes[0].write(0);
    let written = nodes[2].write(1);
    acknowledge(&mut nodes, &[], 3);
    assert!(nodes[0].watermark >= written.clock());
    // On their other branches they promise each other, and the honest one's run, that there is no such operation.
    acknowledge(&mut hidden, &[of_0], 4);
    nodes.extend(hidden);
    let (verdicts, wrong) = meet(&mut nodes, &[0]);
    assert_eq!(verdicts[&written.hash], Verdict::Void(Void::Closed));
    assert!(!wrong.is_empty());
}

#[test]
fn an_owner_that_forks_can_take_back_what_is_stable_by_an_act_on_the_other_branch() {
    for acts in [false, true] {
        let mut nodes: Vec<_> = (0..3).map(|number| Node::new(&owners(3), number)).collect();
        let mut hidden = copy(&nodes[0]);
        let written = nodes[2].write(1);
        acknowledge(&mut nodes, &[], 3);
        assert!(nodes[1].watermark >= written.clock());
        // Above all that was promised; and it knows nothing of the operation.
        for op in 0..20 {
            hidden.write(op);
        }
        if acts {
            hidden.retire(peer(2));
        }
        nodes.push(hidden);
        let (verdicts, wrong) = meet(&mut nodes, &[1]);
        assert_eq!(verdicts[&written.hash].applies(), !acts);
        assert_eq!(!wrong.is_empty(), acts);
    }
}

/// 0 and 3 retire each other. 1 votes for the junior one's; 2 forks, and votes for it on one branch only. Those that have only the other may not take its vote for lost:
/// 3 may have both, before it has heard of 0's. Once it has heard of that first, no vote counts that comes later.
#[test]
fn a_voter_that_forks_votes_on_one_branch() {
    for is_late in [false, true] {
        let mut nodes: Vec<_> = (0..3).map(|number| Node::new(&owners(4), number)).collect();
        let mut junior = Node::new(&owners(4), 3);
        let mut hidden = copy(&nodes[2]);
        let of_0 = junior.retire(peer(0));
        let of_3 = nodes[0].retire(peer(3));
        let written = nodes[0].write(1);
        nodes[1].take([&of_0]);
        let vote = nodes[1].ack();
        nodes[2].take([&of_3]);
        nodes[2].ack();
        hidden.take([&of_0]);
        let hidden_vote = hidden.ack();
        acknowledge(&mut nodes, &[], 4);
        assert!(nodes[1].watermark < of_3.clock(), "{}", nodes[1].watermark);
        if is_late {
            let heard = nodes[1].log.clone();
            junior.take(&heard);
            junior.ack();
            let heard = junior.log.clone();
            acknowledge(&mut nodes, &heard, 4);
            assert!(nodes[1].watermark >= written.clock(), "{}", nodes[1].watermark);
        }
        junior.take([&vote, &hidden_vote]);
        junior.ack();
        nodes.push(junior);
        let (verdicts, wrong) = meet(&mut nodes, &[0, 1, 3]);
        assert_eq!(wrong, [""; 0], "late: {is_late}");
        assert_eq!(verdicts[&written.hash].applies(), is_late);
    }
}

/// 2 forks. 3 was retired, and goes on without one branch; as its runs are void, they close nothing. It is invited again, and goes on without that branch: what it makes now
/// does close it. So until then none may call that branch stable by what 3 said while it was retired.
#[test]
fn the_word_of_one_that_was_retired_counts_no_more_when_it_is_invited_again() {
    let mut members: Members = owners(2);
    members.extend([(peer(2), Grant::Write), (peer(3), Grant::Write)]);
    let mut nodes: Vec<_> = (0..3).map(|number| Node::new(&members, number)).collect();
    let mut three = Node::new(&members, 3);
    nodes[0].retire(peer(3));
    acknowledge(&mut nodes, &[], 3);
    let mut branch = copy(&nodes[2]);
    let written = nodes[2].write(1);
    let lamport = written.header.lamport;
    // All go on beyond it, but without each other.
    for node in nodes[..2].iter_mut().chain([&mut branch]) {
        (2..6).for_each(|op| _ = node.write(op));
    }
    for node in nodes[..2].iter().chain([&branch]) {
        three.take(&node.log);
    }
    let void = three.write(6);
    assert!(void.header.lamport > lamport && nodes[0].watermark < lamport);
    let invitation = nodes[0].invite(peer(3), Grant::Write);
    three.take([&invitation]);
    let mut silent = copy(&three);
    let closing = three.write(7);

    let others: Vec<TestRun> = silent.log.clone();
    acknowledge(&mut nodes, &others, 4);
    assert_eq!(nodes[1].verdict(&void), Verdict::Void(Void::Retired));
    assert_eq!(nodes[1].verdict(&written), Verdict::Valid);
    // Nor may it: before it has said so, a crash may take back that it has this.
    silent.take(&nodes[1].log);
    for node in nodes.iter().chain([&silent]) {
        assert!(node.watermark < lamport, "{}: {} of {lamport}", node.me, node.watermark);
    }

    nodes.push(three);
    acknowledge(&mut nodes, &[], 4);
    for node in &nodes[..2] {
        assert_eq!(node.verdict(&written), Verdict::Void(Void::Closed));
        assert_eq!(node.wrong, [""; 0]);
        assert!(node.verdict(&closing).applies() && node.watermark >= closing.clock());
    }
}

/// What is void as retired says nothing until the retirement falls; then it says what it did, whatever came first.
#[test]
fn what_a_retired_peer_had_promised_counts_when_the_retirement_falls() {
    let members = owners(3);
    let mut nodes: Vec<_> = (0..3).map(|number| Node::new(&members, number)).collect();
    acknowledge(&mut nodes, &[], 3);
    let heard = [nodes[0].write(1), nodes[1].write(2)];
    nodes[2].take(&heard);
    let promise = nodes[2].ack();
    nodes[1].retire(peer(2));
    let mut before = Node::new(&members, 3);
    for node in &nodes[1..] {
        before.take(&node.log);
    }
    assert_eq!(before.verdict(&promise), Verdict::Void(Void::Retired));
    let silent = before.membership.low(peer(2));
    nodes[0].retire(peer(1));
    let lows = [[1, 2, 0], [2, 1, 0], [0, 2, 1]].map(|order| {
        let mut node = Node::new(&members, 3);
        for of in order {
            node.take(&nodes[of].log);
        }
        assert_eq!(node.verdict(&promise), Verdict::Valid);
        node.membership.low(peer(2))
    });
    assert!(lows[0] > silent && lows == [lows[0]; 3], "{lows:?}, {silent}");
}

/// What closes an operation must become final. What closes an acknowledgement need not: to acknowledge that would close the next one of the other copy, without end.
#[test]
fn a_closed_acknowledgement_asks_for_no_other() {
    for is_ack in [false, true] {
        let mut nodes: Vec<_> = (0..3).map(|number| Node::new(&owners(3), number)).collect();
        let mut hidden = copy(&nodes[2]);
        let late = if is_ack { hidden.ack() } else { hidden.write(1) };
        nodes[0].write(2);
        acknowledge(&mut nodes, &[], 4);
        let before = nodes[0].membership.live.awaited;
        nodes[0].take([&late]);
        assert_eq!(nodes[0].verdict(&late), Verdict::Void(Void::Closed));
        assert_eq!(nodes[0].membership.live.awaited == before, is_ack);
    }
}

/// All have what 2 wrote, up to the time of what it wrote as its other copy, which their acknowledgements close. Until these are at or below the lowest low, a retirement may make them void
/// that has none of them in its past: then the other copy's counts.
#[test]
fn what_is_closed_is_not_stable_before_what_closes_it() {
    let mut nodes: Vec<_> = (0..3).map(|number| Node::new(&owners(3), number)).collect();
    let late = copy(&nodes[2]).write(3);
    for (op, node) in (0..).zip(&mut nodes) {
        node.write(op);
    }
    acknowledge(&mut nodes, &[], 1);
    nodes[0].take([&late]);
    assert_eq!(nodes[0].verdict(&late), Verdict::Void(Void::Closed));
    let [zero, others @ ..] = &mut nodes[..] else { unreachable!("there are three") };
    for other in others {
        zero.take(&other.log);
    }
    assert!(zero.membership.live.watermark >= late.header.lamport, "all have that much");
    assert!(zero.watermark < late.header.lamport, "{}", zero.watermark);
    acknowledge(&mut nodes, &[], 2);
    assert!(nodes[0].watermark >= late.header.lamport, "{}", nodes[0].watermark);
    assert_eq!(nodes[0].wrong, [""; 0]);
}

/// 2 made a run as its other copy that is below what 1 promised. Whether that stays so is certain when the retirement that 1 has heard of is final.
#[test]
fn one_is_reported_for_what_is_closed_when_that_is_certain() {
    let mut nodes: Vec<_> = (0..4).map(|number| Node::new(&owners(4), number)).collect();
    let late = copy(&nodes[2]).write(9);
    let written: Vec<_> = (0..).zip(&mut nodes).map(|(op, node)| node.write(op)).collect();
    // It lacks what 3 wrote.
    let retirement = nodes[0].retire(peer(3));
    nodes[1].take(&written);
    nodes[1].ack();
    nodes[1].take([&retirement, &late]);
    assert_eq!(nodes[1].verdict(&late), Verdict::Void(Void::Closed));
    let backdated = ReplicaNotice::PeerMisbehaved { peer: peer(2), what: Misbehaviour::Backdated };
    assert!(!nodes[1].notices.contains(&backdated), "{:?}", nodes[1].notices);
    acknowledge(&mut nodes[..3], &[late], 4);
    assert!(nodes[1].notices.contains(&backdated), "{:?}", nodes[1].notices);
}
