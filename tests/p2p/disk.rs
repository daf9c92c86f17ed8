//! What is on the disk, and what is not.

use std::fs;

use control_panel::Peer;

use crate::node::{Setup, folders, until};

/// A revocation counts before it is on disk; why it is not is in the status, and it is tried again.
#[test]
fn a_trust_store_that_cannot_be_written_says_so() {
    let (folders, members) = folders(2);
    let setup = Setup::new(folders[0].path(), &members);
    let mut alice = setup.start();
    alice.address();
    let store = setup.folder.join("peers");
    until(&mut [&mut alice], "it is written", |_| store.exists());
    // A folder in its place: no file can be renamed to it.
    fs::remove_file(&store).unwrap();
    fs::create_dir(&store).unwrap();
    alice.peers.revoke(members[1]).unwrap();
    until(&mut [&mut alice], "it says why", |nodes| nodes[0].peers.status().unsaved.is_some());
    let status = alice.peers.status();
    assert!(status.unsaved.as_ref().is_some_and(|why| why.contains("peers")), "{status:?}");
    assert!(is_revoked(&status.peers, members[1]));

    fs::remove_dir(&store).unwrap();
    until(&mut [&mut alice], "it is written", |nodes| nodes[0].peers.status().unsaved.is_none());
    alice.stop();
    let alice = setup.start();
    assert!(is_revoked(&alice.peers.status().peers, members[1]));
}

fn is_revoked(peers: &[control_panel::workers::p2p_sync::PeerStatus], peer: Peer) -> bool {
    peers.iter().any(|known| known.peer == peer && known.trusted.is_none())
}
