//! The workers' end.

use std::{
    fmt,
    sync::{Arc, atomic::Ordering},
};

use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::{Mutex, mpsc};

use super::{
    publisher::{Publisher, Shared},
    serve::{Backlog, ServeError},
};
use crate::{
    context::race,
    replica::{
        Author, Delta, Peer, Replica, RunHash, Snapshot, State, Version,
        codec::{DecodeError, EncodeError, Limits},
        keeper::DurableRuns,
        publish::Reads,
        run::Grant,
    },
    util::mutex,
};

/// A worker's view of a replica that is on the frame's thread: as of its last [`settle`](Replica::settle) or [`outbox`](Replica::outbox).
///
/// Made by [`Replica::link`]. Reading it never makes a frame wait, and a clone is another handle to the same.
pub struct Link<S: State> {
    parts: Arc<Parts<S>>,
}

struct Parts<S: State> {
    shared: Arc<Shared<S>>,
    /// One waits for the bell, and the others for that one.
    bell: Mutex<mpsc::Receiver<()>>,
    durable: Option<Arc<dyn DurableRuns>>,
    /// Of workers only.
    tracked: mutex::Mutex<Tracked>,
    genesis: RunHash,
    founders: Arc<[(Peer, Grant)]>,
    reads: Reads<S::Op>,
    snapshots: SnapshotBytes<S>,
}

/// How a snapshot's state becomes bytes, and is read: known where the link is made.
struct SnapshotBytes<S: State> {
    encode: fn(&Snapshot<S>) -> Result<Vec<u8>, EncodeError>,
    decode: DecodeSnapshot<S>,
}

type DecodeSnapshot<S> = fn(&[u8], &Reads<<S as State>::Op>, &Limits) -> Result<Snapshot<S>, DecodeError>;

impl<S: State + Serialize + DeserializeOwned> SnapshotBytes<S> {
    fn new() -> Self {
        let decode = |bytes: &[u8], reads: &Reads<S::Op>, limits: &Limits| match &reads.verifier {
            Some(verifier) => Snapshot::decode_signed(bytes, &*reads.codec, limits, &**verifier),
            None => Snapshot::decode(bytes, &*reads.codec, limits),
        };
        Self { encode: Snapshot::encode, decode }
    }
}

/// # For workers
impl<S: State + Serialize + DeserializeOwned> Replica<S> {
    /// A handle by which workers read this replica: its version, its members, what peers lack. From now on each [`settle`](Self::settle) and
    /// [`outbox`](Self::outbox) publishes what changed; call both once a frame, also if the delta that `outbox` returns is dropped, as it makes the
    /// acknowledgements.
    ///
    /// With a journal peers get what is durable, read from the file; without one the runs that the replica has. A second link takes
    /// the place of the first, which stays as it was.
    ///
    /// Costs the frame nothing where nothing changed, else a copy of the version; without a journal a reference for each new run, and for each of all
    /// runs when a [cut](Self::cut) lets history go.
    ///
    /// ```
    /// use control_panel::{
    ///     Peer, Replica, Stamp, State,
    ///     replica::{Extent, codec::{Limits, Postcard}},
    /// };
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Clone, Default, Serialize, Deserialize)]
    /// struct Words(Vec<String>);
    ///
    /// impl State for Words {
    ///     type Op = String;
    ///
    ///     fn apply(&mut self, word: &String, _: &Stamp) {
    ///         self.0.push(word.clone());
    ///     }
    /// }
    ///
    /// let mut replica = Replica::builder(Peer([1; 32]), Words::default())
    ///     .codec(Postcard::new(), Limits::default())
    ///     .build();
    /// let link = replica.link();
    /// replica.commit("first".to_owned());
    /// assert_eq!(link.version().get(replica.author()), 0, "not settled yet");
    /// let _ = (replica.settle(), replica.outbox());
    /// assert_eq!(link.version().get(replica.author()), 1);
    ///
    /// // What a worker that sends asks, without the replica.
    /// assert_eq!(link.founders().len(), link.members().len());
    /// assert!(!link.is_journaled() && !link.has_failed());
    /// assert_eq!((link.durable(), link.durable_version()), (0, link.version()));
    /// let lacks = link.since(&Default::default(), &Limits::default());
    /// for piece in lacks.unwrap().expect("nothing was cut") {
    ///     let all = replica.since(&Default::default());
    ///     assert_eq!(piece.unwrap().extent(), Extent::of(&all));
    /// }
    /// let snapshot = replica.snapshot().unwrap();
    /// let bytes = link.encode_snapshot(&snapshot).unwrap();
    /// link.decode_snapshot(&bytes, 1 << 20).unwrap();
    /// let _group = link.genesis(); // a hash of how it began
    /// assert!(link.redo_depths().is_empty(), "nothing came late");
    ///
    /// async fn there_is_more(link: &control_panel::link::Link<Words>) {
    ///     link.news(link.published(), link.durable()).await;
    /// }
    /// ```
    ///
    /// # Panics
    /// Without a codec ([`ReplicaBuilder::codec`](crate::replica::ReplicaBuilder::codec)): nothing could be sent.
    pub fn link(&mut self) -> Link<S> {
        let reads =
            self.reads().expect("a replica that is linked needs a codec: add `.codec(…)` to its builder");
        let durable = self.durable_runs();
        let (_, genesis) = self.whose();
        let founders = self.founders().iter().map(|(peer, grant)| (*peer, *grant)).collect();
        let (publisher, shared, bell) = Publisher::new(self);
        self.set_publisher(Box::new(publisher));
        let (bell, tracked) = (Mutex::new(bell), mutex::Mutex::default());
        let snapshots = SnapshotBytes::new();
        Link {
            parts: Arc::new(Parts { shared, bell, durable, tracked, genesis, founders, reads, snapshots }),
        }
    }
}

