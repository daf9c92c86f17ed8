//! A replica of a shared state: graph, members and fold put together.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    Author, Delta, Grant, Misbehaviour, Peer, ReplicaBuilder, ReplicaNotice, Stamp, State, Version,
    desync::Desync,
    fold::Fold,
    graph::{Graph, Limits},
    identify::{Identify, InProcess},
    join::Joined,
    keeper::Kept,
    membership::Membership,
    own::Own,
    publish::Publish,
    reducers::Reducers,
    remember::Missing,
    reports::Reports,
    revocations::Revocations,
    run::Run,
    short::Few,
    signature::{Link, Signed, Verifier, seldom_signed, unverified},
    unplaced::Unplaced,
    unread::Unread,
};

/// One replica of a state that several peers share.
///
/// It lives in a reducer's state. A local intent that concerns shared state is [committed](Self::commit), a delta from elsewhere
/// [merged](Self::merge), and [`settle`](Self::settle), called from [`Reducer::settle`](crate::Reducer::settle), puts all of them in one order:
/// replicas that have the same operations have the same state, whatever the order of their arrival. What it has to send comes
/// out of [`outbox`](Self::outbox) and [`since`](Self::since).
///
/// It is pure: no I/O, no clock, no thread, no randomness. The same calls give the same results.
///
/// Memory: each operation with some 100 bytes beside it where runs have 64 of them, until a [`cut`](Self::cut) covers it. A run of a single
/// operation, as live editing makes it, is an allocation of some 360 bytes besides.
///
/// ```
/// use control_panel::{Peer, Replica, Stamp, State};
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
/// let peers = [Peer([1; 32]), Peer([2; 32])];
/// let mut here = Replica::new(peers[0], peers, Words::default());
/// let mut there = Replica::new(peers[1], peers, Words::default());
///
/// // Both edit at the same time; the lower peer's word comes first, on both.
/// there.commit("second");
/// here.commit("first");
/// // What the other lacks, however it travels: in any order, twice, with gaps.
/// here.merge(there.since(here.version()));
/// there.merge(here.since(there.version()));
/// let (_, settled) = (here.settle(), there.settle());
/// assert_eq!((settled.merged, settled.redone), (1, 1));
/// assert_eq!(there.state(), &Words(vec!["first", "second"]));
/// assert_eq!(here.state(), there.state());
/// ```
#[doc(alias = "crdt")]
#[doc(alias = "multiplayer")]
#[doc(alias = "rollback")]
#[doc(alias = "undo")]
#[doc(alias = "offline first")]
#[doc(alias = "convergence")]
pub struct Replica<S: State> {
    pub(super) me: Author,
    pub(super) schema: u32,
    pub(super) fingerprint: u64,
    pub(super) history: usize,
    pub(super) unstable: usize,
    pub(super) identify: Box<dyn Identify<S::Op>>,
    pub(super) verifier: Option<Arc<dyn Verifier>>,
    pub(super) graph: Graph<S::Op>,
    pub(super) membership: Membership,
    pub(super) fold: Fold<S>,
    pub(super) own: Own<S::Op>,
    pub(super) revocations: Revocations,
    /// Whether there are new revocations, or some are void.
    pub(super) decides: bool,
    pub(super) reducers: Reducers,
    pub(super) desync: Desync,
    /// The level of the digest that was sent last.
    pub(super) compared: u64,
    pub(super) notices: Vec<ReplicaNotice>,
    /// What was reported of peers, each once.
    pub(super) reported: Reports,
    /// The void runs of this peer that may come to count again: as many as it made.
    pub(super) maybe_void: Vec<Arc<Run<S::Op>>>,
    /// Those that stay void and were not taken yet.
    pub(super) void: Vec<Arc<Run<S::Op>>>,
    pub(super) unplaced: Unplaced<S::Op>,
    /// Whether it has what no other takes, so that it says nothing until it rejoins.
    pub(super) cut_off: bool,
    /// What others have of its own author, and it does not.
    pub(super) missing: Option<Missing>,
    /// Up to where effects were handed out; `None` if they were never asked for.
    pub(super) performed: Option<u64>,
    /// What was left out when effects were handed out beyond it, and whether as it panicked: as many as are revoked or panicked, and none that a cut covers.
    pub(super) passed_over: BTreeMap<Stamp, bool>,
    pub(super) unread: Unread,
    /// The snapshot that it began with.
    pub(super) joined: Option<Joined>,
    /// The watermark that the fold knows.
    pub(super) stable: u64,
    /// Whether `settle` has anything to do.
    pub(super) unsettled: bool,
    /// What makes admitted runs durable.
    pub(super) kept: Option<Kept<S>>,
    /// What workers read of it.
    pub(super) publisher: Option<Box<dyn Publish<S>>>,
}

