//! How a replica is set up.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{
    Author, Grant, Peer, Replica, RunHash, Signer, State, Undoable, Verifier,
    fold::{GoingBack, by_snapshots, by_undo},
    identify::{Identify, Payload, genesis},
};

/// Sets a [`Replica`] up. Made by [`Replica::builder`].
///
/// ```
/// # use control_panel::{Peer, Replica, Stamp, State};
/// # #[derive(Clone, Default)] struct Words(Vec<&'static str>);
/// # impl State for Words {
/// #     type Op = &'static str;
/// #     fn apply(&mut self, word: &&'static str, _: &Stamp) { self.0.push(word); }
/// # }
/// use control_panel::replica::Grant;
///
/// let [owner, writer, reader] = [1, 2, 3].map(|byte| Peer([byte; 32]));
/// let replica = Replica::builder(writer, Words::default())
///     .members([owner])
///     .member(writer, Grant::Write)
///     .member(reader, Grant::Read)
///     .redo_budget(1_000) // a small frame
///     .history(usize::MAX) // no cut by itself
///     .build();
/// assert_eq!(replica.members().count(), 3);
/// ```
///
/// What says "the same everywhere" is part of the group's identity: replicas that differ in it do not understand each other.
#[must_use = "a builder does nothing until `build`"]
pub struct ReplicaBuilder<S: State> {
    pub(crate) me: Author,
    pub(crate) init: S,
    pub(crate) members: BTreeMap<Peer, Grant>,
    pub(crate) going_back: Box<dyn GoingBack<S>>,
    pub(crate) redo_budget: usize,
    pub(crate) slow_after: Option<Duration>,
    pub(crate) schema: u32,
    pub(crate) fingerprint: u64,
    pub(crate) history: usize,
    pub(crate) unstable: usize,
    pub(crate) digest: Option<fn(&S) -> u64>,
    pub(crate) payload: Option<Payload<S::Op>>,
    pub(crate) identify: Option<Box<dyn Identify<S::Op>>>,
    pub(crate) genesis: fn(&BTreeMap<Peer, Grant>) -> RunHash,
    pub(crate) signer: Option<Arc<dyn Signer>>,
    pub(crate) verifier: Option<Arc<dyn Verifier>>,
    pub(crate) performed: Option<u64>,
}

impl<S: State> ReplicaBuilder<S> {
    pub(crate) fn new(peer: Peer, init: S) -> Self {
        Self {
            me: Author { peer, incarnation: 0 },
            init,
            members: BTreeMap::from([(peer, Grant::Owner)]),
            going_back: by_snapshots(),
            redo_budget: 4096,
            slow_after: None,
            schema: 0,
            fingerprint: 0,
            history: 100_000,
            unstable: 100_000,
            digest: None,
            payload: None,
            identify: None,
            genesis,
            signer: None,
            verifier: None,
            performed: None,
        }
    }

    /// The members that the group begins with, all of them owners, in any order. The same everywhere. Where this
    /// replica's peer is not among them, what it commits is void until an owner invites it. Default: this replica alone.
    pub fn members(mut self, peers: impl IntoIterator<Item = Peer>) -> Self {
        self.members = peers.into_iter().map(|peer| (peer, Grant::Owner)).collect();
        self
    }

    /// Adds a member that the group begins with, or changes what it may do. The same everywhere.
    pub fn member(mut self, peer: Peer, grant: Grant) -> Self {
        self.members.insert(peer, grant);
        self
    }

    /// Which life of this peer the replica is, from 0: each start that cannot continue the log of the last takes the next. One that is
    /// given twice is found by the other replicas, as a [fork](super::Misbehaviour::Fork). Default: 0.
    pub fn incarnation(mut self, incarnation: u32) -> Self {
        self.me.incarnation = incarnation;
        self
    }

    /// Goes back by undo records instead of clones: for a state that is expensive to clone, or large.
    ///
    /// Without it the state is cloned once in 1,024 operations (in a quarter of a smaller [budget](Self::redo_budget), 16 at least), and once a frame in which an
    /// operation arrives late: fine for states of some ten thousand items. Of those clones some two for each doubling of the log's length are kept.
    pub fn undoing(mut self) -> Self
    where
        S: Undoable,
    {
        self.going_back = by_undo();
        self
    }

    /// The most operations that a frame's [`finish`](Replica::finish) and [`settle`](Replica::settle) apply and undo, together. What is beyond it
    /// becomes a [`Redo`](super::Redo); with 0 everything that is merged does. Default: 4,096.
    ///
    /// A program that commits more while a job runs than the budget allows gets a second job for those. After that one the rest is
    /// put on top frame by frame, and such a frame applies its own commits twice, beside the budget, and one more operation at least.
    pub fn redo_budget(mut self, ops: usize) -> Self {
        self.redo_budget = ops;
        self
    }

