//! Messages on their way.

use std::collections::BTreeMap;

use super::{super::Rng, World, report::WorldReport};
use crate::replica::{Delta, Peer, Snapshot, State, Version};

/// What one replica sends to another.
pub(super) enum Message<S: State> {
    Delta(Delta<S::Op>),
    /// What no honest replica makes.
    Forged(Delta<S::Op>),
    /// "This is what I have": answered with what is missing.
    Have(Version),
    /// "I was invited": answered with a snapshot.
    Join(Peer),
    Snapshot(Box<Snapshot<S>>),
}

impl<S: State> Clone for Message<S> {
    fn clone(&self) -> Self {
        match self {
            Self::Delta(delta) => Self::Delta(delta.clone()),
            Self::Forged(delta) => Self::Forged(delta.clone()),
            Self::Have(version) => Self::Have(version.clone()),
            Self::Join(peer) => Self::Join(*peer),
            Self::Snapshot(snapshot) => Self::Snapshot(snapshot.clone()),
        }
    }
}

pub(super) struct Envelope<S: State> {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) message: Message<S>,
}

pub(super) struct Network<S: State> {
    rng: Rng,
    delay: u64,
    duplicates: u64,
    loss: u64,
    /// By the frame in which they arrive.
    on_the_way: BTreeMap<u64, Vec<Envelope<S>>>,
    /// The side of each node, for each cut.
    cuts: Vec<Vec<bool>>,
}

impl<S: State> Network<S> {
    pub(super) fn new(world: &World, rng: Rng) -> Self {
        let &World { delay, duplicates, loss, .. } = world;
        Self { rng, delay, duplicates, loss, on_the_way: BTreeMap::new(), cuts: Vec::new() }
    }

    pub(super) fn send(&mut self, frame: u64, envelope: Envelope<S>, report: &mut WorldReport) {
        let Envelope { from, to, message } = envelope;
        if self.cuts.iter().any(|sides| sides[from] != sides[to]) {
            report.cut += 1;
            return;
        }
        let copies = if self.rng.chance(self.duplicates) { 2 } else { 1 };
        report.duplicates += copies - 1;
        for _ in 0..copies {
            report.messages += 1;
            if self.rng.chance(self.loss) {
                report.lost += 1;
                continue;
            }
            let delay = 1 + self.rng.below(self.delay);
            report.delayed += u64::from(delay > 1);
            let message = message.clone();
            self.on_the_way.entry(frame + delay).or_default().push(Envelope { from, to, message });
        }
    }

    /// What arrives in this frame, in random order.
    pub(super) fn arrivals(&mut self, frame: u64) -> Vec<Envelope<S>> {
        let mut arrived = self.on_the_way.remove(&frame).unwrap_or_default();
        self.rng.shuffle(&mut arrived);
        arrived
    }

    /// Which nodes hear each other, from now on.
    pub(super) fn set_cuts(&mut self, cuts: Vec<Vec<bool>>) {
        self.cuts = cuts;
    }

    /// From now on each message arrives, in the next frame.
    pub(super) fn calm(&mut self) {
        (self.delay, self.duplicates, self.loss) = (1, 0, 0);
        self.cuts.clear();
    }
}
