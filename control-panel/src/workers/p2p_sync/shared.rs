//! What the worker and its handles share, across restarts of the worker.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
};

use arc_swap::ArcSwapOption;
use iroh::{Endpoint, RelayUrl, endpoint::WeakConnectionHandle};
use tokio::sync::{Notify, oneshot, watch};

use super::{
    PeerSyncOptions,
    presence::Shown,
    rendezvous::Rendezvous,
    snapshots::Snapshots,
    ticket::{Ticket, TicketError},
    tickets::Tickets,
    trust::Entry,
    trust_store::TrustStore,
};
use crate::{
    Peer, anti_entropy,
    replica::{Grant, RunHash, Version},
    workers::lock::lock,
};

/// Redemptions that wait for the worker.
const REDEMPTIONS: usize = 16;

/// A ticket to redeem, and where to say how that went.
pub(super) type Redemption = (Ticket, oneshot::Sender<Result<Peer, super::PairError>>);

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) me: Peer,
    pub(super) group: RunHash,
    /// The members that the group began with.
    pub(super) founders: Box<[(Peer, Grant)]>,
    /// Where all peers can be met, if one was named.
    pub(super) relay: Option<RelayUrl>,
    /// Whether the local network is looked at; and why it cannot be.
    pub(super) lan: bool,
    pub(super) lan_fault: ArcSwapOption<String>,
    pub(super) trust: TrustStore,
    pub(super) tickets: Tickets,
    /// While the worker runs.
    pub(super) endpoint: ArcSwapOption<Endpoint>,
    /// Wakes the worker: peers, tickets or redemptions changed.
    pub(super) changed: Notify,
    /// What this program shows its peers.
    pub(super) shown: Shown,
    pub(super) snapshots: Snapshots,
    /// Rings as there is something for neighbours: which change.
    pub(super) hints: watch::Sender<u64>,
    rendezvous: Mutex<Rendezvous>,
    refused: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    /// Reported as online: a successor of the worker reports them as lost.
    pub(super) online: BTreeSet<Peer>,
    pub(super) connections: BTreeMap<Peer, WeakConnectionHandle>,
    pub(super) redemptions: Vec<Redemption>,
    /// Whether the worker has ended for good, or was never spawned and never will be: no redemption waits for it.
    ended: bool,
    /// Where the program says peers are.
    pub(super) addresses: BTreeMap<Peer, Vec<SocketAddr>>,
    /// Which kind of misbehaviour was reported of which peer: once only.
    pub(super) misbehaved: BTreeSet<(Peer, String)>,
    /// What each peer said last that it has of this program's own author, and this program had not.
    pub(super) remembered: BTreeMap<Peer, Version>,
    /// What each peer that was in contact has, as far as is known: of those in the trust store.
    pub(super) had: BTreeMap<Peer, Version>,
}

impl Shared {
    /// Bytes sent to this peer and received from it, on the connection that there is.
    pub(super) fn bytes(&self, peer: &Peer) -> Option<(u64, u64)> {
        let connection = self.state().connections.get(peer)?.upgrade()?;
        let stats = connection.stats();
        Some((stats.udp_tx.bytes, stats.udp_rx.bytes))
    }

    pub(super) fn new(options: &PeerSyncOptions, group: RunHash, trust: TrustStore) -> Self {
        let key = &options.key;
        Self {
            me: key.peer(),
            relay: options.relay.clone(),
            lan: options.lan,
            lan_fault: ArcSwapOption::empty(),
            group,
            founders: Box::default(),
            trust,
            tickets: Tickets::default(),
            endpoint: ArcSwapOption::empty(),
            changed: Notify::new(),
            shown: Shown::default(),
            snapshots: Snapshots::beside(&options.trust),
            hints: watch::Sender::new(0),
            rendezvous: Mutex::new(Rendezvous::new(key.secret().clone(), anti_entropy::group(group))),
            refused: AtomicU64::new(0),
            state: Mutex::default(),
        }
    }

    /// Of a group that began with these members.
    pub(super) fn founded_by(self, founders: &[(Peer, Grant)]) -> Self {
        Self { founders: founders.into(), ..self }
    }

    /// Held for moments, and never across a wait.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Likewise. What changed there wakes those that pass it on.
    pub(super) fn rendezvous<R>(&self, change: impl FnOnce(&mut Rendezvous) -> R) -> R {
        let mut rendezvous = lock(&self.rendezvous);
        let result = change(&mut rendezvous);
        let changes = rendezvous.changes();
        drop(rendezvous);
        self.hints.send_if_modified(|seen| {
            let is_new = *seen < changes;
            *seen = changes.max(*seen);
            is_new
        });
        result
    }

    /// Whether what a peer says that it has of the own author is heeded: unless it spoke of something before, and did not bring it. Each time may cost a life.
    pub(super) fn heeds(&self, peer: Peer, says: &Version, ours: &Version) -> bool {
        let mut state = self.state();
        let is_open = state.remembered.get(&peer).is_some_and(|said| !ours.covers(said));
        if !is_open {
            state.remembered.insert(peer, says.clone());
        }
        !is_open
    }

    pub(super) fn count_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    pub(super) fn ask_to_redeem(&self, redemption: Redemption) -> Result<(), TicketError> {
        let mut state = self.state();
        if state.ended {
            return Err(TicketError::NotRunning);
        }
        if state.redemptions.len() >= REDEMPTIONS {
            return Err(TicketError::TooMany);
        }
        state.redemptions.push(redemption);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// No worker begins any more: answers the redemptions that wait for one.
    pub(super) fn end(&self) {
        let mut state = self.state();
        state.ended = true;
        let unanswered = std::mem::take(&mut state.redemptions);
        drop(state);
        drop(unanswered);
    }

    /// All addresses of a peer that are known, the best first.
    pub(super) fn addresses(&self, peer: &Peer) -> Vec<SocketAddr> {
        let mut addresses = self.state().addresses.get(peer).cloned().unwrap_or_default();
        addresses.extend(self.rendezvous(|rendezvous| rendezvous.addresses(peer).to_vec()));
        if let Some(Entry::Trusted { addresses: known, .. }) = self.trust.peers().get(peer) {
            addresses.extend(known);
        }
        let mut seen = BTreeSet::new();
        addresses.retain(|address| seen.insert(*address));
        addresses
    }
}
