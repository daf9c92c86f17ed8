//! Much of one thing: nothing grows or takes longer than what was sent.

use super::forger::{Letters, after, assert_equal, author, delta, exchange, first, of, peer, replica, run};
use crate::replica::{Misbehaviour, Replica, ReplicaNotice, Stamp, Version, run::Operation};

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

/// Undo and redo held down, or a member that means it: each revocation names the one before.
#[test]
fn a_chain_of_undos_of_undos_comes() {
    let count = 30_003;
    let stamp = |seq| Stamp { lamport: seq + 1, author: author(1), seq };
    let letters = ['a', 'b'].map(Operation::Apply);
    let undos = (2..count).map(|seq| Operation::Revoke { stamp: Box::new(stamp(seq - 1)) });
    let chain = of(first(1, 2), letters.into_iter().chain(undos).collect());
    let mut here = replica(2, 2);
    let settle = |here: &mut Replica<Letters>| {
        for _ in 0..4 {
            if let Some(job) = here.settle().job {
                assert!(here.finish(job.run()));
            }
        }
    };
    here.merge(delta([chain]));
    settle(&mut here);
    assert_eq!(here.state().0, "a", "an odd number of them");
    // One more, by hand.
    here.revoke(stamp(count - 1)).unwrap();
    settle(&mut here);
    assert_eq!(here.state().0, "ab");
}

/// An author that goes on from one place in many ways: it is reported once, and of the branches that no other names few are taken.
#[test]
fn an_author_forks_again_and_again() {
    let count = 10_000;
    let mut group: Vec<Replica<_>> = (1..=2).map(|number| replica(number, 3)).collect();
    let root = run(first(3, 3), "r");
    let branches = (0..count).map(|index| {
        let letter = char::from_u32(0x4E00 + index).expect("a letter").to_string();
        run(after(&root), &letter)
    });
    let runs: Vec<_> = std::iter::once(root.clone()).chain(branches).collect();
    let half = runs.len() / 2;
    group[0].merge(delta(runs[..half].iter().cloned()));
    group[1].merge(delta(runs[..1].iter().chain(&runs[half..]).cloned()));
    for replica in &mut group {
        let notices = replica.settle().notices;
        assert_eq!(notices.len(), 1, "one proof is enough: {notices:?}");
    }
    exchange(&mut group);
    let taken = assert_equal(&group).chars().count();
    assert!(taken < 40, "{taken}");
    // Sent again, they are no more.
    group[0].merge(delta(runs));
    exchange(&mut group);
    assert_eq!(assert_equal(&group).chars().count(), taken);
}

/// The same with lives.
#[test]
fn a_peer_begins_again_and_again() {
    let lives: Vec<_> = (0..10_000)
        .map(|incarnation| {
            let mut header = first(3, 3);
            header.author.incarnation = incarnation;
            run(header, "x")
        })
        .collect();
    let mut group: Vec<Replica<_>> = (1..=2).map(|number| replica(number, 3)).collect();
    group[0].merge(delta(lives.clone()));
    let notices = group[0].settle().notices;
    let flood = ReplicaNotice::PeerMisbehaved { peer: peer(3), what: Misbehaviour::Flood };
    assert_eq!(notices, [flood]);
    exchange(&mut group);
    let taken = assert_equal(&group).len();
    assert!(taken <= 1024, "{taken}");
    // What an honest peer does is not held up.
    group[1].commit('y');
    group[0].merge(delta(lives));
    exchange(&mut group);
    assert_eq!(assert_equal(&group).len(), taken + 1);
}
