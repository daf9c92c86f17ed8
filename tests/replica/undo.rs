//! A user's undo: an operation is left out until a cut covers it, on all replicas.

use control_panel::{Peer, Replica, replica::RevokeError};

use crate::Letters;

fn pair() -> [Replica<Letters>; 2] {
    let members = [Peer([1; 32]), Peer([2; 32])];
    members.map(|peer| Replica::new(peer, members, Letters::default()))
}

fn exchange(replicas: &mut [Replica<Letters>; 2]) {
    let [a, b] = replicas;
    let (from_a, from_b) = (a.outbox(), b.outbox());
    if let Some(delta) = from_b {
        a.merge(delta);
    }
    if let Some(delta) = from_a {
        b.merge(delta);
    }
    let _ = (a.settle(), b.settle());
}

#[test]
fn a_revoked_operation_is_left_out_everywhere() {
    let mut replicas = pair();
    let stamps: Vec<_> = "abc".chars().map(|letter| replicas[0].commit(letter)).collect();
    exchange(&mut replicas);
    // Revoked here while the other goes on editing.
    replicas[0].revoke(stamps[1]).unwrap();
    replicas[1].commit('d');
    exchange(&mut replicas);
    assert_eq!(replicas[0].state().0, "acd");
    assert_eq!(replicas[0].state(), replicas[1].state());
}

#[test]
fn an_undo_is_undone() {
    let mut replicas = pair();
    let stamp = replicas[0].commit('a');
    let undo = replicas[0].revoke(stamp).unwrap();
    exchange(&mut replicas);
    assert_eq!((replicas[0].state().0.as_str(), replicas[1].state().0.as_str()), ("", ""));
    replicas[1].revoke(undo).unwrap();
    exchange(&mut replicas);
    assert_eq!((replicas[0].state().0.as_str(), replicas[1].state().0.as_str()), ("a", "a"));
}

#[test]
fn a_cut_ends_the_window() {
    let mut replicas = pair();
    let stamp = replicas[0].commit('a');
    for _ in 0..6 {
        exchange(&mut replicas);
    }
    replicas[0].cut().unwrap();
    for _ in 0..6 {
        exchange(&mut replicas);
    }
    let refused = replicas[1].revoke(stamp).unwrap_err();
    assert!(matches!(refused, RevokeError::Cut { .. }), "{refused}");
    assert_eq!(replicas[1].state().0, "a");
}

#[test]
fn what_is_unknown_cannot_be_revoked() {
    let mut replicas = pair();
    let stamp = replicas[0].commit('a');
    assert_eq!(replicas[1].revoke(stamp), Err(RevokeError::Unknown { stamp }));
}
