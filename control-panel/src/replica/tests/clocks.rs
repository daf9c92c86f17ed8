//! Rows 10 to 12: clocks that lie, the past that is declared, operations that are withheld.

use super::forger::{after, assert_equal, delta, exchange, first, head, misdeeds, peer, replica, run};
use crate::replica::{Misbehaviour, run::Header};

#[test]
fn a_clock_neither_jumps_nor_goes_back() {
    for lamport in [0, 2, 1 << 40, 1 << 63, u64::MAX] {
        let mut here = replica(1, 2);
        let forged = run(Header { lamport, ..first(2, 2) }, "x");
        assert_eq!(misdeeds(&mut here, delta([forged])).len(), 1, "{lamport}");
        assert_eq!(here.state().0, "");
        assert_eq!(here.version().iter().count(), 0, "a refused run is not stored");
        // The replica goes on, its own clock untouched.
        assert_eq!(here.commit('a').lamport, 1);
    }
}

#[test]
fn a_clock_follows_from_the_heads() {
    let mut here = replica(1, 3);
    let theirs = run(first(2, 3), "abc");
    // The third author has seen the second's third operation: its time is 4 and no other.
    for lamport in [1, 3, 5] {
        let forged = run(Header { lamport, heads: vec![head(&theirs)].into(), ..first(3, 3) }, "x");
        let mut here = replica(1, 3);
        let found = misdeeds(&mut here, delta([theirs.clone(), forged]));
        assert_eq!(found, [(peer(3), Misbehaviour::Clock)], "{lamport}");
    }
    let right = run(Header { lamport: 4, heads: vec![head(&theirs)].into(), ..first(3, 3) }, "d");
    assert_eq!(misdeeds(&mut here, delta([right, theirs])), []);
    assert_eq!(here.state().0, "abcd");
}

/// An author that acknowledged what others wrote makes a second chain from before that, to sort before them.
#[test]
fn the_past_cannot_be_declared_by_a_fork() {
    // In both orders of arrival, on replicas that acknowledged and on one that comes later.
    for forged_first in [false, true] {
        let mut group: Vec<_> = (1..=3).map(|number| replica(number, 3)).collect();
        let early = group[1].commit('m');
        group[0].commit('a');
        exchange(&mut group);
        let forged = run(first(2, 3), "x");
        assert!(forged.stamp(0).lamport <= group[0].watermark(), "it would change what is stable");
        let mut late = replica(1, 3);
        late.me.incarnation = 7;
        let history = group[0].since(late.version());
        let (one, two) = (delta([forged.clone()]), history);
        let (one, two) = if forged_first { (one, two) } else { (two, one) };
        late.merge(one);
        let _ = late.settle();
        late.merge(two);
        let _ = late.settle();
        for member in &mut group {
            let found = misdeeds(member, delta([forged.clone()]));
            assert!(found.contains(&(peer(2), Misbehaviour::Backdated)), "{found:?}");
        }
        exchange(&mut group);
        assert_eq!(assert_equal(&group), "am");
        assert_eq!(late.state().0, "am");
        assert_eq!(early.lamport, 1);
    }
}

#[test]
fn an_operation_that_is_withheld_stops_the_watermark() {
    let mut group: Vec<_> = (1..=2).map(|number| replica(number, 3)).collect();
    let shown = run(first(3, 3), "a");
    let withheld = run(after(&shown), "b");
    let last = run(after(&withheld), "c");
    for member in &mut group {
        member.merge(delta([shown.clone(), last.clone()]));
    }
    exchange(&mut group);
    assert_eq!(assert_equal(&group), "a", "nothing is applied across a gap");
    let before = group[0].watermark();
    exchange(&mut group);
    assert_eq!(group[0].watermark(), before);
    group[1].merge(delta([withheld]));
    exchange(&mut group);
    // The second of them had let go of nothing: it still waited.
    assert_eq!(assert_equal(&group), "abc");
}

#[test]
fn a_gap_is_bounded() {
    let mut here = replica(1, 2);
    let mut last = run(first(2, 2), "a");
    let mut found = Vec::new();
    // The first is never sent.
    for _ in 0..80_000 {
        last = run(after(&last), "b");
        found.extend(misdeeds(&mut here, delta([last.clone()])));
    }
    assert_eq!(found, [(peer(2), Misbehaviour::Flood)]);
    assert!(here.graph.waiting() <= here.graph.limits().gap_ops_per_peer);
}
