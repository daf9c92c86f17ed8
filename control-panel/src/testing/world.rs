//! A network of replicas in one process.

mod acts;
mod arrival;
mod crowd;
mod disk;
mod ending;
mod failure;
mod faults;
mod forger;
mod intruder;
mod journal;
mod ledger;
mod link;
mod lives;
mod network;
mod node;
mod objects;
mod program;
mod promises;
mod report;
mod roles;
mod run;
mod store;
mod traffic;
mod turn;

use std::fmt::{self, Debug};

pub use self::report::{Depths, WorldReport};
use self::{failure::Failure, program::Closures, run::Simulation};
use super::Rng;
use crate::replica::{ReplicaBuilder, State};

/// A seeded network of replicas in one process, for a state of your own: nothing runs beside it, no time passes, and one seed gives one run.
///
/// Each frame, each replica takes what arrived, may commit an operation, settles, stores, and sends. What replicas say to each other is what programs say: every two are connected by the session machine
/// that `workers::p2p_sync` syncs by (feature `p2p`), and not by a model of it: hellos, versions, deltas in pieces within a window, acknowledgements of what is stored, requests, snapshots. In place of bytes it moves objects, with
/// sizes of their own (16 KiB an operation), and a frame counts as 100 ms: less where a message may take more than 30 frames.
///
/// A connection keeps the order of its messages, which are delayed, or lost and sent again; and it breaks: at a message, by a partition that cuts the replicas in two groups, when a replica crashes in the middle of a frame and
/// comes back from what it had stored, or when a side does not read. What each lacks is found out when the two connect again. Deltas come a second time by another way, before or behind what they build on; members are retired, copied,
/// and forged, sessions broken into; history is let go, and peers begin with what is left. After the frames comes a quiet ending, in which
/// all messages arrive. [`assert_converges`](Self::assert_converges) then compares.
///
/// ```
/// use control_panel::{Stamp, State, testing::World};
///
/// #[derive(Clone, Debug, Default, PartialEq)]
/// struct Pages(Vec<String>);
///
/// impl State for Pages {
///     type Op = String;
///
///     fn apply(&mut self, name: &String, _: &Stamp) {
///         self.0.push(name.clone());
///     }
/// }
///
/// for seed in 0..10 {
///     World { seed, peers: 4, loss: 20, ..World::default() }
///         .assert_converges(Pages::default, |rng, peer, _| {
///             rng.chance(30).then(|| format!("page {} of {peer}", rng.below(100)))
///         });
/// }
/// ```
///
/// Take all fields but those that you set from `World::default()`, as there may be more of them one day.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "faults that happen or do not, each by itself")]
pub struct World {
    /// Which run. Default: 0.
    pub seed: u64,
    /// How many replicas, from 2 to 100. Of 8 and fewer, with copies and those that join, every two are connected; of more, each with two neighbours and some others at random. Default: 3.
    pub peers: usize,
    /// For how many frames the replicas are edited. Default: 100.
    pub frames: u64,
    /// The most frames that a message takes, from 1, with each number as likely. A connection keeps its order; messages of different connections
    /// overtake each other. Default: 5.
    pub delay: u64,
    /// The percentage of deltas that come a second time beside the connection, with a delay of their own: so before what they build on, too.
    /// Default: 10.
    pub duplicates: u64,
    /// The percentage of messages that are lost. Most are sent again, and what is behind them waits; at one of four the connection breaks, and what is on its way arrives in part.
    /// Default: 10.
    pub loss: u64,
    /// How many times the network is cut in two, each for up to a sixth of the frames. Default: 1.
    pub partitions: u64,
    /// How many times a replica crashes, at any step of a frame, for up to ten frames. What it had stored (before it sent anything) stays,
    /// and it goes on as its next incarnation; or as the same, where it had stored all. Default: 1.
    pub crashes: u64,
    /// How many times a side of a connection reads nothing for a while: in about half of them for longer than the other waits, which ends
    /// the session. Default: 0.
    pub stalls: u64,
    /// The percentage of frames in which a replica takes an operation back ([`revoke`](crate::Replica::revoke)): its own, another's, or
    /// what it had taken back before. Default: 0.
    pub revocations: u64,
    /// The first peer retires the last, which no one hears meanwhile, and in half of all seeds invites it again: then that commits anew what
    /// became void. In half of all seeds the last retires the first at the same time: in vain, but where all others hear of that first. Of 3
    /// peers and more. Default: no.
    pub retire: bool,
    /// One peer goes on twice, as a copied folder does: each copy gives the same numbers to other operations, and other peers hear it. Of 3
    /// peers and more, 4 with `retire`. Default: no.
    pub equivocate: bool,
    /// Runs with false clocks, numbers, pasts and authors arrive, and messages that break the protocol of a session. Default: no.
    pub forge: bool,
    /// Some operations of `edit`'s make [`apply`](State::apply) panic, by what they are or by the state that they meet, as on every replica; and a replica that crashed
    /// begins again as an update of the program ([`fingerprint`](ReplicaBuilder::fingerprint)), the others after the last frame. So meanwhile some stop at what panics, and go on without it in the end.
    /// With `equivocate` none is updated. Let it panic by `std::panic::resume_unwind`, which prints nothing. Default: no.
    pub poison: bool,
    /// How many times an owner [cuts](crate::Replica::cut) the history. What replicas let go then the world keeps, and compares with. One that
    /// lacks what is gone goes on from another's snapshot ([`rejoin`](crate::Replica::rejoin)). For automatic cuts too, give the
    /// replicas a short [`history`](ReplicaBuilder::history). Default: 0.
    pub cuts: u64,
    /// How many peers the second one invites while it runs, from a third of the frames on. Each begins with a snapshot of another's
    /// ([`join`](ReplicaBuilder::join)), and edits then. At most 100. Default: 0.
    pub joins: usize,
    /// How many of those, from the first one on, are invited to read alone ([`Grant::Read`](crate::replica::Grant::Read)). They are edited as the others are: what they commit is void on every
    /// replica and comes back to them, and what they acknowledge counts. Default: 0.
    pub readers: usize,
    /// How many members there are besides `peers`: of these only the runs are made, and no one asks them. They edit as the others do,
    /// acknowledge, and have what the second peer has. For groups of which not every member can be simulated: a replica's memory grows with the
    /// square of their number. Default: 0.
    pub crowd: usize,
}

