//! Which peers may be talked to, and how contact begins: dialled, accepted, or by a ticket.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use iroh::Watcher;
use tokio::time::{Instant, timeout};

use super::{
    super::{
        Parts, PeerOffline, PeerOnline,
        contact::Contact,
        dial::connect_to,
        endpoint::{self, PAIR},
        event::OfflineReason,
        lan, pairing,
        shared::Shared,
    },
    FromTask, Hub, Known,
};
use crate::{Delta, Intent, Peer, replica::State};

/// When the trust store is written again that could not be.
const SAVE_AGAIN: Duration = Duration::from_secs(1);

/// Where peers are is written so long after it was found out: that is as a session begins, which has other things to do, and more of it may follow.
const SAVE_ADDRESSES: Duration = Duration::from_millis(200);

impl<S, I, P> Hub<S, I, P>
where
    S: State,
    I: Intent + From<Delta<S::Op>> + From<PeerOffline> + From<PeerOnline>,
    P: Send + Sync + 'static,
{
    /// Brings what is known of peers up to the members and the trust store.
    pub(super) async fn follow_trust(&mut self) {
        let Parts { link, shared, .. } = &*self.parts;
        let members = link.members();
        // It wakes with each frame that publishes something, and a look at all peers is not for each of them.
        let is_followed = self.followed.as_ref().is_some_and(|(of, peers)| {
            Arc::ptr_eq(of, &members) && Arc::ptr_eq(peers, &shared.trust.peers())
        });
        if is_followed {
            self.save();
            return;
        }
        shared.trust.change(|peers| peers.set_members(shared.me, &members));
        let peers = shared.trust.peers();
        let now = Instant::now();
        let mut new = BTreeSet::new();
        for (peer, _) in peers.trusted() {
            self.peers.entry(*peer).or_insert_with(|| {
                new.insert(*peer);
                Known { contact: Contact::new(now), session: None }
            });
        }
        shared.rendezvous(|rendezvous| rendezvous.follow(&peers, &new));
        let gone: Vec<Peer> = self.peers.keys().filter(|peer| !peers.is_trusted(peer)).copied().collect();
        for peer in gone {
            let Some(mut known) = self.peers.remove(&peer) else { continue };
            if let Some(live) = known.session.take() {
                live.connection.close(endpoint::REFUSED, b"");
            }
            if known.contact.is_online() {
                self.report(peer, known.contact.down(now, OfflineReason::Revoked, 0.0)).await;
            }
            let mut state = self.parts.shared.state();
            state.connections.remove(&peer);
            // So that what was reported is bounded by the trust store.
            state.misbehaved.retain(|(reported, _)| *reported != peer);
            state.remembered.remove(&peer);
        }
        self.followed = Some((members, peers));
        self.save();
    }

    /// Writes the trust store if it changed, off this task.
    pub(super) fn save(&mut self) {
        let trust = &self.parts.shared.trust;
        let Ok(mut saved) = trust.saved().try_lock_owned() else {
            // It is being written, by a task whose end wakes this one.
            self.save_at = None;
            return;
        };
        if trust.is_saved(saved.as_ref()) {
            self.save_at = None;
            return;
        }
        let now = Instant::now();
        let (failed, only_addresses) =
            (trust.unsaved().is_some(), trust.differs_in_addresses(saved.as_ref()));
        match self.save_at {
            Some(at) if at > now && (failed || only_addresses) => return,
            None if only_addresses && !failed => {
                self.save_at = Some(now + SAVE_ADDRESSES);
                return;
            }
            // A full disk is not asked without a pause.
            _ => self.save_at = failed.then_some(now + SAVE_AGAIN),
        }
        let shared = Arc::clone(&self.parts.shared);
        self.tasks.spawn_blocking(move || {
            // One that cannot be written is tried again; what counts is in memory, and the status says why.
            shared.trust.save(&mut saved).ok();
        });
    }

    pub(super) fn dial(&mut self) {
        if self.parts.link.has_failed() {
            return;
        }
        let now = Instant::now();
        for (peer, known) in &mut self.peers {
            if known.session.is_some() || known.contact.dial_at.is_none_or(|at| at > now) {
                continue;
            }
            known.contact.dial_at = None;
            let (peer, to_hub, endpoint) = (*peer, self.reports.clone(), self.endpoint.clone());
            let shared = &self.parts.shared;
            let place = endpoint::place(shared, &peer, &shared.addresses(&peer));
            let connect = self.parts.options.connect;
            self.tasks.spawn(async move {
                let result = connect_to(&endpoint, place, connect).await;
                to_hub.send(FromTask::Dialled { peer, result }).await.ok();
            });
        }
    }

    /// Says where this endpoint is, and follows where it comes to be.
    pub(super) fn follow_addresses(&mut self) {
        self.announce();
        let (mut addresses, to_hub) = (self.endpoint.watch_addr(), self.reports.clone());
        self.tasks.spawn(async move {
            while addresses.updated().await.is_ok() && to_hub.send(FromTask::Moved).await.is_ok() {}
        });
    }

    pub(super) fn announce(&mut self) {
        self.look_at_lan();
        let addresses = endpoint::own_addresses(&self.endpoint);
        if self.parts.shared.rendezvous(|rendezvous| rendezvous.announce(&addresses)) {
            // Another network: what was out of reach there may not be here.
            let now = Instant::now();
            self.peers.values_mut().for_each(|known| known.contact.hint(now));
        }
    }

    /// Where that was asked for, and is not so yet: a network may come later.
    fn look_at_lan(&mut self) {
        let shared = &self.parts.shared;
        if !shared.lan || self.looks_at_lan {
            return;
        }
        match lan::begin(&self.endpoint) {
            Ok(lookup) => {
                let (shared, to_hub) = (Arc::clone(shared), self.reports.clone());
                self.tasks.spawn(async move { lan::look(lookup, &shared, to_hub).await });
                self.looks_at_lan = true;
                self.parts.shared.lan_fault.store(None);
            }
            Err(fault) => shared.lan_fault.store(Some(Arc::new(fault))),
        }
    }

    /// What a peer that is in contact says of where it is comes to the address book.
    pub(super) fn remember(&self, peer: &Peer) {
        let shared = &self.parts.shared;
        let said = shared.rendezvous(|rendezvous| rendezvous.addresses(peer).to_vec());
        shared.trust.change(|peers| peers.said(peer, &said));
    }

    /// A handshake begins.
    pub(super) fn admit(&mut self, incoming: iroh::endpoint::Incoming) {
        let Some((incoming, handshake)) = self.half_open.admit(incoming) else { return };
        let (to_hub, shared, time) =
            (self.reports.clone(), Arc::clone(&self.parts.shared), self.parts.options.connect);
        self.tasks.spawn(async move {
            let Ok(Ok(connection)) = timeout(time, incoming.into_future()).await else { return };
            if connection.alpn() == PAIR {
                let save = async || save_now(&shared).await;
                let paired = pairing::accept(&connection, &shared, save).await;
                drop(handshake);
                // It may have been the last ticket.
                shared.changed.notify_one();
                if let Some(peer) = paired {
                    to_hub.send(FromTask::Paired { peer }).await.ok();
                }
            } else {
                drop(handshake);
                to_hub.send(FromTask::Came(connection)).await.ok();
            }
        });
    }

    pub(super) fn redeem(&mut self) {
        let redemptions = std::mem::take(&mut self.parts.shared.state().redemptions);
        for (ticket, answer) in redemptions {
            let (endpoint, shared, to_hub) =
                (self.endpoint.clone(), Arc::clone(&self.parts.shared), self.reports.clone());
            self.tasks.spawn(async move {
                let save = async || save_now(&shared).await;
                let paired = pairing::redeem(endpoint, Arc::clone(&shared), &ticket, save).await;
                if let Ok(peer) = paired {
                    to_hub.send(FromTask::Paired { peer }).await.ok();
                }
                answer.send(paired).ok();
            });
        }
    }
}

pub(super) async fn save_now(shared: &Arc<Shared>) -> Result<(), String> {
    let mut saved = shared.trust.saved().lock_owned().await;
    let shared = Arc::clone(shared);
    let saving = tokio::task::spawn_blocking(move || shared.trust.save(&mut saved));
    match saving.await {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}
