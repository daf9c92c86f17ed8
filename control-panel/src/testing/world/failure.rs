//! Why a run failed, in one line.

use std::fmt::{self, Display};

use super::World;
use crate::{
    replica::{Author, DesyncReport, Peer, SnapshotError, Stamp},
    util::difference::{Difference, outline::shorten},
};

/// What a check found.
#[derive(Debug)]
pub(super) enum Failure {
    /// A version went back.
    VersionBack { peer: Peer, author: Author },
    /// A watermark went back.
    WatermarkBack { peer: Peer, from: u64, to: u64 },
    /// Something came, went or changed at or below a watermark.
    Unstable { peer: Peer, watermark: u64, stamp: Stamp, what: &'static str },
    /// A watermark that stays below the last operation.
    Behind { peer: Peer, watermark: u64, last: u64 },
    /// More work in a frame than its budget.
    OverBudget { peer: Peer, ops: usize, budget: usize },
    /// An effect on another's replica, out of order, or above the watermark.
    Effect { peer: Peer, stamp: Stamp, what: &'static str },
    /// Something is sent without end.
    NoRest { frames: u64 },
    /// A session between honest peers that both read ended, or counted a breach; or took one for none.
    Session { peers: [Peer; 2], what: String },
    /// A replica lacks operations after the ending.
    Versions { peers: [Peer; 2], author: Author, counts: [u64; 2] },
    /// A state is not that of its own operations. With the last of these that changed what differs.
    NotTheFold { peer: Peer, difference: Option<Box<Difference>>, ops: usize, changed_by: Option<String> },
    /// Two folds of the same operations differ.
    Fold { difference: Option<Box<Difference>>, operation: String, made_anew: bool },
    /// A replica applies others than one that took all runs that were stored, in one order.
    Logs { peer: Peer, operation: String },
    /// An operation that its author had stored is gone.
    Lost { peer: Peer, stamp: Stamp },
    /// An operation that a retirement makes void is applied.
    NotVoid { peer: Peer, stamp: Stamp },
    /// A void operation that did not come back to its author, or twice.
    NotGivenBack { peer: Peer, stamp: Stamp, times: usize },
    /// An operation that was taken back is applied.
    NotRevoked { stamp: Stamp },
    /// An operation that is left out as if its `apply` had panicked.
    NotPoison { stamp: Stamp },
    /// A replica reports that another's state differs. With what applying their operations again finds, of either, and of both beside each other.
    Desync {
        peers: [Peer; 2],
        at: u64,
        agreed: u64,
        cause: Option<Box<Self>>,
        report: Option<Box<DesyncReport>>,
    },
    /// A snapshot that is refused.
    Snapshot { peer: Peer, error: SnapshotError },
    /// A replica that did not report a fork.
    ForkUnseen { peer: Peer },
    /// The run shows nothing.
    ShowsNothing(Vec<&'static str>),
}

impl Failure {
    pub(super) fn in_world(self, world: &World) -> impl Display {
        InWorld(self, world.clone())
    }
}

struct InWorld(Failure, World);

impl Display for InWorld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(failure, world) = self;
        if !matches!(failure, Failure::ShowsNothing(_)) {
            f.write_str("replicas do not converge: ")?;
        }
        write!(f, "{failure}; again: {world}")
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |difference: &Option<Box<Difference>>| match difference {
            Some(difference) => difference.to_string(),
            None => "by `==`, in what their `Debug` output does not show".to_owned(),
        };
        match self {
            Self::VersionBack { peer, author } => {
                write!(f, "{peer} has fewer operations of {author} than before")
            }
            Self::WatermarkBack { peer, from, to } => {
                write!(f, "the watermark of {peer} went back from {from} to {to}")
            }
            Self::Unstable { peer, watermark, stamp, what } => {
                write!(f, "{stamp} {what} at or below {watermark}, which was the watermark of {peer}")
            }
            Self::Behind { peer, watermark, last } => {
                write!(f, "the watermark of {peer} stays at {watermark}, below the last operation's {last}")
            }
            Self::OverBudget { peer, ops, budget } => {
                write!(f, "a frame of {peer} undid and applied {ops} operations, over its budget of {budget}")
            }
            Self::Effect { peer, stamp, what } => {
                write!(f, "the effect of {stamp} is performed {what}, by {peer}")
            }
            Self::NoRest { frames } => {
                write!(f, "after {frames} quiet frames something is still sent or missing")
            }
            Self::Session { peers: [one, two], what } => {
                write!(f, "the session of {one} with {two}: {what}")
            }
            Self::Versions { peers: [one, two], author, counts: [ours, theirs] } => {
                write!(f, "of {author}, {one} has {ours} operations and {two} has {theirs}")
            }
            Self::NotTheFold { peer, difference, ops, changed_by } => {
                let difference = at(difference);
                write!(
                    f,
                    "the state of {peer} is not the fold of its {ops} operations: {difference} in the fold"
                )?;
                match changed_by {
                    Some(operation) => write!(f, ", where {operation} changed it last"),
                    None => f.write_str(", where no operation changed it"),
                }
            }
            Self::Fold { difference, operation, made_anew } => {
                let difference = at(difference);
                write!(
                    f,
                    "`apply` is not deterministic: two folds differ from {operation} on: {difference}"
                )?;
                if *made_anew {
                    // Whose hasher a clone shares.
                    f.write_str("; two clones do not differ: the HashMap order of states made anew?")?;
                }
                Ok(())
            }
            Self::Logs { peer, operation } => {
                write!(
                    f,
                    "with the same version, {peer} and a replica of all runs apply other operations from {operation} on"
                )
            }
            Self::Lost { peer, stamp } => write!(f, "{stamp}, which {peer} had stored, is lost"),
            Self::NotVoid { peer, stamp } => {
                write!(f, "{stamp} of {peer} is applied, though its peer was retired without it")
            }
            Self::NotGivenBack { peer, stamp, times } => {
                write!(f, "{stamp} of {peer} is void and was given back {times} times")
            }
            Self::NotRevoked { stamp } => write!(f, "{stamp} is applied, though it was taken back"),
            Self::NotPoison { stamp } => write!(f, "{stamp} is left out, and its `apply` does not panic"),
            Self::Desync { peers: [one, two], at, agreed, cause, report } => {
                write!(f, "{one} reports that the state of {two} differs at {at}; they agreed at {agreed}")?;
                let found =
                    [cause.as_ref().map(ToString::to_string), report.as_ref().map(ToString::to_string)];
                found.into_iter().flatten().try_for_each(|found| write!(f, ": {found}"))
            }
            Self::Snapshot { peer, error } => write!(f, "{peer} cannot begin with a snapshot: {error}"),
            Self::ForkUnseen { peer } => write!(f, "{peer} did not report the fork"),
            Self::ShowsNothing(missing) => {
                write!(f, "the run shows nothing: {}", shorten(&missing.join("; ")))
            }
        }
    }
}
