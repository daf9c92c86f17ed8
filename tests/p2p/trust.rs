//! Which peers may talk.

use std::{fs, thread, time::Duration};

use control_panel::{
    replica::Grant,
    workers::p2p_sync::{
        OfflineReason::{OtherGroup, Refused, Revoked},
        PairError, TicketError,
    },
};

use crate::node::{Node, Seen, Setup, folders, for_a_while, pair, until};

pub(crate) fn redeem(node: &mut Node, ticket: &str) -> Result<control_panel::Peer, PairError> {
    node.address();
    let (handle, ticket) = (node.peers.clone(), ticket.parse().unwrap());
    let redeeming = thread::spawn(move || {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(handle.redeem(ticket))
    });
    until(&mut [node], "the answer is here", |_| redeeming.is_finished());
    redeeming.join().unwrap()
}

/// A stranger learns that something listens, and makes no intent.
#[test]
fn an_untrusted_key_is_refused() {
    let (folders, keys) = folders(2);
    let mut alice = Setup::new(folders[0].path(), &[]).start();
    let known = vec![(keys[0], alice.address())];
    let mut stranger = Setup { known, ..Setup::new(folders[1].path(), &keys) }.start();
    until(&mut [&mut alice, &mut stranger], "it is refused", |nodes| {
        nodes[0].peers.status().refused > 0 && !nodes[1].seen_of(keys[0]).is_empty()
    });
    for_a_while(&mut [&mut alice, &mut stranger], Duration::from_secs(1));
    assert_eq!(stranger.seen_of(keys[0]), [Seen::Offline(Refused)]);
    assert!(alice.app.seen.is_empty(), "{:?}", alice.app.seen);
}

#[test]
fn one_of_another_group_is_refused() {
    let (folders, keys) = folders(3);
    let mut alice = Setup::new(folders[0].path(), &keys[..2]).start();
    let known = vec![(keys[0], alice.address())];
    let mut bob = Setup { known, ..Setup::new(folders[1].path(), &keys) }.start();
    until(&mut [&mut alice, &mut bob], "it is refused", |nodes| !nodes[1].seen_of(keys[0]).is_empty());
    for_a_while(&mut [&mut alice, &mut bob], Duration::from_secs(1));
    assert_eq!(bob.seen_of(keys[0]), [Seen::Offline(OtherGroup)]);
}

/// From when it returns nothing is read of it, and membership does not bring it back.
#[test]
fn a_revoked_peer_is_cut_off() {
    let (folders, members) = folders(2);
    let setups: Vec<_> = folders.iter().map(|folder| Setup::new(folder.path(), &members)).collect();
    let (mut alice, mut bob) = (setups[0].start(), setups[1].start());
    alice.knows(&mut bob);
    bob.knows(&mut alice);
    until(&mut [&mut alice, &mut bob], "both are online", |nodes| {
        nodes[0].is_online(members[1]) && nodes[1].is_online(members[0])
    });
    alice.peers.revoke(members[1]).unwrap();
    bob.commit("unheard");
    until(&mut [&mut alice, &mut bob], "both know", |nodes| {
        !nodes[0].is_online(members[1]) && !nodes[1].is_online(members[0])
    });
    for_a_while(&mut [&mut alice, &mut bob], Duration::from_secs(2));
    assert_eq!(alice.seen_since_online(members[1]), [Seen::Online, Seen::Offline(Revoked)]);
    assert_eq!(bob.seen_since_online(members[0]), [Seen::Online, Seen::Offline(Refused)]);
    assert!(alice.words().is_empty());

    // It is on disk.
    alice.stop();
    let alice = setups[0].start();
    let status = alice.peers.status();
    assert!(status.peers.iter().any(|peer| peer.peer == members[1] && peer.trusted.is_none()), "{status:?}");
}

#[test]
fn a_ticket_works_once() {
    let (folders, keys) = folders(3);
    let mut alice = Setup::new(folders[0].path(), &[]).start();
    let mut bob = Setup::new(folders[1].path(), &keys[..1]).start();
    let mut carol = Setup::new(folders[2].path(), &keys[..1]).start();
    pair(&mut alice, &mut bob, Grant::Write);

    alice.address();
    let ticket = alice.peers.ticket(Grant::Read, Duration::from_secs(60)).unwrap().text();
    let other = alice.peers.ticket(Grant::Read, Duration::from_secs(60)).unwrap().text();
    assert_eq!(redeem(&mut alice, &ticket), Err(PairError::Ticket(TicketError::Own)));
    assert_eq!(redeem(&mut carol, &ticket), Ok(keys[0]));
    assert_eq!(redeem(&mut carol, &ticket), Err(PairError::Refused));
    // The other one is as good as before.
    assert_eq!(redeem(&mut carol, &other), Ok(keys[0]));
    assert_eq!(redeem(&mut carol, &other), Err(PairError::Refused), "no ticket is open");
    until(&mut [&mut alice, &mut carol], "it is a member", |nodes| {
        nodes[1].app.replica.members().any(|member| member == (keys[2], Grant::Read))
    });
}

/// It would wait for a worker that does not come.
#[test]
fn a_ticket_is_not_redeemed_by_a_worker_that_has_ended() {
    let (folders, keys) = folders(2);
    let mut alice = Setup::new(folders[0].path(), &[]).start();
    let mut bob = Setup::new(folders[1].path(), &keys[..1]).start();
    alice.address();
    bob.address();
    let ticket = alice.peers.ticket(Grant::Read, Duration::from_secs(60)).unwrap();
    bob.worker.stop();
    until(&mut [&mut bob], "its worker has ended", |nodes| nodes[0].worker.status().is_final());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let redeemed = runtime.block_on(async {
        tokio::time::timeout(Duration::from_secs(10), bob.peers.redeem(ticket)).await.expect("it is answered")
    });
    assert_eq!(redeemed, Err(PairError::Ticket(TicketError::NotRunning)));
}

/// A damaged store is refused by name, and left as it is.
#[test]
fn files_that_are_not_whole_are_refused() {
    let (folders, _) = folders(1);
    let setup = Setup::new(folders[0].path(), &[]);
    setup.start().stop();
    let path = setup.folder.join("peer.key");
    let key = fs::read_to_string(&path).unwrap();
    let wrong = key.replace('a', "b");
    fs::write(&path, &wrong).unwrap();
    let error = control_panel::workers::p2p_sync::PeerKey::open(&path).unwrap_err().to_string();
    assert!(error.contains("peer.key"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), wrong);
    assert!(!error.contains(key.lines().nth(1).unwrap()), "the key is not shown");
}
