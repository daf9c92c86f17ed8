//! Snapshots for peers far behind: what is given to others, and what arrives of one.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Weak},
    time::Duration,
};

#[cfg(feature = "journal")]
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};
use tokio::{
    sync::{Mutex, watch},
    time::Instant,
};

use super::spool::Spool;
use crate::{
    Peer, State,
    anti_entropy::Offer,
    link::{Link, ServeError},
    replica::Snapshot,
};

/// For so long a snapshot that was made for one peer is given to others too.
const FRESH: Duration = Duration::from_secs(10);

/// What a peer gave whose replica has what this one lacks, and others have let go: [`rejoin`](crate::Replica::rejoin) with it.
///
/// It was read within limits, and its operations' signatures were checked where the replica has a [verifier](crate::replica::ReplicaBuilder::verifier). The state in it is the
/// giver's word, so the replica is [provisional](crate::Replica::is_provisional) until another member agrees.
///
/// As an intent:
///
/// ```
/// use control_panel::{
///     GraphIntent, Stamp, State, workers::p2p_sync::PeerSnapshot,
/// };
///
/// # #[derive(Clone, Debug, Default)]
/// # struct Document(Vec<String>);
/// # impl State for Document {
/// #     type Op = String;
/// #     fn apply(&mut self, line: &String, _: &Stamp) { self.0.push(line.clone()); }
/// # }
/// #[derive(Debug, GraphIntent)]
/// enum Update {
///     #[intent(from)]
///     PeerSnapshot(PeerSnapshot<Document>),
///     // And those of deltas and contact. In `apply`:
///     // `self.replica.rejoin(*given.snapshot).ok();`
/// }
/// ```
#[non_exhaustive]
pub struct PeerSnapshot<S: State> {
    /// Which peer gave it.
    pub peer: Peer,
    /// What it gave.
    pub snapshot: Box<Snapshot<S>>,
}

/// With feature `journal` it can be recorded: all its bytes are in the frame's record.
#[cfg(feature = "journal")]
impl<S: State + Serialize + DeserializeOwned> Serialize for PeerSnapshot<S> {
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        (self.peer, &*self.snapshot).serialize(serializer)
    }
}

/// For replays of journals alone.
#[cfg(feature = "journal")]
impl<'de, S: State + Serialize + DeserializeOwned> Deserialize<'de> for PeerSnapshot<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (peer, snapshot) = <(Peer, Snapshot<S>)>::deserialize(deserializer)?;
        Ok(Self { peer, snapshot: Box::new(snapshot) })
    }
}

impl<S: State> fmt::Debug for PeerSnapshot<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerSnapshot")
            .field("peer", &self.peer)
            .field("level", &self.snapshot.level())
            .finish_non_exhaustive()
    }
}

/// A snapshot that is offered: its bytes. However many peers are given different ones, and however slowly they take them, they are not in memory.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) offer: Offer,
    pub(super) bytes: Spool,
    at: Instant,
}

/// Snapshots of this worker, whichever session they are for.
#[derive(Debug)]
pub(super) struct Snapshots {
    /// Where their files are to be: what is given, and what arrives.
    paths: [PathBuf; 2],
    /// Made last. Held by the sessions that send it alone.
    given: Mutex<Weak<Given>>,
    arrivals: watch::Sender<Arrivals>,
}

/// What arrives, whichever session brings it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Arrivals {
    /// Whether one does, or waits for the frame: one at a time.
    one: bool,
    /// How often the replica went on from one: then all sessions ask their peers anew.
    pub(super) joins: u64,
}

impl Snapshots {
    /// Those of the worker with that trust store.
    pub(super) fn beside(trust: &Path) -> Self {
        let paths = ["given", "arriving"].map(|what| {
            let mut name = trust.as_os_str().to_owned();
            name.push(format!(".{}.{what}", std::process::id()));
            name.into()
        });
        Self { paths, given: Mutex::default(), arrivals: watch::Sender::default() }
    }

    /// One to offer: that of a moment ago, or one that the next frame gives.
    pub(super) async fn give<S: State>(&self, link: &Link<S>) -> Result<Arc<Given>, ServeError> {
        // What waits here has what the one before it got.
        let mut last = self.given.lock().await;
        if let Some(given) = last.upgrade().filter(|given| given.at.elapsed() < FRESH) {
            return Ok(given);
        }
        let snapshot = link.snapshot().await;
        let (link, mut spool) = (link.clone(), Spool::new(self.paths[0].clone()));
        let made = tokio::task::spawn_blocking(move || {
            let bytes = link.encode_snapshot(&snapshot)?;
            let hash = *blake3::hash(&bytes).as_bytes();
            let offer = Offer { length: bytes.len() as u64, hash, level: snapshot.level() };
            spool.push(&bytes).map_err(|error| ServeError::Journal(error.into()))?;
            Ok(Arc::new(Given { offer, bytes: spool, at: Instant::now() }))
        });
        let given = match made.await {
            Ok(given) => given?,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // The runtime stops.
            Err(_) => std::future::pending().await,
        };
        *last = Arc::downgrade(&given);
        Ok(given)
    }

    pub(super) fn arrivals(&self) -> watch::Receiver<Arrivals> {
        self.arrivals.subscribe()
    }
}

/// What has arrived of a snapshot. There is one at a time in a worker, so that its length bounds what all take: on disk until it is whole, and then in memory.
#[derive(Debug)]
pub(super) struct Arriving {
    pub(super) bytes: Spool,
    pub(super) room: Room,
}

impl Arriving {
    /// `None` while another arrives.
    pub(super) fn begin(snapshots: &Snapshots) -> Option<Self> {
        let is_first =
            snapshots.arrivals.send_if_modified(|arrivals| !std::mem::replace(&mut arrivals.one, true));
        let path = snapshots.paths[1].clone();
        is_first.then(|| Self { bytes: Spool::new(path), room: Room(snapshots.arrivals.clone()) })
    }
}

/// No other arrives until it is dropped.
#[derive(Debug)]
pub(super) struct Room(watch::Sender<Arrivals>);

impl Room {
    /// The frame went on from what arrived. Sessions hear of that before another may arrive.
    pub(super) fn joined(self) {
        self.0.send_modify(|arrivals| arrivals.joins += 1);
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.0.send_modify(|arrivals| arrivals.one = false);
    }
}
