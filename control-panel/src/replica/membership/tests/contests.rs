//! Owners that retire each other while they are apart: what one of them calls stable stays, whatever the other did.

use super::node::{Members, Node, TestRun, group, owners, peer, settle};
use crate::replica::{Author, Grant, membership::Verdict};

/// All meet again: nothing was called stable that is not, and all have the same members. Returns these.
fn meet(nodes: &mut [Node]) -> Members {
    settle(&mut nodes.iter_mut().collect::<Vec<_>>());
    for node in nodes.iter() {
        assert_eq!(node.wrong, [""; 0], "{}", node.me);
        assert_eq!(node.membership.members(), nodes[0].membership.members(), "{}", node.me);
    }
    nodes[0].membership.members().clone()
}

fn are(members: &Members, numbers: &[u8]) -> bool {
    members.keys().copied().eq(numbers.iter().map(|number| peer(*number)))
}

#[test]
fn a_genesis_owner_that_was_retired_is_none_again_by_an_invitation_that_falls() {
    let mut nodes = group(4);
    let retirement = nodes[2].retire(peer(3));
    nodes[1].take([&retirement]);
    let invitation = nodes[1].invite(peer(3), Grant::Owner);
    nodes[3].take([&retirement, &invitation]);
    let act = nodes[3].retire(peer(2));
    let senior = nodes[0].retire(peer(1));
    for node in &mut nodes {
        node.take([&retirement, &invitation, &act, &senior]);
        assert!(are(node.membership.members(), &[0, 2]), "{:?}", node.membership.members());
    }
}

#[test]
fn a_vote_that_is_on_its_way_from_one_that_was_retired_is_waited_for() {
    let mut nodes = group(5);
    let of_0 = nodes[1].retire(peer(0));
    let acks: Vec<_> = (2..5)
        .map(|voter: usize| {
            nodes[voter].take([&of_0]);
            nodes[voter].ack()
        })
        .collect();
    nodes[1].take(&acks);
    // 2 and 1 retire each other. All but 0 hear of the junior one's first; 1 knows nothing of what 2 wrote before.
    let written = nodes[2].write(1);
    let by_2 = nodes[2].retire(peer(1));
    nodes[1].retire(peer(2));
    let mut votes: Vec<_> = [3, 4]
        .map(|voter: usize| {
            nodes[voter].take(&acks);
            nodes[voter].take([&written, &by_2]);
            nodes[voter].ack()
        })
        .into();
    let [zero, one, two, three, four] = &mut nodes[..] else { unreachable!() };
    settle(&mut [one, three, four]);
    assert!(one.membership.members().contains_key(&peer(1)), "0 has not voted");
    assert!(one.watermark < written.header.lamport, "so it may count yet: {}", one.watermark);
    zero.take(&acks);
    zero.take([&of_0, &written, &by_2]);
    votes.push(zero.ack());
    // Its author has them all before it hears of the other.
    two.take(acks.iter().chain(&votes));
    two.ack();
    assert!(are(&meet(&mut nodes), &[2, 3, 4]));
    assert_eq!(nodes[1].verdict(&written), Verdict::Valid);
}

#[test]
fn one_that_hears_of_both_together_votes_for_neither_and_the_senior_ones_is_final() {
    let mut nodes = group(3);
    let of_0 = nodes[1].retire(peer(0));
    let of_1 = nodes[0].retire(peer(1));
    nodes[2].take([&of_0, &of_1]);
    let [zero, _, two] = &mut nodes[..] else { unreachable!() };
    settle(&mut [zero, two]);
    assert!(zero.watermark >= of_1.clock() && two.watermark >= of_1.clock());
    assert!(are(&meet(&mut nodes), &[0, 2]));
}

