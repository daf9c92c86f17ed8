//! What a session makes of a message, and what comes of that.

use std::sync::Arc;

use super::{
    failure::Failure,
    link::Untaken,
    objects::{Chunk, Objects},
    program::Program,
    run::Simulation,
};
use crate::{
    anti_entropy::{End, Event, Extent, Message},
    replica::{Peer, Snapshot},
};

/// Which link, and which side of it.
type At = (usize, usize);

impl<P: Program> Simulation<'_, P> {
    pub(super) fn receive(&mut self, at: At, message: Message<Objects<P::State>>) -> Result<(), Failure> {
        let now = self.network.since(at.0);
        let link = &mut self.network.links[at.0];
        let ours = self.nodes[link.ends[at.1]].disk.version();
        let Some(side) = &mut link.sides[at.1] else { return Ok(()) };
        side.repairs |= match message {
            Message::Want(_) => true,
            Message::Have(_) => link.connections > 1,
            _ => false,
        };
        match side.session.receive(message, ours, now) {
            Ok(event) => event.map_or(Ok(()), |event| self.event(at, event)),
            Err(end) => self.ended(at, &end),
        }
    }

    fn event(&mut self, at: At, event: Event<Objects<P::State>>) -> Result<(), Failure> {
        let since = self.frame;
        let link = &mut self.network.links[at.0];
        let node = link.ends[at.1];
        let Some(side) = &mut link.sides[at.1] else { return Ok(()) };
        match event {
            Event::Ready { ahead, .. } => {
                self.report.sessions += 1;
                // What was sent had been stored: no one has more of it, but of a copy.
                if ahead.is_some() && !self.roles.is_twin(node) {
                    return self.wrong(at, "finds more of its own author there than it has");
                }
            }
            Event::Delta { number, delta } => {
                let extent = Extent::of(&delta);
                side.session.read(number, extent.clone());
                side.untaken.push_back(Untaken { number, extent, is_snapshot: false, since });
                self.nodes[node].merge(delta, &mut self.report);
            }
            Event::Offered(_) => side.is_offered = true,
            Event::Withdrawn => _ = self.nodes[node].arriving.take_if(|link| *link == at.0),
            Event::Chunk { number, chunk: Chunk { snapshot, .. }, last } => {
                let extent = Extent::default();
                side.untaken.push_back(Untaken { number, extent, is_snapshot: last, since });
                if let Some(snapshot) = snapshot.filter(|_| last) {
                    self.nodes[node].arriving = None;
                    return self.begin(node, &snapshot);
                }
            }
            Event::Misbehaved(breach) if link.is_hostile => {
                self.journal.note(format_args!("{since} breach {at:?} {breach}"));
                self.report.breaches += 1;
            }
            Event::Misbehaved(breach) => return self.wrong(at, &breach.to_string()),
        }
        Ok(())
    }

    /// A node goes on from a snapshot, or begins with it.
    fn begin(&mut self, node: usize, snapshot: &Arc<Snapshot<P::State>>) -> Result<(), Failure> {
        let snapshot = Snapshot::clone(snapshot);
        let builder = self.is_joining(node).then(|| self.builder(node, 0));
        let here = &mut self.nodes[node];
        let peer = here.peer;
        let begun = match builder {
            Some(builder) => here.join(builder, snapshot, &mut self.report),
            None => here.rejoin(snapshot, &mut self.report),
        };
        begun.map_err(|error| Failure::Snapshot { peer, error })
    }

    /// A session is over, at one of its sides. Between honest peers that read it is not.
    pub(super) fn ended(&mut self, at: At, end: &End) -> Result<(), Failure> {
        self.journal.note(format_args!("{} end {at:?} {end}", self.frame));
        let link = &self.network.links[at.0];
        match end {
            // The other found out why.
            End::Closed(_) => {}
            End::Stalled(_) if link.has_stalled => self.report.stalled += 1,
            End::Misbehaved(_) if link.is_hostile => self.report.breaches += 1,
            end => return self.wrong(at, &end.to_string()),
        }
        Ok(())
    }

    pub(super) fn wrong(&self, at: At, what: &str) -> Result<(), Failure> {
        let ends = self.network.links[at.0].ends;
        let peer = |side: usize| -> Peer { self.nodes[ends[side]].peer };
        Err(Failure::Session { peers: [peer(at.1), peer(1 - at.1)], what: what.to_owned() })
    }
}
