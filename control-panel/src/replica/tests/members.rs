//! Rows 16 to 18 and 20: retired members, strangers, contested retirements, a member that holds back.

use std::collections::BTreeMap;

use super::forger::{after, assert_equal, builder, delta, exchange, first, misdeeds, peer, replica, run};
use crate::replica::{Author, Grant, Misbehaviour, Replica, ReplicaNotice, identify::genesis, run::Header};

#[test]
fn what_a_retired_member_made_is_void_whichever_peer_brings_it() {
    let mut group: Vec<_> = (1..=3).map(|number| replica(number, 3)).collect();
    group[2].commit('a');
    exchange(&mut group);
    // In a partition: the third edits, the second hears it, the first retires the third.
    let void = group[2].commit('v');
    let news = group[2].since(group[1].version());
    group[1].merge(news);
    let _ = group[1].settle();
    assert_eq!(group[1].state().0, "av");
    group[0].retire(peer(3)).unwrap();
    group[1].commit('b');
    let notices = exchange(&mut group);
    assert_eq!(assert_equal(&group), "ab");
    assert_eq!(group[2].take_void(), [(void, 'v')]);
    let retired = ReplicaNotice::Retired { peer: peer(3) };
    assert_eq!(notices.iter().filter(|notice| **notice == retired).count(), 3);
    assert!(!group[0].members().any(|(member, _)| member == peer(3)));
}

/// It would be committed anew, and count twice.
#[test]
fn what_may_come_to_count_again_does_not_come_back() {
    let mut group: Vec<_> = (1..=3).map(|number| replica(number, 3)).collect();
    exchange(&mut group);
    let [senior, voter, junior] = &mut group[..] else { unreachable!("there are three") };
    // Two owners retire each other, and the third member hears of the junior's act first.
    junior.commit('v');
    junior.retire(peer(1)).unwrap();
    voter.merge(junior.since(voter.version()));
    voter.commit('b');
    senior.retire(peer(3)).unwrap();
    // The junior hears of the senior's first.
    junior.merge(senior.since(junior.version()));
    let notices = junior.settle().notices;
    assert_eq!(junior.state().0, "", "void, as far as it knows");
    assert!(junior.take_void().is_empty());
    assert!(!notices.iter().any(|notice| matches!(notice, ReplicaNotice::OwnVoid { .. })), "{notices:?}");
    exchange(&mut group);
    assert_eq!(assert_equal(&group), "vb");
    assert!(group[2].take_void().is_empty());
}

#[test]
fn a_retired_member_comes_back_neither_as_another_life_nor_as_another_key() {
    let mut group: Vec<_> = (1..=2).map(|number| replica(number, 2)).collect();
    group[1].commit('a');
    exchange(&mut group);
    group[0].retire(peer(2)).unwrap();
    let mut again = builder(2, 2).incarnation(1).build();
    let history = group[0].since(again.version());
    again.merge(history);
    let _ = again.settle();
    let refused = again.commit('x');
    assert_eq!(again.take_void(), [(refused, 'x')]);
    // Its own replica would make no run before it is invited.
    let found = misdeeds(&mut group[0], delta([run(first(9, 2), "y")]));
    assert_eq!(found, [(peer(9), Misbehaviour::Stranger)]);
    group[1] = again;
    exchange(&mut group);
    assert_eq!(assert_equal(&group), "a");
    // A life of which nothing was known, and that knows of nothing.
    let author = Author { peer: peer(2), incarnation: 5 };
    let unknown = run(Header { author, ..first(2, 2) }, "z");
    group[0].merge(delta([unknown]));
    exchange(&mut group);
    assert_eq!(assert_equal(&group), "a");
}

#[test]
fn of_two_owners_that_retire_each_other_one_stays() {
    let mut group: Vec<_> = (1..=3).map(|number| replica(number, 3)).collect();
    group[0].commit('a');
    exchange(&mut group);
    group[1].retire(peer(1)).unwrap();
    group[1].commit('b');
    group[0].retire(peer(2)).unwrap();
    group[0].commit('c');
    let notices = exchange(&mut group);
    assert_eq!(assert_equal(&group), "ac");
    let contested = ReplicaNotice::MembershipContested { by: peer(2), peer: peer(1) };
    assert!(notices.contains(&contested), "{notices:?}");
    for member in &group {
        assert_eq!(member.members().map(|(member, _)| member).collect::<Vec<_>>(), [peer(1), peer(3)]);
    }
}

#[test]
fn a_member_that_says_nothing_is_named_and_may_be_retired() {
    let build = |number| builder(number, 3).unstable_bound(10).build();
    let mut group: Vec<Replica<_>> = [1, 2].map(build).into();
    let mut notices = Vec::new();
    for _ in 0..12 {
        group[0].commit('a');
        notices.extend(exchange(&mut group));
    }
    let held: Vec<_> =
        notices.iter().filter(|notice| matches!(notice, ReplicaNotice::PeerHoldsBack { .. })).collect();
    assert_eq!(held.len(), 2, "once on each: {held:?}");
    assert!(
        matches!(held[0], ReplicaNotice::PeerHoldsBack { peer: named, ops } if *named == peer(3) && *ops > 10)
    );
    assert_eq!(group[0].state().0.len(), 12, "editing does not wait");
    assert!(group[0].settled_ops().is_empty(), "effects do");
    group[0].retire(peer(3)).unwrap();
    exchange(&mut group);
    assert_eq!(group[0].settled_ops().len(), 12);
}

#[test]
fn a_reader_that_writes_is_void_and_reported() {
    let mut group: Vec<_> =
        [1, 2].map(|number| builder(number, 1).member(peer(2), Grant::Read).build()).into();
    let members = BTreeMap::from([(peer(1), Grant::Owner), (peer(2), Grant::Read)]);
    // It writes all the same.
    let header = Header { previous: genesis(&members), ..first(2, 1) };
    let forged = run(header, "x");
    let next = run(after(&forged), "y");
    let found = misdeeds(&mut group[0], delta([forged, next]));
    assert_eq!(found, [(peer(2), Misbehaviour::NotGranted)]);
    exchange(&mut group);
    assert_eq!(assert_equal(&group), "");
}
