//! What arrives, until it is durable here.

use std::{collections::VecDeque, fmt, time::Duration};

use super::super::{
    end::{Breach, End, Event, Waited},
    message::{Message, Offer},
    options::{LONGEST_PAUSE, PIECE_COST, RATE, RATE_SPAN, REFILL, WINDOW},
    payload::Payload,
};
use crate::replica::{Extent, Version};

pub(super) struct Taking<P: Payload> {
    /// What arrived and is not taken, in order.
    in_hand: VecDeque<Arrived>,
    /// Of all in hand.
    cost: usize,
    received: u64,
    taken: u64,
    /// What the other knows of `taken`.
    acknowledged: u64,
    /// Whether something that was taken is missing here all the same.
    lacks: bool,
    /// Whether what is here is to be said anew.
    asks: bool,
    /// When it was said last, how much that was, and after how long it may be said again.
    asked_at: Duration,
    asked: u64,
    pause: Duration,
    /// How often it was said, and not answered with an offer.
    unanswered: u32,
    snapshot: Snapshot<P>,
}

/// In hand.
struct Arrived {
    cost: usize,
    kind: Kind,
}

enum Kind {
    Chunk,
    /// Not decoded yet.
    Delta,
    Read(Extent),
    Refused,
}

/// A snapshot from the other.
enum Snapshot<P: Payload> {
    None,
    Offered(Offer),
    /// It waits from when the request is sent.
    Requested {
        offer: Offer,
        at: Option<Duration>,
    },
    Receiving(Receiving<P>),
    /// Given up: what still comes of it is dropped.
    Dropped,
}

struct Receiving<P: Payload> {
    offer: Offer,
    got: u64,
    hasher: P::Hasher,
    /// Where the rate is measured from.
    since: Duration,
    got_then: u64,
}

impl<P: Payload> Taking<P> {
    pub(super) fn new() -> Self {
        Self {
            in_hand: VecDeque::new(),
            cost: 0,
            received: 0,
            taken: 0,
            acknowledged: 0,
            lacks: false,
            asks: false,
            asked_at: Duration::ZERO,
            asked: 0,
            pause: REFILL,
            unanswered: 0,
            snapshot: Snapshot::None,
        }
    }

    pub(super) fn holds_up(&self) -> bool {
        self.cost > WINDOW / 4
    }

    pub(super) fn has_asked(&mut self, version: &Version) {
        self.asked = version.total();
        self.unanswered = self.unanswered.saturating_add(1);
    }

    pub(super) fn send(&mut self, ours: &Version, now: Duration) -> Option<Message<P>> {
        if self.acknowledged < self.taken {
            self.acknowledged = self.taken;
            return Some(Message::Took(self.taken));
        }
        if let Snapshot::Requested { offer, at: None } = self.snapshot {
            self.snapshot = Snapshot::Requested { offer, at: Some(now) };
            return Some(Message::Request(offer.hash));
        }
        if self.asks_at().is_none_or(|at| now < at) {
            return None;
        }
        let total = ours.total();
        self.pause = if total > self.asked { REFILL } else { (self.pause * 2).min(LONGEST_PAUSE) };
        self.has_asked(ours);
        (self.asked_at, self.lacks, self.asks) = (now, false, false);
        if matches!(self.snapshot, Snapshot::Offered(_)) {
            self.snapshot = Snapshot::None;
        }
        Some(Message::Want(ours.clone()))
    }

    /// Counts what arrived. Its number.
    pub(super) fn arrived(&mut self, size: usize) -> Result<u64, End> {
        self.push(size, Kind::Delta)
    }

    fn push(&mut self, size: usize, kind: Kind) -> Result<u64, End> {
        let cost = size.saturating_add(PIECE_COST);
        if !self.in_hand.is_empty() && self.cost.saturating_add(cost) > WINDOW {
            return Err(End::Misbehaved(Breach::Window));
        }
        self.in_hand.push_back(Arrived { cost, kind });
        self.cost = self.cost.saturating_add(cost);
        self.received += 1;
        Ok(self.received)
    }

    pub(super) fn read(&mut self, number: u64, extent: Extent) {
        if let Some(arrived) = self.at(number) {
            debug_assert!(matches!(arrived.kind, Kind::Delta), "it was read before");
            arrived.kind = Kind::Read(extent);
        }
    }

    pub(super) fn refuse(&mut self, number: u64) {
        if let Some(arrived) = self.at(number) {
            arrived.kind = Kind::Refused;
            self.lacks = true;
        }
        self.take_refused();
    }

    fn at(&mut self, number: u64) -> Option<&mut Arrived> {
        let index = number.checked_sub(self.taken + 1)?;
        self.in_hand.get_mut(usize::try_from(index).ok()?)
    }

    pub(super) fn took(&mut self, number: u64, ours: &Version) {
        debug_assert!(number <= self.received, "taken before it arrived");
        while self.taken < number {
            let Some(arrived) = self.pop() else { break };
            if let Kind::Read(extent) = arrived.kind {
                self.lacks |= !extent.is_in(ours);
            }
        }
        self.take_refused();
    }

    /// What was refused needs no room.
    fn take_refused(&mut self) {
        while self.in_hand.front().is_some_and(|arrived| matches!(arrived.kind, Kind::Refused)) {
            self.pop();
        }
    }

    fn pop(&mut self) -> Option<Arrived> {
        let arrived = self.in_hand.pop_front()?;
        self.taken += 1;
        self.cost -= arrived.cost;
        Some(arrived)
    }

    pub(super) fn is_receiving(&self) -> bool {
        matches!(&self.snapshot, Snapshot::Receiving(_))
    }

