//! The frames of a world, one after another.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    World,
    acts::{Acts, taken_back},
    crowd::Crowd,
    ending,
    failure::Failure,
    faults::{Faults, OWNER},
    journal::Journal,
    ledger::Ledger,
    network::Network,
    node::Node,
    program::{Op, Program},
    report::WorldReport,
    roles::{Roles, peer},
};
use crate::{
    replica::{Delta, Peer, Replica, Stamp, run::Run},
    testing::Rng,
};

/// A run that is not at rest after so many quiet frames, and one for each peer, never is.
const QUIET_FRAMES: u64 = 300;
/// How many frames without a change are rest. With many peers one more for each 8: an acknowledgement waits for what it
/// could include too.
const REST_FRAMES: u64 = 4;

pub(super) struct Simulation<'a, P: Program> {
    pub(super) world: &'a World,
    pub(super) program: P,
    pub(super) rng: Rng,
    pub(super) frame: u64,
    pub(super) nodes: Vec<Node<P::State>>,
    pub(super) network: Network<P::State>,
    pub(super) faults: Faults,
    pub(super) roles: Roles,
    pub(super) acts: Acts,
    pub(super) crowd: Crowd,
    pub(super) ledger: Ledger<Op<P>>,
    /// Operations that were taken back at some time.
    pub(super) revoked: BTreeSet<Stamp>,
    /// The last run on the wire, for the forger.
    pub(super) seen: Option<Arc<Run<Op<P>>>>,
    /// What names the group to peers.
    pub(super) group: [u8; 32],
    /// How many snapshots were given.
    pub(super) snapshots: u64,
    /// Readers that are to stall, and breaches that are to come, when there is a connection.
    pub(super) stalls: usize,
    pub(super) breaches: usize,
    pub(super) report: WorldReport,
    pub(super) journal: Journal,
}

impl<'a, P: Program> Simulation<'a, P> {
    pub(super) fn new(world: &'a World, program: P) -> Self {
        let mut rng = Rng::new(world.seed);
        let for_network = rng.fork();
        let faults = Faults::new(world, &mut rng.fork());
        let roles = Roles::new(world, faults.twins.clone());
        let network = Network::new(world, &roles, for_network);
        let mut simulation = Self {
            world,
            program,
            rng,
            frame: 0,
            nodes: Vec::new(),
            network,
            faults,
            roles,
            acts: Acts::default(),
            crowd: Crowd::new(world.peers, world.crowd),
            ledger: Ledger::new(),
            revoked: BTreeSet::new(),
            seen: None,
            group: [0; 32],
            snapshots: 0,
            stalls: 0,
            breaches: 0,
            report: WorldReport::default(),
            journal: Journal::new(),
        };
        for (node, peer) in simulation.roles.peers().enumerate() {
            let builder = simulation.builder_of(peer, 0);
            let budget = builder.redo_budget;
            let replica = builder.build();
            simulation.group = replica.genesis().0;
            simulation.nodes.push(Node::new(
                peer,
                Some(replica).filter(|_| !simulation.roles.begins_later(node)),
                budget,
            ));
        }
        simulation
    }

