//! A state with what a replica must know to go on from it.

#[cfg(feature = "journal")]
use std::collections::BTreeMap;
use std::sync::Arc;

use super::{
    Author, Delta, Replica, RunHash, State, graph, membership, reducers::Reducers, revocations::Revocations,
    run::Run, signature::uncovered_ends,
};

/// The state as of a cut, and all that is kept above it: what a replica begins with that has no history, or too little.
///
/// Made by [`Replica::snapshot`](super::Replica::snapshot); taken by [`ReplicaBuilder::join`](super::ReplicaBuilder::join) and
/// [`Replica::rejoin`](super::Replica::rejoin). Cloning it costs a reference for each operation above the cut.
///
/// What is above the cut is checked by the one that joins, as a delta is: hashes, sequences, and that each time follows from what its run declares. A snapshot that is not
/// so is [refused](super::SnapshotError::Contradictory), whichever member it is from. The rest is its giver's word: see
/// [`Replica::is_provisional`](super::Replica::is_provisional). Take one from a member that is trusted as much as its edits are.
pub struct Snapshot<S: State> {
    pub(super) from: Author,
    pub(super) genesis: RunHash,
    pub(super) schema: u32,
    /// With exactly the operations up to the graph's level.
    pub(super) state: Arc<S>,
    pub(super) graph: graph::Record<S::Op>,
    /// Runs that are not part of the giver's graph yet, whose signatures prove some that are.
    pub(super) waiting: Vec<Arc<Run<S::Op>>>,
    /// Whether the giver's group checks signatures.
    pub(super) signed: bool,
    pub(super) membership: membership::Record,
    pub(super) revocations: Revocations,
    pub(super) reducers: Reducers,
}

/// How many of an author's operations are gone. It has one chain as a rule, and the two are equal.
#[cfg(feature = "journal")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Forgotten {
    /// Of all its chains: what ends there is kept nowhere.
    pub(crate) least: u64,
    /// Of one of its chains: what has less of the author needs the snapshot.
    pub(crate) most: u64,
}

impl<S: State> Snapshot<S> {
    /// Which replica made it.
    pub fn from(&self) -> Author {
        self.from
    }

    /// The state as of the cut.
    #[cfg(feature = "journal")]
    pub(crate) fn state(&self) -> &S {
        &self.state
    }

    /// The Lamport time of the cut: operations up to it are in the state, and no others. 0 if no cut was stable yet: then it holds the
    /// whole history, and nothing has to be believed.
    pub fn level(&self) -> u64 {
        self.graph.level
    }

    /// How many operations are kept above the cut, acknowledgements included: what a joiner applies, and what it costs to send beside the state.
    pub fn len(&self) -> usize {
        self.graph.runs().map(|run| run.operations.len()).sum()
    }

    /// Whether there is nothing above the cut.
    pub fn is_empty(&self) -> bool {
        self.graph.runs().next().is_none()
    }

    /// Of each author, how many operations are in the state and no longer kept: of all its chains at least, and of one of them at most.
    #[cfg(feature = "journal")]
    pub(crate) fn forgotten(&self) -> BTreeMap<Author, Forgotten> {
        let mut forgotten = BTreeMap::new();
        for chain in &self.graph.chains {
            let begins = chain.fork.map_or(0, |(_, mark)| mark.next_seq);
            let base = chain.base.mark.next_seq;
            let most = if base > begins { base } else { 0 };
            let known = forgotten.entry(chain.author).or_insert(Forgotten { least: base, most });
            (known.least, known.most) = (known.least.min(base), known.most.max(most));
        }
        forgotten
    }

    /// Those that have made something.
    #[cfg(feature = "journal")]
    pub(crate) fn authors(&self) -> impl Iterator<Item = Author> + '_ {
        self.graph.chains.iter().map(|chain| chain.author)
    }

    /// What is above the level, each run behind its past, and what waits.
    pub(super) fn delta(&self) -> Delta<S::Op> {
        let mut runs: Vec<_> = self.graph.runs().chain(&self.waiting).cloned().collect();
        runs.sort_by_key(|run| (run.header.lamport, run.header.author));
        Delta::of(runs)
    }
}

