//! What is to change in the log.

use std::sync::Arc;

use crate::replica::{Stamp, run::Run};

/// A change of the log that is not in it yet. Of several that concern one operation, the last counts.
pub(super) enum Change<Op> {
    /// The run's operations are in the log, and not void.
    In(Arc<Run<Op>>),
    /// The run's operations are void.
    Out(Arc<Run<Op>>),
    /// The operation is left out, or taken back in.
    Revoke(Stamp, bool),
}

impl<Op> Change<Op> {
    /// The lowest place that it concerns.
    pub(super) fn stamp(&self) -> Stamp {
        match self {
            Self::In(run) | Self::Out(run) => run.stamp(0),
            Self::Revoke(stamp, _) => *stamp,
        }
    }

    /// How many operations may be new with it.
    pub(super) fn operations(&self) -> usize {
        match self {
            Self::In(run) => run.operations.len(),
            Self::Out(_) | Self::Revoke(..) => 0,
        }
    }
}

impl<Op> Clone for Change<Op> {
    fn clone(&self) -> Self {
        match self {
            Self::In(run) => Self::In(Arc::clone(run)),
            Self::Out(run) => Self::Out(Arc::clone(run)),
            Self::Revoke(stamp, on) => Self::Revoke(*stamp, *on),
        }
    }
}
