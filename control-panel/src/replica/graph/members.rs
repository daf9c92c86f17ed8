//! What the graph asks of the members: it knows none itself.

use super::{ChainId, heard::Row};
use crate::replica::run::Run;

/// What the graph asks of the members.
pub(crate) trait Members<Op> {
    /// Whether the first run of an author is admitted: a function of the run and its past, which the candidate tells.
    fn knows(&self, candidate: &Candidate<'_, Op>) -> bool;

    /// Whether what a run names is admitted that is not before: its peer is a member, and not retired without it. No one forgets anything before such a
    /// peer has acknowledged it. `covers` says whether the operations of a chain below a number are in the run's past, as far as that is here.
    fn counts(&self, run: &Run<Op>, covers: &dyn Fn((ChainId, u64)) -> bool) -> bool;
}

/// A group that all are members of, as a replica is of its own.
pub(super) struct Anyone;

impl<Op> Members<Op> for Anyone {
    fn knows(&self, _: &Candidate<'_, Op>) -> bool {
        true
    }

    fn counts(&self, _: &Run<Op>, _: &dyn Fn((ChainId, u64)) -> bool) -> bool {
        true
    }
}

/// The first run of an author, and its past.
pub(crate) struct Candidate<'a, Op> {
    pub(crate) run: &'a Run<Op>,
    pub(super) row: &'a Row,
}

impl<Op> Candidate<'_, Op> {
    /// Whether the operations of a chain below `next_seq` are in the run's past.
    pub(crate) fn covers(&self, (chain, next_seq): (ChainId, u64)) -> bool {
        self.row.mark(chain).next_seq >= next_seq
    }
}
