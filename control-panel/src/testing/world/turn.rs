//! What one replica does in a frame.

use std::sync::Arc;

use super::{
    failure::Failure,
    faults::{HOST, OWNER, Step},
    node::Node,
    objects::Given,
    program::Program,
    roles::peer,
    run::Simulation,
};
use crate::{
    anti_entropy::Session,
    replica::{Replica, Snapshot},
};

impl<P: Program> Simulation<'_, P> {
    /// One frame of a replica. Whether it had something new to send.
    pub(super) fn turn(&mut self, node: usize, edited: bool) -> Result<bool, Failure> {
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
        let Node { disk, replica, .. } = &mut self.nodes[node];
        let to_store = replica.as_mut().and_then(|replica| disk.snapshot_to_store(replica));
        let asked = self.asked(node);
        let snapshot =
            self.nodes[node].replica.as_mut().filter(|_| !asked.is_empty()).and_then(Replica::snapshot);
        let outbox = self.nodes[node].replica.as_mut().and_then(Replica::outbox);
        if self.crashes(node, Step::Taken) {
            return Ok(false);
        }
        let Node { disk, replica, .. } = &mut self.nodes[node];
        if let Some(replica) = replica {
            disk.store(replica, to_store, &mut self.ledger);
        }
        if self.crashes(node, Step::Stored) {
            return Ok(false);
        }
        let sent = outbox.is_some();
        self.see(outbox.as_ref());
        if let Some(snapshot) = snapshot {
            self.offer(&asked, snapshot);
        }
        self.exchange(node)?;
        self.crashes(node, Step::Sent);
        Ok(sent)
    }

    /// Which sessions of a node need a snapshot of its state, and can begin with it.
    fn asked(&self, node: usize) -> Vec<(usize, usize)> {
        let is_member = |other: usize| {
            let mut members = self.nodes[node].replica.iter().flat_map(Replica::members);
            !self.is_joining(other) || members.any(|(peer, _)| peer == self.nodes[other].peer)
        };
        let needs = |&(link, side): &(usize, usize)| {
            let link = &self.network.links[link];
            let session = link.sides[side].as_ref().map(|side| &side.session);
            session.is_some_and(Session::needs_snapshot) && is_member(link.ends[1 - side])
        };
        self.network.sides(node).filter(needs).collect()
    }

    fn offer(&mut self, sides: &[(usize, usize)], snapshot: Snapshot<P::State>) {
        self.snapshots += 1;
        let snapshot = Arc::new(snapshot);
        for &(link, side) in sides {
            let Some(side) = &mut self.network.links[link].sides[side] else { continue };
            let given = Given::new(self.snapshots, &snapshot);
            side.session.offer(given.offer);
            side.given = Some(given);
        }
    }

    fn settle(&mut self, node: usize) -> Result<(), Failure> {
        let Self { nodes, rng, report, .. } = self;
        let here = &mut nodes[node];
        here.settle(self.frame, rng, report)?;
        let Some(replica) = &mut here.replica else { return Ok(()) };
        // Two copies of one peer perform its effects twice, and no one can help it.
        if self.roles.is_twin(node) {
            return Ok(());
        }
        here.promises.check(here.peer, replica, report)
    }

    /// What is no edit: the owners' acts, and what a member that was retired commits anew.
    fn act(&mut self, node: usize) {
        let Self { nodes, faults, acts, roles, .. } = self;
        if let Some(host) = nodes[node].replica.as_mut().filter(|_| node == HOST) {
            let invitations = (&faults.invitations[..], self.world.readers);
            acts.host(self.frame, invitations, |index| roles.joining(index), host);
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
        let forks = self.roles.is_twin(node);
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
        let index = self.roles.number(node);
        let Some(op) = self.program.edit(&mut self.rng.fork(), index, replica.state()) else { return };
        let text = format!("{op:?}");
        if let Some(stamp) = self.nodes[node].commit(op, &mut self.report) {
            self.journal.note(format_args!("{} commit {stamp} {text}", self.frame));
        }
    }
}
