//! Why a worker was asked to stop.

use std::{
    fmt,
    sync::atomic::{AtomicU8, Ordering},
};

/// Why a worker, or one run of it, was asked to stop: returned by [`Context::cause`](crate::Context::cause), and part
/// of events and reports.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Cause {
    /// The panel shuts down, or was dropped.
    Shutdown = 1,
    /// It is being restarted: [`WorkerHandle::restart`](crate::WorkerHandle::restart).
    Restart,
    /// It was stopped by hand: [`WorkerHandle::stop`](crate::WorkerHandle::stop).
    Stopped,
    /// The watchdog found it stuck.
    Stuck,
    /// Another worker of its group failed or ended.
    Dependency,
    /// The program's policy stopped it: [`WorkerHandle::stop_for`](crate::WorkerHandle::stop_for).
    Policy,
    /// A newer task took its key.
    Replaced,
    /// A worker failed too often or was stuck, and was configured to end the whole panel then.
    Escalated,
    /// The panel's runtime is gone, and with it the task that would have restarted it.
    RuntimeGone,
    /// It was not ready in time: [`Worker::ready_within`](crate::Worker::ready_within).
    NotReady,
}

impl Cause {
    /// In the order of their numbers.
    const ALL: [Self; 10] = [
        Self::Shutdown,
        Self::Restart,
        Self::Stopped,
        Self::Stuck,
        Self::Dependency,
        Self::Policy,
        Self::Replaced,
        Self::Escalated,
        Self::RuntimeGone,
        Self::NotReady,
    ];
}

impl Cause {
    /// Whether no run follows one that was first cancelled for this cause.
    pub(crate) fn is_final(self) -> bool {
        match self {
            Self::Shutdown
            | Self::Stopped
            | Self::Policy
            | Self::Replaced
            | Self::Escalated
            | Self::RuntimeGone => true,
            Self::Restart | Self::Stuck | Self::Dependency | Self::NotReady => false,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Shutdown => "the panel shuts down",
            Self::Restart => "it is restarted",
            Self::Stopped => "it was stopped",
            Self::Stuck => "it was stuck",
            Self::Dependency => "another worker of its group ended",
            Self::Policy => "the policy wants it gone",
            Self::Replaced => "a newer task took its key",
            Self::Escalated => "a worker failed too often, or was stuck, for the panel to go on",
            Self::RuntimeGone => "the panel's runtime is gone",
            Self::NotReady => "it was not ready in time",
        })
    }
}

/// A cause, once there is one. Stored in a byte, as every worker has two of these.
#[derive(Default)]
pub(crate) struct CauseCell(AtomicU8);

impl CauseCell {
    pub(crate) fn get(&self) -> Option<Cause> {
        let number = usize::from(self.0.load(Ordering::Acquire));
        Cause::ALL.get(number.checked_sub(1)?).copied()
    }

    pub(crate) fn set(&self, cause: Cause) {
        self.0.store(cause as u8, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_gives_back_what_it_was_given() {
        let cell = CauseCell::default();
        assert_eq!(cell.get(), None);
        for cause in Cause::ALL {
            cell.set(cause);
            assert_eq!(cell.get(), Some(cause));
        }
    }
}
