//! Replicas that go down and come up.

use super::{
    failure::Failure,
    faults::Step,
    forger,
    node::Node,
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
        true
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
                let (original, builder) = (twins.original, self.builder(self.nodes[node].peer, 0));
                let mut replica = builder.build();
                self.nodes[original].disk.read(&mut replica);
                self.nodes[node].replica = Some(replica);
            }
            _ => {
                if edited && self.frame < self.nodes[node].down_until {
                    return Ok(false);
                }
                let Node { peer, incarnation, .. } = self.nodes[node];
                let performed = self.nodes[node].promises.performed;
                let replica = self.builder(peer, incarnation).performed(performed).build();
                self.nodes[node].restart(replica);
            }
        }
        self.journal.note(format_args!("{} start {node}", self.frame));
        Ok(true)
    }

    /// A peer's replica, as the program sets it up.
    pub(super) fn builder(&self, peer: Peer, incarnation: u32) -> ReplicaBuilder<P::State> {
        let members = (0..self.roles.members()).map(roles::peer);
        let builder = Replica::builder(peer, self.program.init()).members(members).incarnation(incarnation);
        self.program.build(builder.payload(forger::payload::<Op<P>>))
    }
}
