//! What one replica sends to another.

use std::{fmt, sync::Arc};

use super::{
    Author, Stamp,
    run::{Operation, Run},
    short::Few,
    signature::ProvedBy,
};
use crate::intent::{LogicalClock, PeerId};

/// Operations on their way from one replica to another, as their authors made them: whole runs, each behind its past as far as that is in the delta.
///
/// Made by [`Replica::outbox`](super::Replica::outbox) (what this replica's own frame added) and
/// [`Replica::since`](super::Replica::since) (what another lacks); taken by [`Replica::merge`](super::Replica::merge), in any order,
/// any number of times, with gaps. Cloning it is cheap: the operations are shared.
///
/// It is a [`LogicalClock`] and a [`PeerId`], so an intent that carries it is ordered within its frame by what it declares:
///
/// ```
/// use control_panel::{Delta, GraphIntent};
///
/// #[derive(GraphIntent)]
/// enum Update {
///     #[intent(clock = delta, origin = delta)]
///     ApplyRemoteDelta { delta: Delta<String> },
/// }
/// ```
pub struct Delta<Op> {
    pub(crate) runs: Few<Arc<Run<Op>>>,
    /// Where it was read and proved for the replica that it goes to: not again.
    pub(crate) proved_by: Option<ProvedBy>,
}

impl<Op> Delta<Op> {
    /// Of runs that were not checked for this.
    pub(crate) fn of(runs: impl Into<Few<Arc<Run<Op>>>>) -> Self {
        Self { runs: runs.into(), proved_by: None }
    }

    /// How many operations, the replicas' own (acknowledgements, membership) included.
    pub fn len(&self) -> usize {
        self.runs.iter().map(|run| run.operations.len()).sum()
    }

    /// Whether there is nothing in it: merging it does nothing.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// The state's operations in it, in the order in which they travel, with the places that their authors declare.
    pub fn operations(&self) -> impl Iterator<Item = (Stamp, &Op)> {
        self.runs.iter().flat_map(|run| run.applied())
    }

    /// The authors of its runs, in the order in which they travel: one with several runs comes several times.
    ///
    /// ```
    /// # use control_panel::{Peer, Replica, Stamp, State};
    /// # #[derive(Clone, Default)] struct Words(Vec<&'static str>);
    /// # impl State for Words {
    /// #     type Op = &'static str;
    /// #     fn apply(&mut self, word: &&'static str, _: &Stamp) { self.0.push(*word) }
    /// # }
    /// # let peers = [Peer([1; 32]), Peer([2; 32])];
    /// # let mut here = Replica::new(peers[0], peers, Words::default());
    /// here.commit("first");
    /// let delta = here.since(&Default::default());
    /// assert!(delta.authors().all(|author| author == here.author()));
    /// ```
    pub fn authors(&self) -> impl Iterator<Item = Author> + '_ {
        self.runs.iter().map(|run| run.header.author)
    }
}

/// The Lamport time of its first operation; `None` if it is empty.
impl<Op> LogicalClock for Delta<Op> {
    fn time(&self) -> Option<u64> {
        self.runs.first().map(|run| run.header.lamport)
    }
}

/// The author of its first operation; `None` if it is empty.
impl<Op> PeerId for Delta<Op> {
    fn peer(&self) -> Option<u64> {
        self.runs.first().and_then(|run| run.header.author.peer.peer())
    }
}

impl<Op> Clone for Delta<Op> {
    fn clone(&self) -> Self {
        Self { runs: self.runs.clone(), proved_by: self.proved_by.clone() }
    }
}

/// Its operations by their stamps, in the order in which they travel.
impl<Op: fmt::Debug> fmt::Debug for Delta<Op> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for run in &*self.runs {
            for (index, operation) in run.operations.iter().enumerate() {
                map.key(&format_args!("{}", run.stamp(index)));
                match operation {
                    Operation::Apply(op) => map.value(op),
                    other => map.value(other),
                };
            }
        }
        map.finish()
    }
}