/// # Building one, reading it, merging
impl<S: State> Replica<S> {
    /// A replica for `peer` in a group that begins with these members, all of them owners.
    pub fn new(peer: Peer, members: impl IntoIterator<Item = Peer>, init: S) -> Self {
        Self::builder(peer, init).members(members).build()
    }

    /// A replica to be set up, beginning with `init`, the same on all replicas. It is cloned once, to go back to.
    pub fn builder(peer: Peer, init: S) -> ReplicaBuilder<S> {
        ReplicaBuilder::new(peer, init)
    }

    pub(crate) fn from_builder(builder: ReplicaBuilder<S>) -> Self {
        let ReplicaBuilder { me, init, members, .. } = builder;
        let mut fold = Fold::new(init, builder.going_back, builder.redo_budget);
        fold.set_pace(builder.slow_after);
        if let Some(digest) = builder.digest {
            fold.set_digest(digest);
        }
        let payload = builder.payload;
        let names = builder.identify.unwrap_or_else(|| Box::new(InProcess { payload }));
        Self {
            me,
            schema: builder.schema,
            fingerprint: builder.fingerprint,
            history: builder.history,
            unstable: builder.unstable,
            identify: match builder.signer {
                Some(signer) => Box::new(Signed { names, signer }),
                None => names,
            },
            verifier: builder.verifier,
            graph: Graph::new((builder.genesis)(&members), me, Limits::default()),
            membership: Membership::new(&members, me),
            fold,
            own: Own::new(),
            revocations: Revocations::default(),
            decides: false,
            reducers: Reducers::default(),
            desync: Desync::default(),
            compared: 0,
            notices: Vec::new(),
            reported: Reports::default(),
            maybe_void: Vec::new(),
            void: Vec::new(),
            unplaced: Unplaced::new(),
            cut_off: false,
            missing: None,
            performed: builder.performed,
            passed_over: BTreeMap::new(),
            unread: Unread::default(),
            joined: None,
            stable: 0,
            unsettled: false,
            kept: None,
            publisher: None,
        }
    }

    /// The state, as of the last [`settle`](Self::settle) and the commits since; while a [`Redo`](super::Redo) runs, without what is in that. Costs nothing.
    pub fn state(&self) -> &S {
        self.fold.state()
    }

    /// What this replica has, its own pending operations included: sent to a peer, which answers with what it has beyond that ([`since`](Self::since)). Costs nothing.
    pub fn version(&self) -> &Version {
        self.graph.version()
    }

    /// The Lamport time of the latest operation that this replica has: its next one has a greater. 0 if there is none. With a journal it goes on after a
    /// restart: it is never below that of what is durable. Costs nothing.
    ///
    /// ```
    /// # use control_panel::{Peer, Replica, Stamp, State};
    /// # #[derive(Clone, Default)]
    /// # struct Count(u64);
    /// # impl State for Count {
    /// #     type Op = u64;
    /// #     fn apply(&mut self, n: &u64, _: &Stamp) {
    /// #         self.0 += n;
    /// #     }
    /// # }
    /// let mut replica =
    ///     Replica::new(Peer([1; 32]), [Peer([1; 32])], Count::default());
    /// assert_eq!(replica.clock(), 0);
    /// let stamps = [replica.commit(1), replica.commit(2)];
    /// assert_eq!((stamps[1].lamport, replica.clock()), (2, 2));
    /// let _ = (replica.settle(), replica.outbox());
    /// assert_eq!(replica.clock(), 2);
    /// ```
    pub fn clock(&self) -> u64 {
        self.graph.clock().max(self.own.last_time())
    }

