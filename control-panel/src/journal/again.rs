//! A session that never ends: it begins again, or is shortened.

use std::sync::atomic::Ordering;

use super::{Fault, Journal, JournalError, Recorded, journal::Open, store::Begun};

impl Journal {
    /// Whether this session has recorded more than is [kept](Self::keep_recorded) of earlier ones: it is time to [begin again](Self::begin_again).
    pub fn is_long(&self) -> bool {
        self.lengths().recorded.load(Ordering::Relaxed) > self.lengths().kept.load(Ordering::Relaxed)
    }

    /// Another session without a restart: what is recorded from here on replays from here on. For a program that runs for months, which otherwise would record without end. Call it
    /// between two frames, at a moment when it disturbs no one.
    ///
    /// It is a restart of the state alone: `state` becomes what [`begin`](Self::begin) makes of the file, so what a restart does not bring back is as it is after one. The replica goes on
    /// as the same author; a [`Link`](crate::Link) of the one before is dead, so a worker that has one is spawned again, and a [`Redo`](crate::replica::Redo) that is out is of no use. As in `begin`, what earlier
    /// sessions recorded beyond what is kept is let go of.
    ///
    /// Blocks: until all is durable, and then as `begin`. Returns whether it did: not while the journal has no room for what a frame handed over, and the state is as it was.
    ///
    /// A session that is recorded at more than four times what is [kept](Self::keep_recorded), and 256 MiB, and does not begin again, is bounded all the same: its
    /// frames so far are let go of while it goes on ([`Shortened`](super::JournalEvent::Shortened)). A start has what they came to; a replay cannot, and begins with the session after it.
    ///
    /// ```
    /// use control_panel::{ControlPanel, GraphIntent, IntentSource, QueuedIntent, Reducer};
    /// use control_panel::journal::{Journal, JournalError, Recorded, Recording, Start};
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Debug, GraphIntent, Serialize, Deserialize)]
    /// enum Update {
    ///     Add(u64),
    /// }
    ///
    /// #[derive(Debug)]
    /// struct Total(u64);
    ///
    /// impl Reducer for Total {
    ///     type Intent = Update;
    ///
    ///     fn apply(&mut self, queued: QueuedIntent<Update>) {
    ///         let Update::Add(n) = queued.intent;
    ///         self.0 += n;
    ///     }
    /// }
    ///
    /// impl Recorded for Total {
    ///     fn begin(start: &Start<'_>) -> Result<Self, JournalError> {
    ///         let each = |total: &mut u64, queued: QueuedIntent<Update>| {
    ///             let Update::Add(n) = queued.intent;
    ///             *total += n;
    ///         };
    ///         Ok(Self(start.restore(IntentSource::Restore, 0, each)?.state))
    ///     }
    /// }
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("app.journal");
    /// let journal = Journal::open(&path)?;
    /// journal.keep_recorded(4 << 10);
    /// let mut total: Total = journal.begin()?;
    /// let mut panel = ControlPanel::<Update>::builder().record(&journal).build();
    /// for n in 0..1_000 {
    ///     panel.run_frame(&mut total, &mut (), [(IntentSource::LocalUI, Update::Add(n))]);
    ///     journal.flush()?; // a writer does
    ///     if journal.is_long() {
    ///         journal.begin_again(&mut total)?;
    ///     }
    /// }
    /// drop(panel);
    /// journal.close()?;
    /// let recording = Recording::open(&path)?;
    /// assert!(recording.sessions() > 1 && recording.gone() > 500);
    /// assert_eq!(recording.replay::<Total>(u64::MAX).state.unwrap().0, total.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`flush`](Self::flush) and of [`begin`](Self::begin). The state is as it was, and the session goes on.
    pub fn begin_again<S: Recorded>(&self, state: &mut S) -> Result<bool, JournalError> {
        // What a frame committed that did not come to its end is this session's.
        state.settle();
        self.flush()?;
        if self.handover().is_behind() {
            return Ok(false);
        }
        let (session, before) = (self.session(), self.end_session().map_err(|fault| fault.at(self.path()))?);
        match self.begin() {
            Ok(begun) => {
                *state = begun;
                self.lengths().recorded.store(0, Ordering::Relaxed);
                Ok(true)
            }
            Err(error) => {
                self.current_session().store(session, Ordering::Relaxed);
                if let Some(open) = &mut *self.open_state() {
                    (open.continues, open.has_replica) = before;
                }
                Err(error)
            }
        }
    }

    /// What is recorded next is of another session, whose replica goes on as the one before. What that was, for when there is none after all.
    fn end_session(&self) -> Result<(bool, bool), Fault> {
        let mut open = self.open_state();
        let Open { store, continues, has_replica, .. } = open.as_mut().ok_or(Fault::Closed)?;
        store.set_meta(store.meta().of_next_session()?)?;
        // What came behind the last frame is no frame's of the next session, which begins with it.
        store.forget_loose();
        self.current_session().store(store.meta().session, Ordering::Relaxed);
        let before = (*continues, *has_replica);
        (*continues, *has_replica) = (*continues || *has_replica, false);
        Ok(before)
    }

    /// So many bytes of frames are durable. Where the session has come to more than a recording may be, its frames are let go of. What fails is tried again when as much has come.
    pub(super) fn shorten(&self, recorded: u64) {
        let all = self.lengths().recorded.fetch_add(recorded, Ordering::Relaxed).saturating_add(recorded);
        let kept = self.lengths().kept.load(Ordering::Relaxed);
        let least = self.lengths().least.load(Ordering::Relaxed);
        if all <= kept.saturating_mul(4).max(least) {
            return;
        }
        self.lengths().recorded.store(0, Ordering::Relaxed);
        let here = self.try_reader().and_then(|reader| reader.here());
        if let Ok(here) = here.map(|here| Begun { inside: Some(self.session()), ..here })
            && self.let_go(&here)
        {
            self.handover().gauge().set_shortened(here.frame);
        }
    }
}

#[cfg(test)]
impl Journal {
    /// Four times what is kept is enough.
    pub(super) fn shorten_early(&self) {
        self.lengths().least.store(0, Ordering::Relaxed);
    }
}
