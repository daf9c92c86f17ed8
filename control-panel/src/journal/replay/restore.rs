//! Restores a state from what earlier sessions recorded.

use serde::{Serialize, de::DeserializeOwned};

use super::{
    fold::Fold,
    noted::Noted,
    start::{Kind, Start},
};
use crate::{
    intent::{Intent, order::QueuedIntent},
    journal::JournalError,
};

/// The result of [`Start::restore`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Restored<T> {
    /// The state.
    pub state: T,
    /// How many intents of all earlier sessions made it.
    pub given: u64,
    /// How many were left out.
    pub left_out: u64,
    /// How many are gone from the file ([`Journal::keep_recorded`](crate::journal::Journal::keep_recorded)) and not in the state, because
    /// its type has changed.
    pub gone: u64,
}

impl Start<'_> {
    /// Restores a state from the intents that earlier sessions recorded, in the order in which they were applied: for
    /// [`begin`](super::Recorded::begin), to restore what is local to this program. Shared state comes back with
    /// [`replica`](Self::replica).
    ///
    /// It begins with `first`, and `each` applies the intents that should count, each as one of this source. It should skip intents that
    /// commit operations, as the replica has these already; those that observe something that ended with the process (a window, a
    /// connection); and those that ask for something to happen now (a quit). No effect is performed here: the first
    /// [`Reconcile`](crate::Reconcile) compares the host with the restored state.
    ///
    /// An intent keeps its clock, its producer's number and its place in that producer's order; its time in the queue is now. These are
    /// left out, and counted:
    /// - an intent of which the record has only the name (`#[intent(skip)]`, or one that could not be serialized),
    /// - one with a [`Delta`](crate::Delta), as the replica has its operations,
    /// - the one on which the reducer panicked, as the next start would panic there too,
    /// - one that this program cannot read. Bytes do not say of which type they are: change an intent as postcard allows it (new variants behind the
    ///   others), or raise [`fingerprint`](super::Recorded::fingerprint) and restore nothing.
    ///
    /// A [`Reply`](crate::requests::Reply) comes back as one for which nothing waits.
    ///
    /// Cost: some 300 ns per intent since the journal last noted the state, and what `each` costs. The journal notes the state again once
    /// the intents since the last note have 256 KiB, or as many bytes as that note if it is larger: its writer brings the last noted state
    /// up to date with `each`, between transactions. So a start reads no more than that, however long the earlier sessions were. If the
    /// state's type has changed since (a field, a variant, their order), or the journal has
    /// [another reducer](super::super::Journal::adopt_reducer), all frames are read again. `each` must depend on nothing but the state and
    /// the intent: raise the [`fingerprint`](super::Recorded::fingerprint) whenever it changes.
    ///
    /// Blocks. In a replay it reads the recorded frames of the earlier sessions, each about once per replay; it does not use the file's
    /// notes, as the replay is to find out whether they are right.
    ///
    /// ```
    /// use control_panel::journal::{Journal, JournalError, Recorded, Start};
    /// use control_panel::{
    ///     ControlPanel, GraphIntent, IntentSource, QueuedIntent, Reducer,
    /// };
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Debug, GraphIntent, Serialize, Deserialize)]
    /// enum Update {
    ///     Open(u32),
    ///     Quit,
    /// }
    ///
    /// #[derive(Debug, Default)]
    /// struct App {
    ///     own: Own,
    ///     quit: bool,
    /// }
    ///
    /// /// What comes back.
    /// #[derive(Debug, Default, Serialize, Deserialize)]
    /// struct Own {
    ///     page: u32,
    /// }
    ///
    /// impl Own {
    ///     fn apply(&mut self, update: &Update) {
    ///         match update {
    ///             Update::Open(page) => self.page = *page,
    ///             Update::Quit => {} // it was meant then
    ///         }
    ///     }
    /// }
    ///
    /// impl Reducer for App {
    ///     type Intent = Update;
    ///
    ///     fn apply(&mut self, queued: QueuedIntent<Update>) {
    ///         self.own.apply(&queued.intent);
    ///         self.quit |= matches!(queued.intent, Update::Quit);
    ///     }
    /// }
    ///
    /// impl Recorded for App {
    ///     fn begin(start: &Start<'_>) -> Result<Self, JournalError> {
    ///         let each = |own: &mut Own, queued: QueuedIntent<Update>| {
    ///             own.apply(&queued.intent)
    ///         };
    ///         let own =
    ///             start.restore(IntentSource::Restore, Own::default(), each)?.state;
    ///         Ok(Self { own, quit: false })
    ///     }
    /// }
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("app.journal");
    /// for session in 0..2 {
    ///     let journal = Journal::open(&path)?;
    ///     let mut app: App = journal.begin()?;
    ///     assert_eq!((app.own.page, app.quit), (7 * session, false));
    ///     let mut panel = ControlPanel::<Update>::builder().record(&journal).build();
    ///     panel.run_frame(
    ///         &mut app,
    ///         &mut (),
    ///         [Update::Open(7), Update::Quit]
    ///             .map(|intent| (IntentSource::LocalUI, intent)),
    ///     );
    ///     drop(panel);
    ///     journal.close()?;
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`JournalError`], if a row cannot be read.
    ///
    /// # Panics
    /// If it is called twice: one state has everything that comes back.
    pub fn restore<I, T, F>(&self, source: I::Source, first: T, each: F) -> Result<Restored<T>, JournalError>
    where
        I: Intent + DeserializeOwned,
        T: Serialize + DeserializeOwned + 'static,
        F: Fn(&mut T, QueuedIntent<I>) + Send + 'static,
    {
        assert!(
            !self.restored.replace(true),
            "`Start::restore` is called once: one state has all that comes back"
        );
        let fold = Fold::new(source, each);
        match self.kind {
            Kind::Live(journal) => fold.begin(journal, first).map_err(|fault| fault.at(journal.path())),
            Kind::Replayed { earlier, made, .. } => {
                let (frames, gone) = earlier;
                let gone = gone.and_then(Noted::read);
                let left = gone.map_or(0, |gone| gone.given);
                let first = gone.and_then(|gone| gone.restored()).unwrap_or(Restored {
                    state: first,
                    given: 0,
                    left_out: 0,
                    gone: left,
                });
                Ok(fold.over_frames(frames, &mut made.checkpoints.borrow_mut(), first))
            }
        }
    }
}
