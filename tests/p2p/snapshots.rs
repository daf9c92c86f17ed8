//! Peers far behind: what they lack is gone elsewhere.

use control_panel::{Peer, Version, replica::Grant};

use crate::node::{Node, Setup, Update, folders, pair, until};

/// Two that have let go the history of so many words, and of some more.
pub(crate) fn forgetful(setups: &[Setup], members: &[Peer], words: usize) -> [Node; 2] {
    let begun = setups[0].begins.len();
    let [mut alice, mut bob] = [setups[0].start(), setups[1].start()];
    alice.knows(&mut bob);
    for number in 0..words {
        alice.commit(&format!("{number} {}", "w".repeat(1_000)));
    }
    until(&mut [&mut alice, &mut bob], "all words are here and there", |nodes| {
        nodes.iter().all(|node| node.words().len() == begun + words)
    });
    // A cut lets go what all have acknowledged, once all have acknowledged the cut: that comes with what they say next.
    for round in 1.. {
        assert!(round < 20, "the history stays");
        alice.frame_of([Update::Cut, Update::Say("more".to_owned())]);
        bob.commit("more");
        until(&mut [&mut alice, &mut bob], "both have both", |nodes| {
            nodes.iter().all(|node| node.words().len() == begun + words + 2 * round)
        });
        if [&alice, &bob].iter().all(|node| !node.app.replica.reaches(&Version::new())) {
            break;
        }
    }
    assert_eq!([alice.peer(), bob.peer()], [members[0], members[1]]);
    [alice, bob]
}

/// Its log is lost: it goes on from what the other has, as another life, and both edit on.
#[test]
fn one_that_lost_its_log_goes_on_from_a_snapshot() {
    let (folders, members) = folders(2);
    let setups: Vec<_> = folders.iter().map(|folder| Setup::new(folder.path(), &members)).collect();
    // More than a window holds.
    let [mut alice, bob] = forgetful(&setups, &members, 2_000);
    bob.stop();
    let mut bob = setups[1].start();
    bob.knows(&mut alice);
    let words = alice.words().len();
    until(&mut [&mut alice, &mut bob], "it has all words", |nodes| nodes[1].words().len() == words);
    assert_eq!((bob.app.rejoined, alice.app.rejoined), (1, 0));
    assert_eq!(bob.words(), alice.words());
    bob.commit("again");
    alice.commit("too");
    until(&mut [&mut alice, &mut bob], "they go on", |nodes| {
        nodes.iter().all(|node| node.words().len() == words + 2)
    });
    assert_eq!(bob.words(), alice.words());
    assert!(alice.app.misbehaved.is_empty() && bob.app.misbehaved.is_empty());
}

/// Invited once the history is gone; and the journal has what it began with.
#[test]
fn one_that_comes_late_begins_with_a_snapshot() {
    let (folders, keys) = folders(3);
    let setups: Vec<_> = folders.iter().map(|folder| Setup::new(folder.path(), &keys[..2])).collect();
    let [mut alice, mut bob] = forgetful(&setups, &keys, 100);
    let carols = Setup { journal: true, ..setups[2].clone() };
    let mut carol = carols.start();
    {
        let nodes = &mut [&mut alice, &mut carol];
        let [alice, carol] = nodes;
        pair(alice, carol, Grant::Write);
    }
    let words = alice.words().len();
    carol.commit("late");
    until(&mut [&mut alice, &mut bob, &mut carol], "all have all words", |nodes| {
        nodes.iter().all(|node| node.words().len() == words + 1)
    });
    assert_eq!(carol.app.rejoined, 1);
    carol.stop();
    let carol = carols.start();
    assert_eq!(carol.words().len(), words + 1);
}
