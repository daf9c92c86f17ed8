//! One connection with a trusted peer: moves the bytes of the session machine, and what arrives to the frame.

use std::{
    collections::VecDeque,
    convert::Infallible,
    future::{Future, pending, poll_fn},
    pin::Pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use iroh::endpoint::{Connection, ConnectionError, ReadError, RecvStream, SendStream, VarInt, WriteError};
use tokio::{
    sync::{Notify, mpsc},
    time::Instant,
};

use super::{
    endpoint::{CLOSED, DUPLICATE, REFUSED},
    event::OfflineReason,
    hub::FromTask,
    presence::{self, Newest, Odd, PeerPresence},
    shared::Shared,
    store::LinkStore,
};
use crate::{
    Delta, Intent, IntentSender, Peer, SendError,
    anti_entropy::{self, Breach, End, Event, Local, Options, Reach, Reason, Wire},
    link::{Link, ServeError},
    race::{Raced, race},
    replica::{
        State,
        codec::{DecodeError, Refused},
    },
};

/// Bytes that are made before they are written.
const AHEAD: usize = 64 << 10;

/// Bytes that are read at a time.
const CHUNK: usize = 64 << 10;

/// Until what a frame took, and the replica does not show, counts as taken.
const SETTLES: Duration = Duration::from_secs(1);

/// How a session ended.
#[derive(Debug)]
pub(super) enum Ended {
    Lost(OfflineReason),
    /// Another connection with the peer stays.
    Duplicate,
    /// The panel takes no intents any more.
    Stopping,
}

pub(super) struct Session<S: State, I: Intent> {
    pub(super) id: u64,
    pub(super) peer: Peer,
    /// Whether this side dialled.
    pub(super) dialled: bool,
    pub(super) connection: Connection,
    pub(super) link: Link<S>,
    pub(super) sender: IntentSender<I>,
    pub(super) shared: Arc<Shared>,
    /// For what the peer shows of itself.
    pub(super) presence: Option<fn(PeerPresence) -> I>,
    /// Rings once the hellos were exchanged.
    pub(super) ready: Notify,
    pub(super) hub: mpsc::Sender<FromTask>,
    pub(super) local: Local,
    pub(super) options: Options,
}

type Delivery<I> = Pin<Box<dyn Future<Output = Result<(), SendError<I>>> + Send>>;

/// What was sent to the frame, and is not known to be durable.
struct Untaken {
    number: u64,
    reach: Reach,
    /// When it was queued: the time, and the frames until then.
    queued: Option<(Instant, u64)>,
}

enum Step<I> {
    Read(Result<Option<Vec<u8>>, ReadError>),
    Wrote(Result<usize, WriteError>),
    Delivered(Result<(), SendError<I>>),
    News,
    Time,
}

struct Running<I> {
    began: Instant,
    machine: anti_entropy::Connection,
    out: Vec<u8>,
    written: usize,
    inbox: VecDeque<I>,
    delivering: Option<Delivery<I>>,
    untaken: VecDeque<Untaken>,
    /// How many of `untaken` were queued.
    queued: usize,
    published: u64,
    durable: u64,
}

impl<S, I> Session<S, I>
where
    S: State,
    I: Intent + From<Delta<S::Op>>,
{
    /// Runs it to its end, and reports that.
    pub(super) async fn run(self) {
        let (id, peer, hub) = (self.id, self.peer, self.hub.clone());
        let ended = self.run_to_end().await;
        hub.send(FromTask::Ended { id, peer, ended }).await.ok();
    }

    async fn run_to_end(&self) -> Ended {
        let streams = async {
            if self.dialled { self.connection.open_bi().await } else { self.connection.accept_bi().await }
        };
        let (mut send, mut receive) = match tokio::time::timeout(self.options.hello, streams).await {
            Ok(Ok(streams)) => streams,
            Ok(Err(error)) => return self.lost(&error),
            Err(_) => return self.close(CLOSED, OfflineReason::Stalled),
        };
        let mut running = Running {
            began: Instant::now(),
            machine: anti_entropy::Connection::new(self.local, self.peer, self.options),
            out: Vec::new(),
            written: 0,
            inbox: VecDeque::new(),
            delivering: None,
            untaken: VecDeque::new(),
            queued: 0,
            published: self.link.published(),
            durable: self.link.durable(),
        };
        let exchange = self.exchange(&mut running, &mut send, &mut receive);
        let stop = match race(exchange, self.show_and_see()).await {
            Raced::First(stop) => stop,
            Raced::Second(never) => match never {},
        };
        match stop {
            Stop::End(end) => {
                let reason = reason_of(&end);
                self.say_goodbye(&mut running, &mut send).await;
                match end {
                    End::Closed(Reason::Duplicate) => Ended::Duplicate,
                    _ => self.close(CLOSED, reason),
                }
            }
            Stop::Connection(error) => self.lost(&error),
            Stop::Here(reason, why) => {
                running.machine.session_mut().close(why);
                self.say_goodbye(&mut running, &mut send).await;
                self.close(CLOSED, reason)
            }
            Stop::Revoked => self.close(REFUSED, OfflineReason::Revoked),
            Stop::Panel => {
                running.machine.session_mut().close(Reason::WorkerStopped);
                self.say_goodbye(&mut running, &mut send).await;
                self.connection.close(CLOSED, b"");
                Ended::Stopping
            }
        }
    }

    /// Presence, beside the stream: whatever it waits for, the stream does not.
    async fn show_and_see(&self) -> Infallible {
        self.ready.notified().await;
        match race(presence::send(&self.connection, self.shared.shown.watch()), self.see()).await {
            Raced::First(never) | Raced::Second(never) => never,
        }
    }

    async fn see(&self) -> Infallible {
        // Where no one looks, what comes is dropped with the connection's buffer.
        let Some(intent) = self.presence else { return pending().await };
        let (mut newest, mut was_odd) = (Newest::default(), false);
        while let Some(seen) = presence::next(&self.connection, &mut newest).await {
            if !self.is_trusted() {
                break;
            }
            match seen {
                Ok(bytes) => {
                    if self.sender.send(intent(PeerPresence { peer: self.peer, bytes })).await.is_err() {
                        break;
                    }
                }
                Err(Odd) if !was_odd => {
                    was_odd = true;
                    let what = "a presence of another length than there are".to_owned();
                    self.hub.send(FromTask::Misbehaved { peer: self.peer, what }).await.ok();
                }
                Err(Odd) => {}
            }
            presence::pause().await;
        }
        // The stream finds out why.
        pending().await
    }

    fn close(&self, code: VarInt, reason: OfflineReason) -> Ended {
        self.connection.close(code, b"");
        Ended::Lost(reason)
    }

    fn lost(&self, error: &ConnectionError) -> Ended {
        if !self.is_trusted() {
            return Ended::Lost(OfflineReason::Revoked);
        }
        match error {
            ConnectionError::ApplicationClosed(close) if close.error_code == DUPLICATE => Ended::Duplicate,
            // This side's hub closed it for another.
            ConnectionError::LocallyClosed => Ended::Duplicate,
            error => Ended::Lost(reason_of_connection(error)),
        }
    }

    fn is_trusted(&self) -> bool {
        self.shared.trust.peers().is_trusted(&self.peer)
    }

    /// Writes what is left, the last message at the end of it: for a moment, as the other may not read.
    async fn say_goodbye(&self, running: &mut Running<I>, send: &mut SendStream) {
        let mut store = LinkStore::new(self.link.clone());
        let now = running.began.elapsed();
        while let Ok(true) = running.machine.send(&mut running.out, &mut store, now) {}
        let last = async {
            send.write_all(&running.out[running.written..]).await.ok()?;
            send.finish().ok()?;
            send.stopped().await.ok()
        };
        tokio::time::timeout(Duration::from_millis(500), last).await.ok();
    }

    async fn exchange(
        &self,
        running: &mut Running<I>,
        send: &mut SendStream,
        receive: &mut RecvStream,
    ) -> Stop {
        let mut store = Some(LinkStore::new(self.link.clone()));
        loop {
            if !self.is_trusted() {
                return Stop::Revoked;
            }
            if self.link.has_failed() {
                return Stop::Here(OfflineReason::JournalFailed, Reason::JournalFailed);
            }
            self.take(running, store.as_mut());
            if let Err(error) = self.fill(running, &mut store).await {
                return match error {
                    ServeError::Journal(_) => Stop::Here(OfflineReason::JournalFailed, Reason::JournalFailed),
                    ServeError::Encode(_) => Stop::Here(OfflineReason::Closed, Reason::Closed),
                };
            }
            if running.delivering.is_none()
                && let Some(intent) = running.inbox.pop_front()
            {
                let sender = self.sender.clone();
                running.delivering = Some(Box::pin(async move { sender.send(intent).await }));
            }
            let stop = match self.next(running, send, receive).await {
                Step::Read(Ok(Some(bytes))) => self.arrived(running, &bytes, store.as_ref()).await,
                Step::Read(Ok(None)) => Some(Stop::Here(OfflineReason::Closed, Reason::Closed)),
                Step::Read(Err(ReadError::ConnectionLost(error)))
                | Step::Wrote(Err(WriteError::ConnectionLost(error))) => Some(Stop::Connection(error)),
                Step::Read(Err(_)) | Step::Wrote(Err(_)) => {
                    // A stream was reset: no session does that.
                    Some(Stop::Here(OfflineReason::Misbehaved, Reason::Misbehaved))
                }
                Step::Wrote(Ok(bytes)) => {
                    running.written += bytes;
                    None
                }
                Step::Delivered(Ok(())) => {
                    running.delivering = None;
                    if let Some(untaken) = running.untaken.get_mut(running.queued) {
                        untaken.queued = Some((Instant::now(), self.link.frames()));
                        running.queued += 1;
                    }
                    None
                }
                Step::Delivered(Err(SendError::ZeroClock(_))) => {
                    running.delivering = None;
                    Some(Stop::Here(OfflineReason::Misbehaved, Reason::Misbehaved))
                }
                Step::Delivered(Err(_)) => {
                    running.delivering = None;
                    Some(Stop::Panel)
                }
                Step::News => {
                    (running.published, running.durable) = (self.link.published(), self.link.durable());
                    running.machine.session_mut().news();
                    None
                }
                Step::Time => running.machine.tick(running.began.elapsed()).err().map(Stop::End),
            };
            if let Some(stop) = stop {
                return stop;
            }
        }
    }

    /// What is next, of all that can be: first what this side has to do, as the other waits for it.
    async fn next(
        &self,
        running: &mut Running<I>,
        send: &mut SendStream,
        receive: &mut RecvStream,
    ) -> Step<I> {
        let mut deadline = running.machine.deadline();
        if running.queued > 0 {
            let soon = running.began.elapsed() + SETTLES;
            deadline = Some(deadline.map_or(soon, |deadline| deadline.min(soon)));
        }
        let time = async {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(running.began + deadline).await,
                None => pending().await,
            }
        };
        let delivering = &mut running.delivering;
        let delivered = poll_fn(|cx| match delivering {
            Some(delivery) => delivery.as_mut().poll(cx),
            None => Poll::Pending,
        });
        let unwritten = &running.out[running.written..];
        let write =
            async { if unwritten.is_empty() { pending().await } else { send.write(unwritten).await } };
        let news = self.link.news(running.published, running.durable);
        let read = async { receive.read_chunk(CHUNK).await.map(|bytes| bytes.map(Vec::from)) };
        match race(race(delivered, write), race(read, race(news, time))).await {
            Raced::First(Raced::First(result)) => Step::Delivered(result),
            Raced::First(Raced::Second(result)) => Step::Wrote(result),
            Raced::Second(Raced::First(result)) => Step::Read(result),
            Raced::Second(Raced::Second(Raced::First(()))) => Step::News,
            Raced::Second(Raced::Second(Raced::Second(()))) => Step::Time,
        }
    }

    /// Makes what is to be written next. With a journal that reads a file: on a thread for that.
    async fn fill(
        &self,
        running: &mut Running<I>,
        store: &mut Option<LinkStore<S>>,
    ) -> Result<(), ServeError> {
        if running.written < running.out.len() {
            return Ok(());
        }
        running.written = 0;
        running.out.clear();
        let Some(mut own) = store.take() else { return Ok(()) };
        own.refresh();
        if !self.link.is_journaled() {
            let filled = fill(&mut running.machine, &mut own, &mut running.out, running.began);
            *store = Some(own);
            return filled;
        }
        let spare = anti_entropy::Connection::new(self.local, self.peer, self.options);
        let mut machine = std::mem::replace(&mut running.machine, spare);
        let (mut out, began) = (std::mem::take(&mut running.out), running.began);
        let filled = tokio::task::spawn_blocking(move || {
            let filled = fill(&mut machine, &mut own, &mut out, began);
            (machine, own, out, filled)
        });
        match filled.await {
            Ok((machine, own, out, filled)) => {
                (running.machine, running.out, *store) = (machine, out, Some(own));
                filled
            }
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // The runtime stops.
            Err(_) => pending().await,
        }
    }

    /// Notes what is admitted and durable.
    fn take(&self, running: &mut Running<I>, store: Option<&mut LinkStore<S>>) {
        let Some(store) = store else { return };
        if running.queued == 0 {
            return;
        }
        store.refresh();
        let ours = anti_entropy::Store::<Wire>::version(store);
        let mut upto = None;
        while let Some(Untaken { number, reach, queued: Some((at, frames)) }) = running.untaken.front() {
            // What waits for its past, or was refused, is not in any version: then the other is asked again.
            let passed = at.elapsed() >= SETTLES && self.link.frames() > *frames;
            if !reach.is_in(ours) && !passed {
                break;
            }
            upto = Some(*number);
            running.untaken.pop_front();
            running.queued -= 1;
        }
        if let Some(number) = upto {
            running.machine.session_mut().took(number, ours);
        }
    }

    async fn arrived(
        &self,
        running: &mut Running<I>,
        mut bytes: &[u8],
        store: Option<&LinkStore<S>>,
    ) -> Option<Stop> {
        let store = store?;
        loop {
            let now = running.began.elapsed();
            let ours = anti_entropy::Store::<Wire>::version(store);
            let event = match running.machine.receive(&mut bytes, ours, now) {
                Ok(Some(event)) => event,
                Ok(None) => return None,
                Err(end) => return Some(Stop::End(end)),
            };
            let mut misbehaved = None;
            match event {
                Event::Ready { .. } => {
                    self.ready.notify_one();
                    self.hub.send(FromTask::Ready { id: self.id, peer: self.peer }).await.ok();
                }
                Event::Delta { number, delta } => match self.decode(delta).await {
                    Ok(delta) => {
                        let reach = Reach::of(&delta);
                        running.machine.session_mut().read(number, reach.clone());
                        running.untaken.push_back(Untaken { number, reach, queued: None });
                        running.inbox.push_back(I::from(delta));
                    }
                    Err(error) => {
                        let breach = match error.refused() {
                            Refused::Signature { .. } => Breach::Signature,
                            _ => Breach::Delta,
                        };
                        match running.machine.session_mut().refuse(number, breach, now) {
                            Ok(Some(Event::Misbehaved(breach))) => misbehaved = Some(breach),
                            Ok(_) => {}
                            Err(end) => return Some(Stop::End(end)),
                        }
                    }
                },
                Event::Misbehaved(breach) => misbehaved = Some(breach),
                // It waits for a peer that has the history.
                Event::Offered(_) | Event::Chunk { .. } => {}
            }
            if let Some(breach) = misbehaved {
                let what = breach.to_string();
                self.hub.send(FromTask::Misbehaved { peer: self.peer, what }).await.ok();
            }
        }
    }
}

