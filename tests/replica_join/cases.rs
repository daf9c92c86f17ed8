//! What one joining replica sees.

use control_panel::{
    Author, Replica, Stamp,
    replica::{Grant, Misbehaviour, ReplicaNotice, SnapshotError, Version},
};

use super::log::{Log, builder, exchange, peer, quiesce, settle};

/// Two genesis members with so many operations, all of them below a stable cut.
pub(super) fn cut_group(ops: u32) -> [Replica<Log>; 2] {
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
