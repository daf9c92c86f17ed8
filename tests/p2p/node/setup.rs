//! How a program begins.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use control_panel::{
    ControlPanel, Peer, Replica,
    journal::Journal,
    replica::{
        ReplicaBuilder,
        codec::{Limits, Postcard},
    },
    workers::p2p_sync::{PeerIntents, PeerKey, PeerSignatures, PeerSync, PeerSyncOptions},
};

use super::{App, Node, Words};

/// How a node begins.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) folder: PathBuf,
    /// Of the group, from the beginning; this one alone where there are none.
    pub(crate) members: Vec<Peer>,
    pub(crate) idle: Duration,
    pub(crate) journal: bool,
    /// Whether its frames are recorded in it.
    pub(crate) record: bool,
    pub(crate) bind: SocketAddr,
    /// Where others are, from the start.
    pub(crate) known: Vec<(Peer, SocketAddr)>,
    /// Whether it is on the local network.
    pub(crate) lan: bool,
    /// How many operations may wait for a member before that is reported.
    pub(crate) unstable: usize,
    /// How long a connection may take to come about.
    pub(crate) connect: Duration,
    /// The words that its state begins with: those of all members are the same, or one of them lies.
    pub(crate) begins: Vec<String>,
    /// By which it compares its state with the others', if it does.
    pub(crate) digest: Option<fn(&Words) -> u64>,
}

impl Setup {
    pub(crate) fn new(folder: &Path, members: &[Peer]) -> Self {
        Self {
            folder: folder.into(),
            members: members.into(),
            // A busy machine holds a connection up for seconds.
            idle: Duration::from_secs(15),
            journal: false,
            record: false,
            bind: SocketAddr::from(([127, 0, 0, 1], 0)),
            known: Vec::new(),
            lan: false,
            unstable: 100_000,
            connect: Duration::from_secs(5),
            begins: Vec::new(),
            digest: None,
        }
    }

    pub(crate) fn key(&self) -> PeerKey {
        PeerKey::open(self.folder.join("peer.key")).unwrap()
    }

    pub(crate) fn builder(&self) -> ReplicaBuilder<Words> {
        let key = self.key();
        let mut members = self.members.clone();
        if members.is_empty() {
            members.push(key.peer());
        }
        let builder = Replica::builder(key.peer(), Words(self.begins.clone()))
            .members(members)
            .unstable_bound(self.unstable)
            .codec(Postcard::new(), Limits::default())
            .signer(key)
            .verifier(PeerSignatures);
        match self.digest {
            Some(digest) => builder.digest(digest),
            None => builder,
        }
    }

    pub(crate) fn start(&self) -> Node {
        let journal = self.journal.then(|| Journal::open(self.folder.join("words.journal")).unwrap());
        let mut app = match &journal {
            Some(journal) if self.record => {
                journal.begin_with(|start| App::begin_as(start, self.builder())).unwrap()
            }
            Some(journal) => App::of(journal.replica(self.builder()).unwrap()),
            None => App::of(self.builder().build()),
        };
        let options = PeerSyncOptions::new(self.key(), self.folder.join("peers"))
            .idle(self.idle)
            .bind(self.bind)
            .connect_timeout(self.connect);
        let options = if self.lan { options.lan() } else { options };
        let sync = PeerSync::new(app.replica.link(), options).unwrap();
        let peers = sync.handle();
        for (peer, address) in &self.known {
            peers.set_addresses(*peer, &[*address]);
        }
        let panel = match &journal {
            Some(journal) if self.record => ControlPanel::builder().record(journal).build(),
            _ => ControlPanel::new(),
        };
        let intents = PeerIntents::new().misbehaved().presence().snapshots().remembers();
        let worker = panel.spawn(sync.into_worker_with(intents));
        Node { panel, app, peers, worker, journal, most_redone: 0 }
    }
}

pub(crate) fn digest_of(words: &Words) -> u64 {
    let mut hasher = DefaultHasher::new();
    words.0.hash(&mut hasher);
    hasher.finish()
}
