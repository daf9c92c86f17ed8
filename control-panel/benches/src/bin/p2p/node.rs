//! A program with a replica and a panel, and its peers.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use control_panel::{
    ControlPanel, Delta, GraphIntent, Peer, QueuedIntent, Reducer, Replica, Stamp, State, Worker,
    replica::codec::{Limits, Postcard},
    workers::p2p_sync::{
        PeerIntents, PeerKey, PeerOffline, PeerOnline, PeerSignatures, PeerSync, PeerSyncHandle,
        PeerSyncOptions,
    },
};
use serde::{Deserialize, Serialize};

/// Beyond what anything here takes.
const LONG: Duration = Duration::from_secs(60);

/// Takes its operations and counts them: what is measured is their way.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Count {
    pub ops: u64,
    bytes: u64,
}

impl State for Count {
    type Op = String;

    fn apply(&mut self, text: &String, _: &Stamp) {
        self.ops += 1;
        self.bytes += text.len() as u64;
    }
}

#[derive(Debug, GraphIntent)]
pub enum Update {
    #[intent(clock = delta, origin = delta, from)]
    ApplyRemoteDelta { delta: Delta<String> },
    #[intent(from)]
    MarkPeerOffline(PeerOffline),
    #[intent(from)]
    MarkPeerOnline(PeerOnline),
}

pub struct App {
    pub replica: Replica<Count>,
    online: BTreeSet<Peer>,
    /// How often one was, that was online.
    pub lost: u32,
}

impl Reducer for App {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        match queued.intent {
            Update::ApplyRemoteDelta { delta } => self.replica.merge(delta),
            Update::MarkPeerOnline(online) => _ = self.online.insert(online.peer),
            Update::MarkPeerOffline(offline) => self.lost += u32::from(self.online.remove(&offline.peer)),
        }
    }

    fn settle(&mut self) {
        // A peer that was away for long has more to redo than a frame's budget: another would run it on a worker.
        if let Some(job) = self.replica.settle().job {
            let _ = self.replica.finish(job.run());
        }
        let _ = self.replica.outbox();
    }
}

pub struct Node {
    pub panel: ControlPanel<Update>,
    pub app: App,
    pub peers: PeerSyncHandle,
}

pub fn key(folder: &Path) -> PeerKey {
    std::fs::create_dir_all(folder).expect("a folder");
    PeerKey::open(folder.join("peer.key")).expect("a key")
}

/// Folders of so many, and their keys.
pub fn members(name: &str, count: usize) -> (Vec<PathBuf>, Vec<Peer>) {
    let folder = crate::folder(name);
    let folders: Vec<_> = (0..count).map(|number| folder.join(number.to_string())).collect();
    let peers = folders.iter().map(|folder| key(folder).peer()).collect();
    (folders, peers)
}

pub fn replica(folder: &Path, members: &[Peer]) -> Replica<Count> {
    let key = key(folder);
    Replica::builder(key.peer(), Count::default())
        .members(members.iter().copied())
        .history(usize::MAX)
        .codec(Postcard::new(), Limits::default().with_bytes(1 << 30).with_runs(1 << 24).with_ops(1 << 24))
        .signer(key)
        .verifier(PeerSignatures)
        .build()
}

impl Node {
    pub fn start(folder: &Path, members: &[Peer], idle: Duration, known: Option<(Peer, SocketAddr)>) -> Self {
        Self::of(replica(folder, members), folder, idle, known)
    }

    /// With a replica that has something already.
    pub fn of(
        replica: Replica<Count>,
        folder: &Path,
        idle: Duration,
        known: Option<(Peer, SocketAddr)>,
    ) -> Self {
        let (node, worker) = Self::prepared(replica, folder, idle, known);
        node.panel.spawn(worker);
        node
    }

    /// All but its worker, which is still to be spawned.
    pub fn prepared(
        mut replica: Replica<Count>,
        folder: &Path,
        idle: Duration,
        known: Option<(Peer, SocketAddr)>,
    ) -> (Self, Worker<Update>) {
        let options = PeerSyncOptions::new(key(folder), folder.join("peers")).idle(idle);
        let sync = PeerSync::new(replica.link(), options).expect("a trust store");
        let peers = sync.handle();
        if let Some((peer, at)) = known {
            peers.set_addresses(peer, &[at]);
        }
        let app = App { replica, online: BTreeSet::new(), lost: 0 };
        (Self { panel: ControlPanel::new(), app, peers }, sync.into_worker_with(PeerIntents::new()))
    }

    /// How many peers are.
    pub fn online(&self) -> usize {
        self.app.online.len()
    }

    pub fn frame(&mut self) {
        self.panel.run_frame(&mut self.app, &mut (), []);
    }

    /// Runs frames as there is something for them.
    pub fn until(&mut self, what: &str, mut is: impl FnMut(&Self) -> bool) {
        let began = Instant::now();
        while !is(self) {
            assert!(began.elapsed() < LONG, "it is not so: {what}");
            self.panel.wait_ready_timeout(Duration::from_millis(1));
            self.frame();
        }
    }

    pub fn address(&mut self) -> SocketAddr {
        self.until("it is bound", |node| !node.peers.status().addresses.is_empty());
        self.peers.status().addresses[0]
    }

    pub fn commit(&mut self, ops: usize, bytes: usize) {
        for _ in 0..ops {
            self.app.replica.commit("x".repeat(bytes));
        }
        self.frame();
    }
}

/// A process with so many peers of one member, each with a replica of its own, that runs until it is killed.
pub fn spawn_peers(folder: &Path, count: usize, member: Peer, at: SocketAddr, idle: Duration) -> Child {
    let mut child = Command::new(std::env::current_exe().expect("a program"))
        .args([
            "peers",
            folder.to_str().expect("a path"),
            &count.to_string(),
            &hex(&member.0),
            &at.to_string(),
        ])
        .arg(idle.as_millis().to_string())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a process");
    let said = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    assert!(said.map_while(Result::ok).any(|line| line == "runs"), "the child did not begin");
    child
}

pub fn run_peers(folder: &Path, count: &str, member: &str, at: &str, idle: &str) {
    let (count, member): (usize, _) = (count.parse().expect("a number"), peer(member));
    let known = Some((member, at.parse().expect("an address")));
    let idle = Duration::from_millis(idle.parse().expect("a number"));
    // Folders from 1 on, as 0 is the member's.
    let folders: Vec<_> = (1..=count).map(|number| folder.join(number.to_string())).collect();
    let members: Vec<_> =
        [member].into_iter().chain(folders.iter().map(|folder| key(folder).peer())).collect();
    let mut nodes: Vec<_> = folders.iter().map(|folder| Node::start(folder, &members, idle, known)).collect();
    let mut said = false;
    loop {
        nodes.iter_mut().for_each(Node::frame);
        if !said && nodes.iter().all(|node| node.online() > 0) {
            println!("runs");
            said = true;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn peer(text: &str) -> Peer {
    let byte = |at: usize| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).expect("a byte");
    Peer(std::array::from_fn(byte))
}
