//! Replicas with journals that crash at any moment: nothing that a peer has is lost, no number is used twice, nothing stable changes.
//!
//! There is no lease of clocks: an acknowledgement is a run, and a run is sent when it is durable. So no promise can be out that the disk
//! does not know; this is the check.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Delta, Peer, Replica, Stamp,
    journal::{
        Journal,
        store::testing::{Memory, Step, Words},
    },
    replica::{
        Misbehaviour, ReplicaNotice,
        codec::{Limits, Postcard},
    },
    testing::Rng,
};

const PEERS: [Peer; 3] = [Peer([1; 32]), Peer([2; 32]), Peer([3; 32])];

struct Node {
    memory: Memory,
    /// The bytes, as of the last step that was looked at, with all that was synced.
    synced: Vec<u8>,
    journal: Journal,
    replica: Replica<Words>,
    /// What is on its way here.
    inbox: Vec<Vec<u8>>,
}

/// So few stable operations are kept, and the rest is let go of as soon as may be.
const HISTORY: usize = 6;

fn replica(peer: Peer, journal: &Journal) -> Replica<Words> {
    let builder = Replica::builder(peer, Words::default()).members(PEERS).history(HISTORY);
    journal.replica(builder.codec(Postcard::new(), Limits::default())).unwrap()
}

impl Node {
    fn new(peer: Peer) -> Self {
        let memory = Memory::default();
        let journal = Journal::on(&memory).unwrap();
        let replica = replica(peer, &journal);
        let synced = memory.lock().bytes.clone();
        memory.lock().steps.clear();
        Self { memory, synced, journal, replica, inbox: Vec::new() }
    }

    /// The power is cut in the middle of a transaction, or between two: of the writes since the last sync any may be there, whole or in part.
    fn crash(self, peer: Peer, rng: &mut Rng, in_transaction: bool) -> Self {
        let Self { memory, mut synced, journal, replica, inbox } = self;
        if in_transaction {
            journal.flush().unwrap();
        }
        let mut steps = std::mem::take(&mut memory.lock().steps);
        // What redb writes when it is closed is not written.
        drop((journal, replica));
        let cut = if in_transaction { rng.below(steps.len() as u64 + 1) } else { steps.len() as u64 };
        steps.truncate(usize::try_from(cut).unwrap());
        let after_sync = steps.iter().rposition(|step| matches!(step, Step::Sync)).map_or(0, |at| at + 1);
        for (index, step) in steps.iter().enumerate() {
            match step {
                Step::Write(offset, data) if index >= after_sync => match rng.below(3) {
                    0 => {}
                    1 => {
                        let length = usize::try_from(rng.below(data.len() as u64)).unwrap();
                        Step::Write(*offset, data[..length].to_vec()).apply(&mut synced);
                    }
                    _ => step.apply(&mut synced),
                },
                step => step.apply(&mut synced),
            }
        }
        let memory = Memory::of(synced);
        let journal = Journal::on(&memory).unwrap();
        let replica = self::replica(peer, &journal);
        let synced = memory.lock().bytes.clone();
        memory.lock().steps.clear();
        Self { memory, synced, journal, replica, inbox }
    }

    fn flush(&mut self) {
        self.journal.flush().unwrap();
        // All that is written is synced when a transaction is durable.
        for step in std::mem::take(&mut self.memory.lock().steps) {
            step.apply(&mut self.synced);
        }
    }
}

