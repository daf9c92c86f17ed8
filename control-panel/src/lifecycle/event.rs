//! What happened to a worker.

use std::{fmt, time::Duration};

use super::{cause::Cause, exit::Exit, status::SpawnError};
use crate::{intent::Origin, util::Name};

/// Something that happened to a worker.
#[non_exhaustive]
#[derive(Debug, Clone)]
pub struct Event {
    /// Its number: a panel's first event is 1, and each further one is one more.
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
    /// A run began.
    Started,
    /// A run was asked to stop.
    Stopping(Cause),
    /// A run is over. Another may follow: see `BackingOff`, `Started` and `Ended`.
    Exited(Exit),
    /// It waits for its turn: for other members of its group, for a place, or for the task that it replaces. Or a run
    /// has exited that another follows immediately, and it waits for a thread to begin on.
    Waiting,
    /// The next run begins after this wait.
    BackingOff(Duration),
    /// It failed or was stuck more often than its intensity allows, and stays down.
    GaveUp,
    /// It failed too often or was stuck, and was configured to end the panel then: all workers are stopped.
    Escalated,
    /// The watchdog found it stuck, for at least this long: one poll of it lasts longer than
    /// [`stuck_after`](crate::Worker::stuck_after), or a [promised](crate::Worker::heartbeat) heartbeat is missing.
    /// Holds until `Recovered`, or until its run has `Exited`.
    Stuck(Duration),
    /// It was stuck and no longer is.
    Recovered,
    /// It reported that it is [ready](crate::Context::ready): the members of its group that wait for it may start.
    Ready,
    /// It was suspended.
    Suspended,
    /// It was resumed.
    Resumed,
    /// It never ran. A refusal by a panel that is shutting down is not an event: only the handle's
    /// [status](crate::WorkerHandle::status) shows it.
    Refused(SpawnError),
    /// The worker ended for good: no run follows its last one. With the cause, if it was asked to stop.
    Ended(Exit, Option<Cause>),
}

impl EventKind {
    /// Whether it holds a value of the user's, whose drop runs the user's code.
    pub(crate) fn holds_an_error(&self) -> bool {
        matches!(self, Self::Exited(exit) | Self::Ended(exit, _) if exit.is_failure())
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spawned => f.write_str("spawned"),
            Self::Started => f.write_str("started"),
            Self::Stopping(cause) => write!(f, "asked to stop: {cause}"),
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

/// The next of a panel's events, or how many were missed before it. There will be no third variant, so a `match` can be
/// exhaustive.
#[derive(Debug, Clone)]
pub enum Notice {
    /// The next event.
    Event(Event),
    /// This many events came and went unread before the next one: the reader was more than 1,024 behind.
    /// [`ControlPanel::status`](crate::ControlPanel::status) shows what they changed.
    Lagged(u64),
}
