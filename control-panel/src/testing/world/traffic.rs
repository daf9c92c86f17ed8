//! What replicas send each other, and what comes of it.

use super::{
    crowd,
    crowd::HOME,
    failure::Failure,
    forger,
    network::{Envelope, Message},
    program::{Op, Program},
    run::Simulation,
};
use crate::replica::{Delta, Snapshot};

/// More nodes do not send to all others.
const BROADCAST: usize = 8;
/// To how many they send.
const FANOUT: usize = 4;
/// To how many a run of the crowd's is sent.
const CROWD_FANOUT: usize = 2;
/// A replica asks what it lacks in one of so many frames.
const ASK_EVERY: u64 = 3;

impl<P: Program> Simulation<'_, P> {
    /// What the crowd makes in this frame: the one that it goes by has it, and some others may hear it.
    pub(super) fn crowd(&mut self, edited: bool) -> bool {
        let Some(home) = self.nodes[HOME].replica.as_ref().filter(|_| self.world.crowd > 0) else {
            return false;
        };
        let Self { crowd, rng, program, world, .. } = self;
        let runs = crowd.turn(self.frame, home, |index, state| {
            if edited { program.edit(&mut rng.fork(), world.peers + index, state) } else { None }
        });
        for run in &runs {
            self.journal.note(format_args!("{} crowd {}", self.frame, run.hash));
            let commits = run.applied().count() as u64;
            self.report.commits += commits;
            self.report.crowd += commits;
            self.nodes[HOME].merge(crowd::delta(run), &mut self.report);
            for _ in 0..CROWD_FANOUT {
                let to = self.roles.other(HOME, &mut self.rng);
                self.post(HOME, to, Message::Delta(crowd::delta(run)));
            }
        }
        !runs.is_empty()
    }

    /// What a replica made goes to all, or to some; now and then it asks one what it lacks.
    pub(super) fn send(&mut self, node: usize, outbox: Option<Delta<Op<P>>>, edited: bool) {
        let nodes = self.nodes.len();
        if let Some(delta) = outbox {
            self.seen = delta.runs.last().cloned().or(self.seen.take());
            if nodes <= BROADCAST {
                for to in self.roles.hearers(node) {
                    self.post(node, to, Message::Delta(delta.clone()));
                }
            } else {
                for _ in 0..FANOUT {
                    let to = self.roles.other(node, &mut self.rng);
                    self.post(node, to, Message::Delta(delta.clone()));
                }
            }
        }
        if !edited || self.rng.below(ASK_EVERY) == 0 {
            let to = self.roles.other(node, &mut self.rng);
            let Some(replica) = &self.nodes[node].replica else { return };
            let have = Message::Have(replica.version().clone());
            self.post(node, to, have);
        }
    }

    /// What a node makes of a message.
    pub(super) fn arrive(
        &mut self,
        Envelope { from, to, message }: Envelope<P::State>,
    ) -> Result<(), Failure> {
        let kind = if matches!(message, Message::Have(_) | Message::Join(_)) { "asked" } else { "sent" };
        self.journal.note(format_args!("{} {kind} {from} {to}", self.frame));
        let Some(replica) = &mut self.nodes[to].replica else {
            if let Message::Snapshot(snapshot) = message
                && self.roles.joiner(to).is_some()
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

    fn join(&mut self, node: usize, snapshot: Snapshot<P::State>) -> Result<(), Failure> {
        let builder = self.builder(self.nodes[node].peer, 0);
        let here = &mut self.nodes[node];
        let peer = here.peer;
        here.join(builder, snapshot, &mut self.report).map_err(|error| Failure::Snapshot { peer, error })
    }

    /// Sends what no honest replica makes, in the frames for it.
    pub(super) fn forge(&mut self) {
        for _ in 0..self.faults.forgeries.iter().filter(|frame| **frame == self.frame).count() {
            let Some(seen) = &self.seen else { continue };
            let delta = forger::forge(seen, &mut self.rng);
            let (from, to) = (self.rng.index(self.nodes.len()), self.rng.index(self.nodes.len()));
            self.post(from, to, Message::Forged(delta));
        }
    }

    /// One message of one node to one other.
    pub(super) fn post(&mut self, from: usize, to: usize, message: Message<P::State>) {
        self.network.send(self.frame, Envelope { from, to, message }, &mut self.report);
    }
}
