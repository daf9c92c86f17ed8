//! What one joining replica sees.

use control_panel::{
    Author, Replica, Stamp,
    replica::{Grant, Misbehaviour, ReplicaNotice, SnapshotError, Version},
};

use super::log::{Log, builder, exchange, peer, quiesce, settle};

/// Two genesis members with so many operations, all of them below a stable cut.
fn cut_group(ops: u32) -> [Replica<Log>; 2] {
    let mut group = [0, 1].map(|number| builder(number, 2).build());
    for op in 0..ops {
        group[(op % 2) as usize].commit(op);
    }
    cut(&mut group);
    group
}

fn cut(group: &mut [Replica<Log>]) {
    let mut all: Vec<_> = group.iter_mut().collect();
    quiesce(&mut all);
    all[0].cut().unwrap();
    quiesce(&mut all);
    assert!(!all[0].reaches(&Version::new()), "the history is gone");
}

fn invite(group: &mut [Replica<Log>], number: usize) {
    group[0].invite(peer(number), Grant::Write).unwrap();
    settle(&mut group[0]);
}

#[test]
fn a_new_member_begins_with_the_state_and_edits() {
    let mut group = cut_group(10);
    invite(&mut group, 2);
    group[0].commit(10);
    let snapshot = group[0].snapshot().unwrap();
    assert_eq!(snapshot.from(), Author { peer: peer(0), incarnation: 0 });
    assert!(snapshot.level() > 0 && snapshot.len() < 10, "{snapshot:?}");

    let mut joiner = builder(2, 2).join(snapshot).unwrap();
    settle(&mut joiner);
    assert_eq!(joiner.state(), group[0].state());
    joiner.commit(11);
    let [first, second] = &mut group;
    quiesce(&mut [first, second, &mut joiner]);
    assert_eq!(second.state().ops().len(), 12);
    assert_eq!((joiner.state(), joiner.version()), (second.state(), second.version()));
    assert_eq!(joiner.watermark(), second.watermark());
}

#[test]
fn a_snapshot_without_a_cut_is_the_history() {
    let mut giver = builder(0, 1).build();
    giver.commit(1);
    let snapshot = giver.snapshot().unwrap();
    assert_eq!((snapshot.level(), snapshot.len()), (0, 1));
    giver.invite(peer(1), Grant::Write).unwrap();
    let mut joiner = builder(1, 1).join(giver.snapshot().unwrap()).unwrap();
    settle(&mut joiner);
    assert_eq!(joiner.state(), giver.state());
    assert!(!joiner.is_provisional(), "it folded everything itself");
}

#[test]
fn what_is_revoked_after_the_snapshot_leaves_the_joiner_too() {
    let mut group = cut_group(4);
    invite(&mut group, 2);
    let stamp = group[0].commit(4);
    let below = group[0].state().done[0].0;
    let mut joiner = builder(2, 2).join(group[0].snapshot().unwrap()).unwrap();
    settle(&mut joiner);
    assert!(joiner.state().ops().contains(&4));

    let undo = group[0].revoke(stamp).unwrap();
    let [first, second] = &mut group;
    quiesce(&mut [first, second, &mut joiner]);
    assert!(!joiner.state().ops().contains(&4));
    assert_eq!(joiner.state(), second.state());
    // The joiner has the window that all have.
    assert!(joiner.revoke(below).unwrap_err().to_string().contains("covered by a cut"));
    first.revoke(undo).unwrap();
    quiesce(&mut [first, second, &mut joiner]);
    assert!(joiner.state().ops().contains(&4) && joiner.state() == second.state());
}

