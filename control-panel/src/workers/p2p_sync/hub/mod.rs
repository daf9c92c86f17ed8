//! The worker: which peers are connected, which are to be dialled, and what is reported.

mod peers;
mod report;
mod wake;

use std::{collections::BTreeMap, sync::Arc};

use iroh::{Endpoint, endpoint::Connection};
use tokio::{
    sync::{Notify, mpsc},
    task::JoinSet,
    time::{Duration, Instant},
};

pub(super) use self::wake::FromTask;
use self::wake::Woken;
use super::{
    Parts, PeerIntents,
    contact::{Contact, Jitter},
    endpoint::{self, DUPLICATE, address_of, peer_of},
    error::PeerSyncError,
    event::{OfflineReason, PeerOffline, PeerOnline},
    half_open::HalfOpen,
    session::{Ended, Session},
    shared::Shared,
    trust::Peers,
};
use crate::{
    Context, Delta, Intent, Peer,
    anti_entropy::{Local, Options, group},
    replica::{Grant, State},
};

/// After news of the replica, further ones wait so long: members change seldom, and a frame loop runs often.
const NEWS: Duration = Duration::from_millis(10);

/// Members, and a state of the trust store.
type Followed = (Arc<[(Peer, Grant)]>, Arc<Peers>);

pub(super) struct Hub<S: State, I: Intent, P> {
    /// Dropped before the tasks: a stream that ends before its connection would be a breach of the protocol to the other.
    unbind: Unbind,
    cx: Context<I, P>,
    parts: Arc<Parts<S>>,
    intents: PeerIntents<I, S>,
    endpoint: Endpoint,
    tasks: JoinSet<()>,
    half_open: HalfOpen,
    reports: mpsc::Sender<FromTask>,
    from_tasks: mpsc::Receiver<FromTask>,
    peers: BTreeMap<Peer, Known>,
    /// What was looked at last.
    followed: Option<Followed>,
    /// When the trust store is written, where that is put off.
    save_at: Option<Instant>,
    jitter: Jitter,
    published: u64,
    /// Before that no news is heard.
    news_at: Instant,
    sessions: u64,
    failed: bool,
    looks_at_lan: bool,
}

/// A peer that is trusted.
struct Known {
    contact: Contact,
    session: Option<Live>,
}

struct Live {
    id: u64,
    /// The side that dialled.
    by: Peer,
    connection: Connection,
}

/// The worker's generation.
pub(super) async fn run<S, I, P>(
    cx: Context<I, P>,
    parts: Arc<Parts<S>>,
    intents: PeerIntents<I, S>,
) -> Result<(), PeerSyncError>
where
    S: State,
    I: Intent + From<Delta<S::Op>> + From<PeerOffline> + From<PeerOnline>,
    P: Send + Sync + 'static,
{
    // What the generation before reported as online, and did not live to report as lost.
    let lost: Vec<Peer> = parts.shared.state().online.iter().copied().collect();
    for peer in lost {
        let offline = PeerOffline { peer, reason: OfflineReason::WorkerStopped, flapped: 0 };
        if cx.send(offline.into()).await.is_err() {
            return Ok(());
        }
        parts.shared.state().online.remove(&peer);
    }
    let endpoint = endpoint::bind(&parts.options, &parts.shared).await.map_err(PeerSyncError)?;
    parts.shared.endpoint.store(Some(Arc::new(endpoint.clone())));
    let unbind = Unbind(Arc::clone(&parts.shared));
    let (reports, from_tasks) = mpsc::channel(256);
    let seed = u64::from_le_bytes(*parts.shared.me.0.first_chunk().expect("a key has 32 bytes"));
    let mut hub = Hub {
        unbind,
        published: parts.link.published(),
        news_at: Instant::now(),
        cx,
        parts,
        intents,
        endpoint,
        tasks: JoinSet::new(),
        half_open: HalfOpen::default(),
        reports,
        from_tasks,
        peers: BTreeMap::new(),
        followed: None,
        save_at: None,
        jitter: Jitter::new(seed),
        sessions: 0,
        failed: false,
        looks_at_lan: false,
    };
    hub.follow_addresses();
    hub.cx.ready();
    hub.run().await;
    hub.stop().await;
    Ok(())
}

/// The handles find no endpoint once the worker is gone, however it ends, and its peers have no connection.
struct Unbind(Arc<Shared>);

impl Unbind {
    fn close_all(&self) {
        let connections = std::mem::take(&mut self.0.state().connections);
        for connection in connections.into_values().filter_map(|connection| connection.upgrade()) {
            connection.close(endpoint::CLOSED, b"");
        }
    }
}

impl Drop for Unbind {
    fn drop(&mut self) {
        self.0.endpoint.store(None);
        self.close_all();
    }
}

