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
        let machine = anti_entropy::Connection::new(session.local, session.peer, session.options);
        let seen = (session.link.published(), session.link.durable());
        Self::begin(machine, seen, session.shared.snapshots.arrivals())
    }

    /// With what was published and durable, and how snapshots arrive in this worker.
    fn begin(
        machine: anti_entropy::Connection,
        (published, durable): (u64, u64),
        snapshots: watch::Receiver<Arrivals>,
    ) -> Self {
        let joins = snapshots.borrow().joins;
        Self {
            began: Instant::now(),
            machine,
            out: Vec::new(),
            written: 0,
            decoding: Decoding::new(),
            inbox: VecDeque::new(),
            delivering: None,
            untaken: VecDeque::new(),
            queued: 0,
            published,
            durable,
            news_at: Instant::now(),
            making: None,
            offered: false,
            arriving: None,
            snapshots,
            joins,
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

#[cfg(all(test, feature = "testing"))]
mod tests {
    use super::*;
    use crate::{
        IntentSource, Peer,
        anti_entropy::{Local, Options},
    };

    struct Nothing;

    impl Intent for Nothing {
        type Source = IntentSource;
    }

    /// A session to which nothing comes, after that time; and how the time until the hello went on by `steps`.
    async fn waits(steps: &[Duration]) -> (Running<Nothing>, Vec<bool>) {
        let [me, other] = [1, 2].map(|byte| Peer([byte; 32]));
        let local = Local { me, group: [5; 32] };
        let machine = anti_entropy::Connection::new(local, other, Options::default());
        let mut running =
            Running::begin(machine, (0, 0), watch::Sender::new(Arrivals::default()).subscribe());
        let mut over = Vec::new();
        for step in steps {
            tokio::time::advance(*step).await;
            over.push(running.tick().is_some());
        }
        (running, over)
    }

    #[test]
    fn what_is_noticed_late_is_not_held_against_the_other_at_once() {
        let (hello, moment) = (Options::default().hello, Duration::from_millis(1));
        let paused = || {
            let mut builder = tokio::runtime::Builder::new_current_thread();
            builder.enable_time().start_paused(true).build().unwrap()
        };
        let over = |steps: &[Duration]| paused().block_on(waits(steps)).1;
        assert_eq!(over(&[hello.saturating_sub(moment), moment]), [false, true], "in time");
        assert_eq!(over(&[hello + LATE]), [true], "a little late, as on a busy machine");
        // This process stood still. What came meanwhile is read before it is asked again.
        assert_eq!(over(&[hello + LATE + moment, LATE]), [false, true], "once for each deadline");
        let (running, _) = paused().block_on(waits(&[hello + 8 * LATE]));
        assert_eq!(running.excused, (hello, hello + 9 * LATE), "until then it waits");
    }
}
