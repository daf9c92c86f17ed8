//! Replicas of several processes, in sync: peers that trust each other connect, exchange what the other lacks, and every loss of contact is an intent.
//!
//! Built on iroh: QUIC and TLS 1.3, where a peer is its ed25519 key. By default it binds to loopback, and uses no relay, no DNS, no port mapping and no
//! public service. What it promises, and the protocol, is in `workers/p2p_sync/README.md`; what peers can do to each other, what is stored, and how to get rid of one, in the
//! [guide].
//!
//! ```
//! use control_panel::replica::codec::{Limits, Postcard};
//! use control_panel::workers::p2p_sync::{
//!     PeerIntents, PeerKey, PeerOffline, PeerOnline, PeerSync,
//!     PeerSyncOptions,
//! };
//! use control_panel::{ControlPanel, Delta, GraphIntent, Replica, Stamp, State};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Clone, Default, Serialize, Deserialize)]
//! struct Document(Vec<String>);
//!
//! impl State for Document {
//!     type Op = String;
//!
//!     fn apply(&mut self, line: &String, _: &Stamp) {
//!         self.0.push(line.clone());
//!     }
//! }
//!
//! #[derive(Debug, GraphIntent)]
//! enum Update {
//!     #[intent(clock = delta, origin = delta, from)]
//!     ApplyRemoteDelta { delta: Delta<String> },
//!     #[intent(from)]
//!     MarkPeerOffline(PeerOffline),
//!     #[intent(from)]
//!     MarkPeerOnline(PeerOnline),
//! }
//!
//! # let folder = tempfile::tempdir()?;
//! let key = PeerKey::open(folder.path().join("peer.key"))?;
//! let mut replica = Replica::builder(key.peer(), Document::default())
//!     .codec(Postcard::new(), Limits::default())
//!     .build();
//! let sync = PeerSync::new(
//!     replica.link(),
//!     PeerSyncOptions::new(key, folder.path().join("peers")),
//! )?;
//! let peers = sync.handle();
//!
//! let panel = ControlPanel::<Update>::new();
//! // More of them: `PeerIntents`. With none it is `sync.into_worker()`.
//! panel.spawn(sync.into_worker_with(PeerIntents::new()));
//! // In `apply`: merge each delta; invite a peer that comes with `invited`. Each
//! // frame: settle, and outbox.
//! assert_eq!(peers.status().refused, 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod address;
mod announcement;
mod contact;
mod dial;
mod endpoint;
mod error;
mod event;
mod exhibit;
#[doc = include_str!("guide.md")]
pub mod guide {}
mod half_open;
mod handle;
mod hints;
mod hub;
mod intents;
mod key;
mod lan;
mod pairing;
mod presence;
mod remembers;
mod rendezvous;
mod secret_file;
mod session;
mod shared;
mod snapshots;
mod spool;
mod store;
#[cfg(test)]
mod tests;
mod ticket;
mod tickets;
mod trust;
mod trust_store;