    pub(super) fn run(mut self) -> Result<WorldReport, Failure> {
        self.frames().map_err(|failure| match failure {
            Failure::Desync { peers, at, agreed, .. } => {
                let cause = ending::cause(&self.nodes, peers, &|| self.program.init()).map(Box::new);
                let report = ending::desync(&self.nodes, peers, agreed, at).map(Box::new);
                Failure::Desync { peers, at, agreed, cause, report }
            }
            failure => failure,
        })?;
        let whole = self.whole();
        let members: Vec<_> = (0..self.roles.members()).map(peer).collect();
        let void = self.faults.retirement.as_ref().map(|retirement| {
            let parts = [OWNER, retirement.victim].map(peer);
            self.acts.void(&self.ledger, &members, parts)
        });
        let mut void = void.unwrap_or_default();
        for reader in 0..self.world.readers {
            void.extend(self.ledger.of(self.roles.joining(reader)).map(|run| run.hash));
        }
        let mut revoked = self.revoked.clone();
        if !revoked.is_empty() {
            // What is taken back may change what others meet, stable ones too: and so which of them panic.
            revoked.extend(self.nodes.iter().flat_map(|node| &node.panicked));
        }
        let ending = ending::Ending {
            nodes: &self.nodes,
            crowd: &self.crowd,
            honest: |node| !self.roles.is_twin(node),
            ledger: &self.ledger,
            whole: &whole,
            void: &void,
            revoked: &revoked,
            taken_back: &taken_back(&self.ledger, &void),
            fork: self.roles.twins.as_ref().map(|twins| self.nodes[twins.original].peer),
        };
        let log = ending.check(&|| self.program.init())?;
        for (stamp, op) in &log {
            self.journal.note(format_args!("{stamp} {op}"));
        }
        self.report.log = log;
        let readers = self.nodes.iter().filter(|node| self.roles.is_reader(node.peer, self.world.readers));
        self.report.unwritten = readers.map(|node| node.given_back.len() as u64).sum();
        self.report.agreed = self.nodes.iter().map(Node::agreed).sum();
        self.report.undone.sort();
        self.report.redone.sort();
        self.report.trace = self.journal.take();
        Ok(self.report)
    }

    /// All frames: those that are edited, and then the quiet ones.
    fn frames(&mut self) -> Result<(), Failure> {
        for frame in 0..self.world.frames {
            self.frame = frame;
            if let Some(cuts) = self.faults.cuts(frame) {
                self.journal.note(format_args!("{frame} cuts {cuts:?}"));
                self.report.partitions += u64::from(!cuts.is_empty());
                self.network.set_cuts(frame, cuts, &mut self.report);
            }
            self.forge();
            self.stall();
            self.intrude()?;
            self.frame(true)?;
        }
        self.network.calm(self.frame + 1);
        self.update();
        self.quiet()
    }

    /// A replica of no member's, that takes all that was stored in one order, and lets nothing go.
    fn whole(&self) -> Replica<P::State> {
        let mut whole = self.builder_of(Peer([0xFF; 32]), 0).performed(0).build();
        whole.merge(Delta::of(self.ledger.runs()));
        while let Some(job) = whole.settle().job {
            whole.finish(job.run());
        }
        whole
    }

    /// Frames in which no one edits, until all have everything and have nothing to say.
    fn quiet(&mut self) -> Result<(), Failure> {
        let rest = REST_FRAMES + self.roles.members() as u64 / 8;
        let limit = QUIET_FRAMES + rest + self.roles.members() as u64;
        let mut still = 0;
        for frames in 1..=limit {
            self.frame += 1;
            let sent = self.frame(false)?;
            self.report.quiet_frames = frames;
            let version =
                |node: &Node<P::State>| node.replica.as_ref().map(|replica| replica.version().clone());
            let first = version(&self.nodes[0]);
            let calm = |node: &Node<P::State>| !node.moved && !node.has_jobs() && version(node) == first;
            let rests = !sent && self.network.rests() && self.nodes.iter().all(calm);
            still = if rests { still + 1 } else { 0 };
            if still >= rest {
                return Ok(());
            }
            self.network.skip();
        }
        // Which replica lacks what says more than that something is missing.
        ending::versions(&self.nodes)?;
        Err(Failure::NoRest { frames: limit })
    }

    /// One frame of all replicas. Whether any had something new to send.
    fn frame(&mut self, edited: bool) -> Result<bool, Failure> {
        let mut order: Vec<_> = (0..self.nodes.len()).collect();
        self.rng.shuffle(&mut order);
        self.network.pass();
        self.connect();
        self.arrivals()?;
        let mut sent = self.crowd(edited);
        for node in order {
            if self.nodes[node].replica.is_none() && !self.start(node, edited)? {
                continue;
            }
            sent |= self.turn(node, edited)?;
        }
        Ok(sent)
    }
}
