//! One connection of two nodes: a session at each end, and a stream in each direction.

use std::{collections::VecDeque, time::Duration};

use super::objects::{Given, Objects};
use crate::{
    anti_entropy::{Extent, Local, Message, Options, Session},
    replica::{Delta, State},
    testing::Rng,
};

/// What one side has of a connection.
pub(super) struct Side<S: State> {
    pub(super) session: Session<Objects<S>>,
    /// What its store is to give next, and what it offered.
    pub(super) pieces: VecDeque<Delta<S::Op>>,
    pub(super) given: Option<Given<S>>,
    /// What arrived and is not known to be stored, in order.
    pub(super) untaken: VecDeque<Untaken>,
    /// Whether the other's offer stands.
    pub(super) is_offered: bool,
    /// Which of the node's stores it was notified of.
    pub(super) shown: u64,
    /// Whether what it sends now was asked for anew.
    pub(super) repairs: bool,
}

pub(super) struct Untaken {
    pub(super) number: u64,
    pub(super) extent: Extent,
    /// Whether it is the end of a snapshot.
    pub(super) is_snapshot: bool,
    /// The frame in which it arrived.
    pub(super) since: u64,
}

/// What one side sent; `None` is the end of the stream.
pub(super) type Sent<S> = Option<Message<Objects<S>>>;

/// Two nodes that connect with each other, again and again.
pub(super) struct Link<S: State> {
    pub(super) ends: [usize; 2],
    pub(super) sides: [Option<Side<S>>; 2],
    /// What each side sent, in order, with the frame in which it arrives.
    streams: [VecDeque<(u64, Sent<S>)>; 2],
    /// It broke: what is sent goes nowhere, until both sides have noticed.
    is_broken: bool,
    pub(super) began: Duration,
    /// The frame in which the two connect, at the earliest.
    pub(super) connects_at: u64,
    /// How many connections there were.
    pub(super) connections: u64,
    /// Up to which frame each side reads nothing.
    stalls: [u64; 2],
    /// Whether one side left unread what had arrived, in this connection.
    pub(super) has_stalled: bool,
    /// Whether something arrived that breaks the protocol, in this connection.
    pub(super) is_hostile: bool,
}

impl<S: State> Link<S> {
    pub(super) fn new(ends: [usize; 2]) -> Self {
        Self {
            ends,
            sides: [None, None],
            streams: [VecDeque::new(), VecDeque::new()],
            is_broken: false,
            began: Duration::ZERO,
            connects_at: 0,
            connections: 0,
            stalls: [0; 2],
            has_stalled: false,
            is_hostile: false,
        }
    }

    pub(super) fn is_down(&self) -> bool {
        self.sides.iter().all(Option::is_none)
    }

    pub(super) fn is_up(&self) -> bool {
        self.sides.iter().flatten().filter(|side| side.session.is_ready()).count() == 2 && !self.is_broken
    }

    pub(super) fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// Whether nothing is on its way, and nothing of what arrived waits.
    pub(super) fn is_silent(&self) -> bool {
        self.streams.iter().all(VecDeque::is_empty)
            && self.sides.iter().flatten().all(|side| side.untaken.is_empty())
    }

    pub(super) fn connect(&mut self, locals: [Local; 2], options: Options, now: Duration) {
        debug_assert!(self.is_down() && self.is_silent());
        let side = |me: usize| Side {
            session: Session::new(locals[me], locals[1 - me].me, options),
            pieces: VecDeque::new(),
            given: None,
            untaken: VecDeque::new(),
            is_offered: false,
            shown: 0,
            repairs: false,
        };
        self.sides = [Some(side(0)), Some(side(1))];
        (self.is_broken, self.began, self.stalls) = (false, now, [0; 2]);
        (self.has_stalled, self.is_hostile) = (false, false);
        self.connections += 1;
    }

    /// A stream keeps its order. Returns when it arrives.
    pub(super) fn send(&mut self, side: usize, at: u64, message: Sent<S>) -> u64 {
        let at = self.streams[side].back().map_or(at, |(last, _)| at.max(*last));
        self.streams[side].push_back((at, message));
        at
    }

    /// What arrives at a side by this frame. The second: whether it was left unread.
    pub(super) fn arrival(&mut self, side: usize, frame: u64) -> Option<Sent<S>> {
        let stream = &mut self.streams[1 - side];
        stream.front().filter(|(at, _)| *at <= frame)?;
        if frame < self.stalls[side] {
            self.has_stalled = true;
            return None;
        }
        stream.pop_front().map(|(_, message)| message)
    }

    /// From now on that side reads nothing, up to a frame.
    pub(super) fn stall(&mut self, side: usize, until: u64) {
        self.stalls[side] = until;
    }

    /// What is on its way arrives in part, or not at all; then each side notices. How many messages are lost.
    pub(super) fn break_off(&mut self, frame: u64, delay: u64, rng: &mut Rng) -> u64 {
        if self.is_down() || self.is_broken {
            return 0;
        }
        self.is_broken = true;
        let mut lost = 0;
        for side in 0..2 {
            let stream = &mut self.streams[side];
            let kept = rng.index(stream.len() + 1);
            lost += (stream.len() - kept) as u64;
            stream.truncate(kept);
            self.send(side, frame + 1 + rng.below(delay), None);
        }
        lost
    }

    /// That side is gone. What it sent arrives, if it is not broken, and then the end.
    pub(super) fn leave(&mut self, side: usize, frame: u64, delay: u64, rng: &mut Rng) {
        if self.sides[side].take().is_none() {
            return;
        }
        self.streams[1 - side].clear();
        if self.is_down() {
            self.streams = [VecDeque::new(), VecDeque::new()];
            self.connects_at = frame + 1 + rng.below(delay);
        } else if !self.is_broken {
            self.is_broken = true;
            self.send(side, frame + 1 + rng.below(delay), None);
        }
    }

    /// When a session of it has something to do, by the network's clock.
    pub(super) fn deadline(&self) -> Option<Duration> {
        let deadlines = self.sides.iter().flatten().filter_map(|side| side.session.deadline());
        deadlines.min().map(|deadline| self.began + deadline)
    }

    /// The faults are over: both sides read, and connect in the next frame.
    pub(super) fn calm(&mut self, frame: u64) {
        (self.stalls, self.connects_at) = ([0; 2], frame);
    }
}