    /// The author of this replica's operations: its peer, and which of its lives it is. [`rejoin`](Self::rejoin) may begin a new one.
    pub fn author(&self) -> Author {
        self.me
    }

    /// The members, in the order of their peers, and what each may do, as of what was merged last. One that is retired is not among them.
    pub fn members(&self) -> impl Iterator<Item = (Peer, Grant)> + '_ {
        self.membership.members().iter().map(|(peer, grant)| (*peer, *grant))
    }

    /// Takes a delta from another replica: in any order, any number of times, with gaps. What cannot be admitted yet waits in
    /// a bounded buffer; what is refused is reported by the next [`settle`](Self::settle).
    ///
    /// While this replica's journal fails and has no room left, the delta is dropped: it is asked for again by [`version`](Self::version).
    ///
    /// The state does not change before that. Cost: for each operation a fraction of a microsecond, none of it in the user's `apply`;
    /// and with a [verifier](ReplicaBuilder::verifier) some 50 µs for each signature, of which a run that is sent alone has one: unless this replica's
    /// `Link` decoded the delta, and so has checked them.
    pub fn merge(&mut self, delta: Delta<S::Op>) {
        if delta.is_empty() || !self.has_room() {
            return;
        }
        self.seal();
        if let Some(verifier) = &self.verifier
            && !delta.proved_by.as_ref().is_some_and(|by| by.is(verifier))
            && let Some(index) = refused(&delta, &**verifier)
        {
            self.report(delta.runs[index].header.author.peer, Misbehaviour::Signature);
            self.unsettled = true;
            return;
        }
        match delta.runs {
            // Most deltas hold one run, which follows.
            Few::One(run) => match self.graph.extend_alone(run) {
                Some(admitted) => self.admit(admitted),
                None => self.admit_offered(),
            },
            Few::Many(runs) => {
                for run in runs {
                    self.graph.offer(run);
                }
                self.admit_offered();
            }
        }
        self.check_life();
        self.decide();
        if self.graph.has_refused() {
            for (peer, what) in self.graph.take_refused() {
                self.report(peer, what);
            }
        }
        self.unsettled = true;
    }

    #[inline(never)]
    fn admit_offered(&mut self) {
        while let Some(admitted) = self.graph.admit_next_of(&self.membership) {
            self.admit(admitted);
        }
    }

    /// Its operations that are left out as they panicked, in order, each with how many of the [history's](Self::history) are before it.
    #[cfg(feature = "testing")]
    pub(crate) fn poisoned(&self) -> impl Iterator<Item = (usize, Stamp, &S::Op)> {
        self.fold.poisoned()
    }

    /// What the state is made of, for checks.
    #[cfg(feature = "testing")]
    pub(crate) fn history(&self) -> History<'_, S, impl Iterator<Item = (Stamp, &S::Op)>> {
        let (base, level) = self.fold.base();
        let base = (level > 0).then_some(&**base);
        let (entries, pending) = self.fold.applied();
        History { base, level, operations: entries.chain(self.own.applied().take(pending)) }
    }
}

/// A run for which a delta is not taken: its author is not proved, or too much of its chain is under one signature.
fn refused<Op>(delta: &Delta<Op>, verifier: &dyn Verifier) -> Option<usize> {
    let links = || delta.runs.iter().map(|run| Link::of(run));
    unverified(links(), verifier).or_else(|| seldom_signed(links()))
}

/// The state at the cut that ended the history, if one did, the Lamport time of the last operation in it, and the operations after
/// it that the [state](Replica::state) has, in order.
#[cfg(feature = "testing")]
pub(crate) struct History<'a, S, I> {
    pub(crate) base: Option<&'a S>,
    pub(crate) level: u64,
    pub(crate) operations: I,
}

/// The state first: where two differ, that says most.
impl<S: State + std::fmt::Debug> std::fmt::Debug for Replica<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replica")
            .field("state", self.state())
            .field("author", &self.me)
            .field("version", self.version())
            .field("watermark", &self.watermark())
            .finish_non_exhaustive()
    }
}
