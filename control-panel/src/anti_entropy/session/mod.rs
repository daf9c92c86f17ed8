//! One session: two sides, each of which serves and takes.

mod hello;
mod serving;
mod taking;

use std::{fmt, time::Duration};

use self::{serving::Serving, taking::Taking};
use super::{
    bucket::Bucket,
    end::{Breach, Breaches, End, Event, Waited},
    message::{Message, Offer, Reason},
    options::{Local, Options},
    payload::{Payload, Store},
};
use crate::replica::{Extent, Peer, Version};

/// One connection with a peer, from the hellos to its end. It does nothing by itself: it is given what arrives, what is durable and what time it is, and says what to
/// send and what was found out. Times are since it began.
///
/// Memory: two versions, and what is on its way: at most [`WINDOW`](super::options::WINDOW) in either direction, or one longer run.
pub(crate) struct Session<P: Payload> {
    local: Local,
    peer: Peer,
    options: Options,
    hello_sent: bool,
    have_sent: bool,
    /// Since when both hellos are here.
    ready: Option<Duration>,
    serving: Serving<P>,
    taking: Taking<P>,
    /// For requests of the other's that lead nowhere.
    bucket: Bucket,
    /// What the other has, as it said when it had used those up: answered as soon as it may ask again.
    postponed: Option<Version>,
    breaches: Breaches,
    /// To be sent, as the last message.
    bye: Option<Reason>,
    over: bool,
}

/// Figures of a session.
#[cfg(test)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Status {
    /// Deltas and chunks that were sent, and of those the ones that the other took.
    pub(crate) sent: u64,
    pub(crate) taken_there: u64,
    /// Those that arrived, and of those the ones that were taken here.
    pub(crate) received: u64,
    pub(crate) taken_here: u64,
    /// What is on its way, in bytes and [`PIECE_COST`](super::options::PIECE_COST).
    pub(crate) in_flight: usize,
    /// What arrived and is not taken, likewise.
    pub(crate) in_hand: usize,
    /// What the other did that it may not.
    pub(crate) breaches: u64,
}

impl<P: Payload> Session<P> {
    pub(crate) fn new(local: Local, peer: Peer, options: Options) -> Self {
        Self {
            local,
            peer,
            options,
            hello_sent: false,
            have_sent: false,
            ready: None,
            serving: Serving::new(),
            taking: Taking::new(),
            bucket: Bucket::new(),
            postponed: None,
            breaches: Breaches::default(),
            bye: None,
            over: false,
        }
    }

    /// The next message, if there is one to send now: ask until there is none. After the end of the session it is a [`Message::Bye`], once.
    ///
    /// # Errors
    /// The store's. The message is not lost: it is what the next call is about.
    pub(crate) fn send<S: Store<P>>(
        &mut self,
        store: &mut S,
        now: Duration,
    ) -> Result<Option<Message<P>>, S::Error> {
        if let Some(reason) = self.bye.take() {
            return Ok(Some(Message::Bye(reason)));
        }
        if self.over {
            return Ok(None);
        }
        if !self.hello_sent {
            self.hello_sent = true;
            return Ok(Some(Message::Hello(self.hello(store.version()))));
        }
        if self.ready.is_none() {
            return Ok(None);
        }
        if !self.have_sent {
            self.have_sent = true;
            let version = store.version().clone();
            self.taking.has_asked(&version);
            return Ok(Some(Message::Have(version)));
        }
        if let Some(message) = self.taking.send(store.version(), now) {
            return Ok(Some(message));
        }
        if let Some(version) = self.postponed.take_if(|_| self.bucket.take(now)) {
            self.serving.restart(version);
        }
        self.serving.send(store, now)
    }

    /// A message that arrived. `ours`: what is durable here.
    ///
    /// # Errors
    /// Why the session is over. Send what [`send`](Self::send) still gives, then close the connection.
    pub(crate) fn receive(
        &mut self,
        message: Message<P>,
        ours: &Version,
        now: Duration,
    ) -> Result<Option<Event<P>>, End> {
        if self.over {
            return Ok(None);
        }
        let received = self.dispatch(message, ours, now);
        debug_assert!(self.taking.is_within() && self.serving.is_within());
        received.or_else(|end| self.end(end))
    }

