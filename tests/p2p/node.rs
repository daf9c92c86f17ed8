//! A program with a replica and a panel, and its peers.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use control_panel::{
    ControlPanel, Delta, GraphIntent, IntentSource, Peer, QueuedIntent, Reducer, Replica, Stamp, State,
    Worker, WorkerHandle,
    journal::{Journal, JournalError, Recorded, Start},
    replica::{
        Grant, Misbehaviour, Redo, Redone, ReplicaBuilder, ReplicaNotice,
        codec::{Limits, Postcard},
    },
    workers::p2p_sync::{
        OfflineReason, PeerIntents, PeerKey, PeerMisbehaved, PeerOffline, PeerOnline, PeerPresence,
        PeerRemembers, PeerSignatures, PeerSnapshot, PeerSync, PeerSyncHandle, PeerSyncOptions,
    },
};
use serde::{Deserialize, Serialize};

/// Beyond what a busy machine takes for anything here.
pub(crate) const LONG: Duration = Duration::from_secs(120);

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Words(pub(crate) Vec<String>);

impl State for Words {
    type Op = String;

    fn apply(&mut self, word: &String, _: &Stamp) {
        assert!(word != "poison", "as a reducer's own fault may have it");
        self.0.push(word.clone());
    }
}

#[derive(Debug, GraphIntent, Serialize, Deserialize)]
pub(crate) enum Update {
    /// This program's own word.
    Say(String),
    /// Lets history go.
    Cut,
    #[intent(from)]
    Redone(Redone<Words>),
    #[intent(clock = delta, origin = delta, from)]
    ApplyRemoteDelta { delta: Delta<String> },
    #[intent(from)]
    MarkPeerOffline(PeerOffline),
    #[intent(from)]
    MarkPeerOnline(PeerOnline),
    #[intent(from)]
    PeerMisbehaved(PeerMisbehaved),
    #[intent(from)]
    PeerSnapshot(PeerSnapshot<Words>),
    #[intent(from)]
    PeerRemembers(PeerRemembers),
    #[intent(latest = 0, skip)]
    #[serde(skip)]
    PeerPresence(PeerPresence),
}

/// What a worker panicked over.
static PANICKED: Mutex<Vec<Box<[u8]>>> = Mutex::new(Vec::new());

/// Of what begins with `panics` the worker does, once.
impl From<PeerPresence> for Update {
    fn from(presence: PeerPresence) -> Self {
        let bytes = presence.bytes[..].into();
        let mut panicked = PANICKED.lock().unwrap();
        if presence.bytes.starts_with(b"panics") && !panicked.contains(&bytes) {
            panicked.push(bytes);
            drop(panicked);
            panic!("as the program's own code may");
        }
        Self::PeerPresence(presence)
    }
}

/// What was reported of a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Online,
    Offline(OfflineReason),
}

#[derive(Debug)]
pub(crate) struct App {
    pub(crate) replica: Replica<Words>,
    /// What a frame had no time for.
    job: Option<Redo<Words>>,
    pub(crate) seen: Vec<(Peer, Seen)>,
    /// What the replica reported.
    pub(crate) notices: Vec<ReplicaNotice>,
    pub(crate) misbehaved: Vec<PeerMisbehaved>,
    pub(crate) presence: Vec<(Peer, Vec<u8>)>,
    /// How often it went on from a snapshot.
    pub(crate) rejoined: u32,
    /// How often a peer had what its own author had lost.
    pub(crate) remembered: u32,
    /// How often contact came and went without a report of its own.
    pub(crate) flapped: u32,
}

impl Reducer for App {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        match queued.intent {
            Update::Say(word) => _ = self.replica.commit(word),
            Update::Cut => _ = self.replica.cut(),
            Update::Redone(redone) => _ = self.replica.finish(redone),
            Update::ApplyRemoteDelta { delta } => self.replica.merge(delta),
            Update::MarkPeerOffline(PeerOffline { peer, reason, flapped, .. }) => {
                self.flapped += flapped;
                self.seen.push((peer, Seen::Offline(reason)));
            }
            Update::MarkPeerOnline(PeerOnline { peer, invited, flapped, .. }) => {
                self.flapped += flapped;
                self.seen.push((peer, Seen::Online));
                if let Some(grant) = invited {
                    self.replica.invite(peer, grant).ok();
                }
            }
            Update::PeerMisbehaved(misbehaved) => self.misbehaved.push(misbehaved),
            Update::PeerSnapshot(PeerSnapshot { snapshot, .. }) => {
                self.rejoined += 1;
                self.replica.rejoin(*snapshot).unwrap();
            }
            Update::PeerRemembers(PeerRemembers { version, .. }) => {
                self.remembered += 1;
                self.replica.remember(&version);
            }
            Update::PeerPresence(PeerPresence { peer, bytes, .. }) => {
                self.presence.push((peer, bytes.to_vec()));
            }
        }
    }

    fn settle(&mut self) {
        let settled = self.replica.settle();
        self.job = settled.job.or(self.job.take());
        if settled.notices.iter().any(|notice| matches!(notice, ReplicaNotice::OwnVoid { .. })) {
            // What another life of this peer had promised voids what this one wrote before it heard of that.
            self.commit_again();
        }
        self.notices.extend(settled.notices);
        drop(self.replica.outbox());
    }

    fn digest(&self) -> Option<u64> {
        let mut hasher = DefaultHasher::new();
        (&self.words().0, self.replica.version().encode(), self.replica.clock()).hash(&mut hasher);
        (self.replica.author(), &self.misbehaved.len(), self.seen.len(), self.rejoined).hash(&mut hasher);
        Some(hasher.finish())
    }
}

impl App {
    fn words(&self) -> &Words {
        self.replica.state()
    }

    /// As long as it may. Another life may be another program, which does so itself.
    fn commit_again(&mut self) {
        let me = self.replica.author();
        if self.replica.members().any(|(member, grant)| member == me.peer && grant >= Grant::Write) {
            for (stamp, word) in self.replica.take_void() {
                if stamp.author == me {
                    self.replica.commit(word);
                }
            }
        }
    }

    fn begin_as(start: &Start<'_>, builder: ReplicaBuilder<Words>) -> Result<Self, JournalError> {
        start.replica(builder).map(Self::of)
    }

    fn of(replica: Replica<Words>) -> Self {
        let (seen, notices, misbehaved, presence) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self {
            replica,
            job: None,
            seen,
            notices,
            misbehaved,
            presence,
            rejoined: 0,
            remembered: 0,
            flapped: 0,
        }
    }
}

/// As a replay begins: with no key.
impl Recorded for App {
    fn begin(start: &Start<'_>) -> Result<Self, JournalError> {
        let founded = start.founded().expect("the journal has a replica");
        let builder = Replica::builder(founded.peer, Words::default()).members(founded.members.into_keys());
        Self::begin_as(start, builder.codec(Postcard::new(), Limits::default()))
    }
}

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
        Replica::builder(key.peer(), Words::default())
            .members(members)
            .unstable_bound(self.unstable)
            .codec(Postcard::new(), Limits::default())
            .signer(key)
            .verifier(PeerSignatures)
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
        let options =
            PeerSyncOptions::new(self.key(), self.folder.join("peers")).idle(self.idle).bind(self.bind);
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