/// # Snapshots
impl<S: State> Replica<S> {
    /// What a replica begins with that joins, or that was away beyond a cut ([`reaches`](Self::reaches)): the state as of the last cut that is
    /// stable, and what is kept above it.
    ///
    /// It begins at a cut, not at the watermark: up to the cut nothing can be [revoked](Self::revoke) any more, on any replica. [Cut](Self::cut)
    /// before, and let the cut become stable, to make it small.
    ///
    /// `None` if there is none to give:
    ///
    /// - With a journal, until what is in it is durable here: a joiner would build on what a crash takes back. It is kept meanwhile: ask again in a later frame, as
    ///   the [`outbox`](Self::outbox) gives a frame's operations in a later one. While the disk is full there is none.
    /// - After [`NextLife`](super::ReplicaNotice::NextLife) with `cut_off`, until this replica [rejoined](Self::rejoin): it holds what no other takes. Ask another member.
    ///
    /// Costs a reference and some 100 bytes for each run above the cut, and rarely a clone of the state.
    ///
    /// ```
    /// use control_panel::{Peer, Replica, Stamp, State, replica::Grant};
    ///
    /// #[derive(Clone, Default, Debug, PartialEq)]
    /// struct Words(Vec<&'static str>);
    ///
    /// impl State for Words {
    ///     type Op = &'static str;
    ///
    ///     fn apply(&mut self, word: &&'static str, _: &Stamp) {
    ///         self.0.push(word);
    ///     }
    /// }
    ///
    /// let [alice, bob] = [1, 2].map(|byte| Peer([byte; 32]));
    /// let mut here = Replica::new(alice, [alice], Words::default());
    /// here.commit("old");
    /// let _ = here.settle();
    /// here.cut()?;
    /// here.invite(bob, Grant::Write)?;
    ///
    /// let mut there = Replica::builder(bob, Words::default())
    ///     .members([alice])
    ///     .join(here.snapshot().expect("no journal"))?;
    /// there.commit("new");
    /// here.merge(there.since(here.version()));
    /// let _ = (here.settle(), there.settle());
    /// assert_eq!(here.state(), &Words(vec!["old", "new"]));
    /// assert_eq!(there.state(), here.state());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn snapshot(&mut self) -> Option<Snapshot<S>> {
        self.seal();
        if self.cut_off {
            return None;
        }
        self.flush();
        let held = self.held_snapshot();
        if held.is_some() || self.holds_snapshot() {
            return held;
        }
        let snapshot = self.take_snapshot();
        self.hold_snapshot(snapshot)
    }

    /// All that this replica has now.
    pub(crate) fn take_snapshot(&mut self) -> Snapshot<S> {
        self.seal();
        let graph = self.graph.to_record();
        let signed = self.verifier.is_some();
        let waiting = if signed { self.waiting_signatures(&graph) } else { Vec::new() };
        Snapshot {
            from: self.me,
            genesis: self.graph.genesis(),
            schema: self.schema,
            state: self.fold.state_below(graph.level),
            graph,
            waiting,
            signed,
            membership: self.membership.to_record(),
            revocations: self.revocations.clone(),
            reducers: self.reducers.to_record(),
        }
    }

    /// A delta's bytes hold one signature for a chain, with its last run. Where that run still waits for its past, those before it are here and
    /// cannot be proved without it.
    fn waiting_signatures(&self, kept: &graph::Record<S::Op>) -> Vec<Arc<Run<S::Op>>> {
        let mut runs: Vec<_> = kept.runs().cloned().collect();
        runs.sort_by_key(|run| (run.header.lamport, run.header.author));
        uncovered_ends(&runs).into_iter().flat_map(|end| self.graph.signed_after(end)).collect()
    }
}

impl<S: State> Clone for Snapshot<S> {
    fn clone(&self) -> Self {
        Self {
            from: self.from,
            genesis: self.genesis,
            schema: self.schema,
            state: Arc::clone(&self.state),
            graph: self.graph.clone(),
            waiting: self.waiting.clone(),
            signed: self.signed,
            membership: self.membership.clone(),
            revocations: self.revocations.clone(),
            reducers: self.reducers.clone(),
        }
    }
}

impl<S: State> std::fmt::Debug for Snapshot<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot")
            .field("from", &self.from)
            .field("level", &self.level())
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
