//! What the other lacks, sent as far as it takes it.

use std::{collections::VecDeque, fmt, time::Duration};

use super::super::{
    end::{Breach, End},
    message::{Message, Offer},
    options::{CHUNK, PIECE_COST, WINDOW},
    payload::{Payload, Piece, Store},
};
use crate::replica::{Extent, Version};

pub(super) struct Serving<P: Payload> {
    /// What the other has for certain: what it said, took, or sent. `None` until it said so.
    had: Option<Version>,
    /// What was durable here when all that the other lacked of it was sent, in this session.
    complete: Option<Version>,
    /// What was durable here when the store began with what it gives now.
    batch: Option<Version>,
    /// A piece that waits for room.
    held: Option<Piece<P>>,
    in_flight: VecDeque<Sent>,
    /// Of all in flight.
    cost: usize,
    sent: u64,
    taken: u64,
    /// Since when the other takes nothing of what is in flight.
    waits_since: Duration,
    news: bool,
    snapshot: Snapshot,
    /// A request that is to be answered: what it asks for does not hold any more.
    withdrawn: Option<[u8; 32]>,
    /// Of the version that it asked with last.
    asked: u64,
    /// How often `had` changed.
    changes: u64,
}

/// On its way.
struct Sent {
    cost: usize,
    /// `None` for a chunk.
    extent: Option<Extent>,
}

/// A snapshot for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Snapshot {
    /// The history is enough.
    Unneeded,
    Needed,
    /// To be offered.
    Ready(Offer),
    Offered(Offer),
    Sending {
        offer: Offer,
        offset: u64,
    },
    /// All is sent: the other is to ask anew.
    Sent,
}

impl<P: Payload> Serving<P> {
    pub(super) fn new() -> Self {
        Self {
            had: None,
            complete: None,
            batch: None,
            held: None,
            in_flight: VecDeque::new(),
            cost: 0,
            sent: 0,
            taken: 0,
            waits_since: Duration::ZERO,
            news: false,
            snapshot: Snapshot::Unneeded,
            withdrawn: None,
            asked: 0,
            changes: 0,
        }
    }

    pub(super) fn knows(&self) -> bool {
        self.had.is_some()
    }

    pub(super) fn had(&self) -> Option<&Version> {
        self.had.as_ref()
    }

    pub(super) fn start(&mut self, version: Version) {
        self.asked = version.total();
        self.had = Some(version);
        self.changes += 1;
        self.news = true;
    }

    pub(super) fn is_progress(&self, version: &Version) -> bool {
        version.total() > self.asked
    }

    /// The other says anew what it has.
    pub(super) fn restart(&mut self, version: Version) {
        let progress = self.is_progress(&version);
        (self.complete, self.batch, self.held) = (None, None, None);
        // Where a snapshot is needed and the other got no further, it is needed still: so what it requests meanwhile is what was offered.
        if progress || matches!(self.snapshot, Snapshot::Sending { .. } | Snapshot::Sent) {
            self.snapshot = Snapshot::Unneeded;
        }
        self.start(version);
    }

    pub(super) fn news(&mut self) {
        self.news = true;
    }

    pub(super) fn has_too(&mut self, extent: &Extent) {
        if let Some(had) = &mut self.had {
            extent.raise(had);
            self.changes += 1;
        }
    }

    /// A number that changes with what the other has; and whether nothing is on its way that will change it soon.
    pub(super) fn changes(&self) -> (u64, bool) {
        (self.changes, self.in_flight.is_empty())
    }

    pub(super) fn took(&mut self, upto: u64, now: Duration) -> Result<(), End> {
        if upto <= self.taken || upto > self.sent {
            return Err(End::Misbehaved(Breach::Took));
        }
        while self.taken < upto {
            let Some(sent) = self.in_flight.pop_front() else { break };
            self.taken += 1;
            self.cost -= sent.cost;
            if let Some(extent) = &sent.extent {
                self.has_too(extent);
            }
        }
        self.waits_since = now;
        Ok(())
    }

    pub(super) fn needs_snapshot(&self) -> bool {
        self.snapshot == Snapshot::Needed
    }

    pub(super) fn offer(&mut self, offer: Offer) {
        if self.needs_snapshot() {
            self.snapshot = Snapshot::Ready(offer);
        }
    }

    /// Whether that is what was offered.
    pub(super) fn request(&mut self, hash: [u8; 32]) -> bool {
        match self.snapshot {
            Snapshot::Offered(offer) if offer.hash == hash => {
                self.snapshot = Snapshot::Sending { offer, offset: 0 };
                true
            }
            _ => false,
        }
    }

    /// What was requested is not what is offered now.
    pub(super) fn withdraw(&mut self, hash: [u8; 32]) {
        self.withdrawn = Some(hash);
    }

    pub(super) fn deadline(&self, took: Duration) -> Option<Duration> {
        (!self.in_flight.is_empty()).then(|| self.waits_since + took)
    }