impl<S: State> Link<S> {
    /// The author of the replica's operations.
    pub fn author(&self) -> Author {
        self.parts.shared.published.load().author
    }

    /// What the replica had at the end of its last frame.
    pub fn version(&self) -> Version {
        self.parts.shared.published.load().version.clone()
    }

    /// The members, in the order of their peers, and what each may do.
    pub fn members(&self) -> Arc<[(Peer, Grant)]> {
        Arc::clone(&self.parts.shared.published.load().members)
    }

    /// For each peer of which operations came late: how many operations they had applied again, in the last frame in which some were. Over all
    /// frames: [`Replica::redone_by_peer`].
    pub fn redo_depths(&self) -> Arc<Vec<(Peer, u64)>> {
        self.parts.shared.redo_depths.load_full()
    }

    /// How often something was published. With [`changed`](Self::changed).
    pub fn published(&self) -> u64 {
        self.parts.shared.number.load(Ordering::Acquire)
    }

    /// How often the replica settled or gave its outbox, also where nothing changed: a frame that drained what was queued before has come by
    /// when this has risen twice.
    pub fn frames(&self) -> u64 {
        self.parts.shared.frames.load(Ordering::Acquire)
    }

    /// Waits until something was published since then, and returns the new number.
    ///
    /// # Cancel safety
    /// Cancel-safe.
    pub async fn changed(&self, published: u64) -> u64 {
        loop {
            let number = self.published();
            if number > published {
                return number;
            }
            let mut bell = self.parts.bell.lock().await;
            // The one that had it may have heard it for all.
            if self.published() > published {
                continue;
            }
            if bell.recv().await.is_none() {
                drop(bell);
                // The replica is gone: nothing is published any more.
                std::future::pending::<()>().await;
            }
        }
    }
}

/// What is served to peers.
impl<S: State> Link<S> {
    /// The hash that names the group, on all its replicas alike: what the first run of each author names.
    pub fn genesis(&self) -> RunHash {
        self.parts.genesis
    }

    /// The members that the group began with, in the order of their peers: with the schema they are what [`genesis`](Self::genesis) is the hash of.
    pub fn founders(&self) -> &[(Peer, Grant)] {
        &self.parts.founders
    }

    /// What the replica accepts of a peer's bytes.
    pub fn limits(&self) -> &Limits {
        &self.parts.reads.limits
    }

    /// What a crash here takes nothing back of: without a journal all that is published. It never goes back, and may be behind what
    /// [`since`](Self::since) gives.
    pub fn durable_version(&self) -> Version {
        let Some(runs) = &self.parts.durable else { return self.version() };
        let published = self.parts.shared.published.load_full();
        let mut tracked = self.parts.tracked.lock();
        tracked.advance(&published.version, published.item, runs.durable());
        tracked.durable.clone()
    }

    /// Whether the replica has a journal, so that [`since`](Self::since) reads a file.
    pub fn is_journaled(&self) -> bool {
        self.parts.durable.is_some()
    }

    /// Whether the journal has failed: nothing becomes durable until the disk is mended.
    pub fn has_failed(&self) -> bool {
        self.parts.durable.as_ref().is_some_and(|durable| durable.has_failed())
    }

    /// How much is durable, in the journal's numbers; 0 without one. With [`news`](Self::news).
    pub fn durable(&self) -> u64 {
        self.parts.durable.as_ref().map_or(0, |durable| durable.durable())
    }

    /// Waits until something was published since [`published`](Self::published), or became durable since [`durable`](Self::durable), or the journal fails or
    /// recovers.
    ///
    /// # Cancel safety
    /// Cancel-safe.
    pub async fn news(&self, published: u64, durable: u64) {
        match &self.parts.durable {
            None => _ = self.changed(published).await,
            Some(runs) => _ = race(self.changed(published), runs.changed(durable)).await,
        }
    }