#[test]
fn one_that_retires_all_others_waits_for_one_of_them_as_they_may_have_retired_it() {
    let mut nodes = group(3);
    let written = nodes[1].write(1);
    let of_0 = nodes[1].retire(peer(0));
    nodes[2].take([&written, &of_0]);
    nodes[2].ack();
    for op in 0..5 {
        nodes[0].write(op);
    }
    let _of_1 = nodes[0].retire(peer(1));
    let _of_2 = nodes[0].retire(peer(2));
    assert_eq!(nodes[0].watermark, 0, "they may be together");
    assert!(are(&meet(&mut nodes), &[1, 2]));
    // Where one of them stays and has acknowledged, no retirement by the others can have its vote.
    let mut nodes = group(3);
    let written = nodes[1].write(1);
    let of_0 = nodes[1].retire(peer(0));
    let of_1 = nodes[0].retire(peer(1));
    nodes[2].take([&of_1]);
    nodes[2].ack();
    let [zero, _, two] = &mut nodes[..] else { unreachable!() };
    settle(&mut [zero, two]);
    assert_eq!(zero.watermark, of_1.clock());
    two.take([&written, &of_0]);
    two.ack();
    assert!(are(&meet(&mut nodes), &[0, 2]));
}

#[test]
fn so_it_does_where_one_of_them_may_not_know_yet_that_the_other_is_there_again() {
    let mut nodes = group(3);
    let of_2 = nodes[0].retire(peer(2));
    nodes[1].take([&of_2]);
    let vote = nodes[1].ack();
    nodes[0].take([&vote]);
    let again = nodes[0].invite(peer(2), Grant::Owner);
    nodes[2].take([&of_2, &vote, &again]);
    // 0 cannot tell what of that has reached 1.
    nodes[1].take([&again]);
    let written = nodes[1].write(1);
    nodes[2].take([&written]);
    let of_0 = nodes[2].retire(peer(0));
    nodes[1].take([&of_0]);
    nodes[1].ack();
    for op in 0..5 {
        nodes[0].write(op);
    }
    nodes[0].retire(peer(1));
    nodes[0].retire(peer(2));
    assert!(nodes[0].watermark < written.header.lamport, "{}", nodes[0].watermark);
    assert!(are(&meet(&mut nodes), &[1, 2]));
}

#[test]
fn the_votes_of_those_that_it_invited_itself_do_not_retire_a_senior() {
    let mut nodes = group(2);
    let invitation = nodes[1].invite(peer(7), Grant::Owner);
    let of_0 = nodes[1].retire(peer(0));
    let mut joiner = Node::new(&owners(2), 7);
    joiner.take([&invitation, &of_0]);
    joiner.ack();
    let of_1 = nodes[0].retire(peer(1));
    nodes[0].ack();
    assert_eq!(nodes[0].watermark, of_1.clock(), "of two owners the senior waits for no one");
    nodes.push(joiner);
    assert!(are(&meet(&mut nodes), &[0]));
}

#[test]
fn nor_does_its_own_where_one_that_it_invited_retires_the_senior() {
    let mut nodes = group(2);
    let invitation = nodes[1].invite(peer(7), Grant::Owner);
    let mut joiner = Node::new(&owners(2), 7);
    joiner.take([&invitation]);
    let of_0 = joiner.retire(peer(0));
    nodes[1].take([&of_0]);
    nodes[1].ack();
    let of_1 = nodes[0].retire(peer(1));
    nodes[0].ack();
    assert_eq!(nodes[0].watermark, of_1.clock());
    nodes.push(joiner);
    assert!(are(&meet(&mut nodes), &[0]));
}

#[test]
fn a_retirement_with_all_votes_stands_though_the_senior_retired_the_one_that_invited_its_author() {
    let mut nodes = group(3);
    let invitation = nodes[1].invite(peer(7), Grant::Owner);
    let mut joiner = Node::new(&owners(3), 7);
    joiner.take([&invitation]);
    joiner.retire(peer(0));
    // Its act is above all that the others promise, so no low closes it.
    for op in 0..20 {
        nodes[0].write(op);
    }
    nodes[0].retire(peer(1));
    let [_, one, two] = &mut nodes[..] else { unreachable!() };
    let written = one.write(1);
    settle(&mut [one, two, &mut joiner]);
    assert!(one.watermark >= written.clock(), "all of them voted");
    nodes.push(joiner);
    assert!(are(&meet(&mut nodes), &[1, 2, 7]));
}

