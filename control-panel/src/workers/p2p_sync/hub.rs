//! The worker: which peers are connected, which are to be dialled, and what is reported.

use std::{collections::BTreeMap, future::pending, sync::Arc};

use iroh::{Endpoint, endpoint::Connection};
use tokio::{
    sync::{Mutex, Notify, mpsc},
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};

use super::{
    Parts, PeerIntents,
    contact::{Change, Contact, Jitter},
    dial::connect_to,
    endpoint::{self, DUPLICATE, HalfOpen, PAIR, address_of, peer_of},
    error::PeerSyncError,
    event::{OfflineReason, PeerMisbehaved, PeerOffline, PeerOnline},
    pairing,
    session::{Ended, Session},
    shared::Shared,
    trust::{Entry, Peers, TrustOrigin},
};
use crate::{
    Context, Delta, Intent, Peer,
    anti_entropy::{Local, Options, group},
    race::{Raced, race},
    replica::State,
};

/// What tasks report.
pub(super) enum FromTask {
    /// A trusted peer dialled.
    Came(Connection),
    Dialled {
        peer: Peer,
        result: Result<Connection, OfflineReason>,
    },
    /// Hellos were exchanged.
    Ready {
        id: u64,
        peer: Peer,
    },
    Ended {
        id: u64,
        peer: Peer,
        ended: Ended,
    },
    Misbehaved {
        peer: Peer,
        what: String,
    },
    /// Trust changed.
    Paired {
        peer: Peer,
    },
}

/// What wakes the worker.
enum Woken {
    Cancelled,
    Task(FromTask),
    Joined,
    Incoming(Box<iroh::endpoint::Incoming>),
    /// The endpoint is closed.
    Closed,
    Changed,
    Published,
    Time,
}

/// Writes the trust store, one at a time.
type Saver = Arc<Mutex<Option<Arc<Peers>>>>;

pub(super) struct Hub<S: State, I: Intent, P> {
    cx: Context<I, P>,
    parts: Arc<Parts<S>>,
    intents: PeerIntents<I>,
    endpoint: Endpoint,
    tasks: JoinSet<()>,
    half_open: HalfOpen,
    reports: mpsc::Sender<FromTask>,
    from_tasks: mpsc::Receiver<FromTask>,
    peers: BTreeMap<Peer, Known>,
    saver: Saver,
    jitter: Jitter,
    published: u64,
    sessions: u64,
    failed: bool,
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
    intents: PeerIntents<I>,
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
    let guard = Unbind(Arc::clone(&parts.shared));
    let (reports, from_tasks) = mpsc::channel(256);
    let seed = u64::from_le_bytes(*parts.shared.me.0.first_chunk().expect("a key has 32 bytes"));
    let mut hub = Hub {
        published: parts.link.published(),
        cx,
        parts,
        intents,
        endpoint,
        tasks: JoinSet::new(),
        half_open: HalfOpen::default(),
        reports,
        from_tasks,
        peers: BTreeMap::new(),
        saver: Saver::default(),
        jitter: Jitter::new(seed),
        sessions: 0,
        failed: false,
    };
    hub.cx.ready();
    hub.run().await;
    hub.stop().await;
    drop(guard);
    Ok(())
}

/// The handles find no endpoint once the worker is gone, however it ends.
struct Unbind(Arc<Shared>);