    /// An offer came. Whether it answers what was said here: to each time the other makes one at most.
    pub(super) fn is_answered(&mut self) -> bool {
        let answers = self.unanswered > 0;
        self.unanswered -= u32::from(answers);
        answers
    }

    pub(super) fn offered(&mut self, offer: Offer, quota: u64) -> Option<Event<P>> {
        let is_requested = matches!(self.snapshot, Snapshot::Requested { .. });
        if is_requested && offer.length <= quota {
            // In place of the one that was asked for: so is this one.
            self.snapshot = Snapshot::Requested { offer, at: None };
            return None;
        }
        self.snapshot = Snapshot::Offered(offer);
        Some(if is_requested { Event::Withdrawn } else { Event::Offered(offer) })
    }

    /// The one that was asked for does not come, unless another was offered in its place.
    pub(super) fn withdrawn(&mut self, hash: [u8; 32]) -> Option<Event<P>> {
        match self.snapshot {
            Snapshot::Requested { offer, .. } if offer.hash == hash => {
                self.snapshot = Snapshot::None;
                Some(Event::Withdrawn)
            }
            _ => None,
        }
    }

    pub(super) fn request(&mut self, quota: u64) -> bool {
        match self.snapshot {
            Snapshot::Offered(offer) if offer.length <= quota => {
                self.snapshot = Snapshot::Requested { offer, at: None };
                true
            }
            _ => false,
        }
    }

    pub(super) fn joined(&mut self) {
        if matches!(self.snapshot, Snapshot::Receiving(_) | Snapshot::Requested { .. }) {
            self.snapshot = Snapshot::Dropped;
        }
        (self.asks, self.pause) = (true, REFILL);
    }

    pub(super) fn chunk(&mut self, chunk: P::Chunk, now: Duration) -> Result<Option<Event<P>>, End> {
        if let Snapshot::Requested { offer, at: Some(_) } = self.snapshot {
            let hasher = P::Hasher::default();
            self.snapshot = Snapshot::Receiving(Receiving { offer, got: 0, hasher, since: now, got_then: 0 });
        }
        let size = P::chunk_size(&chunk);
        let number = self.push(size, Kind::Chunk)?;
        let Snapshot::Receiving(receiving) = &mut self.snapshot else {
            if matches!(self.snapshot, Snapshot::Dropped) {
                self.in_hand.back_mut().into_iter().for_each(|arrived| arrived.kind = Kind::Refused);
                self.take_refused();
                return Ok(None);
            }
            return Err(End::Misbehaved(Breach::Order));
        };
        receiving.got += size as u64;
        if size == 0 || receiving.got > receiving.offer.length {
            return Err(End::Misbehaved(Breach::Snapshot));
        }
        P::update(&mut receiving.hasher, &chunk);
        let last = receiving.got == receiving.offer.length;
        if last {
            let whole = std::mem::replace(&mut self.snapshot, Snapshot::None);
            if let Snapshot::Receiving(Receiving { offer, hasher, .. }) = whole
                && P::finish(hasher) != offer.hash
            {
                return Err(End::Misbehaved(Breach::Snapshot));
            }
        }
        Ok(Some(Event::Chunk { number, chunk, last }))
    }

    /// What the other did not do in time.
    pub(super) fn tick(&mut self, now: Duration, took: Duration) -> Option<Waited> {
        let held_up = self.cost > WINDOW / 2;
        match &mut self.snapshot {
            Snapshot::Requested { at: Some(at), .. } if now >= at.saturating_add(took) => {
                Some(Waited::Snapshot)
            }
            Snapshot::Receiving(receiving) if now.saturating_sub(receiving.since) >= RATE_SPAN => {
                let least = RATE as u64 * RATE_SPAN.as_secs();
                // Where it is this side that takes too little, the other cannot send.
                let slow = receiving.got - receiving.got_then < least && !held_up;
                (receiving.since, receiving.got_then) = (now, receiving.got);
                slow.then_some(Waited::Snapshot)
            }
            _ => None,
        }
    }

    pub(super) fn deadline(&self, took: Duration) -> Option<Duration> {
        let snapshot = match &self.snapshot {
            Snapshot::Requested { at: Some(at), .. } => Some(at.saturating_add(took)),
            Snapshot::Receiving(receiving) => Some(receiving.since + RATE_SPAN),
            _ => None,
        };
        [snapshot, self.asks_at()].into_iter().flatten().min()
    }

    /// When what is here is to be said anew.
    fn asks_at(&self) -> Option<Duration> {
        let due = (self.asks || self.lacks)
            && !matches!(self.snapshot, Snapshot::Receiving(_) | Snapshot::Requested { .. });
        due.then(|| self.asked_at + self.pause)
    }

    #[cfg(any(test, feature = "testing"))]
    pub(super) fn is_idle(&self) -> bool {
        self.in_hand.is_empty() && self.acknowledged == self.taken && !self.lacks && !self.asks
    }

    /// Received, taken, and the cost of what is between.
    #[cfg(test)]
    pub(super) fn figures(&self) -> (u64, u64, usize) {
        (self.received, self.taken, self.cost)
    }

    pub(super) fn is_within(&self) -> bool {
        let total: usize = self.in_hand.iter().map(|arrived| arrived.cost).sum();
        let numbers = self.received - self.taken == self.in_hand.len() as u64;
        total == self.cost && numbers && (self.in_hand.len() <= 1 || self.cost <= WINDOW)
    }
}

impl<P: Payload> fmt::Debug for Taking<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Taking")
            .field("received", &self.received)
            .field("taken", &self.taken)
            .field("acknowledged", &self.acknowledged)
            .field("cost", &self.cost)
            .field("lacks", &self.lacks)
            .field("asks", &self.asks)
            .finish_non_exhaustive()
    }
}
