//! What happened in a run.

use super::World;
use crate::replica::Stamp;

/// What happened in a [`World`].
///
/// ```
/// use control_panel::{
///     Stamp, State,
///     testing::{self, Depths, World, WorldReport},
/// };
///
/// #[derive(Clone, Debug, Default, PartialEq)]
/// struct Words(Vec<u64>);
///
/// impl State for Words {
///     type Op = u64;
///
///     fn apply(&mut self, word: &u64, _: &Stamp) {
///         self.0.push(*word);
///     }
/// }
///
/// let world = World { seed: 7, ..World::default() };
/// let edit = |rng: &mut testing::Rng, _, _: &_| Some(rng.below(9));
/// let report: WorldReport = world.run(Words::default, |builder| builder, edit);
/// assert!(report.commits > 0 && report.rollbacks > 0);
/// let undone: &Depths = &report.undone;
/// assert!(undone.percentile(50) <= undone.max());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorldReport {
    /// Operations that members committed.
    pub commits: u64,
    /// Those of them that members of the [crowd](World::crowd) did.
    pub crowd: u64,
    /// Operations lost in a crash before they were stored, and so sent to no one.
    pub unstored: u64,
    /// Arrivals of an operation whose author and receiver had edited without knowing of each other.
    pub concurrent: u64,
    /// Arrivals of an operation that sorts before one already applied there.
    pub late: u64,
    /// Settles that took operations back.
    pub rollbacks: u64,
    /// Operations taken back by each of those.
    pub undone: Depths,
    /// Operations applied again by each of those.
    pub redone: Depths,
    /// Sessions in which both hellos came, counted at each side.
    pub sessions: u64,
    /// Messages sent in them.
    pub messages: u64,
    /// Those of them that took more than one frame.
    pub delayed: u64,
    /// Deltas that came twice.
    pub duplicates: u64,
    /// Messages lost on the way, whether they were sent again or ended the connection.
    pub lost: u64,
    /// Messages that a partition stopped, and connections that it prevented.
    pub cut: u64,
    /// Messages to a replica that went down, and connections that failed as it was.
    pub unreachable: u64,
    /// Deltas of what the other lacked when it connected again, or that it asked for anew.
    pub repairs: u64,
    /// Times that a side of a connection left unread what had arrived.
    pub stalls: u64,
    /// Times that a session ended for that.
    pub stalled: u64,
    /// Times that a session found a breach of its protocol.
    pub breaches: u64,
    /// Times that the network was cut.
    pub partitions: u64,
    /// Times that a replica crashed.
    pub crashes: u64,
    /// Rollbacks beyond the budget, finished elsewhere.
    pub jobs: u64,
    /// Operations of a retired member that became void and came back to it.
    pub void: u64,
    /// Those of them that it committed anew, after it was invited again.
    pub rebased: u64,
    /// Reports of a retirement that another one made void.
    pub contested: u64,
    /// Revocations.
    pub revoked: u64,
    /// How many replicas found the state of how many others equal, by a digest.
    pub agreed: u64,
    /// Reports of an author that gave one number to two operations.
    pub forks: u64,
    /// Operations that a replica left out, or stopped at, as they panicked: each once in a life of the replica.
    pub poisoned: u64,
    /// Those of them at which it stopped, as not all ran one program.
    pub stopped: u64,
    /// Forged runs that arrived.
    pub forged: u64,
    /// Reports of peers that sent what no honest replica sends, forks aside.
    pub refused: u64,
    /// Cuts that owners made, automatic ones not counted.
    pub cuts: u64,
    /// Times that a replica let history go.
    pub forgotten: u64,
    /// Replicas that began with a snapshot.
    pub joined: u64,
    /// Replicas that went on from one, as they lacked what others had let go.
    pub rejoined: u64,
    /// Operations that members committed that may only read: void, and given back.
    pub unwritten: u64,
    /// Effects performed, each once.
    pub effects: u64,
    /// Quiet frames until all had everything.
    pub quiet_frames: u64,
    /// The operations in the order in which all replicas apply them, with their `Debug` output.
    pub log: Vec<(Stamp, String)>,
    /// A hash of everything that happened, in order: two runs of one seed have the same.
    pub trace: u64,
}

impl WorldReport {
    /// Which of what a run is for did not happen.
    pub(super) fn shows_nothing(&self, world: &World) -> Option<Vec<&'static str>> {
        let missing: Vec<_> = [
            (self.concurrent == 0, "no operations were concurrent"),
            (self.late == 0, "no operation came late, so nothing was rolled back"),
            (world.delay > 1 && self.delayed == 0, "no message was delayed"),
            (world.duplicates > 0 && self.duplicates == 0, "no message came twice"),
            (world.loss > 0 && self.lost == 0, "no message was lost"),
            (world.partitions > 0 && self.cut == 0, "no partition stopped a message"),
            (world.crashes > 0 && self.crashes == 0, "no replica crashed"),
            (world.stalls > 0 && self.stalls == 0, "no reader stalled"),
            (world.retire && self.void == 0, "no operation of the retired member was void"),
            (world.equivocate && self.forks == 0, "no author gave one number twice"),
            (world.revocations > 0 && self.revoked == 0, "nothing was taken back"),
            (world.forge && self.refused == 0, "nothing forged was refused"),
            (world.forge && self.breaches == 0, "no session was broken into"),
            (world.poison && self.poisoned == 0, "no operation panicked"),
            (world.cuts > 0 && self.forgotten == 0, "no replica let history go"),
            (world.crowd > 0 && self.crowd == 0, "no member of the crowd edited"),
            (world.joins > 0 && self.joined == 0, "no replica began with a snapshot"),
            (world.readers > 0 && self.unwritten == 0, "nothing that a reader committed was void"),
        ]
        .into_iter()
        .filter_map(|(missing, what)| missing.then_some(what))
        .collect();
        (!missing.is_empty()).then_some(missing)
    }
}

/// How deep rollbacks went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Depths(Vec<usize>);

impl Depths {
    pub(super) fn add(&mut self, depth: usize) {
        self.0.push(depth);
    }

    pub(super) fn sort(&mut self) {
        self.0.sort_unstable();
    }

    /// How many rollbacks.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The depth that this percentage of rollbacks did not exceed; 0 without rollbacks.
    pub fn percentile(&self, percent: usize) -> usize {
        let at = (self.0.len() * percent.min(100)).div_ceil(100).saturating_sub(1);
        self.0.get(at).copied().unwrap_or(0)
    }

    /// The deepest; 0 without rollbacks.
    pub fn max(&self) -> usize {
        self.0.last().copied().unwrap_or(0)
    }
}
