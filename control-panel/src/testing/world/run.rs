//! The frames of a world, one after another.

use std::{collections::BTreeSet, fmt::Debug, sync::Arc};

use super::{
    World,
    acts::{Acts, taken_back},
    crowd::{self, Crowd, HOME},
    ending,
    failure::Failure,
    faults::{Faults, HOST, OWNER, Step},
    forger,
    journal::Journal,
    ledger::Ledger,
    network::{Envelope, Message, Network},
    node::Node,
    report::WorldReport,
};
use crate::{
    replica::{Delta, Peer, Replica, ReplicaBuilder, Snapshot, Stamp, State, run::Run},
    testing::Rng,
};

/// More peers do not send to all others.
const BROADCAST: usize = 8;
/// To how many they send.
const FANOUT: usize = 4;
/// To how many a run of the crowd's is sent.
const CROWD_FANOUT: usize = 2;
/// A replica asks what it lacks in one of so many frames.
const ASK_EVERY: u64 = 3;
/// A run that is not at rest after so many quiet frames, and one for each peer, never is.
const QUIET_FRAMES: u64 = 300;
/// How many frames without a change are rest: an answer takes two. With many peers one more for each 8: an acknowledgement waits for what it
/// could include too.
const REST_FRAMES: u64 = 4;

pub(super) struct Simulation<'a, S: State, I, B, E> {
    world: &'a World,
    init: I,
    build: B,
    edit: E,
    rng: Rng,
    frame: u64,
    nodes: Vec<Node<S>>,
    network: Network<S>,
    faults: Faults,
    acts: Acts,
    crowd: Crowd,
    ledger: Ledger<S::Op>,
    /// Operations that were taken back at some time.
    revoked: BTreeSet<Stamp>,
    /// The last run on the wire, for the forger.
    seen: Option<Arc<Run<S::Op>>>,
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
        let faults = Faults::new(world, &mut rng.fork());
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
            acts: Acts::default(),
            crowd: Crowd::new(world.peers, world.crowd),
            ledger: Ledger::new(),
            revoked: BTreeSet::new(),
            seen: None,
            report: WorldReport::default(),
            journal: Journal::new(),
        };
        let original = simulation.faults.twins.as_ref().map(|twins| twins.original);
        for index in (0..world.peers).chain(original) {
            let builder = simulation.builder(peer(index), 0);
            let budget = builder.redo_budget;
            let mut node = Node::new(peer(index), builder.build(), budget);
            if simulation.nodes.len() == world.peers {
                // The copy: it is made later.
                node.replica = None;
            }
            simulation.nodes.push(node);
        }
        for index in 0..world.joins {
            let peer = simulation.joiner(index);
            let builder = simulation.builder(peer, 0);
            let budget = builder.redo_budget;
            let mut node = Node::new(peer, builder.build(), budget);
            node.replica = None;
            simulation.nodes.push(node);
        }
        simulation
    }

    pub(super) fn run(mut self) -> Result<WorldReport, Failure> {
        for frame in 0..self.world.frames {
            self.frame = frame;
            if let Some(cuts) = self.faults.cuts(frame) {
                self.journal.note(format_args!("{frame} cuts {cuts:?}"));
                self.report.partitions += u64::from(!cuts.is_empty());
                self.network.set_cuts(cuts);
            }
            self.forge();
            self.frame(true)?;
        }
        self.network.calm();
        self.quiet()?;
        let whole = self.whole();
        let members: Vec<_> = (0..self.members()).map(peer).collect();
        let void = self.faults.retirement.as_ref().map(|retirement| {
            let parts = [OWNER, retirement.victim].map(peer);
            self.acts.void(&self.ledger, &members, parts)
        });
        let void = void.unwrap_or_default();
        let ending = ending::Ending {
            nodes: &self.nodes,
            crowd: &self.crowd,
            honest: |node| {
                !self.faults.twins.as_ref().is_some_and(|twins| [twins.original, twins.copy].contains(&node))
            },
            ledger: &self.ledger,
            whole: &whole,
            void: &void,
            revoked: &self.revoked,
            taken_back: &taken_back(&self.ledger, &void),
            fork: self.faults.twins.as_ref().map(|twins| self.nodes[twins.original].peer),
        };
        let log = ending.check(&self.init)?;
        for (stamp, op) in &log {
            self.journal.note(format_args!("{stamp} {op}"));
        }
        self.report.log = log;
        self.report.agreed = self.nodes.iter().map(Node::agreed).sum();
        self.report.undone.sort();
        self.report.redone.sort();
        self.report.trace = self.journal.take();
        Ok(self.report)
    }

    /// A replica of no member's, that takes all that was stored in one order, and lets nothing go.
    fn whole(&self) -> Replica<S> {
        let mut whole = self.builder(Peer([0xFF; 32]), 0).performed(0).build();
        whole.merge(Delta { runs: self.ledger.runs().into() });
        while let Some(job) = whole.settle().job {
            whole.finish(job.run());
        }
        whole
    }

    /// Frames in which no one edits, until all have everything and have nothing to say.
    fn quiet(&mut self) -> Result<(), Failure> {
        // Versions do not distinguish the branches of a fork: rest takes until all have asked all others, most likely.
        let rest = if self.faults.twins.is_some() {
            8 * self.nodes.len() as u64
        } else {
            REST_FRAMES + self.members() as u64 / 8
        };
        let limit = QUIET_FRAMES + rest + self.members() as u64;
        let mut still = 0;
        for frames in 1..=limit {
            self.frame += 1;
            let sent = self.frame(false)?;
            self.report.quiet_frames = frames;
            let version = |node: &Node<S>| node.replica.as_ref().map(|replica| replica.version().clone());
            let first = version(&self.nodes[0]);
            let calm = |node: &Node<S>| !node.moved && !node.has_jobs() && version(node) == first;
            still = if !sent && self.nodes.iter().all(calm) { still + 1 } else { 0 };
            if still >= rest {
                return Ok(());
            }
        }
        // Which replica lacks what says more than that something is missing.
        ending::versions(&self.nodes)?;
        Err(Failure::NoRest { frames: limit })
    }

    /// One frame of all replicas. Whether any had something new to send.
    fn frame(&mut self, edited: bool) -> Result<bool, Failure> {
        let mut order: Vec<_> = (0..self.nodes.len()).collect();
        self.rng.shuffle(&mut order);
        for envelope in self.network.arrivals(self.frame) {
            self.arrive(envelope)?;
        }
        let mut sent = self.crowd(edited);
        for node in order {
            if self.nodes[node].replica.is_none() && !self.start(node, edited) {
                continue;
            }
            sent |= self.node_frame(node, edited)?;
        }
        Ok(sent)
    }

    fn node_frame(&mut self, node: usize, edited: bool) -> Result<bool, Failure> {
        if self.crashes(node, Step::Merged) {
            return Ok(false);
        }
        self.act(node);
        if edited {
            self.cut(node);
            self.undo(node);
            self.commit(node);
        }
        if self.crashes(node, Step::Committed) {
            return Ok(false);
        }
        self.settle(node)?;
        if self.crashes(node, Step::Settled) {
            return Ok(false);
        }
        // It acknowledges what it gives, and stores: before it sends.
        let to_store = self.nodes[node].snapshot_to_store();
        let asked = std::mem::take(&mut self.nodes[node].asked);
        let snapshot =
            self.nodes[node].replica.as_mut().filter(|_| !asked.is_empty()).and_then(Replica::snapshot);
        let outbox = self.nodes[node].replica.as_mut().and_then(Replica::outbox);
        if self.crashes(node, Step::Taken) {
            return Ok(false);
        }
        self.nodes[node].store(to_store, &mut self.ledger);
        if self.crashes(node, Step::Stored) {
            return Ok(false);
        }
        let sent = outbox.is_some();
        self.send(node, outbox, edited);
        for (to, snapshot) in asked.into_iter().zip(std::iter::repeat(snapshot).flatten()) {
            self.post(node, to, Message::Snapshot(Box::new(snapshot)));
        }
        self.crashes(node, Step::Sent);
        Ok(sent)
    }

    fn settle(&mut self, node: usize) -> Result<(), Failure> {
        let Self { nodes, rng, report, .. } = self;
        let here = &mut nodes[node];
        here.settle(self.frame, rng, report)?;
        let Some(replica) = &mut here.replica else { return Ok(()) };
        // Two copies of one peer perform its effects twice, and no one can help it.
        if self.faults.twins.as_ref().is_some_and(|twins| [twins.original, twins.copy].contains(&node)) {
            return Ok(());
        }
        here.promises.check(here.peer, replica, report)
    }

    /// What is no edit: the owners' acts, and what a member that was retired commits anew.
    fn act(&mut self, node: usize) {
        let first = self.world.peers + self.world.crowd;
        let Self { nodes, faults, acts, .. } = self;
        if let Some(host) = nodes[node].replica.as_mut().filter(|_| node == HOST) {
            acts.host(self.frame, &faults.invitations, |index| peer(first + index), host);
        }
        if let Some(retirement) = &faults.retirement {
            let victim = nodes[retirement.victim].peer;
            if let Some(owner) = nodes[node].replica.as_mut().filter(|_| node == OWNER) {
                acts.owner(self.frame, retirement, victim, owner);
            }
            if node == retirement.victim {
                if let Some(member) = &mut nodes[node].replica {
                    acts.member(self.frame, retirement, peer(OWNER), member);
                }
                nodes[node].commit_again(&mut self.report);
            }
        }
    }

    /// An owner ends the history.
    fn cut(&mut self, node: usize) {
        let Some(replica) = &mut self.nodes[node].replica else { return };
        let due = |(at, by): &(u64, usize)| *at <= self.frame && *by == node;
        while let Some(index) = self.faults.cut_history.iter().position(due) {
            self.faults.cut_history.swap_remove(index);
            if let Ok(at) = replica.cut() {
                self.report.cuts += 1;
                self.journal.note(format_args!("{} cut {at}", self.frame));
            }
        }
    }

    /// A user takes something back.
    fn undo(&mut self, node: usize) {
        // Of two copies none does: whether a branch counts depends on what closes it.
        let forks =
            self.faults.twins.as_ref().is_some_and(|twins| [twins.original, twins.copy].contains(&node));
        if self.world.revocations == 0 || forks || !self.rng.chance(self.world.revocations) {
            return;
        }
        if let Some((at, target)) = self.nodes[node].undo(&mut self.rng, &mut self.report) {
            self.journal.note(format_args!("{} undo {at} {target}", self.frame));
            self.revoked.insert(target);
        }
    }

    fn commit(&mut self, node: usize) {
        let Some(replica) = &self.nodes[node].replica else { return };
        // A generator of its own: what `edit` draws changes nothing but its operation.
        let index = self.index(node);
        let Some(op) = (self.edit)(&mut self.rng.fork(), index, replica.state()) else { return };
        let text = format!("{op:?}");
        if let Some(stamp) = self.nodes[node].commit(op, &mut self.report) {
            self.journal.note(format_args!("{} commit {stamp} {text}", self.frame));
        }
    }

    /// What the crowd makes in this frame: the one that it goes by has it, and some others may hear it.
    fn crowd(&mut self, edited: bool) -> bool {
        let Some(home) = self.nodes[HOME].replica.as_ref().filter(|_| self.world.crowd > 0) else {
            return false;
        };
        let Self { crowd, rng, edit, world, .. } = self;
        let runs = crowd.turn(self.frame, home, |index, state| {
            if edited { edit(&mut rng.fork(), world.peers + index, state) } else { None }
        });
        for run in &runs {
            self.journal.note(format_args!("{} crowd {}", self.frame, run.hash));
            self.report.commits += run.applied().count() as u64;
            self.nodes[HOME].merge(crowd::delta(run), &mut self.report);
            for _ in 0..CROWD_FANOUT {
                let to = self.other(HOME);
                self.post(HOME, to, Message::Delta(crowd::delta(run)));
            }
        }
        !runs.is_empty()
    }

    fn members(&self) -> usize {
        self.world.peers + self.world.crowd
    }

    fn send(&mut self, node: usize, outbox: Option<Delta<S::Op>>, edited: bool) {
        let nodes = self.nodes.len();
        if let Some(delta) = outbox {
            self.seen = delta.runs.last().cloned().or(self.seen.take());
            if nodes <= BROADCAST {
                // Each of two copies is heard by its own half.
                let half = |to: usize| match &self.faults.twins {
                    Some(twins) if twins.original == node => to % 2 == 0,
                    Some(twins) if twins.copy == node => to % 2 == 1,
                    _ => true,
                };
                let heard: Vec<_> = (0..nodes).filter(|to| *to != node && half(*to)).collect();
                for to in heard {
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

    fn arrive(&mut self, Envelope { from, to, message }: Envelope<S>) -> Result<(), Failure> {
        let kind = if matches!(message, Message::Have(_) | Message::Join(_)) { "asked" } else { "sent" };
        self.journal.note(format_args!("{} {kind} {from} {to}", self.frame));
        let Some(replica) = &mut self.nodes[to].replica else {
            if let Message::Snapshot(snapshot) = message
                && self.is_joiner(to).is_some()
            {
                return self.join(to, *snapshot);
            }
            self.report.unreachable += 1;
            return Ok(());
        };
        match message {
            Message::Delta(delta) => self.nodes[to].merge(delta, &mut self.report),
            Message::Forged(delta) => {
                self.report.forged += 1;
                replica.merge(delta);
            }
            Message::Join(peer) => {
                if replica.members().any(|(member, _)| member == peer) {
                    self.nodes[to].asked.insert(from);
                }
            }
            Message::Snapshot(snapshot) => {
                let here = &mut self.nodes[to];
                let peer = here.peer;
                let taken = here.rejoin(*snapshot, &mut self.report);
                taken.map_err(|error| Failure::Snapshot { peer, error })?;
            }
            Message::Have(version) if !replica.reaches(&version) => _ = self.nodes[to].asked.insert(from),
            Message::Have(version) => {
                // Of its own it has nothing that is not stored: it was at the end of its last frame.
                let missing = replica.since(&version);
                if !missing.is_empty() {
                    self.report.repairs += 1;
                    self.post(to, from, Message::Delta(missing));
                }
            }
        }
        Ok(())
    }

    fn join(&mut self, node: usize, snapshot: Snapshot<S>) -> Result<(), Failure> {
        let builder = self.builder(self.nodes[node].peer, 0);
        let here = &mut self.nodes[node];
        let peer = here.peer;
        here.join(builder, snapshot, &mut self.report).map_err(|error| Failure::Snapshot { peer, error })
    }

    fn forge(&mut self) {
        for _ in 0..self.faults.forgeries.iter().filter(|frame| **frame == self.frame).count() {
            let Some(seen) = &self.seen else { continue };
            let delta = forger::forge(seen, &mut self.rng);
            let (from, to) = (self.rng.index(self.nodes.len()), self.rng.index(self.nodes.len()));
            self.post(from, to, Message::Forged(delta));
        }
    }

    fn post(&mut self, from: usize, to: usize, message: Message<S>) {
        self.network.send(self.frame, Envelope { from, to, message }, &mut self.report);
    }

    fn other(&mut self, node: usize) -> usize {
        (node + 1 + self.rng.index(self.nodes.len() - 1)) % self.nodes.len()
    }

    /// Which of those that join a node is.
    fn is_joiner(&self, node: usize) -> Option<usize> {
        node.checked_sub(self.nodes.len() - self.world.joins)
    }

    /// The peer of one that joins.
    fn joiner(&self, index: usize) -> Peer {
        peer(self.members() + index)
    }

    /// Of the peer: a copy has its original's.
    fn index(&self, node: usize) -> usize {
        if let Some(index) = self.is_joiner(node) {
            return self.members() + index;
        }
        self.faults.twins.as_ref().filter(|twins| twins.copy == node).map_or(node, |twins| twins.original)
    }

    fn crashes(&mut self, node: usize, step: Step) -> bool {
        let Some(down) = self.faults.crash(self.frame, node, step) else { return false };
        self.journal.note(format_args!("{} crash {node} {step:?}", self.frame));
        let until = self.frame + down;
        self.nodes[node].crash(until, &mut self.report);
        // What stopped after its last step has stored all: it can go on as it was.
        let clean = step == Step::Sent && self.rng.chance(50);
        self.nodes[node].incarnation += u32::from(!clean);
        true
    }

    /// Starts what is down, if its time has come. Whether it is up.
    fn start(&mut self, node: usize, edited: bool) -> bool {
        if let Some(index) = self.is_joiner(node)
            && !self.nodes[node].has_begun()
        {
            if self.acts.is_invited(index) {
                let to = self.other(node);
                self.post(node, to, Message::Join(self.nodes[node].peer));
            }
            return false;
        }
        match &self.faults.twins {
            Some(twins) if twins.copy == node => {
                if edited && self.frame < twins.from {
                    return false;
                }
                let (original, builder) = (twins.original, self.builder(self.nodes[node].peer, 0));
                let mut replica = builder.build();
                self.nodes[original].read_disk(&mut replica);
                self.nodes[node].replica = Some(replica);
            }
            _ => {
                if edited && self.frame < self.nodes[node].down_until {
                    return false;
                }
                let Node { peer, incarnation, .. } = self.nodes[node];
                let performed = self.nodes[node].promises.performed;
                let replica = self.builder(peer, incarnation).performed(performed).build();
                self.nodes[node].restart(replica);
            }
        }
        self.journal.note(format_args!("{} start {node}", self.frame));
        true
    }

    fn builder(&self, peer: Peer, incarnation: u32) -> ReplicaBuilder<S> {
        let members = (0..self.members()).map(self::peer);
        let builder = Replica::builder(peer, (self.init)()).members(members).incarnation(incarnation);
        (self.build)(builder.payload(forger::payload::<S::Op>))
    }
}

/// Peers in the order of their numbers, from 1.
pub(super) fn peer(index: usize) -> Peer {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&(index as u64 + 1).to_be_bytes());
    Peer(bytes)
}
