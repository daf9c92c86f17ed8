//! Replicas that go down and come up.

use super::{
    failure::Failure,
    faults::Step,
    forger,
    program::{Op, Program},
    roles,
    run::Simulation,
};
use crate::replica::{Peer, Replica, ReplicaBuilder};

impl<P: Program> Simulation<'_, P> {
    /// Whether it crashes after this step.
    pub(super) fn crashes(&mut self, node: usize, step: Step) -> bool {
        let Some(down) = self.faults.crash(self.frame, node, step) else { return false };
        self.journal.note(format_args!("{} crash {node} {step:?}", self.frame));
        let until = self.frame + down;
        self.nodes[node].crash(until, &mut self.report);
        self.network.crash(self.frame, node, &mut self.report);
        // What stopped after its last step has stored all: it can go on as it was.
        let clean = step == Step::Sent && self.rng.chance(50);
        self.nodes[node].incarnation += u32::from(!clean);
        self.nodes[node].is_updated = self.has_updates();
        true
    }

    /// Whether programs are updated while it runs.
    fn has_updates(&self) -> bool {
        self.world.poison && !self.world.equivocate
    }

    /// All that run the program of the beginning stop, with all stored, and begin again as the update.
    pub(super) fn update(&mut self) {
        if !self.has_updates() {
            return;
        }
        for node in 0..self.nodes.len() {
            let is_up = self.nodes[node].replica.is_some();
            if std::mem::replace(&mut self.nodes[node].is_updated, true) || !is_up {
                continue;
            }
            self.journal.note(format_args!("{} update {node}", self.frame));
            let crashes = self.report.crashes;
            self.nodes[node].crash(self.frame, &mut self.report);
            self.report.crashes = crashes;
            self.network.crash(self.frame, node, &mut self.report);
        }
    }

    /// Starts what is down, if its time has come. Whether it is up.
    pub(super) fn start(&mut self, node: usize, edited: bool) -> Result<bool, Failure> {
        if self.roles.joiner(node).is_some() && self.nodes[node].disk.is_empty() {
            if self.is_joining(node) {
                self.exchange(node)?;
            }
            return Ok(false);
        }
        match &self.roles.twins {
            Some(twins) if twins.copy == node => {
                if edited && self.frame < twins.from {
                    return Ok(false);
                }
                let (original, builder) = (twins.original, self.builder(node, 0));
                let mut replica = builder.build();
                self.nodes[original].disk.read(&mut replica);
                self.nodes[node].replica = Some(replica);
            }
            _ => {
                if edited && self.frame < self.nodes[node].down_until {
                    return Ok(false);
                }
                let incarnation = self.nodes[node].incarnation;
                let performed = self.nodes[node].promises.performed;
                let replica = self.builder(node, incarnation).performed(performed).build();
                self.nodes[node].restart(replica);
            }
        }
        self.journal.note(format_args!("{} start {node}", self.frame));
        Ok(true)
    }

    /// A node's replica, as its program sets it up.
    pub(super) fn builder(&self, node: usize, incarnation: u32) -> ReplicaBuilder<P::State> {
        let builder = self.builder_of(self.nodes[node].peer, incarnation);
        let fingerprint = builder.fingerprint;
        builder.fingerprint(fingerprint + u64::from(self.nodes[node].is_updated))
    }

    /// A peer's replica, of the program of the beginning.
    pub(super) fn builder_of(&self, peer: Peer, incarnation: u32) -> ReplicaBuilder<P::State> {
        let members = (0..self.roles.members()).map(roles::peer);
        let builder = Replica::builder(peer, self.program.init()).members(members).incarnation(incarnation);
        self.program.build(builder.payload(forger::payload::<Op<P>>))
    }
}