#[test]
fn one_that_was_away_beyond_a_cut_has_its_unsent_operations_back() {
    let mut group = [0, 1, 2].map(|number| builder(number, 3).build());
    group[2].commit(1);
    quiesce(&mut group.iter_mut().collect::<Vec<_>>());
    let [first, second, away] = &mut group;
    away.commit(100);
    settle(away);
    away.commit(101);
    first.retire(peer(2)).unwrap();
    for op in 2..6 {
        first.commit(op);
    }
    quiesce(&mut [first, second]);
    first.cut().unwrap();
    quiesce(&mut [first, second]);
    assert!(!first.reaches(away.version()));

    away.rejoin(first.snapshot().unwrap()).unwrap();
    let notices = settle(away);
    assert!(notices.contains(&(peer(2), ReplicaNotice::OwnVoid { ops: 2 })), "{notices:?}");
    assert_eq!(away.state(), first.state());
    let back: Vec<_> = away.take_void().into_iter().map(|(_, op)| op).collect();
    assert_eq!(back, [100, 101]);
    assert!(away.take_void().is_empty(), "once");
    assert_eq!(away.author().incarnation, 0, "it made nothing that others have otherwise");

    first.invite(peer(2), Grant::Write).unwrap();
    quiesce(&mut [first, second, away]);
    for op in back {
        away.commit(op);
    }
    quiesce(&mut [first, second, away]);
    assert_eq!(first.state().ops(), [1, 2, 3, 4, 5, 100, 101]);
    assert_eq!((second.state(), away.state()), (first.state(), first.state()));
}

#[test]
fn what_others_have_of_it_void_and_forgotten_comes_back_too() {
    let mut group = [0, 1, 2].map(|number| builder(number, 3).build());
    let [first, second, away] = &mut group;
    away.commit(100);
    settle(away);
    let late = away.since(&Version::new());
    first.retire(peer(2)).unwrap();
    first.commit(1);
    quiesce(&mut [first, second]);
    // It reaches them when its author is retired, and is below a cut in the end.
    first.merge(late);
    quiesce(&mut [first, second]);
    first.cut().unwrap();
    quiesce(&mut [first, second]);
    assert!(!first.reaches(&Version::new()));

    away.rejoin(first.snapshot().unwrap()).unwrap();
    let notices = settle(away);
    assert_eq!((away.state(), first.state().ops()), (first.state(), vec![1]));
    assert!(notices.contains(&(peer(2), ReplicaNotice::OwnVoid { ops: 1 })), "{notices:?}");
    assert_eq!(away.take_void().into_iter().map(|(_, op)| op).collect::<Vec<_>>(), [100]);
}

#[test]
fn what_came_back_once_does_not_again_by_a_snapshot_that_lacks_it() {
    let mut group = [0, 1, 2].map(|number| builder(number, 3).build());
    quiesce(&mut group.each_mut());
    let [first, second, away] = &mut group;
    away.commit(100);
    first.retire(peer(2)).unwrap();
    for op in 0..2 {
        first.commit(op);
        quiesce(&mut [first, second]);
    }
    // It hears of that, and no one hears of its operation.
    exchange(&mut [first, away], 0, 1);
    assert_eq!(away.take_void().into_iter().map(|(_, op)| op).collect::<Vec<_>>(), [100]);
    let [first, second, _] = &mut group;
    first.commit(2);
    quiesce(&mut [first, second]);
    first.cut().unwrap();
    quiesce(&mut [first, second]);
    let [first, _, away] = &mut group;
    assert!(!first.reaches(away.version()));
    exchange(&mut [first, away], 0, 1);
    assert_eq!(away.state(), first.state());
    assert_eq!(away.take_void(), []);
}

#[test]
fn a_member_that_lacks_nothing_below_the_cut_merges_what_is_above() {
    let mut group = cut_group(6);
    let [first, second] = &mut group;
    second.commit(7);
    first.commit(8);
    second.rejoin(first.snapshot().unwrap()).unwrap();
    settle(second);
    assert!(!second.is_provisional());
    assert!(second.state().ops().contains(&8));
    quiesce(&mut [first, second]);
    assert!(first.state().ops().contains(&7));
    assert_eq!(first.state(), second.state());
}

