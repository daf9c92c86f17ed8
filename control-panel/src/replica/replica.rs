//! A replica of a shared state. The inside is provisional: it folds from scratch.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    Author, Delta, Peer, ReplicaBuilder, RunHash, Settled, Stamp, State, Version,
    run::{Header, Operation, Run},
};

/// One replica of a state that several peers share.
///
/// Replicas that have the same operations have the same state, whatever the order of their arrival.
pub struct Replica<S: State> {
    me: Author,
    members: Vec<Peer>,
    init: S,
    state: S,
    log: BTreeMap<Stamp, S::Op>,
    runs: BTreeMap<Author, Vec<Arc<Run<S::Op>>>>,
    staged: Vec<Arc<Run<S::Op>>>,
    held: Vec<Arc<Run<S::Op>>>,
    version: Version,
    clock: u64,
    seq: u64,
    pending: Vec<(Stamp, S::Op)>,
    sealed: usize,
}

impl<S: State> Replica<S> {
    /// A replica for `peer` in a group that begins with these members.
    pub fn new(peer: Peer, members: impl IntoIterator<Item = Peer>, init: S) -> Self {
        Self::builder(peer, init).members(members).build()
    }

    /// A replica to be set up.
    pub fn builder(peer: Peer, init: S) -> ReplicaBuilder<S> {
        ReplicaBuilder::new(peer, init)
    }

    pub(crate) fn from_builder(builder: ReplicaBuilder<S>) -> Self {
        Self {
            me: builder.me,
            members: builder.members.into_keys().collect(),
            state: builder.init.clone(),
            init: builder.init,
            log: BTreeMap::new(),
            runs: BTreeMap::new(),
            staged: Vec::new(),
            held: Vec::new(),
            version: Version::new(),
            clock: 0,
            seq: 0,
            pending: Vec::new(),
            sealed: 0,
        }
    }

    /// The state, as of the last `settle` and the commits since.
    pub fn state(&self) -> &S {
        &self.state
    }

    /// What this replica has.
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// A local operation: applied immediately, sent with the next [`outbox`](Self::outbox).
    pub fn commit(&mut self, op: S::Op) -> Stamp {
        self.clock += 1;
        let stamp = Stamp { lamport: self.clock, author: self.me, seq: self.seq };
        self.seq += 1;
        self.version.raise(self.me, self.seq);
        self.state.apply(&op, &stamp);
        self.log.insert(stamp, op.clone());
        self.pending.push((stamp, op));
        stamp
    }

    /// Takes a delta from another replica: cheap, in any order, any number of times.
    pub fn merge(&mut self, delta: Delta<S::Op>) {
        self.seal();
        self.held.extend(delta.runs);
        self.held.sort_by_key(|run| run.header.lamport);
        let held = std::mem::take(&mut self.held);
        for run in held {
            let next = self.version.get(run.header.author);
            if run.header.seq > next {
                self.held.push(run);
            } else if run.header.seq == next {
                self.version.raise(run.header.author, run.next_seq());
                self.clock = self.clock.max(run.clock());
                self.runs.entry(run.header.author).or_default().push(Arc::clone(&run));
                self.staged.push(run);
            }
        }
    }

    /// Puts what was merged into the one order: once a frame.
    pub fn settle(&mut self) -> Settled<S> {
        let Some(low) = self.staged.iter().map(|run| run.stamp(0)).min() else { return Settled::default() };
        let redone = self.log.range(low..).count();
        let before = self.log.len();
        for run in std::mem::take(&mut self.staged) {
            self.log.extend(run.applied().map(|(stamp, op)| (stamp, op.clone())));
        }
        self.state = self.init.clone();
        for (stamp, op) in &self.log {
            self.state.apply(op, stamp);
        }
        Settled { merged: self.log.len() - before, undone: redone, redone, ..Settled::default() }.counted()
    }

    /// What this replica has to send since the last call; `None` if nothing.
    pub fn outbox(&mut self) -> Option<Delta<S::Op>> {
        self.seal();
        let own = self.runs.get(&self.me).map_or(&[][..], Vec::as_slice);
        let runs = own[self.sealed..].to_vec();
        self.sealed = own.len();
        (!runs.is_empty()).then_some(Delta { runs })
    }

    /// What a replica of that version lacks.
    pub fn since(&self, version: &Version) -> Delta<S::Op> {
        let mut runs: Vec<_> = self
            .runs
            .values()
            .flatten()
            .filter(|run| run.next_seq() > version.get(run.header.author))
            .cloned()
            .collect();
        runs.sort_by_key(|run| run.stamp(0));
        Delta { runs }
    }

    /// What the state is made of, for checks: the state at the cut that ended the history, if one did, and the operations after it that
    /// [`state`](Self::state) has, in order.
    #[cfg(feature = "testing")]
    pub(crate) fn history(&self) -> (Option<&S>, impl Iterator<Item = (Stamp, &S::Op)>) {
        (None, self.log.iter().map(|(stamp, op)| (*stamp, op)))
    }

    /// Who this replica writes as.
    pub fn author(&self) -> Author {
        self.me
    }

    /// The members' peers, in order.
    pub fn members(&self) -> &[Peer] {
        &self.members
    }

    fn seal(&mut self) {
        let Some((first, _)) = self.pending.first() else { return };
        let header = Header {
            author: self.me,
            seq: first.seq,
            lamport: first.lamport,
            previous: RunHash::default(),
            heads: Vec::new(),
            schema: 0,
            fingerprint: 0,
        };
        let operations = self.pending.drain(..).map(|(_, op)| Operation::Apply(op)).collect();
        let run = Run {
            header,
            operations,
            hash: RunHash::default(),
            bytes: Arc::from([]),
            signature: Arc::from([]),
        };
        self.runs.entry(self.me).or_default().push(Arc::new(run));
    }
}

impl<S: State> std::fmt::Debug for Replica<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replica")
            .field("author", &self.me)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}