    fn dispatch(
        &mut self,
        message: Message<P>,
        ours: &Version,
        now: Duration,
    ) -> Result<Option<Event<P>>, End> {
        let misplaced = Err(End::Misbehaved(Breach::Order));
        match message {
            Message::Bye(reason) => Err(End::Closed(reason)),
            Message::Hello(hello) if self.ready.is_none() => self.hear(hello, ours, now).map(Some),
            Message::Hello(_) => misplaced,
            _ if self.ready.is_none() => misplaced,
            Message::Have(version) if !self.serving.knows() => {
                self.check(&version)?;
                self.serving.start(version);
                Ok(None)
            }
            Message::Have(_) => misplaced,
            _ if !self.serving.knows() => misplaced,
            Message::Delta(delta) => {
                let number = self.taking.arrived(P::delta_size(&delta))?;
                Ok(Some(Event::Delta { number, delta }))
            }
            Message::Took(upto) => self.serving.took(upto, now).map(|()| None),
            Message::Want(version) => {
                self.check(&version)?;
                self.postponed = None;
                if self.serving.is_progress(&version) || self.bucket.take(now) {
                    self.serving.restart(version);
                    return Ok(None);
                }
                self.postponed = Some(version);
                Ok(self.count(Breach::Requests))
            }
            Message::Offer(offer) if offer.is_void() => Ok(self.taking.withdrawn(offer.hash)),
            Message::Offer(offer) => {
                if self.taking.is_receiving() {
                    return misplaced;
                }
                // One in answer to what was asked here leads somewhere.
                if !self.taking.is_answered() && !self.bucket.take(now) {
                    return Ok(self.count(Breach::Requests));
                }
                Ok(self.taking.offered(offer, self.options.snapshot_bytes))
            }
            Message::Request(hash) => {
                if self.serving.request(hash) {
                    return Ok(None);
                }
                // Of an offer that was replaced while this was on its way. It is answered however many there are, as the other waits for that: one small message for
                // another, and of all that are not answered yet only the last one.
                self.serving.withdraw(hash);
                Ok(if self.bucket.take(now) { None } else { self.count(Breach::Requests) })
            }
            Message::Chunk(chunk) => self.taking.chunk(chunk, now),
        }
    }

    /// The delta of this number was decoded and verified: the other has what is in it.
    pub(crate) fn read(&mut self, number: u64, extent: Extent) {
        self.serving.has_too(&extent);
        self.taking.read(number, extent);
    }

    /// The delta of this number was not what it should be. It is dropped, and counted as taken.
    ///
    /// # Errors
    /// Where that happens again and again the session is over.
    pub(crate) fn refuse(
        &mut self,
        number: u64,
        breach: Breach,
        now: Duration,
    ) -> Result<Option<Event<P>>, End> {
        self.taking.refuse(number);
        if !self.bucket.take(now) {
            return self.end(End::Misbehaved(breach));
        }
        Ok(self.count(breach))
    }

    /// What arrived up to this number is admitted, and durable: the other may send as much again. What `ours` lacks of it all the same (it waited
    /// for its past, and was dropped) is asked for again.
    pub(crate) fn took(&mut self, number: u64, ours: &Version) {
        self.taking.took(number, ours);
    }

    /// More is durable here.
    pub(crate) fn news(&mut self) {
        self.serving.news();
    }

    /// Whether [`send`](Self::send) may read from the store, which has that version, before it gives a message.
    pub(crate) fn reads(&self, version: &Version) -> bool {
        !self.over && (self.postponed.is_some() || self.serving.reads(version))
    }

    /// Whether the other may soon have to wait until something of what it sent is taken.
    pub(crate) fn holds_up(&self) -> bool {
        self.taking.holds_up()
    }

    /// Whether the other lacks what is gone here: [`offer`](Self::offer) it a snapshot.
    pub(crate) fn needs_snapshot(&self) -> bool {
        !self.over && self.serving.needs_snapshot()
    }

