//! The numbered log of what happened to the workers.

mod log;

use std::{fmt, iter, sync::Arc};

use tokio::time::Instant;

pub(super) use self::log::Kept;
pub(crate) use self::log::Log;
use crate::lifecycle::Notice;

/// Reads a panel's events in order: what [`ControlPanel::events`](crate::ControlPanel::events) returns.
///
/// A reader that falls behind is notified of how many events it missed, and continues with the oldest one kept.
/// [`PanelStatus::events`](crate::PanelStatus::events) is the number of the last event that a status contains: a status
/// and the events after it give the whole state.
///
/// ```
/// use control_panel::{
///     Context, ControlPanel, GraphIntent, IntentSource, worker,
///     events::{EventKind, Notice},
/// };
///
/// #[derive(GraphIntent)]
/// enum Update {
///     Found(u32),
/// }
///
/// #[worker(source = IntentSource::Restore)]
/// async fn search(_cx: Context<Update>) {}
///
/// let panel = ControlPanel::<Update>::new();
/// let mut events = panel.events();
/// panel.spawn_search().ended_blocking();
/// let Some(Notice::Event(first)) = events.try_next() else {
///     panic!("nothing happened")
/// };
/// assert_eq!((first.number, first.name.as_str()), (1, "search"));
/// assert!(matches!(first.kind, EventKind::Spawned));
/// ```
pub struct Events {
    log: Arc<Log>,
    /// The number of the next event to read.
    next: u64,
}

impl Events {
    /// A reader of the same events that begins with this one.
    pub(crate) fn reader_from(&self, next: u64) -> Self {
        Self { log: Arc::clone(&self.log), next: next.max(1) }
    }

    /// The number of the last event, without a lock: it may lag behind by those being written.
    pub(crate) fn last(&self) -> u64 {
        self.log.written()
    }

    /// Returns the next event, if it has happened. Never waits.
    pub fn try_next(&mut self) -> Option<Notice> {
        self.try_next_with_time().map(|(notice, _)| notice)
    }

    /// Like [`try_next`](Self::try_next), with when an event was logged.
    pub(crate) fn try_next_with_time(&mut self) -> Option<(Notice, Option<Instant>)> {
        self.log.kept().read(&mut self.next)
    }

    /// Appends all events since the last read, without waiting: returns `false` if the log is being written right now.
    /// Costs one load if there are none.
    pub(crate) fn try_read(&mut self, notices: &mut Vec<Notice>) -> bool {
        if self.log.written() < self.next {
            return true;
        }
        let Some(kept) = self.log.try_kept() else { return false };
        notices.extend(iter::from_fn(|| kept.read(&mut self.next)).map(|(notice, _)| notice));
        true
    }

    /// Waits for the next event. Never resolves once the panel is gone and everything was read; [`recv`](Self::recv)
    /// returns `None` then.
    ///
    /// # Cancel safety
    /// Cancel-safe: an event that a cancelled call would have returned is returned by the next one.
    pub async fn next(&mut self) -> Notice {
        match self.recv().await {
            Some(next) => next,
            None => std::future::pending().await,
        }
    }

    /// Waits for the next event. Returns `None` once the panel was dropped, its last worker has ended, and everything
    /// was read: no more events follow.
    ///
    /// ```
    /// use control_panel::{
    ///     Context, ControlPanel, GraphIntent, IntentSource, worker,
    ///     events::{EventKind, Notice},
    /// };
    ///
    /// #[derive(GraphIntent)]
    /// enum Update {
    ///     Found(u32),
    /// }
    ///
    /// #[worker(source = IntentSource::Restore)]
    /// async fn search(cx: Context<Update>) {
    ///     cx.cancelled().await
    /// }
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let panel = ControlPanel::<Update>::new();
    /// let mut events = panel.events();
    /// let dashboard = tokio::spawn(async move {
    ///     let mut ends = 0;
    ///     while let Some(notice) = events.recv().await {
    ///         ends += usize::from(
    ///             matches!(notice, Notice::Event(event)
    ///                 if matches!(event.kind, EventKind::Ended(..))),
    ///         );
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
            // Checked before the read: the last event is written before the end is.
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
