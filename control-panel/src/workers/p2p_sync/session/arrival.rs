//! What arrives of a peer: deltas and snapshots, read off the task, and made intents.

use std::{future::pending, io, sync::Arc};

use super::{
    super::{
        event::OfflineReason,
        hub::FromTask,
        remembers::PeerRemembers,
        snapshots::{Arriving, PeerSnapshot},
        store::LinkStore,
    },
    Session, Stop,
    decoding::Decoded,
    running::{Running, Untaken},
};
use crate::{
    Delta, Intent,
    anti_entropy::{self, Breach, Event, Extent, OwnAuthorAhead, Reason, Wire},
    replica::{
        Snapshot, State,
        codec::{DecodeError, Refused},
    },
};

impl<S, I> Session<S, I>
where
    S: State,
    I: Intent + From<Delta<S::Op>>,
{
    pub(super) async fn arrived(
        &self,
        running: &mut Running<I>,
        chunks: &[impl AsRef<[u8]>],
        store: Option<&LinkStore<S>>,
    ) -> Option<Stop> {
        let store = store?;
        let (mut chunks, mut bytes) = (chunks.iter(), &[][..]);
        loop {
            let now = running.began.elapsed();
            let ours = anti_entropy::Store::<Wire>::version(store);
            let event = match running.machine.receive(&mut bytes, ours, now) {
                Ok(Some(event)) => event,
                Ok(None) => {
                    let Some(chunk) = chunks.next() else {
                        running.decoding.start(&self.link);
                        return None;
                    };
                    bytes = chunk.as_ref();
                    continue;
                }
                Err(end) => return Some(Stop::End(end)),
            };
            let mut misbehaved = None;
            match event {
                Event::Ready { ahead, .. } => {
                    if let (Some(intent), Some(OwnAuthorAhead { theirs: version, .. })) =
                        (self.intents.remembers, ahead)
                        && self.shared.heeds(self.peer, &version, ours)
                        && self.sender.send(intent(PeerRemembers { peer: self.peer, version })).await.is_err()
                    {
                        return Some(Stop::Panel);
                    }
                    self.ready.notify_one();
                    self.hub.send(FromTask::Ready { id: self.id, peer: self.peer }).await.ok();
                }
                Event::Delta { number, delta } => running.decoding.push(number, delta),
                Event::Misbehaved(breach) => misbehaved = Some(breach),
                Event::Offered(_) => running.offered = true,
                Event::Withdrawn => running.arriving = None,
                Event::Chunk { number, chunk, last } => {
                    // In the order of their numbers.
                    running.decoding.start(&self.link);
                    while let Some(decoded) = running.decoding.next().await {
                        if let Some(stop) = self.decoded(running, decoded).await {
                            return Some(stop);
                        }
                    }
                    if let Some(stop) = self.chunk(running, number, &chunk, last).await {
                        return Some(stop);
                    }
                }
            }
            if let Some(breach) = misbehaved {
                self.misbehaved(breach.to_string()).await;
            }
        }
    }

    /// What was read comes to the frame, or is charged to the one that sent it.
    pub(super) async fn decoded(&self, running: &mut Running<I>, decoded: Vec<Decoded<I>>) -> Option<Stop> {
        for (number, result) in decoded {
            let error = match result {
                Ok((extent, intent)) => {
                    running.machine.session_mut().read(number, extent.clone());
                    running.untaken.push_back(Untaken { number, extent, snapshot: None, queued: None });
                    running.inbox.push_back(Some(intent));
                    continue;
                }
                Err(error) => error,
            };
            let breach = match error.refused() {
                Refused::Signature { .. } => Breach::Signature,
                Refused::SeldomSigned { .. } => Breach::SeldomSigned,
                _ => Breach::Delta,
            };
            match running.machine.session_mut().refuse(number, breach, running.began.elapsed()) {
                Ok(Some(Event::Misbehaved(breach))) => self.misbehaved(breach.to_string()).await,
                Ok(_) => {}
                Err(end) => return Some(Stop::End(end)),
            }
        }
        None
    }

    /// Makes the snapshot that the other needs, as what was written last found out.
    pub(super) fn make_snapshot(&self, running: &mut Running<I>) {
        if running.making.is_none() && running.machine.session_mut().needs_snapshot() {
            let (shared, link) = (Arc::clone(&self.shared), self.link.clone());
            running.making = Some(Box::pin(async move { shared.snapshots.give(&link).await }));
        }
    }

    /// Asks for the snapshot that the other offers, where none arrives elsewhere, with what is written next. Without an intent for it this replica waits for a peer that has
    /// the history.
    pub(super) fn request_snapshot(&self, running: &mut Running<I>) {
        if running.offered
            && self.intents.snapshot.is_some()
            && let Some(arriving) = Arriving::begin(&self.shared.snapshots)
        {
            running.offered = false;
            if running.machine.session_mut().request() {
                running.arriving = Some(arriving);
            }
        }
    }

    pub(super) async fn chunk(
        &self,
        running: &mut Running<I>,
        number: u64,
        chunk: &[u8],
        last: bool,
    ) -> Option<Stop> {
        let intent = self.intents.snapshot?;
        let arrived = running.arriving.take()?;
        let (mut end, mut room) = (None, None);
        match self.arrive(arrived, chunk.to_vec(), last).await {
            // This side has no room for it.
            Err(_) => return Some(Stop::Here(OfflineReason::JournalFailed, Reason::JournalFailed)),
            Ok((arriving, None)) => running.arriving = Some(arriving),
            Ok((arriving, Some(Ok(snapshot)))) => {
                room = Some(arriving.room);
                end = Some(intent(PeerSnapshot { peer: self.peer, snapshot: Box::new(snapshot) }));
            }
            Ok((_, Some(Err(_)))) => return Some(Stop::Breach("a snapshot that cannot be read")),
        }
        running.untaken.push_back(Untaken {
            number,
            extent: Extent::default(),
            snapshot: room,
            queued: None,
        });
        running.inbox.push_back(end);
        None
    }
}

impl<S: State, I: Intent> Session<S, I> {
    /// On a thread for that, as deltas are. What has arrived with this chunk, and the snapshot if that was the last.
    async fn arrive(
        &self,
        mut arriving: Arriving,
        chunk: Vec<u8>,
        last: bool,
    ) -> io::Result<(Arriving, Option<Result<Snapshot<S>, DecodeError>>)> {
        let link = self.link.clone();
        let read = move || {
            arriving.bytes.push(&chunk)?;
            let snapshot = if last {
                let bytes = arriving.bytes.read(0, usize::MAX)?;
                Some(link.decode_snapshot(&bytes, bytes.len()))
            } else {
                None
            };
            Ok((arriving, snapshot))
        };
        match tokio::task::spawn_blocking(read).await {
            Ok(arrived) => arrived,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => pending().await,
        }
    }
}
