//! A program that runs, frame by frame.

use std::net::SocketAddr;

use control_panel::{
    ControlPanel, IntentSource, Peer, Worker, WorkerHandle,
    journal::Journal,
    replica::{Misbehaviour, ReplicaNotice},
    workers::p2p_sync::PeerSyncHandle,
};

use super::{App, Seen, Update, until};

pub(crate) struct Node {
    pub(crate) panel: ControlPanel<Update>,
    pub(crate) app: App,
    pub(crate) peers: PeerSyncHandle,
    pub(crate) worker: WorkerHandle,
    pub(crate) journal: Option<Journal>,
    /// Operations that one frame redid.
    pub(crate) most_redone: usize,
}

impl Node {
    pub(crate) fn peer(&self) -> Peer {
        self.app.replica.author().peer
    }

    pub(crate) fn frame(&mut self) {
        self.frame_of([]);
    }

    /// With these of its own.
    pub(crate) fn frame_of(&mut self, local: impl IntoIterator<Item = Update>) {
        let local = local.into_iter().map(|update| (IntentSource::LocalUI, update));
        let report = self.panel.run_frame(&mut self.app, &mut (), local);
        self.most_redone = self.most_redone.max(report.redo.redone);
        if let Some(job) = self.app.job.take() {
            let mut job = Some(job);
            self.panel.spawn(Worker::blocking("redo", IntentSource::P2pSync, move |cx| {
                if let Some(job) = job.take() {
                    cx.send_blocking(Update::Redone(job.run())).ok();
                }
            }));
        }
        if let Some(journal) = &self.journal {
            journal.flush().ok();
        }
    }

    pub(crate) fn commit(&mut self, word: &str) {
        self.frame_of([Update::Say(word.to_owned())]);
    }

    /// Where it listens, once it does.
    pub(crate) fn address(&mut self) -> SocketAddr {
        until(&mut [self], "it is bound", |nodes| !nodes[0].peers.status().addresses.is_empty());
        self.peers.status().addresses[0]
    }

    pub(crate) fn knows(&mut self, other: &mut Self) {
        let (peer, address) = (other.peer(), other.address());
        self.peers.set_addresses(peer, &[address]);
    }

    /// What was reported since it was reached first.
    pub(crate) fn seen_since_online(&self, peer: Peer) -> Vec<Seen> {
        self.seen_of(peer).into_iter().skip_while(|seen| *seen != Seen::Online).collect()
    }

    pub(crate) fn seen_of(&self, peer: Peer) -> Vec<Seen> {
        self.app.seen.iter().filter(|(of, _)| *of == peer).map(|(_, seen)| seen.clone()).collect()
    }

    /// What the replica reported of what a peer wrote.
    pub(crate) fn misdeeds(&self, peer: Peer) -> Vec<Misbehaviour> {
        let of = |notice: &ReplicaNotice| match notice {
            ReplicaNotice::PeerMisbehaved { peer: by, what } if *by == peer => Some(*what),
            _ => None,
        };
        self.app.notices.iter().filter_map(of).collect()
    }

    pub(crate) fn is_online(&self, peer: Peer) -> bool {
        self.seen_of(peer).last() == Some(&Seen::Online)
    }

    /// What it shows of itself now.
    pub(crate) fn presence_of(&self, peer: Peer) -> Option<&[u8]> {
        self.app.presence.iter().rev().find(|(of, _)| *of == peer).map(|(_, bytes)| &**bytes)
    }

    pub(crate) fn words(&self) -> &[String] {
        &self.app.replica.state().0
    }

    pub(crate) fn stop(mut self) -> App {
        assert!(self.panel.shutdown_blocking().is_clean());
        self.panel.run_frame(&mut self.app, &mut (), []);
        // Its recorder says what it has left.
        drop(self.panel);
        if let Some(journal) = &self.journal {
            journal.close().unwrap();
        }
        self.app
    }
}
