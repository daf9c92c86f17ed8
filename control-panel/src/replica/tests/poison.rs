//! Row 21: an operation that makes `apply` panic.

use super::forger::{assert_equal, builder, exchange, replica};
use crate::replica::{Replica, ReplicaNotice};

fn poisoned(notices: &[ReplicaNotice]) -> Vec<bool> {
    let void = |notice: &ReplicaNotice| match notice {
        ReplicaNotice::Poisoned { void, message, .. } => {
            assert_eq!(message, "poison");
            Some(*void)
        }
        _ => None,
    };
    notices.iter().filter_map(void).collect()
}

#[test]
fn where_all_run_one_reducer_the_operation_is_void() {
    let mut group: Vec<_> = (1..=3).map(|number| replica(number, 3)).collect();
    for (member, letter) in group.iter_mut().zip("abc".chars()) {
        member.commit(letter);
    }
    exchange(&mut group);
    group[0].commit('!');
    group[0].commit('d');
    group[1].commit('e');
    let notices = exchange(&mut group);
    assert_eq!(assert_equal(&group), "abced");
    assert_eq!(poisoned(&notices), [true; 3], "{notices:?}");
    // Not again: neither later, nor by a replica that begins with the whole log.
    let _ = group[2].commit('f');
    assert!(poisoned(&exchange(&mut group)).is_empty());
    let mut fresh = builder(3, 3).incarnation(1).build();
    fresh.merge(group[0].since(fresh.version()));
    assert_eq!(poisoned(&fresh.settle().notices), [true]);
    assert_eq!(fresh.state(), group[0].state());
}

#[test]
fn where_reducers_differ_the_replica_stops_there_and_goes_on_receiving() {
    let build = |(number, fingerprint)| builder(number, 2).fingerprint(fingerprint).build();
    let mut group: Vec<Replica<_>> = [(1, 1), (2, 2)].map(build).into();
    for member in &mut group {
        member.commit('a');
    }
    exchange(&mut group);
    let stop = group[0].commit('!');
    group[1].commit('b');
    group[1].commit('c');
    let notices = exchange(&mut group);
    assert_eq!(poisoned(&notices), [false; 2]);
    // Before it in the order: "b" has its time but a greater author.
    assert_eq!(assert_equal(&group), "aa");
    assert!(group.iter().all(|member| member.watermark() < stop.lamport));
    // The author revokes it, and all go on.
    group[0].revoke(stop).unwrap();
    exchange(&mut group);
    assert_eq!(assert_equal(&group), "aabc");
}

#[test]
fn a_commit_that_panics_is_reported_and_the_state_is_as_before() {
    let mut alone = replica(1, 1);
    alone.commit('a');
    alone.commit('!');
    alone.commit('b');
    let notices = alone.settle().notices;
    assert_eq!(poisoned(&notices), [true], "{notices:?}");
    assert_eq!(alone.state().0, "ab");
}
