//! The frames of a world, one after another.

use std::fmt::Debug;

use super::{
    World, ending,
    failure::Failure,
    faults::{Faults, Step},
    journal::Journal,
    network::{Envelope, Message, Network},
    node::Node,
    report::WorldReport,
};
use crate::{
    replica::{Delta, Peer, Replica, ReplicaBuilder, State},
    testing::Rng,
};

/// More peers do not send to all others.
const BROADCAST: usize = 8;
/// To how many they send.
const FANOUT: usize = 4;
/// A replica asks what it lacks in one of so many frames.
const ASK_EVERY: u64 = 3;
/// A run that is not at rest after so many quiet frames, and one for each peer, never is.
const QUIET_FRAMES: u64 = 200;

pub(super) struct Simulation<'a, S: State, I, B, E> {
    world: &'a World,
    init: I,
    build: B,
    edit: E,
    rng: Rng,
    frame: u64,
    nodes: Vec<Node<S>>,
    network: Network<S::Op>,
    faults: Faults,
    report: WorldReport,
    journal: Journal,
}

impl<'a, S, I, B, E> Simulation<'a, S, I, B, E>
where
    S: State + Debug + PartialEq,
    S::Op: Debug,
    I: Fn() -> S,
    B: Fn(ReplicaBuilder<S>) -> ReplicaBuilder<S>,
    E: FnMut(&mut Rng, usize, &S) -> Option<S::Op>,
{
    pub(super) fn new(world: &'a World, init: I, build: B, edit: E) -> Self {
        let mut rng = Rng::new(world.seed);
        let network = Network::new(world, rng.fork());
        let faults = Faults::new(world, world.peers, &mut rng.fork());
        let mut simulation = Self {
            world,
            init,
            build,
            edit,
            rng,
            frame: 0,
            nodes: Vec::new(),
            network,
            faults,
            report: WorldReport::default(),
            journal: Journal::new(),
        };
        for index in 0..world.peers {
            let peer = peer(index);
            let builder = simulation.builder(peer, 0);
            let budget = builder.redo_budget;
            simulation.nodes.push(Node::new(peer, builder.build(), budget));
        }
        simulation
    }

    pub(super) fn run(mut self) -> Result<WorldReport, Failure> {
        for frame in 0..self.world.frames {
            self.frame = frame;
            self.partition();
            self.frame(true)?;
        }
        self.network.calm();
        self.quiet()?;
        let log = ending::check(&self.nodes, &self.init)?;
        for (stamp, op) in &log {
            self.journal.note(format_args!("{stamp} {op}"));
        }
        self.report.log = log;
        self.report.undone.sort();
        self.report.redone.sort();
        self.report.trace = self.journal.take();
        Ok(self.report)
    }

    /// Frames in which no one edits, until all have everything and have nothing to say.
    fn quiet(&mut self) -> Result<(), Failure> {
        let limit = QUIET_FRAMES + self.world.peers as u64;
        for frames in 1..=limit {
            self.frame += 1;
            let sent = self.frame(false)?;
            self.report.quiet_frames = frames;
            let alike = self.nodes.iter().all(|node| {
                let version = |node: &Node<S>| node.replica.as_ref().map(|replica| replica.version().clone());
                node.replica.is_some() && version(node) == version(&self.nodes[0])
            });
            if !sent && alike && self.network.is_idle() {
                return Ok(());
            }
        }
        // Which replica lacks what says more than that something is missing.
        ending::versions(&self.nodes)?;
        Err(Failure::NoRest { frames: limit })
    }

    fn partition(&mut self) {
        for partition in &self.faults.partitions {
            if partition.until == self.frame {
                self.network.heal();
            }
        }
        for partition in &self.faults.partitions {
            if partition.from == self.frame {
                self.journal.note(format_args!("{} cut {:?}", self.frame, partition.sides));
                self.report.partitions += 1;
                self.network.cut(partition.sides.clone());
            }
        }
    }

    /// One frame of all replicas. Whether any had something new to send.
    fn frame(&mut self, edited: bool) -> Result<bool, Failure> {
        let mut order: Vec<_> = (0..self.nodes.len()).collect();
        self.rng.shuffle(&mut order);
        for envelope in self.network.arrivals(self.frame) {
            self.arrive(envelope);
        }
        let mut sent = false;
        for node in order {
            if self.nodes[node].replica.is_none() {
                if edited && self.frame < self.nodes[node].down_until {
                    continue;
                }
                self.restart(node)?;
            }
            sent |= self.node_frame(node, edited)?;
        }
        Ok(sent)
    }

    fn node_frame(&mut self, node: usize, edited: bool) -> Result<bool, Failure> {
        if self.crashes(node, Step::Merged) {
            return Ok(false);
        }
        if edited {
            self.commit(node);
        }
        if self.crashes(node, Step::Committed) {
            return Ok(false);
        }
        self.nodes[node].settle(&mut self.report)?;
        if self.crashes(node, Step::Settled) {
            return Ok(false);
        }
        let outbox = self.nodes[node].replica.as_mut().and_then(Replica::outbox);
        if self.crashes(node, Step::Taken) {
            return Ok(false);
        }
        self.nodes[node].store();
        if self.crashes(node, Step::Stored) {
            return Ok(false);
        }
        let sent = outbox.is_some();
        self.send(node, outbox, edited);
        self.crashes(node, Step::Sent);
        Ok(sent)
    }

    fn commit(&mut self, node: usize) {
        let Some(replica) = &self.nodes[node].replica else { return };
        // A generator of its own: what `edit` draws changes nothing but its operation.
        let Some(op) = (self.edit)(&mut self.rng.fork(), node, replica.state()) else { return };
        let text = format!("{op:?}");
        if let Some(stamp) = self.nodes[node].commit(op, &mut self.report) {
            self.journal.note(format_args!("{} commit {stamp} {text}", self.frame));
        }
    }

    fn send(&mut self, node: usize, outbox: Option<Delta<S::Op>>, edited: bool) {
        let peers = self.nodes.len();
        if let Some(delta) = outbox {
            if peers <= BROADCAST {
                for to in (0..peers).filter(|to| *to != node) {
                    self.post(node, to, Message::Delta(delta.clone()));
                }
            } else {
                for _ in 0..FANOUT {
                    let to = self.other(node);
                    self.post(node, to, Message::Delta(delta.clone()));
                }
            }
        }
        if !edited || self.rng.below(ASK_EVERY) == 0 {
            let to = self.other(node);
            let Some(replica) = &self.nodes[node].replica else { return };
            let have = Message::Have(replica.version().clone());
            self.post(node, to, have);
        }
    }

    fn arrive(&mut self, Envelope { from, to, message }: Envelope<S::Op>) {
        let kind = if matches!(message, Message::Have(_)) { "asked" } else { "sent" };
        self.journal.note(format_args!("{} {kind} {from} {to}", self.frame));
        let Some(replica) = &self.nodes[to].replica else {
            self.report.unreachable += 1;
            return;
        };
        match message {
            Message::Delta(delta) => self.nodes[to].merge(delta, &mut self.report),
            Message::Have(version) => {
                // Of its own it has nothing that is not stored: it was at the end of its last frame.
                let missing = replica.since(&version);
                if !missing.is_empty() {
                    self.report.repairs += 1;
                    self.post(to, from, Message::Delta(missing));
                }
            }
        }
    }

    fn post(&mut self, from: usize, to: usize, message: Message<S::Op>) {
        self.network.send(self.frame, Envelope { from, to, message }, &mut self.report);
    }

    fn other(&mut self, node: usize) -> usize {
        (node + 1 + self.rng.index(self.nodes.len() - 1)) % self.nodes.len()
    }

    fn crashes(&mut self, node: usize, step: Step) -> bool {
        let Some(down) = self.faults.crash(self.frame, node, step) else { return false };
        self.journal.note(format_args!("{} crash {node} {step:?}", self.frame));
        let until = self.frame + down;
        self.nodes[node].crash(until, &mut self.report);
        true
    }

    fn restart(&mut self, node: usize) -> Result<(), Failure> {
        self.nodes[node].incarnation += 1;
        let replica = self.builder(self.nodes[node].peer, self.nodes[node].incarnation).build();
        self.nodes[node].restart(replica)
    }

    fn builder(&self, peer: Peer, incarnation: u32) -> ReplicaBuilder<S> {
        let members = (0..self.world.peers).map(self::peer);
        let builder = Replica::builder(peer, (self.init)()).members(members).incarnation(incarnation);
        (self.build)(builder)
    }
}

/// Peers in the order of their numbers, from 1.
pub(super) fn peer(index: usize) -> Peer {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&(index as u64 + 1).to_be_bytes());
    Peer(bytes)
}
