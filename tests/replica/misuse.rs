//! What a program does that makes no sense, and what a replica makes of it: nothing panics, nothing differs between replicas.

use control_panel::{
    Peer, Replica, Stamp,
    replica::{Grant, ReplicaBuilder, RevokeError, Version},
};

use crate::Letters;

const fn peer(number: u8) -> Peer {
    Peer([number; 32])
}

fn builder(number: u8, of: u8) -> ReplicaBuilder<Letters> {
    Replica::builder(peer(number), Letters::default()).members((1..=of).map(peer))
}

fn group(of: u8) -> Vec<Replica<Letters>> {
    (1..=of).map(|number| builder(number, of).build()).collect()
}

fn exchange(replicas: &mut [Replica<Letters>]) {
    for _ in 0..10 {
        for from in 0..replicas.len() {
            let _ = replicas[from].outbox();
            for to in (0..replicas.len()).filter(|to| *to != from) {
                let delta = replicas[from].since(replicas[to].version());
                replicas[to].merge(delta);
            }
        }
        for replica in &mut *replicas {
            let _ = replica.settle();
        }
    }
    for replica in &*replicas {
        assert_eq!((replica.state(), replica.version()), (replicas[0].state(), replicas[0].version()));
    }
}

#[test]
fn the_redo_of_another_replica_or_of_before_changes_nothing() {
    let mut group: Vec<_> = (1..=3).map(|number| builder(number, 3).redo_budget(2).build()).collect();
    group[0].commit('z');
    (0..8).for_each(|_| _ = group[1].commit('b'));
    let delta = group[1].since(&Version::new());
    let [one, _, three] = &mut group[..] else { unreachable!("three") };
    one.merge(delta.clone());
    three.merge(delta);
    let (job, others) =
        (one.settle().job.expect("over the budget"), three.settle().job.expect("over the budget"));
    let before = one.state().clone();
    assert!(!one.finish(others.run()), "it is the third's");
    assert_eq!(one.state(), &before);
    assert!(one.finish(job.run()));
    let _ = (one.settle(), one.settle());
    assert_eq!(one.state().0.len(), 9);
}

#[test]
fn a_second_settle_of_a_frame_does_nothing() {
    let mut group = group(2);
    group[1].commit('b');
    let delta = group[1].outbox().unwrap();
    group[0].merge(delta.clone());
    assert_eq!(group[0].settle().merged, 1);
    group[0].merge(delta);
    let second = group[0].settle();
    assert_eq!((second.merged, second.undone, second.redone, second.notices.len()), (0, 0, 0, 0));
}

#[test]
fn members_cuts_and_acknowledgements_cannot_be_revoked() {
    let mut group = group(2);
    group[0].commit('a');
    let invited = group[0].invite(peer(3), Grant::Write).unwrap();
    let cut = group[0].cut().unwrap();
    exchange(&mut group);
    for stamp in [invited, cut] {
        assert_eq!(group[0].revoke(stamp), Err(RevokeError::Unknown { stamp }));
    }
    let version: Vec<_> = group[0].version().iter().collect();
    let (author, count) = version[1];
    // The other has made nothing but acknowledgements.
    for lamport in 0..20 {
        let stamp = Stamp { lamport, author, seq: count - 1 };
        assert!(group[0].revoke(stamp).is_err());
    }
    assert!(group[0].members().any(|(member, _)| member == peer(3)));
}

#[test]
fn the_last_owner_may_go_and_what_follows_is_void() {
    let mut group = group(2);
    group[1].commit('b');
    exchange(&mut group);
    group[0].retire(peer(2)).unwrap();
    group[0].retire(peer(1)).unwrap();
    exchange(&mut group);
    assert_eq!(group[0].members().count(), 0);
    assert!(group[0].invite(peer(1), Grant::Owner).is_err(), "no one can");
    for member in &mut group {
        let stamp = member.commit('x');
        assert_eq!(member.take_void(), [(stamp, 'x')]);
    }
    exchange(&mut group);
    assert_eq!(group[0].state().0, "b");
}

#[test]
fn an_owner_may_give_up_what_it_may_do() {
    let mut group = group(2);
    group[1].invite(peer(2), Grant::Read).unwrap();
    let stamp = group[1].commit('x');
    assert_eq!(group[1].take_void(), [(stamp, 'x')]);
    assert!(group[1].invite(peer(2), Grant::Owner).is_err());
    exchange(&mut group);
    group[0].invite(peer(2), Grant::Owner).unwrap();
    exchange(&mut group);
    group[1].commit('b');
    exchange(&mut group);
    assert_eq!(group[0].state().0, "b");
}

