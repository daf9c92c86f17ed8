//! A session that never ends: it begins again, or is shortened.

use std::sync::atomic::Ordering;

use super::{Fault, Journal, JournalError, Recorded, journal::Open, store::Begun};

/// # A session that begins again
impl Journal {
    /// Whether this session has recorded more than is [kept](Self::keep_recorded) of earlier ones, so that it is time to
    /// [begin again](Self::begin_again).
    pub fn is_long(&self) -> bool {
        self.lengths().recorded.load(Ordering::Relaxed) > self.lengths().kept.load(Ordering::Relaxed)
    }

    /// Begins another session without a restart: what is recorded from here on replays from here on. For a program that runs for
    /// months, whose recording would otherwise grow without end. Call it between two frames, at a moment when a pause is not
    /// noticed.
    ///
    /// Only the state restarts: `state` becomes what [`begin`](Self::begin) makes of the file, so what a restart does not bring back
    /// is missing afterwards. The replica continues as the same author. A [`Link`](crate::link::Link) to the previous replica is dead, so a
    /// worker that has one is spawned again, and the result of a [`Redo`](crate::replica::Redo) that is still running cannot be used.
    /// As in `begin`, recordings of earlier sessions beyond what is kept are dropped.
    ///
    /// Blocks until everything is durable, and then as long as `begin`. Returns whether it began another session. It does not while
    /// the journal has no room for what a frame handed over; the state is unchanged then.
    ///
    /// A session that does not begin again is bounded all the same: once it has recorded more than four times what is
    /// [kept](Self::keep_recorded), and more than 256 MiB, its frames so far are dropped while it continues
    /// ([`Shortened`](super::JournalEvent::Shortened)). A start still has the state that they produced; a replay does not, and begins
    /// with the session after it.
    ///
    /// ```
    /// use control_panel::journal::{
    ///     Journal, JournalError, Recorded, Recording, Start,
    /// };
    /// use control_panel::{
    ///     ControlPanel, GraphIntent, IntentSource, QueuedIntent, Reducer,
    /// };
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
    ///     panel.run_frame(
    ///         &mut total,
    ///         &mut (),
    ///         [(IntentSource::LocalUI, Update::Add(n))],
    ///     );
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
    /// Those of [`flush`](Self::flush) and of [`begin`](Self::begin). The state is unchanged, and the session continues.
    pub fn begin_again<S: Recorded>(&self, state: &mut S) -> Result<bool, JournalError> {
        // Operations committed by a frame that was cut short belong to this session.
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

    /// Records what follows as another session, whose replica continues as the same author. Returns the previous session, to return to
    /// if the new one cannot begin.
    fn end_session(&self) -> Result<(bool, bool), Fault> {
        let mut open = self.open_state();
        let Open { store, continues, has_replica, .. } = open.as_mut().ok_or(Fault::Closed)?;
        store.set_meta(store.meta().of_next_session()?)?;
        // Operations committed after the last frame belong to no frame of the next session; that session begins with them.
        store.forget_loose();
        self.current_session().store(store.meta().session, Ordering::Relaxed);
        let before = (*continues, *has_replica);
        (*continues, *has_replica) = (*continues || *has_replica, false);
        Ok(before)
    }

    /// This many bytes of frames became durable. If the session has grown beyond the maximum of a recording, its frames are dropped.
    /// A failure is retried once as many bytes have been added.
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