impl Drop for Unbind {
    fn drop(&mut self) {
        self.0.endpoint.store(None);
        self.0.state().connections.clear();
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

    async fn woken(&mut self) -> Woken {
        let contacts = self.peers.values().filter_map(|known| known.contact.deadline()).min();
        let deadline = [contacts, self.parts.shared.tickets.deadline()].into_iter().flatten().min();
        let time = async {
            match deadline {
                Some(deadline) => sleep_until(deadline).await,
                None => pending().await,
            }
        };
        let tasks = &mut self.tasks;
        let joined = async {
            match tasks.join_next().await {
                Some(Err(error)) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                Some(_) => {}
                None => pending().await,
            }
        };
        let shared = &self.parts.shared;
        let news = self.parts.link.news(self.published, self.parts.link.durable());
        let inner = race(race(shared.changed.notified(), news), time);
        let outer =
            race(race(self.cx.cancelled(), self.from_tasks.recv()), race(joined, self.endpoint.accept()));
        match race(outer, inner).await {
            Raced::First(Raced::First(Raced::First(()) | Raced::Second(None))) => Woken::Cancelled,
            Raced::First(Raced::First(Raced::Second(Some(task)))) => Woken::Task(task),
            Raced::First(Raced::Second(Raced::First(()))) => Woken::Joined,
            Raced::First(Raced::Second(Raced::Second(incoming))) => {
                incoming.map_or(Woken::Closed, |incoming| Woken::Incoming(Box::new(incoming)))
            }
            Raced::Second(Raced::First(Raced::First(()))) => Woken::Changed,
            Raced::Second(Raced::First(Raced::Second(()))) => Woken::Published,
            Raced::Second(Raced::Second(())) => Woken::Time,
        }
    }

    /// Brings what is known of peers up to the members and the trust store.
    async fn follow_trust(&mut self) {
        let Parts { link, shared, .. } = &*self.parts;
        let members = link.members();
        shared.trust.change(|peers| peers.set_members(shared.me, &members));
        let peers = shared.trust.peers();
        let now = Instant::now();
        for (peer, _) in peers.trusted() {
            self.peers.entry(*peer).or_insert_with(|| Known { contact: Contact::new(now), session: None });
        }
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
        }
        self.save();
    }

    /// Writes the trust store if it changed, off this task.
    fn save(&mut self) {
        let Ok(mut last) = Arc::clone(&self.saver).try_lock_owned() else { return };
        if last.as_ref().is_some_and(|last| **last == *self.parts.shared.trust.peers()) {
            return;
        }
        let shared = Arc::clone(&self.parts.shared);
        self.tasks.spawn_blocking(move || {
            // One that cannot be written is tried again with the next change; what counts is in memory.
            shared.trust.save(&mut last).ok();
        });
    }