/// Row 19 of the threats: acknowledged, and not there.
#[test]
fn a_member_that_lacks_what_it_acknowledged_is_served_a_snapshot_and_harms_only_itself() {
    let mut group = cut_group(10);
    let before = group[0].state().clone();
    // It starts again as if nothing had been.
    let [first, _] = &mut group;
    let empty = builder(1, 2).build();
    assert!(!first.reaches(empty.version()), "it is sent a snapshot, not a hole");
    drop(empty);

    let mut again = builder(1, 2).join(first.snapshot().unwrap()).unwrap();
    settle(&mut again);
    assert_eq!(again.author(), Author { peer: peer(1), incarnation: 1 }, "no number is given twice");
    assert_eq!((again.state(), first.state()), (&before, &before));
    again.commit(10);
    first.commit(11);
    quiesce(&mut [first, &mut again]);
    assert_eq!(first.state().ops().len(), 12);
    assert_eq!((again.state(), again.watermark()), (first.state(), first.watermark()));
}

/// Row 26 of the threats.
#[test]
fn a_snapshot_is_provisional_until_a_second_member_agrees() {
    let mut group = cut_group(1100);
    invite(&mut group, 2);
    let mut joiner = builder(2, 2).join(group[0].snapshot().unwrap()).unwrap();
    let [first, second] = &mut group;
    // Its giver's word alone does not count, whatever follows.
    for op in 0..1100 {
        joiner.commit(op);
    }
    for _ in 0..4 {
        exchange(&mut [first, &mut joiner], 0, 1);
        exchange(&mut [first, &mut joiner], 1, 0);
        let _ = (first.outbox(), joiner.outbox());
    }
    assert!(joiner.is_provisional());
    let notices = quiesce(&mut [first, second, &mut joiner]);
    assert!(!joiner.is_provisional());
    assert!(!notices.iter().any(|(_, notice)| matches!(notice, ReplicaNotice::Desync { .. })), "{notices:?}");
}

/// Row 26 of the threats.
#[test]
fn a_snapshot_that_lies_is_found_by_a_second_member() {
    let lie = Stamp { lamport: 1, author: Author { peer: peer(0), incarnation: 0 }, seq: 7 };
    let mut group = [builder_with(0, vec![(lie, 666)]), builder(1, 2).build()];
    for op in 0..1100 {
        group[(op % 2) as usize].commit(op);
    }
    cut(&mut group);
    invite(&mut group, 2);
    let mut joiner = builder(2, 2).join(group[0].snapshot().unwrap()).unwrap();
    for op in 0..1100 {
        joiner.commit(op);
    }
    let [first, second] = &mut group;
    let notices = quiesce(&mut [first, second, &mut joiner]);
    assert!(joiner.is_provisional());
    let found = |&(at, ref notice): &(_, ReplicaNotice)| {
        at == peer(2) && matches!(notice, ReplicaNotice::Desync { peer: of, agreed: 0, .. } if *of == peer(1))
    };
    assert!(notices.iter().any(found), "{notices:?}");
}

fn builder_with(number: usize, done: Vec<(Stamp, u32)>) -> Replica<Log> {
    Replica::builder(peer(number), Log { done })
        .members([0, 1].map(peer))
        .payload(|op, bytes| bytes.extend(op.to_le_bytes()))
        .digest(Log::digest)
        .build()
}

#[test]
fn refused_snapshots_say_what_mends_them() {
    let mut group = cut_group(4);
    let other = builder(2, 3).join(group[0].snapshot().unwrap()).unwrap_err();
    assert_eq!(other, SnapshotError::OtherGroup);
    assert!(other.to_string().contains("give the builder the members"));

    let stranger = builder(2, 2).join(group[0].snapshot().unwrap()).unwrap_err();
    assert_eq!(stranger, SnapshotError::NotInvited);
    assert!(stranger.to_string().contains("ask the member that invited it"));
}