#[test]
fn nor_does_the_vote_of_one_that_it_had_retired_and_invited_again() {
    let mut nodes = group(3);
    let of_0 = nodes[2].retire(peer(0));
    nodes[1].take([&of_0]);
    nodes[1].ack();
    let of_2 = nodes[1].retire(peer(2));
    nodes[1].ack();
    assert_eq!(nodes[1].watermark, of_2.clock(), "all that stay have voted: it is alone");
    let again = nodes[2].invite(peer(0), Grant::Owner);
    let of_1 = nodes[2].retire(peer(1));
    nodes[0].take([&of_0, &again, &of_1]);
    nodes[0].ack();
    assert!(are(&meet(&mut nodes), &[1]));
}

#[test]
fn what_an_invited_owner_may_make_void_is_not_stable_while_its_invitation_may_stand_again() {
    let mut nodes = group(3);
    let (by_0, written) = (nodes[0].write(0), nodes[2].write(1));
    let early: Vec<_> = (0..5).map(|op| nodes[1].write(op)).collect();
    // Its owner knows nothing of what 2 wrote, so neither does the one that it invites.
    let invitation = nodes[1].invite(peer(7), Grant::Owner);
    let mut joiner = Node::new(&owners(3), 7);
    joiner.take(&early);
    joiner.take([&invitation]);
    joiner.retire(peer(2));
    nodes[1].take([&by_0]);
    let of_0 = nodes[1].retire(peer(0));
    nodes[0].take(&early);
    nodes[0].retire(peer(1));
    // 2 votes for the junior one's; the vote of 7 is on its way.
    nodes[2].take(&early);
    nodes[2].take([&by_0, &invitation, &of_0]);
    let vote = nodes[2].ack();
    nodes[1].take([&written, &vote]);
    nodes[1].ack();
    let heard = nodes[1].log.clone();
    nodes[0].take(&heard);
    nodes[0].ack();
    let [zero, _, two] = &mut nodes[..] else { unreachable!() };
    settle(&mut [zero, two]);
    assert!(!two.membership.members().contains_key(&peer(1)), "7 has not voted");
    assert!(two.watermark < written.header.lamport, "{}", two.watermark);
    joiner.take(&early);
    joiner.take([&by_0, &written, &of_0, &vote]);
    joiner.ack();
    nodes.push(joiner);
    meet(&mut nodes);
}

/// 1 retires 0, which is away; 2 and 3 vote. What 0 may have made is void when 1 has both votes in a run, and that is made with nothing else to say.
#[test]
fn the_author_of_a_retirement_says_that_it_has_all_votes() {
    let mut nodes = group(4);
    let of_0 = nodes[1].retire(peer(0));
    let votes: Vec<_> = [2, 3]
        .map(|voter: usize| {
            nodes[voter].take([&of_0]);
            nodes[voter].ack()
        })
        .into();
    let [_, one, two, three] = &mut nodes[..] else { unreachable!() };
    for voter in [&mut *two, &mut *three] {
        voter.take(&votes);
        for _ in 0..3 {
            voter.ack();
        }
        assert_eq!(voter.watermark, 0);
    }
    one.take(&votes);
    assert!(one.membership.ack_due(), "0 counts until then, and is silent");
    settle(&mut [one, two, three]);
    assert!(one.watermark >= of_0.clock() && two.watermark >= of_0.clock());
    // What 0 did meanwhile is void.
    nodes[0].retire(peer(1));
    assert!(are(&meet(&mut nodes), &[1, 2, 3]));
}