    fn dial(&mut self) {
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
            let addresses = self.parts.shared.addresses(&peer);
            let connect = self.parts.options.connect;
            self.tasks.spawn(async move {
                let result = connect_to(&endpoint, &peer, &addresses, connect).await;
                to_hub.send(FromTask::Dialled { peer, result }).await.ok();
            });
        }
    }

    /// A handshake begins.
    fn admit(&mut self, incoming: iroh::endpoint::Incoming) {
        let Some((incoming, handshake)) = self.half_open.admit(incoming) else { return };
        let (to_hub, shared, time) =
            (self.reports.clone(), Arc::clone(&self.parts.shared), self.parts.options.connect);
        let saver = Arc::clone(&self.saver);
        self.tasks.spawn(async move {
            let Ok(Ok(connection)) = timeout(time, incoming.into_future()).await else { return };
            if connection.alpn() == PAIR {
                let save = async || save_now(&saver, &shared).await;
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

    fn redeem(&mut self) {
        let redemptions = std::mem::take(&mut self.parts.shared.state().redemptions);
        for (ticket, answer) in redemptions {
            let (endpoint, shared, to_hub) =
                (self.endpoint.clone(), Arc::clone(&self.parts.shared), self.reports.clone());
            let saver = Arc::clone(&self.saver);
            self.tasks.spawn(async move {
                let save = async || save_now(&saver, &shared).await;
                let paired = pairing::redeem(endpoint, Arc::clone(&shared), &ticket, save).await;
                if let Ok(peer) = paired {
                    to_hub.send(FromTask::Paired { peer }).await.ok();
                }
                answer.send(paired).ok();
            });
        }
    }

    async fn hear(&mut self, task: FromTask) {
        let now = Instant::now();
        match task {
            FromTask::Came(connection) => {
                let peer = peer_of(&connection);
                self.connected(peer, peer, connection);
            }
            FromTask::Dialled { peer, result: Ok(connection) } => {
                self.connected(peer, self.parts.shared.me, connection);
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
                self.report(peer, change).await;
            }
            FromTask::Ended { id, peer, ended } => {
                self.parts.shared.state().connections.remove(&peer);
                let Some(known) = self.peers.get_mut(&peer) else { return };
                if known.session.as_ref().is_none_or(|live| live.id != id) {
                    return;
                }
                known.session = None;
                match ended {
                    Ended::Lost(reason) => self.down(peer, reason).await,
                    // The other has a connection that stays, which is on its way here. If it does not come, this side dials.
                    Ended::Duplicate => known.contact.redial(now),
                    Ended::Stopping => {}
                }
            }
            FromTask::Misbehaved { peer, what } => self.misbehaved(peer, what).await,
            FromTask::Paired { peer } => {
                self.follow_trust().await;
                if let Some(known) = self.peers.get_mut(&peer) {
                    known.contact.hint(now);
                }
            }
        }
    }

    /// Of two connections with a peer the one stays that the smaller key dialled; of two of one side the newer, as that side began anew.
    fn connected(&mut self, peer: Peer, by: Peer, connection: Connection) {
        let me = self.parts.shared.me;
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
            presence: self.intents.presence,
            ready: Notify::new(),
            hub: self.reports.clone(),
            local: Local { me, group: group(self.parts.link.genesis()) },
            options: Options { delta_bytes: self.parts.link.limits().bytes, ..Options::default() },
        };
        self.tasks.spawn(session.run());
    }

    async fn down(&mut self, peer: Peer, reason: OfflineReason) {
        let jitter = self.jitter.next();
        let Some(known) = self.peers.get_mut(&peer) else { return };
        if known.session.is_some() {
            // Another connection came meanwhile.
            return;
        }
        let change = known.contact.down(Instant::now(), reason, jitter);
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

    /// An intent is sent for it, when there is room: contact itself does not wait for that, as sessions have tasks of their own.
    ///
    /// What is online is noted after the send, without an await between: the next generation reports as lost what was reported as online, and nothing else.
    async fn report(&mut self, peer: Peer, change: Option<Change>) {
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
    fn invited(&self, peer: &Peer) -> Option<crate::replica::Grant> {
        match self.parts.shared.trust.peers().get(peer) {
            Some(Entry::Trusted { grant, origin: TrustOrigin::Ticket, .. }) => Some(*grant),
            _ => None,
        }
    }

    async fn misbehaved(&mut self, peer: Peer, what: String) {
        let Some(intent) = self.intents.misbehaved else { return };
        let is_new = self.parts.shared.state().misbehaved.insert((peer, what.clone()));
        if is_new {
            self.cx.send(intent(PeerMisbehaved { peer, what })).await.ok();
        }
    }

    /// The panel stops, or the worker: peers are left in good order, and the frame may still hear of it.
    async fn stop(&mut self) {
        // What the queue has no room for stays noted: the next generation reports it.
        let offline = |peer| PeerOffline { peer, reason: OfflineReason::WorkerStopped, flapped: 0 };
        let cx = &self.cx;
        self.parts.shared.state().online.retain(|peer| cx.try_send(offline(*peer).into()).is_err());
        self.tasks.shutdown().await;
        timeout(self.parts.options.connect, self.endpoint.close()).await.ok();
        save_now(&self.saver, &self.parts.shared).await.ok();
    }
}

async fn save_now(saver: &Saver, shared: &Arc<Shared>) -> Result<(), String> {
    let mut last = Arc::clone(saver).lock_owned().await;
    let shared = Arc::clone(shared);
    let saving = tokio::task::spawn_blocking(move || shared.trust.save(&mut last));
    match saving.await {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}