#[test]
fn the_branches_of_a_forked_author_go_on_in_the_joiner() {
    let mut group = [0, 1, 2].map(|number| builder(number, 3).build());
    group[1].commit(1);
    quiesce(&mut group.iter_mut().collect::<Vec<_>>());
    // Restored from an old copy: one author twice.
    let mut copy = builder(1, 3).build();
    copy.merge(group[0].since(&Version::new()));
    settle(&mut copy);
    copy.commit(2);
    group[1].commit(3);
    let mut all: Vec<_> = group.iter_mut().chain([&mut copy]).collect();
    quiesce(&mut all);
    all[0].cut().unwrap();
    quiesce(&mut all);
    all[3].commit(4);
    all[1].commit(5);
    all[0].invite(peer(3), Grant::Write).unwrap();
    let mut joiner = builder(3, 3).join(all[0].snapshot().unwrap()).unwrap();
    all.push(&mut joiner);
    quiesce(&mut all);
    assert!([1, 2, 3].iter().all(|op| all[0].state().ops().contains(op)), "{:?}", all[0].state());
    for replica in &all {
        assert_eq!(replica.state(), all[0].state(), "{}", replica.author());
    }
}

#[test]
fn a_joiner_of_a_joiner_has_the_same() {
    let mut group = cut_group(10);
    invite(&mut group, 2);
    let mut second = builder(2, 2).join(group[0].snapshot().unwrap()).unwrap();
    // It gives on what it has not settled, nor acknowledged.
    invite(&mut group, 3);
    second.merge(group[0].since(second.version()));
    let mut third = builder(3, 2).join(second.snapshot().unwrap()).unwrap();
    settle(&mut third);
    assert_eq!(third.state(), group[0].state());
    third.commit(77);
    let [first, other] = &mut group;
    quiesce(&mut [first, other, &mut second, &mut third]);
    assert!(other.state().ops().contains(&77));
    assert_eq!((third.state(), third.watermark()), (other.state(), other.watermark()));
}

/// An old copy of a log edits below a cut and goes on above it: it must not part those that have forgotten from those that have not.
#[test]
fn a_branch_from_below_a_cut_holds_up_only_itself() {
    // The first hands out effects, so it forgets nothing.
    let mut group = [builder(0, 3).performed(0).build(), builder(1, 3).build(), builder(2, 3).build()];
    group[1].commit(1);
    quiesce(&mut group.iter_mut().collect::<Vec<_>>());
    let backup = group[0].since(&Version::new());
    for op in 2..8 {
        group[(op % 3) as usize].commit(op);
    }
    let [first, second, third] = &mut group;
    quiesce(&mut [first, second, third]);
    third.cut().unwrap();
    quiesce(&mut [first, second, third]);
    assert!(first.reaches(&Version::new()) && !third.reaches(&Version::new()));

    let mut copy = builder(1, 3).build();
    copy.merge(backup);
    for op in 100..120 {
        copy.commit(op);
    }
    settle(&mut copy);
    // Neither knows where the other has left its chain, until one is shown it.
    first.merge(copy.since(first.version()));
    copy.merge(first.since(copy.version()));
    copy.commit(120);
    let found = settle(&mut copy);
    let mut notices = settle(first);
    for replica in [&mut *first, &mut *third] {
        replica.merge(copy.since(replica.version()));
        notices.extend(settle(replica));
    }
    let fork = |(_, notice): &(_, ReplicaNotice)| matches!(notice, ReplicaNotice::PeerMisbehaved { peer: of, what: Misbehaviour::Fork { .. } } if *of == peer(1));
    assert!(notices.iter().any(fork), "{notices:?}");
    first.commit(8);
    second.commit(9);
    quiesce(&mut [first, second, third]);
    let mut ops = third.state().ops();
    ops.sort_unstable();
    assert_eq!(ops, (1..10).collect::<Vec<_>>());
    assert_eq!((first.state(), second.state()), (third.state(), third.state()));
    assert_eq!((first.watermark(), second.watermark()), (third.watermark(), third.watermark()));

    // The copy has found out, and begins again with what all have. It gives no one what no other takes.
    assert!(copy.snapshot().is_none());
    let cut_off = ReplicaNotice::NextLife { author: Author { peer: peer(1), incarnation: 1 }, cut_off: true };
    assert!(found.contains(&(peer(1), cut_off)), "{found:?}");
    copy.rejoin(first.snapshot().unwrap()).unwrap();
    settle(&mut copy);
    assert!(copy.snapshot().is_some());
    assert_eq!(copy.state(), first.state());
    let mut back: Vec<_> = copy.take_void().into_iter().map(|(_, op)| op).collect();
    back.sort_unstable();
    assert_eq!(back, (100..=120).collect::<Vec<_>>());
    copy.commit(121);
    quiesce(&mut [first, second, third, &mut copy]);
    assert!(third.state().ops().contains(&121) && !third.state().ops().contains(&100));
    assert_eq!((copy.state(), first.state()), (third.state(), third.state()));
}

