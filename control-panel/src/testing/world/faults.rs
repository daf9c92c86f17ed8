//! When partitions and crashes happen.

use super::{super::Rng, World};

/// The steps of a frame, after each of which a replica can crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Merged,
    Committed,
    Settled,
    /// What it has to send is taken, not stored.
    Taken,
    /// Stored, not sent.
    Stored,
    Sent,
}

const STEPS: [Step; 6] =
    [Step::Merged, Step::Committed, Step::Settled, Step::Taken, Step::Stored, Step::Sent];

#[derive(Clone, Debug)]
pub(super) struct Crash {
    pub(super) frame: u64,
    pub(super) node: usize,
    pub(super) step: Step,
    /// For how many frames it is down.
    pub(super) down: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Partition {
    pub(super) from: u64,
    pub(super) until: u64,
    /// The side of each node; there is one on each.
    pub(super) sides: Vec<bool>,
}

/// All that is to happen, known from the beginning.
#[derive(Clone, Debug)]
pub(super) struct Faults {
    pub(super) crashes: Vec<Crash>,
    pub(super) partitions: Vec<Partition>,
}

impl Faults {
    pub(super) fn new(world: &World, nodes: usize, rng: &mut Rng) -> Self {
        let crash = |rng: &mut Rng| Crash {
            frame: rng.below(world.frames.max(1)),
            node: rng.index(nodes),
            step: rng.pick(&STEPS).copied().unwrap_or(Step::Sent),
            down: 1 + rng.below(10),
        };
        let crashes = (0..world.crashes).map(|_| crash(rng)).collect();
        // One in each of as many parts of the run, so that none is hidden by another.
        let part = (world.frames / world.partitions.max(1)).max(1);
        let partition = |rng: &mut Rng, n: u64| {
            let length = 1 + rng.below((world.frames / 6).clamp(1, part));
            let from = n * part + rng.below(part.saturating_sub(length).max(1));
            let mut sides: Vec<_> = (0..nodes).map(|_| rng.chance(50)).collect();
            let (alone, other) = (rng.index(nodes), 1 + rng.index(nodes - 1));
            sides[(alone + other) % nodes] = !sides[alone];
            Partition { from, until: from + length, sides }
        };
        let partitions = (0..world.partitions).map(|n| partition(rng, n)).collect();
        Self { crashes, partitions }
    }

    /// For how long the node stays down, if it crashes now.
    pub(super) fn crash(&self, frame: u64, node: usize, step: Step) -> Option<u64> {
        let now = |crash: &&Crash| (crash.frame, crash.node, crash.step) == (frame, node, step);
        self.crashes.iter().find(now).map(|crash| crash.down)
    }
}