    /// What a replica of that version lacks, in pieces within these limits: of what is durable, and nothing else. `None` if part of it is gone here: that
    /// replica needs a [`snapshot`](Self::snapshot).
    ///
    /// It may block: with a journal it reads the file.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn since(&self, version: &Version, limits: &Limits) -> Result<Option<Backlog<S::Op>>, ServeError> {
        let published = self.parts.shared.published.load_full();
        if published.forgotten.iter().any(|(author, count)| version.get(author) < count) {
            return Ok(None);
        }
        if let Some(durable) = &self.parts.durable {
            let lacked = durable.since(version).map_err(ServeError::Journal)?;
            return lacked.map_or(Ok(None), |lacked| Backlog::durable(lacked, limits));
        }
        let lacked = published.shelf.since(version, &published.version);
        Ok(Some(Backlog::published(lacked, limits, self.parts.reads.verifier.is_some())))
    }

    /// Reads a delta that a peer sent, within the replica's limits, and checks its signatures if the replica does, which then does not check them again. Do it in the worker.
    ///
    /// # Errors
    /// As [`Delta::decode_signed`].
    pub fn decode(&self, bytes: &[u8]) -> Result<Delta<S::Op>, DecodeError> {
        let Reads { codec, limits, verifier } = &self.parts.reads;
        Delta::decode_proved(bytes, &**codec, limits, verifier.as_ref())
    }

    /// Likewise, of bytes that are the caller's: a delta that is mostly one run keeps them.
    #[cfg(feature = "p2p")]
    pub(crate) fn decode_own(&self, bytes: Vec<u8>) -> Result<Delta<S::Op>, DecodeError> {
        let Reads { codec, limits, verifier } = &self.parts.reads;
        Delta::decode_own(bytes, &**codec, limits, verifier.as_ref())
    }

    /// Asks the replica for a snapshot and waits until one of its frames gives it: where no frame runs it waits, so give it a deadline.
    ///
    /// # Cancel safety
    /// Cancel-safe: a later call may get the snapshot that this one asked for.
    pub async fn snapshot(&self) -> Arc<Snapshot<S>> {
        let shared = &self.parts.shared;
        let before = shared.snapshots.load(Ordering::Acquire);
        shared.wants_snapshot.store(true, Ordering::Release);
        loop {
            let published = self.published();
            if shared.snapshots.load(Ordering::Acquire) > before
                && let Some(snapshot) = shared.snapshot.swap(None)
            {
                return snapshot;
            }
            self.changed(published).await;
        }
    }
}

/// Snapshots as bytes.
impl<S: State> Link<S> {
    /// The bytes of a [`snapshot`](Self::snapshot), for [`decode_snapshot`](Self::decode_snapshot) on the other side. Costs a pass over the state: do it in the worker.
    ///
    /// # Errors
    /// [`ServeError::Encode`], as [`Snapshot::encode`].
    pub fn encode_snapshot(&self, snapshot: &Snapshot<S>) -> Result<Vec<u8>, ServeError> {
        (self.parts.snapshots.encode)(snapshot).map_err(ServeError::Encode)
    }

    /// Reads a snapshot of at most so many bytes that a peer sent, and checks its signatures if the replica does; for [`Replica::rejoin`]. Do it in the worker.
    ///
    /// # Errors
    /// As [`Snapshot::decode_signed`].
    pub fn decode_snapshot(&self, bytes: &[u8], most: usize) -> Result<Snapshot<S>, DecodeError> {
        // Its bytes bound what is in it.
        let limits = self.parts.reads.limits.with_bytes(most).with_runs(usize::MAX).with_ops(usize::MAX);
        (self.parts.snapshots.decode)(bytes, &self.parts.reads, &limits)
    }
}

/// Finds out which published version is durable, without keeping all that came between.
#[derive(Debug, Default)]
struct Tracked {
    durable: Version,
    /// The first that was published since, and what must be durable for it to be.
    next: Option<(Version, u64)>,
}

impl Tracked {
    fn advance(&mut self, published: &Version, item: u64, durable: u64) {
        if item <= durable {
            (self.durable, self.next) = (published.clone(), None);
            return;
        }
        if let Some((version, _)) = self.next.take_if(|(_, item)| *item <= durable) {
            self.durable = version;
        }
        self.next.get_or_insert_with(|| (published.clone(), item));
    }
}

impl<S: State> Clone for Link<S> {
    fn clone(&self) -> Self {
        Self { parts: Arc::clone(&self.parts) }
    }
}

impl<S: State> fmt::Debug for Link<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("author", &self.author())
            .field("version", &self.version())
            .finish_non_exhaustive()
    }
}
