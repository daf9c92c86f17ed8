//! What is to happen, known from the beginning.

use super::{super::Rng, World, crowd::HOME};

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

/// The node whose replica retires a member.
pub(super) const OWNER: usize = 0;
/// The node whose replica invites those that join. It is an owner to the end.
pub(super) const HOST: usize = 1;

/// The most frames for which a crash lasts.
const DOWN: u64 = 10;

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

/// An owner ([`OWNER`]) retires a member that no one hears, and may invite it again.
#[derive(Clone, Debug)]
pub(super) struct Retirement {
    pub(super) victim: usize,
    pub(super) at: u64,
    pub(super) invited_at: Option<u64>,
    /// The member retires the owner, at the same time.
    pub(super) contested: bool,
}

/// A peer goes on twice: its node, and from this frame on the last node, a copy.
#[derive(Clone, Debug)]
pub(super) struct Twins {
    pub(super) original: usize,
    pub(super) copy: usize,
    pub(super) from: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Faults {
    crashes: Vec<Crash>,
    partitions: Vec<Partition>,
    pub(super) retirement: Option<Retirement>,
    pub(super) twins: Option<Twins>,
    /// In which frames something forged is sent.
    pub(super) forgeries: Vec<u64>,
    /// In which frames a peer breaks the protocol of its session, and a reader stalls.
    pub(super) breaches: Vec<u64>,
    pub(super) stalls: Vec<u64>,
    /// When which node cuts the history.
    pub(super) cut_history: Vec<(u64, usize)>,
    /// In which frame each of those is invited that join.
    pub(super) invitations: Vec<u64>,
}

impl Faults {
    pub(super) fn new(world: &World, rng: &mut Rng) -> Self {
        let (frames, peers) = (world.frames.max(1), world.peers);
        let retirement = world.retire.then(|| Retirement {
            victim: peers - 1,
            at: frames / 2,
            invited_at: rng.chance(50).then_some(frames * 5 / 6),
            contested: rng.chance(50),
        });
        let twins = world.equivocate.then(|| Twins {
            original: peers - 1 - usize::from(world.retire),
            copy: peers,
            from: frames / 4 + rng.below(frames / 4 + 1),
        });
        let nodes = peers + usize::from(world.equivocate) + world.joins;
        // Those that have a part to play already do not crash: what is expected of them stays plain.
        let honest = peers - usize::from(world.retire) - usize::from(world.equivocate);
        let crash = |rng: &mut Rng| Crash {
            frame: rng.below(frames),
            // The crowd goes by what this one has.
            node: match rng.index(honest) {
                HOME if world.crowd > 0 => 0,
                node => node,
            },
            step: rng.pick(&STEPS).copied().unwrap_or(Step::Sent),
            down: 1 + rng.below(DOWN),
        };
        let mut crashes: Vec<_> = (0..world.crashes).map(|_| crash(rng)).collect();
        // The one to be retired goes on as its next incarnation while no one hears it, which its owner cannot name.
        let unheard = |retirement: &Retirement| Crash {
            frame: frames / 3 + rng.below(frames / 6 + 1),
            node: retirement.victim,
            step: rng.pick(&STEPS[..5]).copied().unwrap_or(Step::Stored),
            down: 1 + rng.below(3),
        };
        crashes.extend(retirement.iter().filter(|_| world.crashes > 0).map(unheard));
        let mut partitions: Vec<_> = (0..world.partitions).map(|n| partition(world, nodes, n, rng)).collect();
        partitions.extend(retirement.iter().map(|retirement| Partition {
            from: frames / 3,
            until: frames * 2 / 3,
            sides: (0..nodes).map(|node| node == retirement.victim).collect(),
        }));
        let forgeries = (0..if world.forge { 10 } else { 0 }).map(|_| rng.below(frames)).collect();
        // By those that stay owners, when there is some history.
        let cut_history = (0..world.cuts).map(|_| {
            let node = if world.retire { HOST } else { rng.index(honest) };
            (frames / 4 + rng.below(frames / 2 + 1), node)
        });
        let cut_history = cut_history.collect();
        let mut invitations: Vec<_> =
            (0..world.joins).map(|_| frames / 3 + rng.below(frames / 3 + 1)).collect();
        invitations.sort_unstable();
        let breaches = (0..if world.forge { 3 } else { 0 }).map(|_| rng.below(frames)).collect();
        let stalls = (0..world.stalls).map(|_| rng.below(frames)).collect();
        Self { crashes, partitions, retirement, twins, forgeries, breaches, stalls, cut_history, invitations }
    }

    /// For how long the node stays down, if it crashes now.
    pub(super) fn crash(&self, frame: u64, node: usize, step: Step) -> Option<u64> {
        // The owner's act is not lost: then there would be none. So it is not down when it is to act, nor goes down then.
        let near = |at: u64| (at.saturating_sub(DOWN)..=at).contains(&frame);
        let acts = self.retirement.iter().any(|retirement| {
            node == OWNER && (near(retirement.at) || retirement.invited_at.is_some_and(near))
        });
        let acts = acts || (node == HOST && self.invitations.iter().any(|at| near(*at)));
        let now = |crash: &&Crash| (crash.frame, crash.node, crash.step) == (frame, node, step);
        self.crashes.iter().find(now).filter(|_| !acts).map(|crash| crash.down)
    }

    /// The cuts in this frame, if they are others than in the last.
    pub(super) fn cuts(&self, frame: u64) -> Option<Vec<Vec<bool>>> {
        let changes = |partition: &Partition| partition.from == frame || partition.until == frame;
        self.partitions.iter().any(changes).then(|| {
            let now = self.partitions.iter().filter(|it| (it.from..it.until).contains(&frame));
            now.map(|partition| partition.sides.clone()).collect()
        })
    }
}

/// One in each of as many parts of the run, so that none is hidden by another.
fn partition(world: &World, nodes: usize, n: u64, rng: &mut Rng) -> Partition {
    let part = (world.frames / world.partitions).max(1);
    let length = 1 + rng.below((world.frames / 6).clamp(1, part));
    let from = n * part + rng.below(part.saturating_sub(length).max(1));
    let mut sides: Vec<_> = (0..nodes).map(|_| rng.chance(50)).collect();
    let (one, other) = (rng.index(nodes), 1 + rng.index(nodes - 1));
    sides[(one + other) % nodes] = !sides[one];
    Partition { from, until: from + length, sides }
}
