//! The worker that writes.

use std::{fmt, sync::Arc, time::Duration};

use super::{
    Journal,
    error::{Fault, JournalError},
    exhibit::Shown,
};
use crate::{Context, Intent, Worker, context::race, util::park};

/// How long the writer waits for the frame to which runs belong. Runs handed over between two frames do not wait for the next frame.
const FRAME: Duration = Duration::from_millis(20);

/// How long the writer waits before it tries again.
const RETRY: Duration = Duration::from_millis(500);

/// What a journal's writer sends to its panel.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum JournalEvent {
    /// The journal cannot be written. What was handed over is kept, and commits come back by [`take_void`](crate::Replica::take_void)
    /// until it can be.
    Failed {
        /// Why.
        error: Arc<JournalError>,
        /// Whether the writer tries again. It does not after a failed sync: the program must be restarted.
        recovers: bool,
    },
    /// Everything that was kept is durable, and commits are accepted again.
    Recovered,
    /// The session's recording is so long that its beginning was dropped: a replay begins with the next session, or where the program
    /// [begins again](Journal::begin_again).
    Shortened {
        /// The journal's number of the last frame that is gone.
        gone: u64,
    },
    /// The replica's state does not come back from serde's encoding of it, so all operations stay in the file, even those that a
    /// [cut](crate::Replica::cut) covers. Sent once per session. It is tried again when the file is twice as long.
    NotCompacted {
        /// Why, and what mends it.
        error: Arc<JournalError>,
    },
}

impl fmt::Display for JournalEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed { error, recovers: true } => write!(f, "{error}; trying again"),
            Self::Failed { error, recovers: false } | Self::NotCompacted { error } => write!(f, "{error}"),
            Self::Recovered => f.write_str("the journal is written again"),
            Self::Shortened { gone } => write!(
                f,
                "the recording had become too long: frames up to {gone} were let go of, and this session cannot be replayed; call `Journal::begin_again` in time"
            ),
        }
    }
}

/// # Writing
impl Journal {
    /// The worker that writes this journal, named `journal_writer`, on a thread of its own. Everything that arrived during one
    /// transaction is written in the next.
    ///
    /// If the disk is full, or fails otherwise, it keeps what it has and tries again twice a second, and sends the panel a
    /// [`JournalEvent`]. A failed sync ends it with an error. When it is stopped, it writes what was handed over first.
    ///
    /// ```
    /// use control_panel::{
    ///     ControlPanel, GraphIntent, IntentSource,
    ///     journal::{Journal, JournalEvent},
    /// };
    ///
    /// #[derive(GraphIntent)]
    /// enum Update {
    ///     #[intent(from)]
    ///     Journal(JournalEvent),
    /// }
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("app.journal");
    /// let mut panel = ControlPanel::<Update>::new();
    /// let journal = Journal::open(&path)?;
    /// panel.spawn(journal.writer(IntentSource::Restore));
    /// // … frames
    /// panel.shutdown_blocking();
    /// journal.close()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn writer<I, P>(&self, source: I::Source) -> Worker<I, P>
    where
        I: Intent + From<JournalEvent>,
        P: Send + Sync + 'static,
    {
        let journal = self.clone();
        let shown = Shown(self.downgrade());
        Worker::thread("journal_writer", source, move |cx: Context<I, P>| write(&cx, &journal)).exhibit(shown)
    }
}

fn write<I, P>(cx: &Context<I, P>, journal: &Journal) -> Result<(), JournalError>
where
    I: Intent + From<JournalEvent>,
    P: Send + Sync + 'static,
{
    // A second writer waits for the first.
    let mut inbox = loop {
        match journal.take_inbox() {
            Some(inbox) => break inbox,
            None if cx.cancelled_timeout(RETRY) => return Ok(()),
            None => {}
        }
    };
    let mut events = Events { cx, unsent: None };
    let mut failed = false;
    loop {
        if !failed {
            park::wait(race(inbox.wait(), cx.cancelled()));
        }
        if cx.is_cancelled() {
            return inbox.write_all(journal).map_err(|fault| fault.at(journal.path()));
        }
        let waited = park::wait_for(race(inbox.wait_for_frame(), cx.cancelled()), FRAME);
        match if waited.is_some() { inbox.write_frames(journal) } else { inbox.write_all(journal) } {
            Ok(()) if failed => {
                failed = false;
                events.send(JournalEvent::Recovered);
            }
            Ok(()) => {}
            Err(fault) => {
                let recovers = !matches!(fault, Fault::SyncFailed | Fault::Closed | Fault::Encode(_));
                if !failed {
                    failed = true;
                    let error = Arc::new(fault.at(journal.path()));
                    events.send(JournalEvent::Failed { error, recovers });
                }
                if !recovers {
                    events.insist();
                    return Err(Fault::SyncFailed.at(journal.path()));
                }
                if cx.cancelled_timeout(RETRY) {
                    return inbox.write_all(journal).map_err(|fault| fault.at(journal.path()));
                }
            }
        }
        events.retry();
        if events.unsent.is_none()
            && let Some(gone) = journal.handover().gauge().take_shortened()
        {
            events.send(JournalEvent::Shortened { gone });
        }
        if events.unsent.is_none()
            && let Some(error) = journal.handover().gauge().take_unkept()
        {
            let error = Arc::new(Fault::State(error).at(journal.path()));
            events.send(JournalEvent::NotCompacted { error });
        }
    }
}

/// Sends events to the panel: only the latest, once there is room, and never at the cost of a transaction.
struct Events<'a, I: Intent, P> {
    cx: &'a Context<I, P>,
    unsent: Option<I>,
}

impl<I: Intent + From<JournalEvent>, P> Events<'_, I, P> {
    fn send(&mut self, event: JournalEvent) {
        self.unsent = Some(event.into());
        self.retry();
    }

    fn retry(&mut self) {
        if let Some(intent) = self.unsent.take()
            && let Err(error) = self.cx.try_send(intent)
        {
            self.unsent = Some(error.into_intent());
        }
    }

    /// Waits for room, as the writer has nothing else to do.
    fn insist(&mut self) {
        if let Some(intent) = self.unsent.take() {
            self.cx.send_blocking(intent).ok();
        }
    }
}