impl<S, I, P> Hub<S, I, P>
where
    S: State,
    I: Intent + From<Delta<S::Op>> + From<PeerOffline> + From<PeerOnline>,
    P: Send + Sync + 'static,
{
    async fn run(&mut self) {
        loop {
            self.follow_trust().await;
            self.dial();
            match self.woken().await {
                Woken::Cancelled | Woken::Closed => return,
                Woken::Task(task) => self.hear(task).await,
                Woken::Incoming(incoming) => self.admit(*incoming),
                Woken::Changed => {
                    self.endpoint.set_alpns(endpoint::alpns(&self.parts.shared));
                    self.redeem();
                }
                Woken::Published => {
                    self.published = self.parts.link.published();
                    self.news_at = Instant::now() + NEWS;
                    let failed = self.parts.link.has_failed();
                    if self.failed && !failed {
                        let now = Instant::now();
                        self.peers.values_mut().for_each(|known| known.contact.hint(now));
                    }
                    self.failed = failed;
                }
                Woken::Joined | Woken::Time => {}
            }
            self.tick().await;
        }
    }

    async fn hear(&mut self, task: FromTask) {
        let now = Instant::now();
        match task {
            FromTask::Came(connection) => {
                let peer = peer_of(&connection);
                self.connected(peer, peer, connection).await;
            }
            FromTask::Dialled { peer, result: Ok(connection) } => {
                self.connected(peer, self.parts.shared.me, connection).await;
            }
            FromTask::Dialled { peer, result: Err(reason) } => self.down(peer, reason).await,
            FromTask::Ready { id, peer } => {
                let Some(known) = self.peers.get_mut(&peer) else { return };
                let Some(live) = known.session.as_ref().filter(|live| live.id == id) else { return };
                let address = address_of(&live.connection).filter(|_| live.by == self.parts.shared.me);
                let change = known.contact.up(now);
                if let Some(address) = address {
                    self.parts.shared.trust.change(|peers| peers.reached(&peer, address));
                }
                self.remember(&peer);
                self.report(peer, change).await;
            }
            FromTask::Ended { id, peer, ended } => {
                let live = self.peers.get(&peer).and_then(|known| known.session.as_ref());
                if live.is_some_and(|live| live.id != id) {
                    return;
                }
                self.parts.shared.state().connections.remove(&peer);
                let jitter = self.jitter.next();
                let Some(known) = self.peers.get_mut(&peer) else { return };
                if known.session.take().is_none() {
                    return;
                }
                match ended {
                    Ended::Lost(reason) => self.down(peer, reason).await,
                    // The other has a connection that stays, which is on its way here. If it does not come, this side dials.
                    Ended::Duplicate => {
                        let change = known.contact.redial(now, jitter);
                        self.report(peer, change).await;
                    }
                    Ended::Stopping => {}
                }
            }
            FromTask::Misbehaved { peer, what } => self.misbehaved(peer, what).await,
            FromTask::Hinted { peer } => match self.peers.get_mut(&peer) {
                Some(known) if known.contact.is_online() => self.remember(&peer),
                Some(known) => known.contact.hint(now),
                None => {}
            },
            FromTask::Moved => self.announce(),
            FromTask::Paired { peer } => {
                self.follow_trust().await;
                if let Some(known) = self.peers.get_mut(&peer) {
                    known.contact.hint(now);
                }
            }
        }
    }

    /// Of two connections with a peer the one stays that the smaller key dialled; of two of one side the newer, as that side began anew.
    async fn connected(&mut self, peer: Peer, by: Peer, connection: Connection) {
        let (me, now, jitter) = (self.parts.shared.me, Instant::now(), self.jitter.next());
        let mut change = None;
        let Some(known) = self.peers.get_mut(&peer) else {
            connection.close(endpoint::REFUSED, b"");
            return;
        };
        if let Some(live) = &known.session {
            if live.by != by && live.by == me.min(peer) && live.connection.close_reason().is_none() {
                connection.close(DUPLICATE, b"");
                return;
            }
            live.connection.close(DUPLICATE, b"");
            // It dials because it lost this side, or was killed, and this one has not noticed: as after a sleep, when packets that came
            // before it look like a sign of life. Where two dialled each other at the same time, both connections are made within the time for that.
            let options = &self.parts.options;
            if by == peer && known.contact.lasts(now, options.idle.max(options.connect)) {
                change = known.contact.down(now, OfflineReason::TimedOut, jitter);
            }
        }
        self.sessions += 1;
        let id = self.sessions;
        known.contact.dial_at = None;
        known.session = Some(Live { id, by, connection: connection.clone() });
        self.parts.shared.state().connections.insert(peer, connection.weak_handle());
        let session = Session {
            id,
            peer,
            dialled: by == me,
            connection,
            link: self.parts.link.clone(),
            sender: self.cx.sender(),
            shared: Arc::clone(&self.parts.shared),
            intents: self.intents,
            ready: Notify::new(),
            hub: self.reports.clone(),
            local: Local { me, group: group(self.parts.link.genesis()) },
            options: Options {
                delta_bytes: self.parts.link.limits().bytes,
                snapshot_bytes: self.parts.options.snapshot_bytes as u64,
                ..Options::default()
            },
        };
        self.tasks.spawn(session.run());
        self.report(peer, change).await;
    }

    async fn tick(&mut self) {
        let now = Instant::now();
        let changes: Vec<_> = self
            .peers
            .iter_mut()
            .filter_map(|(peer, known)| Some((*peer, known.contact.tick(now)?)))
            .collect();
        for (peer, change) in changes {
            self.report(peer, Some(change)).await;
        }
    }
}
