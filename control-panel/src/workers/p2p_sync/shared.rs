//! What the worker and its handles share, across restarts of the worker.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use arc_swap::ArcSwapOption;
use iroh::{Endpoint, endpoint::WeakConnectionHandle};
use tokio::sync::{Notify, oneshot};

use super::{
    presence::Shown,
    snapshots::Snapshots,
    ticket::{Ticket, TicketError},
    tickets::Tickets,
    trust::TrustStore,
};
use crate::{Peer, replica::RunHash};

/// Redemptions that wait for the worker.
const REDEMPTIONS: usize = 16;

/// A ticket to redeem, and where to say how that went.
pub(super) type Redemption = (Ticket, oneshot::Sender<Result<Peer, super::PairError>>);

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) me: Peer,
    pub(super) group: RunHash,
    pub(super) trust: TrustStore,
    pub(super) tickets: Tickets,
    /// While the worker runs.
    pub(super) endpoint: ArcSwapOption<Endpoint>,
    /// Wakes the worker: peers, tickets or redemptions changed.
    pub(super) changed: Notify,
    /// What this program shows its peers.
    pub(super) shown: Shown,
    pub(super) snapshots: Snapshots,
    refused: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    /// Reported as online: a successor of the worker reports them as lost.
    pub(super) online: BTreeSet<Peer>,
    pub(super) connections: BTreeMap<Peer, WeakConnectionHandle>,
    pub(super) redemptions: Vec<Redemption>,
    /// Where the program says peers are.
    pub(super) addresses: BTreeMap<Peer, Vec<SocketAddr>>,
    /// Which kind of misbehaviour was reported of which peer: once only.
    pub(super) misbehaved: BTreeSet<(Peer, String)>,
}

impl Shared {
    pub(super) fn new(me: Peer, group: RunHash, trust: TrustStore) -> Self {
        Self {
            me,
            group,
            trust,
            tickets: Tickets::default(),
            endpoint: ArcSwapOption::empty(),
            changed: Notify::new(),
            shown: Shown::default(),
            snapshots: Snapshots::default(),
            refused: AtomicU64::new(0),
            state: Mutex::default(),
        }
    }

    /// Held for moments, and never across a wait.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn count_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    pub(super) fn ask_to_redeem(&self, redemption: Redemption) -> Result<(), TicketError> {
        let mut state = self.state();
        if state.redemptions.len() >= REDEMPTIONS {
            return Err(TicketError::TooMany);
        }
        state.redemptions.push(redemption);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// All addresses of a peer that are known, the best first.
    pub(super) fn addresses(&self, peer: &Peer) -> Vec<SocketAddr> {
        let mut addresses = self.state().addresses.get(peer).cloned().unwrap_or_default();
        let peers = self.trust.peers();
        let known = peers.trusted().find(|(trusted, _)| *trusted == peer).map_or(&[][..], |(_, known)| known);
        for address in known {
            if !addresses.contains(address) {
                addresses.push(*address);
            }
        }
        addresses
    }
}
