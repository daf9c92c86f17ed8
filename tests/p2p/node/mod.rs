//! A program with a replica and a panel, and its peers.

mod app;
mod running;
mod setup;
mod words;

use std::{
    thread,
    time::{Duration, Instant},
};

use control_panel::{Peer, replica::Grant};

pub(crate) use self::{
    app::{App, Seen},
    running::Node,
    setup::{Setup, digest_of},
    words::{Update, Words},
};

/// Beyond what a busy machine takes for anything here.
pub(crate) const LONG: Duration = Duration::from_secs(120);

/// Runs frames of all until it is so.
pub(crate) fn until(nodes: &mut [&mut Node], what: &str, mut is: impl FnMut(&[&mut Node]) -> bool) {
    let began = Instant::now();
    while !is(nodes) {
        if began.elapsed() > LONG {
            for node in nodes.iter() {
                eprintln!(
                    "{}: {:?}\n{:?}\n{:?}\n{:?}\n{:?}",
                    node.peer(),
                    node.app.seen,
                    node.words()
                        .iter()
                        .map(|word| word.chars().take(20).collect())
                        .collect::<Vec<String>>()
                        .iter()
                        .rev()
                        .take(8)
                        .collect::<Vec<_>>(),
                    node.peers.status(),
                    (node.app.replica.author(), node.app.replica.version()),
                    node.app.notices,
                );
            }
            panic!("it is not so: {what}");
        }
        for node in nodes.iter_mut() {
            node.frame();
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// Runs frames for a time: for what must not happen.
pub(crate) fn for_a_while(nodes: &mut [&mut Node], time: Duration) {
    let began = Instant::now();
    while began.elapsed() < time {
        for node in nodes.iter_mut() {
            node.frame();
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// Folders of so many, and their keys, in their order: of owners the first is senior to all.
pub(crate) fn folders(count: usize) -> (Vec<tempfile::TempDir>, Vec<Peer>) {
    let folders = (0..count).map(|_| tempfile::tempdir().unwrap());
    let mut folders: Vec<_> =
        folders.map(|folder| (Setup::new(folder.path(), &[]).key().peer(), folder)).collect();
    folders.sort_by_key(|(peer, _)| *peer);
    folders.into_iter().map(|(peer, folder)| (folder, peer)).unzip()
}

/// Invites, and pairs by a ticket.
pub(crate) fn pair(inviter: &mut Node, other: &mut Node, grant: Grant) {
    inviter.address();
    other.address();
    let ticket = inviter.peers.ticket(grant, Duration::from_secs(600)).unwrap();
    let (handle, peer) = (other.peers.clone(), other.peer());
    let ticket = ticket.text().parse().unwrap();
    let redeeming = thread::spawn(move || {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(handle.redeem(ticket))
    });
    until(&mut [inviter, other], "the ticket is redeemed", |_| redeeming.is_finished());
    assert_eq!(redeeming.join().unwrap(), Ok(inviter.peer()));
    until(&mut [inviter, other], "it is invited", |nodes| {
        nodes.iter().all(|node| node.app.replica.members().any(|(member, _)| member == peer))
    });
}
