//! What is wrong with a connection, but for its stream: a side that does not read, and messages that break the protocol.

use super::{failure::Failure, network::Network, program::Program, run::Simulation};
use crate::{
    anti_entropy::{Capabilities, Hello, Message},
    replica::Version,
};

/// More requests for nothing than a session allows.
const REQUESTS: usize = 20;

impl<P: Program> Simulation<'_, P> {
    /// Readers stall, in the frames for it or as soon as there is a connection.
    pub(super) fn stall(&mut self) {
        let due = self.faults.stalls.iter().filter(|frame| **frame == self.frame).count();
        self.stalls += due;
        while self.stalls > 0 {
            let Some((link, side)) = self.network.any_up() else { return };
            self.stalls -= 1;
            // The longer half of them outlasts the patience of the other.
            let took = Network::<P::State>::took_of(self.world.delay);
            let frames = 1 + self.network.rng.below(2 * took);
            self.network.links[link].stall(side, self.frame + frames);
            self.journal.note(format_args!("{} stall {link} {side} {frames}", self.frame));
        }
    }

    /// A peer breaks the protocol, likewise.
    pub(super) fn intrude(&mut self) -> Result<(), Failure> {
        let due = self.faults.breaches.iter().filter(|frame| **frame == self.frame).count();
        self.breaches += due;
        while self.breaches > 0 {
            let Some(at) = self.network.any_up() else { return Ok(()) };
            self.breaches -= 1;
            self.network.links[at.0].is_hostile = true;
            match self.network.rng.below(3) {
                0 => self.receive(at, Message::Took(u64::MAX))?,
                1 => {
                    let capabilities = Capabilities::default();
                    let (group, yours) = (self.group, Version::new());
                    self.receive(at, Message::Hello(Hello { versions: 4..=4, capabilities, group, yours }))?;
                }
                // Counted, and ignored: the session goes on.
                _ => {
                    for _ in 0..REQUESTS {
                        self.receive(at, Message::Request([0xEE; 32]))?;
                    }
                    continue;
                }
            }
            let side = &self.network.links[at.0].sides[at.1];
            if side.as_ref().is_some_and(|side| !side.session.is_over()) {
                return self.wrong(at, "goes on after what breaks the protocol");
            }
        }
        Ok(())
    }
}
