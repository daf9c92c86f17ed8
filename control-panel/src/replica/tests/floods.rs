//! Much of one thing: nothing grows or takes longer than what was sent.

use super::forger::{after, assert_equal, delta, exchange, first, replica, run};
use crate::replica::{Replica, Version, run::Operation};

/// What many revocations that come together leave out is found once.
#[test]
fn many_revocations_come_together() {
    let count = 1_000;
    let mut group: Vec<_> = (1..=2).map(|number| replica(number, 2)).collect();
    let stamps: Vec<_> = (0..count).map(|_| group[0].commit('a')).collect();
    for stamp in &stamps[1..] {
        group[0].act(Operation::Revoke { stamp: Box::new(*stamp) });
    }
    let all = group[0].since(&Version::new());
    group[1].merge(all);
    exchange(&mut group);
    assert_eq!(assert_equal(&group), "a");
}

/// An author that goes on from one place in many ways: all are kept, each once, and reported once.
#[test]
fn an_author_forks_again_and_again() {
    let count = 200;
    let mut group: Vec<Replica<_>> = (1..=2).map(|number| replica(number, 3)).collect();
    let root = run(first(3, 3), "r");
    let branches = (0..count).map(|index| {
        let letter = char::from_u32(0x4E00 + index).expect("a letter").to_string();
        run(after(&root), &letter)
    });
    let runs: Vec<_> = std::iter::once(root.clone()).chain(branches).collect();
    group[0].merge(delta(runs.clone()));
    let notices = group[0].settle().notices;
    assert_eq!(notices.len(), 1, "one proof is enough: {notices:?}");
    exchange(&mut group);
    assert_eq!(assert_equal(&group).chars().count(), runs.len());
}
