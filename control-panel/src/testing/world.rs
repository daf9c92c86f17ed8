//! A network of replicas in one process.

mod ending;
mod failure;
mod faults;
mod journal;
mod network;
mod node;
mod report;
mod run;

use std::fmt::{self, Debug};

pub use self::report::{Depths, WorldReport};
use self::{failure::Failure, run::Simulation};
use super::Rng;
use crate::replica::{ReplicaBuilder, State};

/// A seeded network of replicas in one process, for a state of your own: nothing runs beside it, no time passes, and one seed gives one run.
///
/// Each frame, each replica takes what arrived, may commit an operation, settles, and sends. Messages are delayed, reordered, duplicated
/// and lost; partitions cut the replicas in two groups; replicas crash in the middle of a frame and come back from what they had
/// stored. What is lost is repaired by [`Replica::since`](crate::Replica::since). After the frames comes a quiet ending, in which
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
pub struct World {
    /// Which run. Default: 0.
    pub seed: u64,
    /// How many replicas, from 2 to 1,000. Of more than 8, each sends to four others at random. Default: 3.
    pub peers: usize,
    /// For how many frames the replicas are edited. Default: 100.
    pub frames: u64,
    /// The most frames that a message takes, from 1, with each number as likely; so messages overtake each other. Default: 5.
    pub delay: u64,
    /// The percentage of messages that arrive twice. Default: 10.
    pub duplicates: u64,
    /// The percentage of messages that are lost. Default: 10.
    pub loss: u64,
    /// How many times the network is cut in two, each for up to a sixth of the frames. Default: 1.
    pub partitions: u64,
    /// How many times a replica crashes, at any step of a frame, for up to ten frames. What it had stored (before it sent anything) stays,
    /// and it goes on as its next incarnation. Default: 1.
    pub crashes: u64,
}

impl Default for World {
    fn default() -> Self {
        Self { seed: 0, peers: 3, frames: 100, delay: 5, duplicates: 10, loss: 10, partitions: 1, crashes: 1 }
    }
}

impl World {
    /// Runs it, and checks that the replicas converge.
    ///
    /// `init` is called for each replica, so that they share nothing, as on different machines. `edit` returns an operation of the
    /// replica's with this number, or none.
    ///
    /// Checked in each frame: no version goes back; no frame redoes more than its budget. Checked at the end: all versions are equal; all
    /// states are, and equal to a fold of the operations from scratch; no operation that a replica had stored is missing.
    ///
    /// And that the run shows something: operations were concurrent, some arrived after what they sort before, and each fault that
    /// is not 0 happened. A run that did not is a failure too: give it more frames, or edit more often.
    ///
    /// Costs about one `since` for each replica and frame, and a few clones of the log at the end.
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
    /// World::default().assert_converges_with(Last::default, |builder| builder.undoing(), |rng, _, _| {
    ///     rng.chance(50).then(|| rng.below(100))
    /// });
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
        assert!((2..=1_000).contains(&self.peers), "a world has 2 to 1,000 peers, not {}", self.peers);
        assert!(self.delay >= 1, "a message takes at least one frame");
        assert!(self.loss < 100, "where all messages are lost, nothing converges");
        match Simulation::new(self, init, build, edit).run() {
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
