//! Effects that cannot be taken back, of operations that are taken back.

use super::forger::{Letters, assert_equal, exchange, peer, replica};
use crate::replica::Replica;

fn effects(replica: &mut Replica<Letters>) -> Vec<char> {
    replica.settled_ops().into_iter().map(|(_, letter)| letter).collect()
}

/// An order that is undone, becomes stable, and is redone.
#[test]
fn what_is_redone_after_it_became_stable_is_performed_once() {
    let mut group: Vec<_> = (1..=2).map(|number| replica(number, 2)).collect();
    let first = group[0].commit('a');
    let kept = group[0].commit('b');
    group[0].commit('c');
    let undo = group[0].revoke(first).unwrap();
    exchange(&mut group);
    assert!(group[0].watermark() >= undo.lamport);
    assert_eq!(effects(&mut group[0]), ['b', 'c']);
    let redo = group[0].revoke(undo).unwrap();
    let _ = group[0].settle();
    assert_eq!(group[0].state().0, "abc");
    assert!(effects(&mut group[0]).is_empty(), "another owner may still undo the redo");
    group[0].commit('d');
    exchange(&mut group);
    assert!(group[0].watermark() >= redo.lamport);
    assert_eq!(effects(&mut group[0]), ['a', 'd'], "each once, that which was kept aside before what is new");
    // What was performed is not taken back, nor performed again.
    let undo = group[0].revoke(kept).unwrap();
    exchange(&mut group);
    group[0].revoke(undo).unwrap();
    exchange(&mut group);
    assert_eq!(assert_equal(&group), "abcd");
    assert!(effects(&mut group[0]).is_empty() && effects(&mut group[1]).is_empty());
}

/// An owner takes an order back, and was retired meanwhile.
#[test]
fn what_comes_back_as_its_revocation_became_void_is_performed() {
    let mut group: Vec<_> = (1..=3).map(|number| replica(number, 3)).collect();
    let order = group[0].commit('a');
    exchange(&mut group);
    assert!(group[0].watermark() >= order.lamport);
    group[2].revoke(order).unwrap();
    let revocation = group[2].since(group[0].version());
    group[0].merge(revocation);
    let _ = group[0].settle();
    assert!(effects(&mut group[0]).is_empty());
    assert_eq!(group[0].state().0, "");
    group[1].retire(peer(3)).unwrap();
    group.pop();
    exchange(&mut group);
    assert_eq!(assert_equal(&group), "a");
    assert_eq!(effects(&mut group[0]), ['a']);
    assert!(effects(&mut group[0]).is_empty());
}

#[test]
fn what_a_cut_covers_while_it_is_left_out_is_not_kept_aside() {
    let mut group: Vec<_> = (1..=2).map(|number| replica(number, 2)).collect();
    let order = group[0].commit('a');
    group[0].commit('b');
    group[0].revoke(order).unwrap();
    exchange(&mut group);
    assert_eq!(effects(&mut group[0]), ['b']);
    assert_eq!(group[0].passed_over.len(), 1);
    group[0].cut().unwrap();
    exchange(&mut group);
    let _ = effects(&mut group[0]);
    exchange(&mut group);
    group[0].commit('c');
    exchange(&mut group);
    assert_eq!(effects(&mut group[0]), ['c']);
    group[0].cut().unwrap();
    exchange(&mut group);
    assert!(group[0].passed_over.is_empty());
}
