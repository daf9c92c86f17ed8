//! The network: carries packets from peer to peer, and loses, delays and doubles them, as its seed says.

use std::fmt;

use control_panel::{Delta, Peer, Version};
use fastrand::Rng;

use crate::list::Edit;

/// A real one would be bytes.
#[derive(Clone, Debug)]
pub(crate) enum Packet {
    Delta(Delta<Edit>),
    /// A peer, and how many operations of each author it has.
    Has(Peer, Version),
}

/// Packets arrive after so many frames at most.
const LONGEST: u64 = 6;
/// One of so many packets arrives twice.
const DOUBLED: u32 = 10;

#[derive(Debug)]
pub(crate) struct Air {
    loss: u8,
    rng: Rng,
    now: u64,
    /// For each peer: when it arrives, and what.
    underway: Vec<Vec<(u64, Packet)>>,
    sent: u64,
    lost: u64,
    doubled: u64,
    /// Since the last turn.
    turn: (u64, u64),
}

impl Air {
    pub(crate) fn new(loss: u8, rng: Rng, peers: usize) -> Self {
        Self {
            loss,
            rng,
            now: 0,
            underway: vec![Vec::new(); peers],
            sent: 0,
            lost: 0,
            doubled: 0,
            turn: (0, 0),
        }
    }

    pub(crate) fn send_to_others(&mut self, from: usize, packet: &Packet) {
        for to in (0..self.underway.len()).filter(|to| *to != from) {
            self.send(to, packet.clone());
        }
    }

    pub(crate) fn send(&mut self, to: usize, packet: Packet) {
        self.sent += 1;
        self.turn.0 += 1;
        if self.rng.u8(..100) < self.loss {
            self.lost += 1;
            self.turn.1 += 1;
            return;
        }
        if self.rng.u32(..DOUBLED) == 0 {
            self.doubled += 1;
            self.deliver(to, packet.clone());
        }
        self.deliver(to, packet);
    }

    fn deliver(&mut self, to: usize, packet: Packet) {
        let arrives = self.now + self.rng.u64(1..=LONGEST);
        self.underway[to].push((arrives, packet));
    }

    /// What arrives at this peer in this frame: of different delays, so not in the order in which it was sent.
    pub(crate) fn arriving(&mut self, at: usize) -> Vec<Packet> {
        let now = self.now;
        self.underway[at].extract_if(.., |(arrives, _)| *arrives <= now).map(|(_, packet)| packet).collect()
    }

    /// A frame is over: how many packets were sent in it, and how many of these lost.
    pub(crate) fn turn(&mut self) -> (u64, u64) {
        self.now += 1;
        std::mem::take(&mut self.turn)
    }
}

impl fmt::Display for Air {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} packets sent, {} lost, {} doubled", self.sent, self.lost, self.doubled)
    }
}