#[test]
fn a_group_without_members_or_owners_has_void_operations_only() {
    let mut none = builder(1, 0).build();
    let stamp = none.commit('a');
    let _ = none.settle();
    assert_eq!((none.state().0.as_str(), none.watermark()), ("", 0));
    assert_eq!(none.take_void(), [(stamp, 'a')]);
    assert!(none.retire(peer(1)).is_err() && none.cut().is_err());
    let mut writers: Vec<_> = [1, 2]
        .map(|number| builder(number, 0).member(peer(1), Grant::Write).member(peer(2), Grant::Write).build())
        .into();
    writers[0].commit('a');
    assert!(writers[0].invite(peer(3), Grant::Write).is_err());
    exchange(&mut writers);
    assert_eq!(writers[1].state().0, "a");
    assert_eq!(writers[0].settled_ops().len(), 1);
}

#[test]
fn bounds_of_nothing_are_bounds() {
    let build = |number| builder(number, 2).redo_budget(1).history(0).unstable_bound(0).build();
    let mut group: Vec<_> = [1, 2].map(build).into();
    for _ in 0..5 {
        group[0].commit('a');
        group[1].commit('b');
        for from in 0..2 {
            let _ = group[from].outbox();
            let delta = group[from].since(group[1 - from].version());
            group[1 - from].merge(delta);
        }
        for member in &mut group {
            for _ in 0..4 {
                if let Some(job) = member.settle().job {
                    assert!(member.finish(job.run()));
                }
            }
        }
    }
    for _ in 0..30 {
        for from in 0..2 {
            let _ = group[from].outbox();
            let delta = group[from].since(group[1 - from].version());
            group[1 - from].merge(delta);
        }
        for member in &mut group {
            if let Some(job) = member.settle().job {
                assert!(member.finish(job.run()));
            }
        }
    }
    assert_eq!(group[0].state(), group[1].state());
    assert_eq!(group[0].state().0.len(), 10);
}

#[test]
fn cuts_of_nothing_new_change_nothing() {
    let mut group = group(2);
    group[0].commit('a');
    exchange(&mut group);
    group[0].cut().unwrap();
    group[0].cut().unwrap();
    group[1].cut().unwrap();
    exchange(&mut group);
    group[1].commit('b');
    exchange(&mut group);
    assert_eq!(group[0].state().0, "ab");
}

#[test]
fn effects_performed_beyond_what_is_stable_are_not_handed_out() {
    let mut group: Vec<_> = [1, 2]
        .map(|number| builder(number, 2).performed(if number == 1 { u64::MAX } else { 0 }).build())
        .into();
    group[0].commit('a');
    group[1].commit('b');
    exchange(&mut group);
    assert!(group[0].settled_ops().is_empty());
    assert_eq!(group[0].performed(), u64::MAX);
    assert_eq!(group[1].settled_ops().len(), 1);
}

/// A replica from its own log: as it was, with nothing to add.
#[test]
fn a_replica_is_rebuilt_from_its_own_log() {
    let mut group = group(3);
    for letter in ['a', 'b', 'c'] {
        for member in &mut group {
            member.commit(letter);
        }
        exchange(&mut group);
    }
    assert_eq!(group[0].settled_ops().len(), 3);
    let log = group[0].since(&Version::new());
    for incarnation in [0, 1] {
        let mut again = builder(1, 3).incarnation(incarnation).performed(group[0].performed()).build();
        again.merge(log.clone());
        let _ = again.settle();
        assert_eq!((again.state(), again.version()), (group[0].state(), group[0].version()));
        assert_eq!(again.watermark(), group[0].watermark());
        assert!(again.settled_ops().is_empty(), "performed already");
        assert!(again.outbox().is_none(), "the others have all of it");
        assert!(again.take_void().is_empty());
        let stamp = again.commit('d');
        assert_eq!(stamp.author.incarnation, incarnation);
        let sent = again.outbox().unwrap();
        let mut other = builder(2, 3).build();
        other.merge(log.clone());
        other.merge(sent);
        assert_eq!(other.settle().notices, []);
        assert_eq!(other.state(), again.state());
    }
}
