//! What peers show of themselves, beside the replica.

use std::{fs, thread, time::Duration};

use control_panel::workers::p2p_sync::PresenceTooLong;

use crate::node::{Node, Seen, Setup, folders, until};

fn connected(nodes: &mut [&mut Node]) {
    let peers = [nodes[0].peer(), nodes[1].peer()];
    until(nodes, "both are online", |nodes| nodes[0].is_online(peers[1]) && nodes[1].is_online(peers[0]));
}

/// The newest is seen, also by one that connects later; and nothing of it is kept.
#[test]
fn the_newest_is_seen_and_nothing_of_it_is_kept() {
    let (folders, members) = folders(2);
    let mut nodes: Vec<_> = folders
        .iter()
        .map(|folder| Setup { journal: true, ..Setup::new(folder.path(), &members) }.start())
        .collect();
    let [alice, bob] = &mut nodes[..] else { unreachable!() };
    alice.peers.set_presence(b"cursor at 1").unwrap();
    alice.knows(bob);
    connected(&mut [alice, bob]);
    until(&mut [alice, bob], "what was shown before is seen", |nodes| {
        nodes[1].presence_of(members[0]) == Some(b"cursor at 1")
    });
    assert_eq!(alice.peers.set_presence(&[b'x'; 1_025]), Err(PresenceTooLong { bytes: 1_025 }));
    for place in 2..=1_000 {
        alice.peers.set_presence(format!("cursor at {place}").as_bytes()).unwrap();
    }
    until(&mut [alice, bob], "the last is seen", |nodes| {
        nodes[1].presence_of(members[0]) == Some(b"cursor at 1000")
    });
    assert!(bob.app.presence.len() < 1_000, "of those in between some at most: {}", bob.app.presence.len());
    alice.peers.set_presence(b"").unwrap();
    until(&mut [alice, bob], "it shows nothing", |nodes| nodes[1].presence_of(members[0]) == Some(b""));

    let seen = (alice.seen_since_online(members[1]), bob.seen_since_online(members[0]));
    assert_eq!(seen, (vec![Seen::Online], vec![Seen::Online]));
    assert!(alice.app.presence.is_empty() && alice.app.misbehaved.is_empty());
    let authors = bob.app.replica.version().iter().count();
    assert!(bob.words().is_empty() && authors <= 2, "acknowledgements alone");
    for (node, folder) in nodes.into_iter().zip(&folders) {
        node.stop();
        let journal = fs::read(folder.path().join("words.journal")).unwrap();
        assert!(!journal.windows(9).any(|bytes| bytes == b"cursor at"), "it is in a journal");
    }
}

/// A frame loop that stands still finds one of each peer, however many came.
#[test]
fn a_frame_loop_that_stands_still_does_not_collect_them() {
    let (folders, members) = folders(2);
    let mut nodes: Vec<_> =
        folders.iter().map(|folder| Setup::new(folder.path(), &members).start()).collect();
    let [alice, bob] = &mut nodes[..] else { unreachable!() };
    alice.knows(bob);
    connected(&mut [alice, bob]);
    // No frame runs there meanwhile.
    for place in 0..20 {
        alice.peers.set_presence(format!("cursor at {place}").as_bytes()).unwrap();
        thread::sleep(Duration::from_millis(100));
    }
    bob.frame();
    assert!(bob.app.presence.len() <= 1, "{:?}", bob.app.presence);
    until(&mut [alice, bob], "the last is seen", |nodes| {
        nodes[1].presence_of(members[0]) == Some(b"cursor at 19")
    });
}
