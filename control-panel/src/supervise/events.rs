//! What happened to the workers, numbered.

mod log;

use std::{fmt, sync::Arc, time::Duration};

pub(super) use self::log::Writing;
pub(crate) use self::log::{Log, Seen};
use super::{cause::Cause, exit::Exit};
use crate::{queued::Origin, util::name::Name, worker::Refusal};

/// Something that happened to a worker.
#[non_exhaustive]
#[derive(Debug, Clone)]
pub struct Event {
    /// Its number: the panel's first event is 1, and each one is one more than the one before.
    pub number: u64,
    /// The worker's name.
    pub name: Name,
    /// The worker's origin.
    pub origin: Origin,
    /// Which run of it: 0 before the first.
    pub generation: u64,
    /// What happened.
    pub kind: EventKind,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, name, origin, generation, kind } = self;
        write!(f, "#{number} {} ({origin}, generation {generation}) {kind}", name.in_one_line())
    }
}

/// What happened to a worker.
#[non_exhaustive]
#[derive(Debug, Clone)]
pub enum EventKind {
    /// It was spawned.
    Spawned,
    /// A generation began.
    Started,
    /// A generation was told to stop.
    Stopping(Cause),
    /// A generation is over.
    Exited(Exit),
    /// It waits for its turn: for others of its group, for a place, for the task that it replaces; or, once a generation has
    /// exited that another follows immediately, for a thread to begin on.
    Waiting,
    /// The next generation begins after this wait.
    BackingOff(Duration),
    /// It failed or was stuck more often than its intensity allows, and stays down.
    GaveUp,
    /// It failed too often or was stuck, and the panel is not to go on then: everybody is stopped.
    Escalated,
    /// The watchdog found it stuck, for at least so long: one poll of it lasts longer than
    /// [`stuck_after`](crate::Worker::stuck_after), or a [promised](crate::Worker::heartbeat) heartbeat is missing. Until
    /// `Recovered`, or until its generation has `Exited`.
    Stuck(Duration),
    /// It was stuck and no longer is.
    Recovered,
    /// It said that it is [ready](crate::Context::ready): others of its group are started now.
    Ready,
    /// It was suspended.
    Suspended,
    /// It was resumed.
    Resumed,
    /// It never ran. One refused by a panel that is shutting down is no event: only the handle's
    /// [status](crate::WorkerHandle::status) says so.
    Refused(Refusal),
    /// It ended for good, and nothing of it is left. With the cause, if it was told to.
    Ended(Exit, Option<Cause>),
}

impl EventKind {
    /// Whether something of the user's is in it, whose drop runs the user's code.
    pub(super) fn holds_an_error(&self) -> bool {
        matches!(self, Self::Exited(exit) | Self::Ended(exit, _) if exit.is_failure())
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spawned => f.write_str("spawned"),
            Self::Started => f.write_str("started"),
            Self::Stopping(cause) => write!(f, "told to stop: {cause}"),
            Self::Exited(exit) => write!(f, "exited: {exit}"),
            Self::Waiting => f.write_str("waits for its turn"),
            Self::Refused(refusal) => write!(f, "refused: {refusal}"),
            Self::BackingOff(wait) => write!(f, "restarts in {wait:.1?}"),
            Self::GaveUp => f.write_str("failed or was stuck too often"),
            Self::Escalated => f.write_str("failed too often, or was stuck, for the panel to go on"),
            Self::Stuck(time) => write!(f, "stuck for {time:.1?}"),
            Self::Recovered => f.write_str("no longer stuck"),
            Self::Ready => f.write_str("ready"),
            Self::Suspended => f.write_str("suspended"),
            Self::Resumed => f.write_str("resumed"),
            Self::Ended(exit, None) => write!(f, "ended: {exit}"),
            Self::Ended(exit, Some(cause)) => write!(f, "ended: {exit}, because {cause}"),
        }
    }
}

/// The next of a panel's events, or how many are missing before it. There is no third, so that a `match` can be whole.
#[derive(Debug, Clone)]
pub enum Notice {
    /// The next event.
    Event(Event),
    /// So many events came and went unread before the next one: the reader was more than 1,024 behind. What they changed is in
    /// [`ControlPanel::status`](crate::ControlPanel::status).
    Lagged(u64),
}

