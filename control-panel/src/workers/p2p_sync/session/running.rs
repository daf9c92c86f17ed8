//! What a session has under way.

use std::{collections::VecDeque, future::Future, pin::Pin, sync::Arc, time::Duration};

use tokio::{sync::watch, time::Instant};

use super::{
    super::snapshots::{Arrivals, Arriving, Given, Room},
    Session,
    decoding::Decoding,
};
use crate::{
    Intent, SendError,
    anti_entropy::{self, End, Extent},
    link::ServeError,
    replica::State,
};

/// A deadline that is noticed so much later: this process stood still, and what came meanwhile is to be read first.
pub(super) const LATE: Duration = Duration::from_secs(1);

type Making = Pin<Box<dyn Future<Output = Result<Arc<Given>, ServeError>> + Send>>;

type Delivery<I> = Pin<Box<dyn Future<Output = Result<(), SendError<I>>> + Send>>;

/// What was sent to the frame, and is not known to be durable.
pub(super) struct Untaken {
    pub(super) number: u64,
    pub(super) extent: Extent,
    /// It is the end of a snapshot: once it is taken the replica is another, all peers are asked anew, and another snapshot may arrive.
    pub(super) snapshot: Option<Room>,
    /// When it was queued: the time, and the frames until then.
    pub(super) queued: Option<(Instant, u64)>,
}

/// A session between its steps.
pub(super) struct Running<I> {
    pub(super) began: Instant,
    pub(super) machine: anti_entropy::Connection,
    pub(super) out: Vec<u8>,
    pub(super) written: usize,
    pub(super) decoding: Decoding<I>,
    /// In the order of `untaken`; `None` for a part of a snapshot, of which only the end comes to the frame.
    pub(super) inbox: VecDeque<Option<I>>,
    pub(super) delivering: Option<Delivery<I>>,
    pub(super) untaken: VecDeque<Untaken>,
    /// How many of `untaken` were queued.
    pub(super) queued: usize,
    pub(super) published: u64,
    pub(super) durable: u64,
    /// Before that no news is heard.
    pub(super) news_at: Instant,
    /// A snapshot for the other.
    pub(super) making: Option<Making>,
    /// Whether the other offered one; and what has arrived of it.
    pub(super) offered: bool,
    pub(super) arriving: Option<Arriving>,
    /// What arrives in this worker, whichever session brings it; and how often the replica had gone on from one when the other was asked last.
    pub(super) snapshots: watch::Receiver<Arrivals>,
    pub(super) joins: u64,
    /// What the other has was noted then, and that was that.
    pub(super) noted: (Instant, u64),
    /// A deadline that was noticed late, and until when that is not held against the other.
    pub(super) excused: (Duration, Duration),
}

impl<I: Intent> Running<I> {
    pub(super) fn new<S: State>(session: &Session<S, I>) -> Self {
        Self {
            began: Instant::now(),
            machine: anti_entropy::Connection::new(session.local, session.peer, session.options),
            out: Vec::new(),
            written: 0,
            decoding: Decoding::new(),
            inbox: VecDeque::new(),
            delivering: None,
            untaken: VecDeque::new(),
            queued: 0,
            published: session.link.published(),
            durable: session.link.durable(),
            news_at: Instant::now(),
            making: None,
            offered: false,
            arriving: None,
            snapshots: session.shared.snapshots.arrivals(),
            joins: session.shared.snapshots.arrivals().borrow().joins,
            noted: (Instant::now(), 0),
            excused: (Duration::ZERO, Duration::ZERO),
        }
    }

    /// What the other did not do in time. Where this process stood still (it was stopped, or the machine slept) that is not known before what came meanwhile was read, or the
    /// connection found that it timed out itself.
    pub(super) fn tick(&mut self) -> Option<End> {
        let now = self.began.elapsed();
        if let Some(deadline) = self.machine.deadline()
            && now > deadline + LATE
            && self.excused.0 != deadline
        {
            self.excused = (deadline, now + LATE);
            return None;
        }
        self.machine.tick(now).err()
    }

    /// One more of `untaken` is with the frame.
    pub(super) fn has_queued(&mut self, frames: u64) {
        if let Some(untaken) = self.untaken.get_mut(self.queued) {
            untaken.queued = Some((Instant::now(), frames));
            self.queued += 1;
        }
    }
}