    /// How long a frame may take to apply what is merged, where it runs in [`run_frame`](crate::ControlPanel::run_frame). Nothing breaks a slow
    /// [`State::apply`] off; but after a frame that took longer the [budget](Self::redo_budget) is 0: all that is merged is in a [`Redo`](super::Redo), until eight of
    /// those in a row took no longer. Either is [reported](super::ReplicaNotice::OffFrame), and [`FrameReport::slowest`](crate::FrameReport::slowest) names the
    /// operation. Default: the time is not looked at.
    ///
    /// Only for a program that runs its [jobs](super::Settled::job): else nothing of others is shown any more after one slow frame. What is committed here is
    /// applied here, however long it takes.
    ///
    /// That a frame was too slow is part of its record, so a replay has the same jobs, however fast it is.
    ///
    /// ```
    /// # use control_panel::{Peer, Replica, Stamp, State};
    /// # #[derive(Clone, Default)] struct Words(Vec<String>);
    /// # impl State for Words {
    /// #     type Op = String;
    /// #     fn apply(&mut self, word: &String, _: &Stamp) { self.0.push(word.clone()); }
    /// # }
    /// use std::time::Duration;
    ///
    /// let half_a_frame = Duration::from_millis(8);
    /// let replica = Replica::builder(Peer([1; 32]), Words::default())
    ///     .slow_after(half_a_frame)
    ///     .build();
    /// # let _ = replica;
    /// ```
    pub fn slow_after(mut self, took: Duration) -> Self {
        self.slow_after = Some(took);
        self
    }

    /// Which reducer this program runs: raised with each change of what `apply` does. Default: 0.
    ///
    /// It decides what an operation means that panics. It is void if all members ran one reducer at its place in the order, or at a later one; each declares its own
    /// with its runs, and one that has not declared any up to there is not asked. Else the replicas on which it panics stop at it. So an update that reaches one member after another
    /// stops them at what panics meanwhile, until all have it, and at nothing earlier.
    pub fn fingerprint(mut self, fingerprint: u64) -> Self {
        self.fingerprint = fingerprint;
        self
    }

    /// How many stable operations are kept for [`revoke`](Replica::revoke) and for peers that were away, before one owner's replica makes a
    /// [`cut`](Replica::cut). A replica that was away longer needs a [`snapshot`](Replica::snapshot). `usize::MAX`: no cut is made by itself.
    /// Default: 100,000.
    pub fn history(mut self, ops: usize) -> Self {
        self.history = ops;
        self
    }

    /// From how many operations that wait for a member's acknowledgement on that member is
    /// [reported](super::ReplicaNotice::PeerHoldsBack). Default: 100,000.
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
    /// let replica = Replica::builder(peers[0], Words::default())
    ///     .unstable_bound(10_000) // a peer that holds back more is reported
    ///     .fingerprint(3) // of this program's `apply`
    ///     .performed(0) // no earlier life
    ///     .payload(|word, bytes| bytes.extend_from_slice(word.as_bytes()))
    ///     .build();
    /// # let _ = (replica, here);
    /// ```
    pub fn unstable_bound(mut self, ops: usize) -> Self {
        self.unstable = ops;
        self
    }

    /// Compares states: at every 1,024th Lamport time, once it is stable, the digest of the state is sent with an acknowledgement, and a
    /// peer whose digest differs is [reported](super::ReplicaNotice::Desync). The same function everywhere; it runs within a frame's budget, on the state at that
    /// time, to which the replica goes back and comes from again. Where it panics there is none ([`DigestPanicked`](super::ReplicaNotice::DigestPanicked)). Default: states are not compared.
    ///
    /// Of a hash whose result is fixed: FNV, as here, xxHash, BLAKE3. Not std's `DefaultHasher`, and nothing that derives `Hash` for it: what it makes of a value may be another with the next
    /// compiler, so two builds of one source would report each other.
    ///
    /// ```
    /// # use control_panel::{Peer, Replica, Stamp, State};
    /// # #[derive(Clone, Default)] struct Words(Vec<String>);
    /// # impl State for Words {
    /// #     type Op = String;
    /// #     fn apply(&mut self, word: &String, _: &Stamp) { self.0.push(word.clone()); }
    /// # }
    /// let replica = Replica::builder(Peer([1; 32]), Words::default())
    ///     .digest(|words| {
    ///         // 0xFF is in no text: it ends a word.
    ///         let bytes = words.0.iter().flat_map(|word| word.bytes().chain([0xFF]));
    ///         bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
    ///             (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    ///         })
    ///     })
    ///     .build();
    /// # let _ = replica;
    /// ```
    pub fn digest(mut self, digest: fn(&S) -> u64) -> Self {
        self.digest = Some(digest);
        self
    }

    /// Writes what tells two operations apart, for replicas without a codec: then an author that gives one number to two operations (a
    /// copied process) is found, and both are kept. The same function everywhere. Default: nothing, as no replica of one process is copied.
    pub fn payload(mut self, write: fn(&S::Op, &mut Vec<u8>)) -> Self {
        self.payload = Some(write);
        self
    }

    /// Signs this replica's runs, when a signature is read for the first time: mostly where a delta is encoded ([`Signer`]). Default: nothing is signed.
    pub fn signer(mut self, signer: impl Signer) -> Self {
        self.signer = Some(Arc::new(signer));
        self
    }

    /// Refuses, whole, a delta that holds a run which its author did not provably write. `Delta::decode_signed` refuses it earlier, before there
    /// is an intent, and what was verified there is verified again; what this replica's own `Link` decoded is not. The same everywhere. Default: nothing is verified.
    pub fn verifier(mut self, verifier: impl Verifier) -> Self {
        self.verifier = Some(Arc::new(verifier));
        self
    }

    /// Up to which Lamport time an earlier life performed its effects: [`settled_ops`](Replica::settled_ops) goes on from there. Default: 0.
    pub fn performed(mut self, upto: u64) -> Self {
        self.performed = Some(upto);
        self
    }

    /// The replica, before its first operation.
    pub fn build(self) -> Replica<S> {
        Replica::from_builder(self)
    }
}

impl<S: State> std::fmt::Debug for ReplicaBuilder<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReplicaBuilder")
            .field("author", &self.me)
            .field("members", &self.members)
            .finish_non_exhaustive()
    }
}