    /// Offers a snapshot that the store has by now. Without effect where none is needed any more.
    pub(crate) fn offer(&mut self, offer: Offer) {
        self.serving.offer(offer);
    }

    /// Asks for the snapshot that was offered last. `false`, and nothing is asked for, if it is longer than the [quota](Options::snapshot_bytes), or the offer does not
    /// hold any more.
    pub(crate) fn request(&mut self) -> bool {
        self.taking.request(self.options.snapshot_bytes)
    }

    /// The replica went on from a snapshot, from here or from elsewhere; or gave up the one that arrives. It asks for the rest.
    pub(crate) fn joined(&mut self) {
        self.taking.joined();
    }

    /// Time passed.
    ///
    /// # Errors
    /// What the other did not do in time: the session is over.
    pub(crate) fn tick(&mut self, now: Duration) -> Result<(), End> {
        if self.over {
            return Ok(());
        }
        let late = |at: Option<Duration>| at.is_some_and(|at| now >= at);
        let waited = if late(self.hello_deadline()) {
            Some(Waited::Hello)
        } else if late(self.serving.deadline(self.options.took)) {
            Some(Waited::Took)
        } else {
            self.taking.tick(now, self.options.took)
        };
        waited.map_or(Ok(()), |waited| self.end(End::Stalled(waited)).map(|_: Option<Event<P>>| ()))
    }

    /// When to call [`tick`](Self::tick), and then [`send`](Self::send), at the latest.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        if self.over {
            return None;
        }
        let serving = self.serving.deadline(self.options.took);
        let taking = self.taking.deadline(self.options.took);
        let postponed = self.postponed.as_ref().map(|_| self.bucket.refills_at());
        [self.hello_deadline(), serving, taking, postponed].into_iter().flatten().min()
    }

    /// Ends it from this side. [`send`](Self::send) gives the last message.
    pub(crate) fn close(&mut self, reason: Reason) {
        if !self.over {
            self.over = true;
            self.bye = Some(reason);
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    /// Whether both hellos are here, and it is not over.
    pub(crate) fn is_ready(&self) -> bool {
        self.ready.is_some() && !self.over
    }

    /// Whether the other took all that was durable here when [`news`](Self::news) came last, and nothing of what arrived waits.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn is_caught_up(&self) -> bool {
        self.is_ready() && self.postponed.is_none() && self.serving.is_idle() && self.taking.is_idle()
    }

    /// What the other has for certain: what it said, took, or sent. Nothing, before its first message.
    pub(crate) fn had(&self) -> Option<&Version> {
        self.serving.had()
    }

    /// A number that changes with [`had`](Self::had); and whether nothing is on its way to the other.
    pub(crate) fn changes(&self) -> (u64, bool) {
        self.serving.changes()
    }

    #[cfg(test)]
    pub(crate) fn breaches(&self) -> &Breaches {
        &self.breaches
    }

    #[cfg(test)]
    pub(crate) fn status(&self) -> Status {
        let (serving, taking) = (self.serving.figures(), self.taking.figures());
        Status {
            sent: serving.0,
            taken_there: serving.1,
            in_flight: serving.2,
            received: taking.0,
            taken_here: taking.1,
            in_hand: taking.2,
            breaches: self.breaches.total(),
        }
    }

    /// Counts a breach that does not end the session, and reports it if it is the first of its kind.
    fn count(&mut self, breach: Breach) -> Option<Event<P>> {
        self.breaches.count(breach).then_some(Event::Misbehaved(breach))
    }

    /// It is over: what ended it is what the caller returns.
    pub(super) fn end<T>(&mut self, end: End) -> Result<T, End> {
        self.over = true;
        self.bye = end.reason();
        if let End::Misbehaved(breach) = end {
            self.breaches.count(breach);
        }
        Err(end)
    }
}

impl<P: Payload> fmt::Debug for Session<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("peer", &self.peer)
            .field("ready", &self.ready)
            .field("over", &self.over)
            .field("serving", &self.serving)
            .field("taking", &self.taking)
            .finish_non_exhaustive()
    }
}
