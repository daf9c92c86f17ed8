//! Row 13: one sequence number, two payloads.

use super::forger::{after, assert_equal, author, delta, exchange, first, peer, replica, run};
use crate::replica::{Misbehaviour, ReplicaNotice};

#[test]
fn both_payloads_are_kept_in_one_order() {
    let (one, two) = (run(first(3, 3), "x"), run(first(3, 3), "y"));
    let (one_on, two_on) = (run(after(&one), "1"), run(after(&two), "2"));
    let mut states = Vec::new();
    for turn in 0..4 {
        let mut group: Vec<_> = (1..=2).map(|number| replica(number, 3)).collect();
        group[0].commit('a');
        let runs = [[&one, &one_on, &two, &two_on], [&two, &two_on, &one, &one_on]];
        group[0].merge(delta(runs[turn % 2][..2 + turn / 2].iter().map(|run| (*run).clone())));
        group[1].merge(delta(runs[(turn + 1) % 2][..2 + turn / 2].iter().map(|run| (*run).clone())));
        let notices = exchange(&mut group);
        states.push(assert_equal(&group).to_owned());
        let runs = [one.hash.min(two.hash), one.hash.max(two.hash)];
        let proof = Misbehaviour::Fork { author: author(3), runs };
        let report = ReplicaNotice::PeerMisbehaved { peer: peer(3), what: proof };
        assert_eq!(
            notices.iter().filter(|notice| **notice == report).count(),
            2,
            "once on each: {notices:?}"
        );
    }
    assert!(states.windows(2).all(|pair| pair[0] == pair[1]), "{states:?}");
    assert_eq!(states[0].len(), 5, "both branches apply: {}", states[0]);
}

/// A copied folder: one author alive twice. Neither wedges, and they agree.
#[test]
fn an_author_that_is_alive_twice_goes_on() {
    let mut group: Vec<_> = (1..=2).map(|number| replica(number, 2)).collect();
    group[0].commit('a');
    exchange(&mut group);
    let mut copy = replica(1, 2);
    copy.merge(group[1].since(copy.version()));
    let _ = copy.settle();
    group.push(copy);
    for (original, copied) in [('b', 'c'), ('d', 'e')] {
        group[0].commit(original);
        group[2].commit(copied);
        exchange(&mut group);
    }
    let letters = assert_equal(&group).to_owned();
    let void: usize = [0, 2].map(|copy: usize| group[copy].take_void().len()).iter().sum();
    assert_eq!(letters.len() + void / 2, 5, "{letters}: what does not count comes back to both copies");
}