/// A member that is retired while it is away has taken up what the others cannot place any more, named it or not, before it hears of their cut.
#[test]
fn one_that_was_retired_and_has_a_branch_behind_a_cut_begins_again() {
    for names in [true, false] {
        // The first hands out effects, so it forgets nothing.
        let mut group = [0, 1, 2, 3].map(|number| {
            let builder = builder(number, 4);
            if number == 0 { builder.performed(0).build() } else { builder.build() }
        });
        group[1].commit(1);
        quiesce(&mut group.each_mut());
        let mut copy = builder(1, 4).build();
        copy.merge(group[0].since(&Version::new()));
        for op in 100..120 {
            copy.commit(op);
        }
        settle(&mut copy);
        let [first, second, third, away] = &mut group;
        away.merge(copy.since(away.version()));
        settle(away);
        if names {
            away.commit(200);
            settle(away);
            assert!(away.outbox().is_some());
        }
        first.retire(peer(3)).unwrap();
        quiesce(&mut [first, second, third]);
        for op in 2..8 {
            [&mut *first, &mut *second, &mut *third][(op % 3) as usize].commit(op);
        }
        quiesce(&mut [first, second, third]);
        third.cut().unwrap();
        quiesce(&mut [first, second, third]);
        assert!(first.reaches(&Version::new()) && !third.reaches(&Version::new()));
        first.invite(peer(3), Grant::Write).unwrap();
        quiesce(&mut [first, second, third]);

        // Of one author each has other runs, and neither knows, until one is shown it.
        first.merge(away.since(first.version()));
        settle(first);
        away.merge(first.since(away.version()));
        let cut_off =
            ReplicaNotice::NextLife { author: Author { peer: peer(3), incarnation: 1 }, cut_off: true };
        let notices = settle(away);
        assert!(notices.contains(&(peer(3), cut_off)), "{notices:?}");
        assert!(away.snapshot().is_none() && away.outbox().is_none());
        away.commit(201);
        away.rejoin(first.snapshot().unwrap()).unwrap();
        let notices = settle(away);
        assert!(
            !notices.iter().any(|(_, notice)| matches!(notice, ReplicaNotice::NextLife { .. })),
            "{notices:?}"
        );
        let mut back: Vec<_> = away.take_void().into_iter().map(|(_, op)| op).collect();
        back.sort_unstable();
        assert_eq!(back, if names { vec![200, 201] } else { vec![201] });

        away.commit(202);
        quiesce(&mut [first, second, third, away]);
        assert_eq!(away.take_void(), []);
        let mut ops = third.state().ops();
        ops.sort_unstable();
        assert_eq!(ops, [1, 2, 3, 4, 5, 6, 7, 202]);
        for replica in [first, second, away] {
            assert_eq!(
                (replica.state(), replica.version()),
                (third.state(), third.version()),
                "{}",
                replica.author()
            );
            assert_eq!(replica.watermark(), third.watermark(), "{}", replica.author());
        }
    }
}
