//! Row 21: an operation that makes `apply` panic.

use super::forger::{assert_equal, builder, exchange, peer, replica};
use crate::replica::{Grant, Replica, ReplicaNotice, Version};

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

/// A start is no way into a loop: what panicked before panics once more, is caught once more, and the replica goes on.
#[test]
fn a_replica_starts_over_poison_of_its_own_as_often_as_it_likes() {
    // With the reducer of all the others, and with another one.
    for (fingerprint, void, letters) in [(1, true, "abc"), (2, false, "a")] {
        let build = |number, fingerprint| builder(number, 2).fingerprint(fingerprint);
        let mut group = vec![build(1, 1).build(), build(2, fingerprint).build()];
        group[0].commit('a');
        exchange(&mut group);
        group[0].commit('!');
        group[0].commit('b');
        exchange(&mut group);
        group[1].commit('c');
        exchange(&mut group);
        assert_eq!(assert_equal(&group), letters);
        let log = group[0].since(&Version::new());
        for life in 1..=5 {
            let mut again = build(1, 1).incarnation(life).build();
            again.merge(log.clone());
            assert_eq!(poisoned(&again.settle().notices), [void], "once a start");
            assert!(poisoned(&again.settle().notices).is_empty(), "and not in each frame");
            assert_eq!(again.state().0, letters);
            assert_eq!(again.version(), group[0].version(), "it has all, and forwards all");
            // It goes on to edit and to hear.
            again.commit('d');
            let _ = again.settle();
            let sent = again.outbox().expect("what it committed");
            let mut other = build(2, fingerprint).build();
            other.merge(log.clone());
            other.merge(sent);
            let _ = other.settle();
            assert_eq!(other.state(), again.state());
            assert_eq!(again.state().0.ends_with('d'), void);
        }
    }
}

/// The state came in a snapshot; the poison is above what that covers.
#[test]
fn one_that_joins_over_poison_begins() {
    let mut group: Vec<_> = (1..=2).map(|number| replica(number, 2)).collect();
    group[0].commit('a');
    exchange(&mut group);
    group[0].cut().unwrap();
    group[0].commit('!');
    group[1].commit('b');
    group[0].invite(peer(3), Grant::Write).unwrap();
    exchange(&mut group);
    let mut joined = builder(3, 2).join(group[1].snapshot().unwrap()).unwrap();
    assert_eq!(poisoned(&joined.settle().notices), [true]);
    group.push(joined);
    group[2].commit('c');
    assert!(poisoned(&exchange(&mut group)).is_empty());
    assert_eq!(assert_equal(&group), "abc");
}

/// What panicked long ago is void, and stays so whichever peer comes.
#[test]
fn an_invitation_takes_nothing_back() {
    let mut group: Vec<_> = (1..=2).map(|number| replica(number, 2)).collect();
    group[0].commit('a');
    exchange(&mut group);
    group[0].commit('!');
    let b = group[1].commit('b');
    exchange(&mut group);
    assert_eq!(assert_equal(&group), "ab");
    let stable = group[0].watermark();
    assert!(stable >= b.lamport);
    group[0].invite(peer(3), Grant::Write).unwrap();
    group[0].commit('c');
    let notices = exchange(&mut group);
    // The third says nothing for days.
    assert_eq!(assert_equal(&group), "abc");
    assert!(poisoned(&notices).is_empty());
    assert!(group.iter().all(|member| member.watermark() >= stable));
    // What panics meanwhile is void too: it is not asked.
    group[1].commit('!');
    group[1].commit('d');
    assert_eq!(poisoned(&exchange(&mut group)), [true; 2]);
    assert_eq!(assert_equal(&group), "abcd");
    let mut third = builder(3, 2).build();
    third.merge(group[0].since(third.version()));
    let _ = third.settle();
    group.push(third);
    group[2].commit('e');
    exchange(&mut group);
    assert_eq!(assert_equal(&group), "abcde");
}

/// An update reaches one member after another.
#[test]
fn an_update_takes_nothing_back() {
    let build = |number, fingerprint| builder(number, 2).fingerprint(fingerprint);
    let mut group = vec![build(1, 1).build(), build(2, 1).build()];
    group[0].commit('a');
    exchange(&mut group);
    group[0].commit('!');
    group[1].commit('b');
    exchange(&mut group);
    assert_eq!(assert_equal(&group), "ab");
    let restart = |group: &mut Vec<Replica<_>>, index: usize, fingerprint| {
        let number = u8::try_from(index + 1).unwrap();
        let mut next = build(number, fingerprint).incarnation(1).build();
        next.merge(group[index].since(&Version::new()));
        let _ = next.settle();
        group[index] = next;
    };
    restart(&mut group, 1, 2);
    assert_eq!(group[1].state().0, "ab", "its program is another, and what was void is void");
    // It says so without being asked.
    let notices = exchange(&mut group);
    assert!(poisoned(&notices).is_empty());
    assert_eq!(assert_equal(&group), "ab");
    // One that begins with the whole log has the same state, with either program.
    for fingerprint in [1, 2] {
        let mut fresh = build(1, fingerprint).incarnation(9).build();
        fresh.merge(group[0].since(&Version::new()));
        let _ = fresh.settle();
        assert_eq!(fresh.state(), group[0].state());
    }
    // What panics now is no verdict of all, until all have the update.
    let stop = group[1].commit('!');
    group[0].commit('c');
    group[0].commit('d');
    assert_eq!(poisoned(&exchange(&mut group)), [false; 2]);
    assert!(assert_equal(&group).starts_with("ab") && !assert_equal(&group).contains('d'));
    assert!(group.iter().all(|member| member.watermark() < stop.lamport));
    restart(&mut group, 0, 2);
    exchange(&mut group);
    assert_eq!(assert_equal(&group), "abcd");
    assert!(group.iter().all(|member| member.watermark() >= stop.lamport));
    // And another one after it.
    restart(&mut group, 0, 3);
    group[0].commit('e');
    assert!(poisoned(&exchange(&mut group)).is_empty());
    assert_eq!(assert_equal(&group), "abcde");
}
