//! What replicas send each other: each pair by the very sessions that programs sync by.

use super::{
    crowd,
    crowd::HOME,
    failure::Failure,
    forger,
    link::Untaken,
    network::{Beside, SETTLES},
    program::{Op, Program},
    run::Simulation,
    store::View,
};
use crate::{
    anti_entropy::{Local, Message},
    replica::Delta,
};

impl<P: Program> Simulation<'_, P> {
    /// What the crowd makes in this frame: the one that it goes by has it, and passes it on.
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
        }
        !runs.is_empty()
    }

    /// Whether it can connect: it runs, or waits for a snapshot to begin with.
    fn is_there(&self, node: usize) -> bool {
        self.nodes[node].replica.is_some() || self.is_joining(node)
    }

    /// Whether it was invited, and has not begun.
    pub(super) fn is_joining(&self, node: usize) -> bool {
        let is_invited = self.roles.joiner(node).is_some_and(|index| self.acts.is_invited(index));
        is_invited && self.nodes[node].replica.is_none()
    }

    /// Those that are not connected connect.
    pub(super) fn connect(&mut self) {
        for link in 0..self.network.links.len() {
            let it = &self.network.links[link];
            if !it.is_down() || it.connects_at > self.frame {
                continue;
            }
            let ends = it.ends;
            match ends.map(|node| self.is_there(node)) {
                [true, true] => {
                    let group = self.group;
                    let locals = ends.map(|node| Local { me: self.nodes[node].peer, group });
                    self.network.connect(self.frame, link, locals, &mut self.report);
                }
                [false, false] => {}
                _ => {
                    self.report.unreachable += 1;
                    self.network.later(self.frame, link);
                }
            }
        }
    }

    /// All that arrives in this frame.
    pub(super) fn arrivals(&mut self) -> Result<(), Failure> {
        for (to, what) in self.network.beside(self.frame) {
            let node = &mut self.nodes[to];
            match (what, &mut node.replica) {
                (_, None) => self.report.unreachable += 1,
                (Beside::Copy(delta), Some(_)) => node.merge(delta, &mut self.report),
                (Beside::Forged(delta), Some(replica)) => {
                    self.report.forged += 1;
                    replica.merge(delta);
                }
            }
        }
        let mut links: Vec<_> = (0..self.network.links.len()).collect();
        self.network.rng.shuffle(&mut links);
        for link in links {
            for side in 0..2 {
                while let Some(message) = self.network.arrival((link, side), self.frame, &mut self.report) {
                    match message {
                        Some(message) => self.receive((link, side), message)?,
                        None => self.leave((link, side)),
                    }
                }
            }
        }
        Ok(())
    }

    /// That side of a connection is gone.
    pub(super) fn leave(&mut self, at: (usize, usize)) {
        self.network.leave(self.frame, at);
        let node = &mut self.nodes[self.network.links[at.0].ends[at.1]];
        // What arrived of a snapshot is of no use.
        node.arriving.take_if(|link| *link == at.0);
    }

    /// What a node's sessions have to do in its frame, when all that it has is stored.
    pub(super) fn exchange(&mut self, node: usize) -> Result<(), Failure> {
        self.take(node);
        self.request(node);
        for at in self.network.sides(node) {
            self.tick(at)?;
            self.send(node, at);
        }
        Ok(())
    }

    /// Notes what is stored of what arrived.
    fn take(&mut self, node: usize) {
        let here = &self.nodes[node];
        let (stored, waits) = (here.disk.version(), self.frame.saturating_sub(SETTLES));
        let mut has_joined = false;
        for (link, side) in self.network.sides(node) {
            let Some(side) = &mut self.network.links[link].sides[side] else { continue };
            let mut upto = None;
            while let Some(Untaken { number, extent, is_snapshot, since }) = side.untaken.front() {
                // What waits for its past, or was refused, is in no version: it is asked for again.
                if !extent.is_in(stored) && *since > waits {
                    break;
                }
                (upto, has_joined) = (Some(*number), has_joined || *is_snapshot);
                side.untaken.pop_front();
            }
            if let Some(number) = upto {
                side.session.took(number, stored);
            }
            if side.shown != here.disk.stores() {
                side.shown = here.disk.stores();
                side.session.news();
            }
        }
        if has_joined {
            // By one of them: it is another version that all others are to know.
            for (link, side) in self.network.sides(node) {
                if let Some(side) = &mut self.network.links[link].sides[side] {
                    side.is_offered = false;
                    side.session.joined();
                }
            }
        }
    }

    /// Asks for a snapshot that was offered, one at a time.
    fn request(&mut self, node: usize) {
        for (link, side) in self.network.sides(node) {
            if self.nodes[node].arriving.is_some() {
                return;
            }
            let Some(side) = &mut self.network.links[link].sides[side] else { continue };
            if std::mem::take(&mut side.is_offered) && side.session.request() {
                self.nodes[node].arriving = Some(link);
            }
        }
    }

    fn tick(&mut self, at: (usize, usize)) -> Result<(), Failure> {
        let now = self.network.since(at.0);
        let Some(side) = &mut self.network.links[at.0].sides[at.1] else { return Ok(()) };
        side.session.tick(now).or_else(|end| self.ended(at, &end))
    }

    /// All that one side's session gives now.
    fn send(&mut self, node: usize, at: (usize, usize)) {
        let (link, side) = at;
        let now = self.network.since(link);
        let is_joining = self.is_joining(self.network.links[link].ends[1 - side]);
        loop {
            let Some(own) = &mut self.network.links[link].sides[side] else { return };
            let here = &self.nodes[node];
            let mut view = View {
                replica: here.replica.as_ref(),
                stored: here.disk.version(),
                pieces: &mut own.pieces,
                given: &mut own.given,
                is_joining,
            };
            let Ok(message) = own.session.send(&mut view, now);
            let Some(message) = message else { break };
            self.report.repairs += u64::from(own.repairs && matches!(message, Message::Delta(_)));
            let kind = message.kind();
            let arrives = self.network.send(self.frame, at, message, &mut self.report);
            self.journal.note(format_args!("{} {kind} {link} {side} {arrives:?}", self.frame));
        }
        let Some(own) = &mut self.network.links[link].sides[side] else { return };
        own.repairs &= !own.pieces.is_empty();
        if own.session.is_over() {
            self.leave(at);
        }
    }

    /// What the replica has for its peers, for the forger.
    pub(super) fn see(&mut self, outbox: Option<&Delta<Op<P>>>) {
        let last = outbox.and_then(|delta| delta.runs.last());
        self.seen = last.cloned().or(self.seen.take());
    }

    /// Sends what no honest replica makes, in the frames for it.
    pub(super) fn forge(&mut self) {
        for _ in 0..self.faults.forgeries.iter().filter(|frame| **frame == self.frame).count() {
            let Some(seen) = &self.seen else { continue };
            let delta = forger::forge(seen, &mut self.rng);
            let to = self.rng.index(self.nodes.len());
            self.network.send_beside(self.frame, to, Beside::Forged(delta));
        }
    }
}