impl Default for World {
    fn default() -> Self {
        Self {
            seed: 0,
            peers: 3,
            frames: 100,
            delay: 5,
            duplicates: 10,
            loss: 10,
            partitions: 1,
            crashes: 1,
            stalls: 0,
            revocations: 0,
            retire: false,
            equivocate: false,
            forge: false,
            poison: false,
            cuts: 0,
            joins: 0,
            readers: 0,
            crowd: 0,
        }
    }
}

impl World {
    /// Runs it, and checks that the replicas converge.
    ///
    /// `init` is called for each replica, so that they share nothing, as on different machines. `edit` returns an operation of the
    /// replica's with this number, or none.
    ///
    /// Checked in each frame: no version and no watermark goes back; no frame redoes more than its budget; effects
    /// ([`settled_ops`](crate::Replica::settled_ops)) come in order, once, on the author's replica, when they are stable; no session ends that no fault ends, finds a breach in what
    /// an honest peer sends, or goes on behind one.
    ///
    /// Checked at the end: no session has anything to send or to ask for; all versions are equal; all states are, and equal to a fold from scratch of the operations of a replica that took all
    /// runs that were ever stored, and let none go; no operation
    /// that a replica had stored is missing, but those that a retirement makes void, and those of readers, which came back to their author once
    /// ([`take_void`](crate::Replica::take_void)); nothing came or went at or below what was a watermark, and no effect was performed
    /// for an operation that is void; what was taken back in the end is not applied; what panicked is left out, and nothing else is for that; no states were reported to differ; every watermark has reached the last operation; a peer that went on twice was reported by all.
    ///
    /// And that the run shows something: operations were concurrent, some arrived after what they sort before, and each fault that
    /// is not 0 happened. A run that did not is a failure too: give it more frames, or edit more often.
    ///
    /// Costs about one `since` for each connection and frame with news, and a few clones of the log at the end.
    ///
    /// # Panics
    /// If a check fails: with the check, the path in the state that differs and the first operation concerned, and this world as
    /// code for another run. If a field is out of its range, or `edit` panics.
    #[track_caller]
    pub fn assert_converges<S>(
        &self,
        init: impl Fn() -> S,
        edit: impl FnMut(&mut Rng, usize, &S) -> Option<S::Op>,
    ) where
        S: State + Debug + PartialEq,
        S::Op: Debug,
    {
        self.assert_converges_with(init, |builder| builder, edit);
    }