    #[cfg(any(test, feature = "testing"))]
    pub(super) fn is_idle(&self) -> bool {
        self.complete.is_some() && !self.news && self.batch.is_none() && self.in_flight.is_empty()
    }

    /// Sent, taken, and the cost of what is between.
    #[cfg(test)]
    pub(super) fn figures(&self) -> (u64, u64, usize) {
        (self.sent, self.taken, self.cost)
    }

    pub(super) fn is_within(&self) -> bool {
        let total: usize = self.in_flight.iter().map(|sent| sent.cost).sum();
        let numbers = self.sent - self.taken == self.in_flight.len() as u64;
        total == self.cost && numbers && (self.in_flight.len() <= 1 || self.cost <= WINDOW)
    }

    pub(super) fn send<S: Store<P>>(
        &mut self,
        store: &mut S,
        now: Duration,
    ) -> Result<Option<Message<P>>, S::Error> {
        if let Some(hash) = self.withdrawn.take() {
            return Ok(Some(Message::Offer(Offer::void(hash))));
        }
        loop {
            if let Some(piece) = self.held.take() {
                if self.had.as_ref().is_some_and(|had| piece.extent.is_known(had)) {
                    // It came from the other, or another way.
                    continue;
                }
                let cost = P::delta_size(&piece.delta) + PIECE_COST;
                if !self.has_room(cost) {
                    self.held = Some(piece);
                    return Ok(None);
                }
                self.has_sent(cost, Some(piece.extent), now);
                return Ok(Some(Message::Delta(piece.delta)));
            }
            if let Snapshot::Ready(offer) = self.snapshot {
                self.snapshot = Snapshot::Offered(offer);
                return Ok(Some(Message::Offer(offer)));
            }
            if !self.has_room(CHUNK + PIECE_COST) {
                return Ok(None);
            }
            match self.snapshot {
                Snapshot::Sending { offer, offset } => {
                    return self.chunk(store, offer, offset, now).map(Some);
                }
                Snapshot::Unneeded => (),
                _ => return Ok(None),
            }
            if self.batch.is_some() {
                self.held = store.next()?;
                if self.held.is_none() {
                    self.complete = self.batch.take();
                }
                continue;
            }
            if !self.news || !self.begin(store)? {
                return Ok(None);
            }
        }
    }

    /// Whether more comes from a store of that version.
    pub(super) fn reads(&self, version: &Version) -> bool {
        let has_news = self.news && self.complete.as_ref() != Some(version);
        self.batch.is_some() || has_news || matches!(self.snapshot, Snapshot::Sending { .. })
    }

    /// Whether there is more to send than was sent.
    fn begin<S: Store<P>>(&mut self, store: &mut S) -> Result<bool, S::Error> {
        if self.complete.as_ref() == Some(store.version()) {
            self.news = false;
            return Ok(false);
        }
        let Some(version) = self.assumed() else { return Ok(false) };
        let durable = store.version().clone();
        if store.begin(&version)? {
            self.batch = Some(durable);
        } else {
            self.snapshot = Snapshot::Needed;
        }
        self.news = false;
        Ok(self.batch.is_some())
    }

    /// What the other has when all that is on its way is taken.
    fn assumed(&self) -> Option<Version> {
        let mut version = self.had.clone()?;
        for sent in &self.in_flight {
            if let Some(extent) = &sent.extent {
                extent.raise(&mut version);
            }
        }
        if let Some(complete) = &self.complete {
            version.include(complete);
        }
        Some(version)
    }

    fn chunk<S: Store<P>>(
        &mut self,
        store: &mut S,
        offer: Offer,
        offset: u64,
        now: Duration,
    ) -> Result<Message<P>, S::Error> {
        let left = offer.length - offset;
        let room = usize::try_from(left).map_or(CHUNK, |left| left.min(CHUNK));
        let chunk = store.chunk(offset, room)?;
        let size = P::chunk_size(&chunk);
        debug_assert!(size > 0 || left == 0, "a chunk that gets no further");
        let offset = offset + size as u64;
        self.snapshot =
            if offset >= offer.length { Snapshot::Sent } else { Snapshot::Sending { offer, offset } };
        self.has_sent(size + PIECE_COST, None, now);
        Ok(Message::Chunk(chunk))
    }

    fn has_room(&self, cost: usize) -> bool {
        self.in_flight.is_empty() || self.cost + cost <= WINDOW
    }

    fn has_sent(&mut self, cost: usize, extent: Option<Extent>, now: Duration) {
        if self.in_flight.is_empty() {
            self.waits_since = now;
        }
        self.in_flight.push_back(Sent { cost, extent });
        self.cost += cost;
        self.sent += 1;
        debug_assert!(self.is_within());
    }
}

impl<P: Payload> fmt::Debug for Serving<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serving")
            .field("sent", &self.sent)
            .field("taken", &self.taken)
            .field("cost", &self.cost)
            .field("news", &self.news)
            .field("batch", &self.batch.is_some())
            .field("complete", &self.complete.is_some())
            .field("snapshot", &self.snapshot)
            .finish_non_exhaustive()
    }
}