use iroh::RelayUrl;
use std::{fmt, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use self::{error::relay_url, exhibit::Shown, shared::Shared, trust_store::TrustStore};
pub use self::{
    error::{PeerSyncError, RelayUrlError},
    event::{OfflineReason, PeerMisbehaved, PeerOffline, PeerOnline},
    handle::{PeerStatus, PeerSyncHandle, PeerSyncStatus},
    intents::PeerIntents,
    key::{PeerKey, PeerSignatures},
    pairing::PairError,
    presence::{PeerPresence, PresenceTooLong},
    remembers::PeerRemembers,
    secret_file::{FileError, FileFault},
    snapshots::PeerSnapshot,
    ticket::{Ticket, TicketError},
    trust::TrustOrigin,
};
use crate::{
    Backoff, Context, Delta, Intent, IntentSource, Restart, Worker, intent::Source, link::Link,
    replica::State, supervision::Cancel,
};

/// How a [`PeerSync`] talks.
#[derive(Clone, Debug)]
pub struct PeerSyncOptions {
    pub(in crate::workers::p2p_sync) key: PeerKey,
    trust: PathBuf,
    bind: SocketAddr,
    idle: Duration,
    connect: Duration,
    snapshot_bytes: usize,
    relay: Option<RelayUrl>,
    lan: bool,
}

impl PeerSyncOptions {
    /// With this key, and the trust store at this path, which is made when there is something to write. Loopback, idle 5 s, connect 5 s.
    pub fn new(key: PeerKey, trust: impl Into<PathBuf>) -> Self {
        Self {
            key,
            trust: trust.into(),
            bind: SocketAddr::from(([127, 0, 0, 1], 0)),
            idle: Duration::from_secs(5),
            connect: Duration::from_secs(5),
            snapshot_bytes: 256 << 20,
            relay: None,
            lan: false,
        }
    }

    /// Where it listens, and sends from. Default: loopback, at a port that is free. `0.0.0.0:PORT` opens it to the networks of this machine.
    ///
    /// ```no_run
    /// # use control_panel::workers::p2p_sync::{PeerKey, PeerSyncOptions};
    /// # use std::time::Duration;
    /// let key = PeerKey::open("peer.key")?;
    /// let options = PeerSyncOptions::new(key, "trust.json")
    ///     .bind("0.0.0.0:4433".parse().unwrap()) // of the network's own choice
    ///     .idle(Duration::from_secs(2))
    ///     .connect_timeout(Duration::from_secs(3))
    ///     .snapshot_bytes(64 << 20)
    ///     .lan(); // and finds peers on the local network
    /// # let _ = options;
    /// # Ok::<(), control_panel::workers::p2p_sync::FileError>(())
    /// ```
    pub fn bind(self, address: SocketAddr) -> Self {
        Self { bind: address, ..self }
    }

    /// After so long without a packet a peer is lost; within 100 ms and 15 s. An eighth of it is the time between packets that keep a connection. Both sides use the
    /// shorter of the two settings. A peer that was killed is found out within it: after seven eighths at the earliest. QUIC waits three probe timeouts at least (RFC 9000, 10.1), which is
    /// longer than a short setting where round trips take a third of a second. Default: 5 s.
    pub fn idle(self, time: Duration) -> Self {
        Self { idle: time.clamp(Duration::from_millis(100), Duration::from_secs(15)), ..self }
    }

    /// How long a snapshot may be that is [taken](PeerIntents::snapshots); there is one at a time. On its way it is in a file beside the trust store, which has no name and is gone with the program; in memory once it
    /// is whole, as it is decoded. Default: 256 MiB.
    pub fn snapshot_bytes(self, bytes: usize) -> Self {
        Self { snapshot_bytes: bytes, ..self }
    }

    /// Meets peers at this relay too, where neither reaches the other directly: a server of the protocol of `iroh-relay`, such as `https://relay.example`. All peers that are to meet there
    /// name the same one. It sees their keys, addresses, and when and how much they talk, and no contents. Default: none, and no other is ever used.
    ///
    /// ```
    /// use control_panel::workers::p2p_sync::{PeerKey, PeerSyncOptions};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let key = PeerKey::open(folder.path().join("peer.key"))?;
    /// let options = PeerSyncOptions::new(key, folder.path().join("peers"));
    /// let options = options.relay("https://relay.example")?;
    /// assert!(options.relay("my relay").is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// It is no URL with `http` or `https`.
    pub fn relay(self, url: &str) -> Result<Self, RelayUrlError> {
        Ok(Self { relay: Some(relay_url(url)?), ..self })
    }

    /// Announces itself on the local network (multicast DNS), and looks for trusted peers there. Anyone on the link sees this program's key and addresses, and that they are
    /// of a program such as this. It is of use where [`bind`](Self::bind) opens the program to that network. Default: neither.
    pub fn lan(self) -> Self {
        Self { lan: true, ..self }
    }

    /// How long a connection may take to come about. Default: 5 s.
    pub fn connect_timeout(self, time: Duration) -> Self {
        Self { connect: time, ..self }
    }
}

/// A worker to be that keeps replicas of several processes in sync.
#[must_use = "it does nothing until its worker is spawned"]
pub struct PeerSync<S: State, Src = IntentSource> {
    source: Src,
    parts: Arc<Parts<S>>,
}

/// What each generation of the worker gets.
pub(in crate::workers::p2p_sync) struct Parts<S: State> {
    link: Link<S>,
    options: PeerSyncOptions,
    shared: Arc<Shared>,
}

/// The worker's factory keeps them as long as it may run again.
impl<S: State> Drop for Parts<S> {
    fn drop(&mut self) {
        self.shared.end();
    }
}

impl<S: State> PeerSync<S> {
    /// Of this replica ([`Replica::link`](crate::Replica::link)); its intents come from [`IntentSource::P2pSync`].
    ///
    /// It blocks: reads the trust store.
    ///
    /// # Errors
    /// The trust store cannot be read, or is not whole: it is as it was.
    ///
    /// # Panics
    /// If the key is not that of the replica's peer: no other could trust both.
    pub fn new(link: Link<S>, options: PeerSyncOptions) -> Result<Self, FileError> {
        let me = options.key.peer();
        assert_eq!(
            me,
            link.author().peer,
            "the key is another peer's than the replica: build it with `key.peer()`"
        );
        let trust = TrustStore::open(&options.trust)?;
        let shared = Arc::new(Shared::new(&options, link.genesis(), trust).founded_by(link.founders()));
        Ok(Self { source: IntentSource::P2pSync, parts: Arc::new(Parts { link, options, shared }) })
    }
}

impl<S: State, Src: Source> PeerSync<S, Src> {
    /// Sends its intents from that source.
    pub fn source<Other: Source>(self, source: Other) -> PeerSync<S, Other> {
        PeerSync { source, parts: self.parts }
    }

    /// Pairs and revokes, and shows how it is.
    pub fn handle(&self) -> PeerSyncHandle {
        PeerSyncHandle { shared: Arc::clone(&self.parts.shared) }
    }

    /// The worker, named `p2p_sync`, for `panel.spawn(…)`. It is restarted after an error (an address in use) or a panic; its successor reports what the one before had
    /// in contact. Asked to stop, it says goodbye to its peers, within its grace.
    pub fn into_worker<I, P>(self) -> Worker<I, P>
    where
        I: Intent<Source = Src> + From<Delta<S::Op>> + From<PeerOffline> + From<PeerOnline>,
        P: Send + Sync + 'static,
    {
        self.into_worker_with(PeerIntents::new())
    }

    /// As [`into_worker`](Self::into_worker), with more intents.
    pub fn into_worker_with<I, P>(self, intents: PeerIntents<I, S>) -> Worker<I, P>
    where
        I: Intent<Source = Src> + From<Delta<S::Op>> + From<PeerOffline> + From<PeerOnline>,
        P: Send + Sync + 'static,
    {
        let Self { source, parts } = self;
        let shown = Shown::new(&parts.shared, parts.link.clone());
        Worker::new("p2p_sync", source, move |cx: Context<I, P>| hub::run(cx, Arc::clone(&parts), intents))
            .restart(Restart::OnFailure)
            .backoff(Backoff::new(Duration::from_millis(100), Duration::from_secs(30)))
            .cancel(Cancel::Cooperative)
            .exhibit(shown)
    }
}

impl<S: State, Src: fmt::Debug> fmt::Debug for PeerSync<S, Src> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerSync")
            .field("source", &self.source)
            .field("options", &self.parts.options)
            .finish_non_exhaustive()
    }
}
