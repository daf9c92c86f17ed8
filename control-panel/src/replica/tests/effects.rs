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

/// The first of a group of two, and a copy of it that has what it has.
fn copied(letters: &str) -> Vec<Replica<Letters>> {
    let mut group: Vec<_> = (1..=2).map(|number| replica(number, 2)).collect();
    letters.chars().for_each(|letter| _ = group[0].commit(letter));
    let _ = (group[0].settle(), group[0].outbox());
    let mut copy = replica(1, 2);
    copy.merge(group[0].since(copy.version()));
    let _ = copy.settle();
    group.push(copy);
    group
}

/// Each performs what is on its own branch; what was before, the one that goes on as it was.
#[test]
fn of_two_programs_with_one_key_each_performs_what_is_its_own() {
    let mut yielded = [false; 2];
    for letters in ["cd", "de", "ef", "fg", "gh", "hi", "ij", "jk"] {
        let mut group = copied("ab");
        let mut own = letters.chars();
        let [original, copy] = [0, 2].map(|index: usize| {
            let letter = own.next().expect("two");
            group[index].commit(letter);
            letter
        });
        exchange(&mut group);
        // Both go on, one of them as another author.
        group[0].commit('x');
        group[2].commit('y');
        exchange(&mut group);
        group[1].commit('z');
        exchange(&mut group);
        let applied = assert_equal(&group).to_owned();
        let [from_original, from_copy] = [0, 2].map(|index: usize| effects(&mut group[index]));
        let is_yielding = |index: usize| group[index].author().incarnation == 1;
        assert!(is_yielding(0) != is_yielding(2), "one of them goes on as another");
        yielded[usize::from(is_yielding(2))] = true;
        let mut all = [&from_original[..], &from_copy].concat();
        all.sort_unstable();
        let distinct = {
            let mut all = all.clone();
            all.dedup();
            all
        };
        assert_eq!(all, distinct, "{from_original:?} and {from_copy:?}: at most once");
        let (keeper, other) =
            if is_yielding(2) { (&from_original, &from_copy) } else { (&from_copy, &from_original) };
        for letter in ['a', 'b'] {
            assert!(keeper.contains(&letter) && !other.contains(&letter), "{letter}: {keeper:?}, {other:?}");
        }
        let (mine, theirs) = if is_yielding(2) { (original, copy) } else { (copy, original) };
        assert!(!keeper.contains(&theirs) && !other.contains(&mine));
        assert!(!applied.contains(mine) || keeper.contains(&mine), "{applied}: {keeper:?}");
        for (index, letter) in [(0, 'x'), (2, 'y')] {
            let performed = if index == 0 { &from_original } else { &from_copy };
            assert!(!applied.contains(letter) || performed.contains(&letter), "{applied}: {performed:?}");
        }
    }
    assert_eq!(yielded, [true; 2], "the hashes decide which");
}

/// A copy that listens and says nothing is not found out, by either: then both perform what they have. The key is what a service goes by.
#[test]
fn a_copy_that_only_listens_performs_it_too() {
    let mut group = copied("ab");
    let mut copy = group.pop().expect("the copy");
    exchange(&mut group);
    copy.merge(group[1].since(copy.version()));
    let _ = copy.settle();
    let (here, there) = (group[0].settled_ops(), copy.settled_ops());
    assert_eq!(here.iter().map(|(_, letter)| *letter).collect::<String>(), "ab");
    assert_eq!(here, there, "with the same keys");
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

/// What panics after something does not once that is taken back.
#[test]
fn what_panicked_as_it_became_stable_is_performed_when_it_no_longer_does() {
    let mut group: Vec<_> = (1..=2).map(|number| replica(number, 2)).collect();
    let cause = group[0].commit('p');
    group[0].commit('?');
    group[0].commit('b');
    exchange(&mut group);
    assert_eq!(assert_equal(&group), "pb");
    assert_eq!(effects(&mut group[0]), ['p', 'b']);
    let undo = group[1].revoke(cause).unwrap();
    let revocation = group[1].since(group[0].version());
    group[0].merge(revocation);
    let _ = group[0].settle();
    assert_eq!(group[0].state().0, "?b");
    assert!(effects(&mut group[0]).is_empty(), "the revocation may still be taken back");
    group[0].commit('c');
    exchange(&mut group);
    assert!(group[0].watermark() >= undo.lamport);
    assert_eq!(effects(&mut group[0]), ['?', 'c']);
    assert!(effects(&mut group[0]).is_empty() && effects(&mut group[1]).is_empty());
    assert_eq!(assert_equal(&group), "?bc");
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