    /// The same, with replicas that `build` sets up: how they go back, their budget.
    ///
    /// ```
    /// # use control_panel::{Stamp, State, replica::{Footprint, Undoable}, testing::World};
    /// # #[derive(Clone, Debug, Default, PartialEq)]
    /// # struct Last(u64);
    /// # impl State for Last {
    /// #     type Op = u64;
    /// #     fn apply(&mut self, op: &u64, _: &Stamp) { self.0 = *op; }
    /// # }
    /// # impl Undoable for Last {
    /// #     type Undo = u64;
    /// #     fn apply_undoable(&mut self, op: &u64, _: &Stamp) -> u64 { std::mem::replace(&mut self.0, *op) }
    /// #     fn undo(&mut self, _: &u64, before: u64) { self.0 = before; }
    /// # }
    /// World::default().assert_converges_with(
    ///     Last::default,
    ///     |builder| builder.undoing(),
    ///     |rng, _, _| rng.chance(50).then(|| rng.below(100)),
    /// );
    /// ```
    ///
    /// # Panics
    /// As [`assert_converges`](Self::assert_converges) does.
    #[track_caller]
    pub fn assert_converges_with<S>(
        &self,
        init: impl Fn() -> S,
        build: impl Fn(ReplicaBuilder<S>) -> ReplicaBuilder<S>,
        edit: impl FnMut(&mut Rng, usize, &S) -> Option<S::Op>,
    ) where
        S: State + Debug + PartialEq,
        S::Op: Debug,
    {
        let report = self.run(init, build, edit);
        if let Some(missing) = report.shows_nothing(self) {
            panic!("{}", Failure::ShowsNothing(missing).in_world(self));
        }
    }

    /// Runs it with the same checks, but those that the run shows something, and returns what happened.
    ///
    /// # Panics
    /// If the replicas do not converge, as [`assert_converges`](Self::assert_converges) does.
    #[track_caller]
    pub fn run<S>(
        &self,
        init: impl Fn() -> S,
        build: impl Fn(ReplicaBuilder<S>) -> ReplicaBuilder<S>,
        edit: impl FnMut(&mut Rng, usize, &S) -> Option<S::Op>,
    ) -> WorldReport
    where
        S: State + Debug + PartialEq,
        S::Op: Debug,
    {
        assert!((2..=100).contains(&self.peers), "a world has 2 to 100 peers, not {}", self.peers);
        assert!(self.joins <= 100, "at most 100 peers join, not {}", self.joins);
        assert!(self.readers <= self.joins, "of {} that join, {} only read", self.joins, self.readers);
        assert!(self.crowd <= 10_000, "a crowd has at most 10,000 members, not {}", self.crowd);
        let parts = 2 + usize::from(self.retire) + usize::from(self.equivocate);
        assert!(
            self.peers >= parts,
            "a world of these faults has at least {parts} peers, not {}",
            self.peers
        );
        assert!(self.delay >= 1, "a message takes at least one frame");
        assert!(self.loss < 100, "where all messages are lost, nothing converges");
        match Simulation::new(self, Closures::new(init, build, edit)).run() {
            Ok(report) => report,
            Err(failure) => panic!("{}", failure.in_world(self)),
        }
    }
}

/// As code: to run it again.
impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // One line: `Debug` of a struct is its code.
        write!(f, "{self:?}")
    }
}