/// Reads a panel's events in their order: what [`ControlPanel::events`](crate::ControlPanel::events) returns.
///
/// A reader that falls behind is told how many it missed, and goes on with the oldest that is kept.
/// [`PanelStatus::events`](crate::PanelStatus::events) is the number of the last event that a status contains: with it a
/// status and the events after it tell the whole state.
///
/// ```
/// use control_panel::{Context, ControlPanel, EventKind, GraphIntent, IntentSource, Notice, worker};
///
/// #[derive(GraphIntent)]
/// enum Update { Found(u32) }
///
/// #[worker(source = IntentSource::Restore)]
/// async fn search(_cx: Context<Update>) {}
///
/// let panel = ControlPanel::<Update>::new();
/// let mut events = panel.events();
/// panel.spawn_search().ended_blocking();
/// let Some(Notice::Event(first)) = events.try_next() else { panic!("nothing happened") };
/// assert_eq!((first.number, first.name.as_str()), (1, "search"));
/// assert!(matches!(first.kind, EventKind::Spawned));
/// ```
pub struct Events {
    log: Arc<Log>,
    /// The number of the next event to read.
    next: u64,
}

impl Events {
    /// The next event, if it has happened. Never waits.
    pub fn try_next(&mut self) -> Option<Notice> {
        let kept = self.log.kept();
        let missed = kept.first().saturating_sub(self.next);
        if missed > 0 {
            self.next += missed;
            return Some(Notice::Lagged(missed));
        }
        let event = kept.get(self.next)?;
        self.next += 1;
        Some(Notice::Event(event))
    }

    /// Appends all that has happened since, without waiting: `false` where the log is being written just now. One load where
    /// nothing has.
    pub(crate) fn try_read(&mut self, notices: &mut Vec<Notice>) -> bool {
        if self.log.written() < self.next {
            return true;
        }
        let Some(kept) = self.log.try_kept() else { return false };
        let missed = kept.first().saturating_sub(self.next);
        if missed > 0 {
            self.next += missed;
            notices.push(Notice::Lagged(missed));
        }
        while let Some(event) = kept.get(self.next) {
            self.next += 1;
            notices.push(Notice::Event(event));
        }
        true
    }

    /// Waits for the next event. Never resolves once the panel is gone and everything was read: [`recv`](Self::recv) says
    /// so.
    ///
    /// # Cancel safety
    /// Cancel-safe: an event that a cancelled call would have returned is returned by the next one.
    pub async fn next(&mut self) -> Notice {
        match self.recv().await {
            Some(next) => next,
            None => std::future::pending().await,
        }
    }

    /// Waits for the next event. `None` once the panel was dropped, its last worker has ended, and everything was read:
    /// nothing happens any more.
    ///
    /// ```
    /// use control_panel::{Context, ControlPanel, EventKind, GraphIntent, IntentSource, Notice, worker};
    ///
    /// #[derive(GraphIntent)]
    /// enum Update { Found(u32) }
    ///
    /// #[worker(source = IntentSource::Restore)]
    /// async fn search(cx: Context<Update>) { cx.cancelled().await }
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let panel = ControlPanel::<Update>::new();
    /// let mut events = panel.events();
    /// let dashboard = tokio::spawn(async move {
    ///     let mut ends = 0;
    ///     while let Some(notice) = events.recv().await {
    ///         ends += usize::from(matches!(notice, Notice::Event(event) if matches!(event.kind, EventKind::Ended(..))));
    ///     }
    ///     ends
    /// });
    /// panel.spawn_search();
    /// panel.shutdown().await;
    /// drop(panel);
    /// assert_eq!(dashboard.await.unwrap(), 1);
    /// # });
    /// ```
    ///
    /// # Cancel safety
    /// As [`next`](Self::next).
    pub async fn recv(&mut self) -> Option<Notice> {
        loop {
            let log = Arc::clone(&self.log);
            let mut changed = std::pin::pin!(log.changed());
            changed.as_mut().enable();
            // Before the look: what is written last is written before the end.
            let over = log.is_over();
            if let Some(next) = self.try_next() {
                return Some(next);
            }
            if over {
                return None;
            }
            changed.await;
        }
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("next", &self.next).finish_non_exhaustive()
    }
}
