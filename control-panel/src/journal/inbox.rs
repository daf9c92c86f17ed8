//! The writing end of the hand-over. Items that it took and has not written are kept for its next holder.

use std::fmt;

use tokio::sync::mpsc;

use super::{
    error::Fault,
    journal::{Journal, Open},
    store::{Item, Store},
};

/// The most items of one transaction: whole frames that waited while the last one was written.
const GROUP: usize = 1024;

/// Items that were handed over and are not durable yet.
#[derive(Debug)]
pub(super) struct Inbox {
    receiver: mpsc::Receiver<Item>,
    /// Taken and not written yet: within the bound of the hand-over.
    held: Vec<Item>,
    /// Whether frames are recorded: then a transaction ends with one.
    recorded: bool,
}

impl Inbox {
    pub(super) fn new(receiver: mpsc::Receiver<Item>) -> Self {
        Self { receiver, held: Vec::new(), recorded: false }
    }

    /// How many of the held items make whole frames; all of them if no frame is recorded.
    fn whole(&mut self) -> usize {
        let last = self.held.iter().rposition(|item| matches!(item, Item::Frame(_)));
        self.recorded |= last.is_some();
        if self.recorded { last.map_or(0, |last| last + 1) } else { self.held.len() }
    }
}

/// The inbox of a journal, given back when this is dropped.
pub(super) struct InboxGuard<'a> {
    pub(super) inbox: Option<Inbox>,
    pub(super) journal: &'a Journal,
}

impl Drop for InboxGuard<'_> {
    fn drop(&mut self) {
        if let Some(inbox) = self.inbox.take() {
            self.journal.return_inbox(inbox);
        }
    }
}

impl fmt::Debug for InboxGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InboxGuard").finish_non_exhaustive()
    }
}

impl InboxGuard<'_> {
    fn inbox(&mut self) -> &mut Inbox {
        self.inbox.as_mut().unwrap_or_else(|| unreachable!("it is given back when this is dropped"))
    }

    /// Waits for something to write.
    ///
    /// # Cancel safety
    /// Cancel-safe.
    pub(super) async fn wait(&mut self) {
        let Inbox { receiver, held, .. } = self.inbox();
        if held.is_empty() {
            receiver.recv_many(held, GROUP).await;
        }
    }

    /// Waits until the held items end with a whole frame.
    ///
    /// # Cancel safety
    /// Cancel-safe.
    pub(super) async fn wait_for_frame(&mut self) {
        let inbox = self.inbox();
        while inbox.whole() == 0 {
            inbox.receiver.recv_many(&mut inbox.held, GROUP).await;
        }
    }

    /// Writes everything that was handed over, in groups.
    pub(super) fn write_all(&mut self, journal: &Journal) -> Result<(), Fault> {
        self.write(journal, true)
    }

    /// Writes the whole frames that were handed over, in groups.
    pub(super) fn write_frames(&mut self, journal: &Journal) -> Result<(), Fault> {
        self.write(journal, false)
    }

    fn write(&mut self, journal: &Journal, all: bool) -> Result<(), Fault> {
        loop {
            let inbox = self.inbox();
            let Inbox { receiver, held, .. } = inbox;
            while held.len() < GROUP
                && let Ok(item) = receiver.try_recv()
            {
                held.push(item);
            }
            let whole = inbox.whole();
            let held = &mut inbox.held;
            // A frame with more runs than a group holds is written in several transactions.
            let count = if all || held.len() >= GROUP { held.len() } else { whole };
            let gauge = journal.handover().gauge();
            if count > 0 {
                let mut open = journal.open_state();
                let store = &mut open.as_mut().ok_or(Fault::Closed)?.store;
                let written = write(store, &held[..count]);
                drop(open);
                if let Err(fault) = written {
                    gauge.set_halted(true);
                    return Err(fault);
                }
                if gauge.is_halted() {
                    gauge.set_halted(false);
                }
                let intents = held[..count].iter().map(Item::intents).sum();
                let recorded = held[..count].iter().map(Item::recorded).sum();
                gauge.written(held.drain(..count).collect());
                journal.frames_written(intents);
                journal.shorten(recorded);
            }
            // Items that arrive meanwhile wait for one step.
            let mut open = journal.open_state();
            let Some(Open { store, .. }) = &mut *open else { return Ok(()) };
            if let Some(error) = store.take_unkept() {
                gauge.set_unkept(error);
            }
            let more = compact(store)?;
            gauge.set_wants_snapshot(store.wants_snapshot());
            if count == 0 && !more {
                return Ok(());
            }
        }
    }
}

/// Takes one step of dropping what a snapshot replaces; returns whether there is more. A failure loses nothing: the next
/// transaction tries again.
fn compact(store: &mut Store) -> Result<bool, Fault> {
    if store.disk().sync_failed() {
        return Ok(false);
    }
    match store.compact() {
        Err(fault @ Fault::SyncFailed) => Err(fault),
        compacted => Ok(compacted.unwrap_or(false)),
    }
}

/// One transaction.
fn write(store: &mut Store, items: &[Item]) -> Result<(), Fault> {
    if store.disk().sync_failed() {
        return Err(Fault::SyncFailed);
    }
    store.append(items)
}