/// 2 retires 1, the others vote, and 2 is lost before it says that it has their votes. An owner that is senior to both mends it by retiring both; a junior one waits for good, as
/// 1 and 2 may be together.
#[test]
fn a_retirement_whose_author_is_lost_before_its_word_is_settled_by_a_senior_alone() {
    for (by, is_settled) in [(0, true), (3, false)] {
        let mut nodes = group(5);
        let of_1 = nodes[2].retire(peer(1));
        for voter in [0, 3, 4] {
            nodes[voter].take([&of_1]);
            nodes[voter].ack();
        }
        let [zero, one, two, three, four] = &mut nodes[..] else { unreachable!() };
        settle(&mut [zero, three, four]);
        assert!(three.watermark < of_1.clock(), "2 has not said that it has all votes");
        let retires = if by == 0 { &mut *zero } else { &mut *three };
        retires.retire(peer(1));
        let last = retires.retire(peer(2));
        settle(&mut [zero, three, four]);
        assert_eq!(four.watermark >= last.clock(), is_settled, "by {by}: {}", four.watermark);
        // Whatever they did meanwhile.
        one.take([&of_1]);
        two.retire(peer(0));
        one.write(1);
        let members = meet(&mut nodes);
        assert!(!members.contains_key(&peer(1)) && members.contains_key(&peer(4)), "{members:?}");
    }
}

/// 0 and 3 retire each other, the others vote for the junior one's, and 3 hears of the other before it has their votes: it gives its word no more. As all wait for either, it says so,
/// though it is no member any more.
#[test]
fn an_author_that_is_retired_before_its_word_says_that_none_comes() {
    for has_votes in [false, true] {
        let (mut nodes, of_3, votes) = quarrel(false);
        nodes[3].take([&of_3]);
        if has_votes {
            nodes[3].take(&votes);
        }
        assert!(nodes[3].membership.ack_due());
        assert!(are(&meet(&mut nodes), &[0, 1, 2]));
        for node in &nodes[..3] {
            assert!(node.watermark >= of_3.clock(), "{}: {}", node.me, node.watermark);
        }
        assert!(!nodes[3].membership.ack_due(), "once");
    }
}

/// Four owners, of which the last retires 0, by which it is retired, and the others vote for its retirement: the author is one from the beginning or was invited.
fn quarrel(is_invited: bool) -> (Vec<Node>, TestRun, [TestRun; 2]) {
    let mut nodes = group(if is_invited { 3 } else { 4 });
    if is_invited {
        nodes.push(Node::new(&owners(3), 7));
        nodes[2].invite(peer(7), Grant::Owner);
        settle(&mut nodes.iter_mut().collect::<Vec<_>>());
    }
    let author = nodes[3].me.peer;
    let of_0 = nodes[3].retire(peer(0));
    let of_author = nodes[0].retire(author);
    let votes = [1, 2].map(|voter: usize| {
        nodes[voter].take([&of_0]);
        nodes[voter].ack()
    });
    (nodes, of_author, votes)
}

/// The same, and the author crashes before it has said so: its next life says it, whether it has what its peer had heard or hears of it anew.
#[test]
fn so_does_its_next_life_where_the_author_crashes_before_that() {
    for case in 0..16 {
        let [is_invited, has_votes, is_twice, is_lost] = [1, 2, 4, 8].map(|bit| case & bit > 0);
        let (mut nodes, of_author, votes) = quarrel(is_invited);
        let before = nodes[3].log.clone();
        nodes[3].take([&of_author]);
        if has_votes {
            nodes[3].take(&votes);
        }
        if is_lost {
            let next = Author { incarnation: 1, ..nodes[3].me };
            let genesis = nodes[3].genesis.clone();
            nodes[3] = Node::restarted(&genesis, next, &before);
        } else {
            nodes[3].restart();
        }
        if is_twice {
            nodes[3].restart();
        }
        assert!(is_lost || nodes[3].membership.ack_due(), "{case}");
        assert!(are(&meet(&mut nodes), &[0, 1, 2]), "{case}");
        for node in &nodes[..3] {
            assert!(node.watermark >= of_author.clock(), "{case}, {}: {}", node.me, node.watermark);
        }
        assert!(!nodes[3].membership.ack_due(), "{case}: once");
    }
}
