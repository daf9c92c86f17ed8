//! What a member sees that was away, retired, or lost what it had: what comes back to it, and what does not.

use control_panel::{
    Author,
    replica::{Grant, ReplicaNotice, Version},
};

use super::{
    cases::cut_group,
    log::{builder, exchange, peer, quiesce, settle},
};

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