impl<S: State, I: Intent> Session<S, I> {
    /// On a thread for that: it hashes, and checks a signature for each run, and the connections' packets are not to wait for it.
    async fn decode(&self, delta: Vec<u8>) -> Result<Delta<S::Op>, DecodeError> {
        let link = self.link.clone();
        match tokio::task::spawn_blocking(move || link.decode(&delta)).await {
            Ok(decoded) => decoded,
            // The user's codec panicked: so does the worker.
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // The runtime stops.
            Err(_) => pending().await,
        }
    }
}

fn fill<S: State>(
    machine: &mut anti_entropy::Connection,
    store: &mut LinkStore<S>,
    out: &mut Vec<u8>,
    began: Instant,
) -> Result<(), ServeError> {
    while out.len() < AHEAD && machine.send(out, store, began.elapsed())? {}
    Ok(())
}

enum Stop {
    End(End),
    Connection(ConnectionError),
    Here(OfflineReason, Reason),
    Revoked,
    Panel,
}

fn reason_of(end: &End) -> OfflineReason {
    match end {
        End::Version { ours, theirs } => {
            OfflineReason::Version { ours: ours.clone(), theirs: theirs.clone() }
        }
        End::Capability { unknown } => OfflineReason::Capability { unknown: *unknown },
        End::OtherGroup | End::Closed(Reason::OtherGroup) => OfflineReason::OtherGroup,
        End::Stalled(_) => OfflineReason::Stalled,
        End::Misbehaved(_) => OfflineReason::Misbehaved,
        End::Closed(Reason::Refused) => OfflineReason::Refused,
        End::Closed(_) => OfflineReason::Closed,
    }
}

/// Why a connection is gone that no session ended.
pub(super) fn reason_of_connection(error: &ConnectionError) -> OfflineReason {
    match error {
        ConnectionError::TimedOut => OfflineReason::TimedOut,
        ConnectionError::ApplicationClosed(close) if close.error_code == REFUSED => OfflineReason::Refused,
        ConnectionError::VersionMismatch | ConnectionError::TransportError(_) => OfflineReason::Misbehaved,
        _ => OfflineReason::Closed,
    }
}