/// Seeds to run: `SEEDS`, or as many as take a few seconds.
fn seeds() -> u64 {
    std::env::var("SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(40)
}

#[test]
fn a_crash_at_any_step_breaks_no_promise() {
    let (mut crashes, mut cuts) = (0, 0);
    for seed in 0..seeds() {
        let (more, with_snapshot) = run(seed);
        (crashes, cuts) = (crashes + more, cuts + with_snapshot);
    }
    assert!(crashes >= seeds(), "{crashes} crashes");
    assert!(cuts >= seeds() / 2, "{cuts} starts went on from a snapshot of their own");
}

/// How many crashes there were, and how many starts with a snapshot.
fn run(seed: u64) -> (u64, u64) {
    let mut rng = Rng::new(seed);
    let mut nodes: Vec<_> = PEERS.into_iter().map(Node::new).collect();
    let (mut crashes, mut cuts, mut word) = (0, 0, 0);
    // Every operation that was ever committed, by its stamp; and what was stable, in order.
    let mut committed: BTreeMap<Stamp, String> = BTreeMap::new();
    let mut durable: BTreeSet<Stamp> = BTreeSet::new();
    for _ in 0..60 {
        let at = usize::try_from(rng.below(3)).unwrap();
        match rng.below(13) {
            0..=3 => {
                word += 1;
                // Some fill half a block.
                let text = format!("{seed} {word} ").repeat(if rng.chance(30) { 600 } else { 1 });
                let stamp = nodes[at].replica.commit(text.clone());
                let before = committed.insert(stamp, text);
                assert!(before.is_none() || !durable.contains(&stamp), "seed {seed}: {stamp} was used twice");
            }
            4..=6 => frame(&mut nodes, at, &mut durable, seed),
            7 | 8 => nodes[at].flush(),
            9 => meet(&mut nodes, &mut durable, seed, 3),
            10 | 11 => {
                let other = (at + 1) % 3;
                serve(&mut nodes, at, other);
            }
            _ => {
                let has = nodes[at].replica.version().clone();
                let node = nodes.remove(at).crash(PEERS[at], &mut rng, seed % 2 == 0);
                let lives = |version: &crate::replica::Version| {
                    version.iter().filter(|(author, _)| author.peer == PEERS[at]).collect::<Vec<_>>()
                };
                assert!(
                    lives(&has).iter().all(|(author, _)| *author != node.replica.author()),
                    "seed {seed}: a life twice"
                );
                for other in &nodes {
                    for (author, count) in lives(other.replica.version()) {
                        let kept = node.replica.version().get(author);
                        assert!(kept >= count, "seed {seed}: {author} has {kept}, and a peer {count}");
                    }
                }
                cuts += u64::from(node.journal.try_reader().unwrap().note().unwrap().is_some());
                nodes.insert(at, node);
                crashes += 1;
            }
        }
    }
    meet(&mut nodes, &mut durable, seed, 6);
    (0..3).for_each(|at| frame(&mut nodes, at, &mut durable, seed));
    let states: Vec<_> = nodes.iter().map(|node| node.replica.state().clone()).collect();
    assert!(states[0] == states[1] && states[1] == states[2], "seed {seed}: {states:#?}");
    let kept: BTreeSet<_> = states[0].0.iter().collect();
    for stamp in &durable {
        assert!(kept.contains(&committed[stamp]), "seed {seed}: {stamp} was sent, and is lost");
    }
    (crashes, cuts)
}

/// All meet, a few times: to say what they have, too.
fn meet(nodes: &mut [Node], durable: &mut BTreeSet<Stamp>, seed: u64, times: usize) {
    for _ in 0..times {
        for at in 0..3 {
            frame(nodes, at, durable, seed);
            nodes[at].flush();
            frame(nodes, at, durable, seed);
            for other in (0..3).filter(|other| *other != at) {
                serve(nodes, at, other);
            }
        }
    }
}

/// What another has not, from the journal, as a worker does. What all have acknowledged may be gone.
fn serve(nodes: &mut [Node], at: usize, other: usize) {
    let missing = nodes[at].journal.since(nodes[other].replica.version(), &Limits::default()).unwrap();
    assert!(missing.snapshot.is_none(), "what a member lacks is kept");
    nodes[other].inbox.extend(missing.deltas);
}

/// One frame of a node: merge, settle, send what may be sent.
fn frame(nodes: &mut [Node], at: usize, sent: &mut BTreeSet<Stamp>, seed: u64) {
    let node = &mut nodes[at];
    for bytes in std::mem::take(&mut node.inbox) {
        node.replica.merge(Delta::decode(&bytes, &Postcard::new(), &Limits::default()).unwrap());
    }
    let settled = node.replica.settle();
    for notice in settled.notices {
        let broken = matches!(
            notice,
            ReplicaNotice::PeerMisbehaved {
                what: Misbehaviour::Backdated
                    | Misbehaviour::Fork { .. }
                    | Misbehaviour::Clock
                    | Misbehaviour::Chain,
                ..
            } | ReplicaNotice::OwnVoid { .. }
        );
        assert!(!broken, "seed {seed}: {notice:?}");
    }
    if let Some(delta) = node.replica.outbox() {
        sent.extend(delta.operations().map(|(stamp, _)| stamp));
        let bytes = delta.encode().unwrap();
        for (other, node) in nodes.iter_mut().enumerate() {
            if other != at {
                node.inbox.push(bytes.clone());
            }
        }
    }
}
