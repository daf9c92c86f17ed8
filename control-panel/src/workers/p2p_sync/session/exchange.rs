//! The bytes of one session: from the connection to the frame, and from the link to the connection.

use std::{
    future::{pending, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use iroh::endpoint::{ReadError, RecvStream, SendStream, WriteError};
use tokio::time::Instant;

use super::{
    super::{event::OfflineReason, snapshots::Given, store::LinkStore},
    Session, Stop,
    decoding::Decoded,
    running::{LATE, Running, Untaken},
};
use crate::{
    Delta, Intent, SendError,
    anti_entropy::{self, Reason, Wire},
    link::ServeError,
    replica::State,
};

/// Bytes that are made before they are written: those are on their way while more are made.
const AHEAD: usize = 16 << 10;

/// Chunks that are read at a time: each is what a packet had of the stream.
const CHUNKS: usize = 32;

/// After news, further ones wait so long, and count as one: a frame loop that makes many small ones costs a message for each such while, and not for each frame. What
/// comes after a pause is heard at once.
const NEWS: Duration = Duration::from_millis(1);

/// Until what a frame took, and the replica does not show, counts as taken.
const SETTLES: Duration = Duration::from_secs(1);

/// `B`: bytes, as the stream gives them.
enum Step<I, B> {
    Read(Result<Option<Vec<B>>, ReadError>),
    /// What arrived is read.
    Decoded(Vec<Decoded<I>>),
    Wrote(Result<usize, WriteError>),
    Delivered(Result<(), SendError<I>>),
    /// A snapshot to offer.
    Made(Result<Arc<Given>, ServeError>),
    News,
    /// A snapshot began to arrive in this worker, or does not any more.
    Snapshots,
    Time,
}

/// While something is on its way to the other, what it has is noted so seldom.
const NOTED: Duration = Duration::from_millis(100);

impl<S, I> Session<S, I>
where
    S: State,
    I: Intent + From<Delta<S::Op>>,
{
    /// What the other has, for those that look: at once where nothing is on its way to it, else now and then.
    fn note_what_it_has(&self, running: &mut Running<I>) {
        let session = running.machine.session();
        let (changes, is_idle) = session.changes();
        let (at, noted) = running.noted;
        if changes != noted
            && (is_idle || at.elapsed() >= NOTED)
            && let Some(had) = session.had()
        {
            self.shared.state().had.insert(self.peer, had.clone());
            running.noted = (Instant::now(), changes);
        }
    }

    pub(super) async fn exchange(
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
            Self::ask_anew(running);
            self.request_snapshot(running);
            if let Err(error) = self.fill(running, &mut store).await {
                return match error {
                    ServeError::Journal(_) => Stop::Here(OfflineReason::JournalFailed, Reason::JournalFailed),
                    ServeError::Encode(_) => Stop::Here(OfflineReason::Closed, Reason::Closed),
                };
            }
            self.make_snapshot(running);
            self.note_what_it_has(running);
            while running.delivering.is_none()
                && let Some(intent) = running.inbox.pop_front()
            {
                let Some(intent) = intent else {
                    running.has_queued(self.link.frames());
                    continue;
                };
                let sender = self.sender.clone();
                running.delivering = Some(Box::pin(async move { sender.send(intent).await }));
            }
            let stop = match self.next(running, send, receive).await {
                Step::Read(Ok(Some(chunks))) => self.arrived(running, &chunks, store.as_ref()).await,
                Step::Decoded(decoded) => self.decoded(running, decoded).await,
                Step::Read(Ok(None)) | Step::Made(Err(_)) => {
                    Some(Stop::Here(OfflineReason::Closed, Reason::Closed))
                }
                Step::Read(Err(ReadError::ConnectionLost(error)))
                | Step::Wrote(Err(WriteError::ConnectionLost(error))) => Some(Stop::Connection(error)),
                Step::Read(Err(_)) | Step::Wrote(Err(_)) => Some(self.reset().await),
                Step::Wrote(Ok(bytes)) => {
                    running.written += bytes;
                    None
                }
                Step::Delivered(Ok(())) => {
                    running.delivering = None;
                    running.has_queued(self.link.frames());
                    None
                }
                Step::Made(Ok(given)) => {
                    running.making = None;
                    running.machine.session_mut().offer(given.offer);
                    if let Some(store) = &mut store {
                        store.give(given);
                    }
                    None
                }
                Step::Delivered(Err(SendError::ZeroClock(_))) => {
                    running.delivering = None;
                    Some(Stop::Breach("a delta of time 0"))
                }
                Step::Delivered(Err(_)) => {
                    running.delivering = None;
                    Some(Stop::Panel)
                }
                Step::News => {
                    (running.published, running.durable) = (self.link.published(), self.link.durable());
                    // What holds up the other is not put off.
                    let pause = if running.machine.session_mut().holds_up() { Duration::ZERO } else { NEWS };
                    running.news_at = Instant::now() + pause;
                    running.machine.session_mut().news();
                    None
                }
                Step::Snapshots => None,
                Step::Time => running.tick().map(Stop::End),
            };
            if let Some(stop) = stop {
                return stop;
            }
        }
    }

    /// Its stream is no more. Where its connection goes with it the other's program has ended; else it does what no session does.
    async fn reset(&self) -> Stop {
        match tokio::time::timeout(LATE, self.connection.closed()).await {
            Ok(error) => Stop::Connection(error),
            Err(_) => Stop::Breach("a stream that was reset"),
        }
    }

    /// What is next, of all that can be: first what this side has to do, as the other waits for it.
    async fn next(
        &self,
        running: &mut Running<I>,
        send: &mut SendStream,
        receive: &mut RecvStream,
    ) -> Step<I, impl AsRef<[u8]> + use<S, I>> {
        let mut deadline = running.machine.deadline().map(|deadline| deadline.max(running.excused.1));
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
        let (published, durable, news_at) = (running.published, running.durable, running.news_at);
        let Running { decoding, delivering, making, out, written, snapshots, .. } = running;
        let has_room = decoding.has_room();
        let unwritten = &out[*written..];
        let write =
            async { if unwritten.is_empty() { pending().await } else { send.write(unwritten).await } };
        let read = async {
            let mut chunks = <[_; CHUNKS]>::default();
            let read = receive.read_many_chunks(&mut chunks).await?;
            Ok(read.map(|count| chunks.into_iter().take(count).collect()))
        };
        let news = async {
            if news_at > Instant::now() {
                tokio::time::sleep_until(news_at).await;
            }
            self.link.news(published, durable).await;
        };
        let (mut write, mut read, mut news) = (pin!(write), pin!(read), pin!(news));
        let (mut changed, mut time) = (pin!(snapshots.changed()), pin!(time));
        poll_fn(|cx| {
            if let Some(Poll::Ready(result)) = delivering.as_mut().map(|it| it.as_mut().poll(cx)) {
                return Poll::Ready(Step::Delivered(result));
            }
            if let Poll::Ready(result) = write.as_mut().poll(cx) {
                return Poll::Ready(Step::Wrote(result));
            }
            if let Poll::Ready(decoded) = decoding.poll(cx) {
                return Poll::Ready(Step::Decoded(decoded));
            }
            if has_room && let Poll::Ready(result) = read.as_mut().poll(cx) {
                return Poll::Ready(Step::Read(result));
            }
            if let Some(Poll::Ready(given)) = making.as_mut().map(|it| it.as_mut().poll(cx)) {
                return Poll::Ready(Step::Made(given));
            }
            if news.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Step::News);
            }
            if changed.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Step::Snapshots);
            }
            time.as_mut().poll(cx).map(|()| Step::Time)
        })
        .await
    }

    /// Makes what is to be written next. With a journal that reads a file, and of a snapshot too: on a thread for that.
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
        let reads = running.machine.session_mut().reads(anti_entropy::Store::<Wire>::version(&own));
        if !(reads && own.blocks()) {
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
        let (mut upto, mut room) = (None, None);
        while let Some(Untaken { number, extent, snapshot, queued: Some((at, frames)) }) =
            running.untaken.front_mut()
        {
            // What waits for its past, or was refused, is not in any version: then the other is asked again.
            let passed = at.elapsed() >= SETTLES && self.link.frames() > *frames;
            if (snapshot.is_some() || !extent.is_in(ours)) && !passed {
                break;
            }
            upto = Some(*number);
            room = snapshot.take().or(room);
            running.untaken.pop_front();
            running.queued -= 1;
        }
        if let Some(number) = upto {
            running.machine.session_mut().took(number, ours);
        }
        if let Some(room) = room {
            room.joined();
        }
    }

    /// Where the replica went on from a snapshot, whichever session brought it, the other is asked for the rest: what it offered before is not needed as it was.
    fn ask_anew(running: &mut Running<I>) {
        let joins = running.snapshots.borrow_and_update().joins;
        if running.joins != joins {
            (running.joins, running.offered) = (joins, false);
            // Before that it is said what is here anyway.
            if running.machine.session_mut().is_ready() {
                running.machine.session_mut().joined();
            }
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
