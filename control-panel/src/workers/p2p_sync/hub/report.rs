//! What is reported of peers: each change is one intent.

use tokio::time::{Instant, timeout};

use super::{
    super::{
        PeerOffline, PeerOnline,
        contact::Change,
        event::{OfflineReason, PeerMisbehaved},
        trust::{Entry, TrustOrigin},
    },
    Hub,
    peers::save_now,
};
use crate::{
    Delta, Intent, Peer,
    replica::{Grant, State},
};

impl<S, I, P> Hub<S, I, P>
where
    S: State,
    I: Intent + From<Delta<S::Op>> + From<PeerOffline> + From<PeerOnline>,
    P: Send + Sync + 'static,
{
    pub(super) async fn down(&mut self, peer: Peer, reason: OfflineReason) {
        let jitter = self.jitter.next();
        let Some(known) = self.peers.get_mut(&peer) else { return };
        if known.session.is_some() {
            // Another connection came meanwhile.
            return;
        }
        let change = known.contact.down(Instant::now(), reason, jitter);
        self.report(peer, change).await;
    }

    /// An intent is sent for it, when there is room: contact itself does not wait for that, as sessions have tasks of their own.
    ///
    /// What is online is noted after the send, without an await between: the next generation reports as lost what was reported as online, and nothing else.
    pub(super) async fn report(&mut self, peer: Peer, change: Option<Change>) {
        let Some(change) = change else { return };
        let (is_online, intent): (bool, I) = match change {
            Change::Online { flapped } => {
                (true, PeerOnline { peer, invited: self.invited(&peer), flapped }.into())
            }
            Change::Offline { reason, flapped } => (false, PeerOffline { peer, reason, flapped }.into()),
        };
        if self.cx.send(intent).await.is_err() {
            return;
        }
        let online = &mut self.parts.shared.state().online;
        if is_online {
            online.insert(peer)
        } else {
            online.remove(&peer)
        };
    }

    /// What a peer was promised that is paired, and no member.
    pub(super) fn invited(&self, peer: &Peer) -> Option<Grant> {
        match self.parts.shared.trust.peers().get(peer) {
            Some(Entry::Trusted { grant, origin: TrustOrigin::Ticket, .. }) => Some(*grant),
            _ => None,
        }
    }

    pub(super) async fn misbehaved(&mut self, peer: Peer, what: String) {
        let Some(intent) = self.intents.misbehaved else { return };
        let is_new = self.parts.shared.state().misbehaved.insert((peer, what.clone()));
        if is_new {
            self.cx.send(intent(PeerMisbehaved { peer, what })).await.ok();
        }
    }

    /// The panel stops, or the worker: peers are left in good order, and the frame may still hear of it.
    pub(super) async fn stop(&mut self) {
        // What the queue has no room for stays noted: the next generation reports it.
        let offline = |peer| PeerOffline { peer, reason: OfflineReason::WorkerStopped, flapped: 0 };
        let cx = &self.cx;
        self.parts.shared.state().online.retain(|peer| cx.try_send(offline(*peer).into()).is_err());
        self.unbind.close_all();
        self.tasks.shutdown().await;
        timeout(self.parts.options.connect, self.endpoint.close()).await.ok();
        save_now(&self.parts.shared).await.ok();
    }
}
