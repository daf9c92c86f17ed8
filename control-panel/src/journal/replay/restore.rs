//! What earlier sessions recorded, for a state that goes on from it.

use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::{
    frames::RecordedFrame,
    player::read,
    start::{Kind, Start},
};
use crate::{
    frame::Ending,
    intent::Intent,
    journal::{
        Fault, Journal, JournalError,
        intents::{Body, Entry, ReadFrame, read_frame},
    },
    queued::{CausalityOrder, Origin, QueuedIntent},
    replica::codec::Replayed,
};

/// How many intents [`Start::restore`] gave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Restored {
    /// Those that it gave.
    pub given: u64,
    /// Those that it left out.
    pub left_out: u64,
}

impl Start<'_> {
    /// Gives the intents that earlier sessions recorded, in the order in which they were applied, each as one of this source: for
    /// [`begin`](super::Recorded::begin), to bring back what is this program's own. What is shared comes back with [`replica`](Self::replica).
    ///
    /// The caller decides which of them it applies. Not those that commit operations, as the replica has these already; nor those that
    /// observe what ended with the process (a window, a connection), or that ask for something to happen now (a quit). Nothing is performed here: effects are
    /// those of the first [`Reconcile`](crate::Reconcile), which finds the state as it is then.
    ///
    /// An intent keeps its clock, its producer's number and its place in that producer's order; its time in the queue is now. These are left out, and counted:
    /// - an intent that the record has by name only (`#[intent(skip)]`, or what could not be serialized),
    /// - one with a [`Delta`](crate::Delta): what it brought, the replica has,
    /// - the one on which the reducer panicked, as the next start would end there too,
    /// - one that this program cannot read. Bytes do not say of which type they are: change an intent as postcard allows it (new variants behind the
    ///   others), or raise [`fingerprint`](super::Recorded::fingerprint) and restore nothing.
    ///
    /// A [`Reply`](crate::Reply) comes back as one that no one waits for.
    ///
    /// Cost: all frames of the journal are read, one at a time; some 300 ns for each intent and what the caller does with it. Blocks. In a replay
    /// it gives what the recording has of the sessions before.
    ///
    /// ```
    /// use control_panel::{ControlPanel, GraphIntent, IntentSource, QueuedIntent, Reducer};
    /// use control_panel::journal::{Journal, JournalError, Recorded, Start};
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
    ///     page: u32,
    ///     quit: bool,
    /// }
    ///
    /// impl Reducer for App {
    ///     type Intent = Update;
    ///
    ///     fn apply(&mut self, queued: QueuedIntent<Update>) {
    ///         match queued.intent {
    ///             Update::Open(page) => self.page = page,
    ///             Update::Quit => self.quit = true,
    ///         }
    ///     }
    /// }
    ///
    /// impl Recorded for App {
    ///     fn begin(start: &Start<'_>) -> Result<Self, JournalError> {
    ///         let mut app = Self::default();
    ///         start.restore(IntentSource::Restore, |queued: QueuedIntent<Update>| match queued.intent {
    ///             Update::Open(_) => app.apply(queued),
    ///             Update::Quit => {} // it was meant then
    ///         })?;
    ///         Ok(app)
    ///     }
    /// }
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("app.journal");
    /// for session in 0..2 {
    ///     let journal = Journal::open(&path)?;
    ///     let mut app: App = journal.begin()?;
    ///     assert_eq!((app.page, app.quit), (7 * session, false));
    ///     let mut panel = ControlPanel::<Update>::builder().record(&journal).build();
    ///     panel.run_frame(&mut app, &mut (), [Update::Open(7), Update::Quit].map(|intent| (IntentSource::LocalUI, intent)));
    ///     drop(panel);
    ///     journal.close()?;
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`JournalError`], if a row cannot be read.
    pub fn restore<I>(
        &self,
        source: I::Source,
        each: impl FnMut(QueuedIntent<I>),
    ) -> Result<Restored, JournalError>
    where
        I: Intent + DeserializeOwned,
    {
        let mut giver = Giver { source, each, now: Instant::now(), restored: Restored::default() };
        match self.0 {
            Kind::Live(journal) => {
                give_file(journal, &mut giver).map_err(|fault| fault.at(journal.path()))?;
            }
            Kind::Replayed { earlier, .. } => {
                for RecordedFrame { head, intents, .. } in earlier {
                    giver.give_frame(head.ending, intents.iter().map(|intent| &intent.entry));
                }
            }
        }
        Ok(giver.restored)
    }
}

fn give_file<I, F>(journal: &Journal, giver: &mut Giver<I, F>) -> Result<(), Fault>
where
    I: Intent + DeserializeOwned,
    F: FnMut(QueuedIntent<I>),
{
    let reader = journal.try_reader()?;
    for row in reader.frames(..)? {
        let row = row?;
        // What this session recorded is no past.
        if row.session >= journal.session() {
            break;
        }
        let ReadFrame { head, entries, .. } = read_frame(&row.intents)
            .map_err(|error| Fault::damaged(format_args!("frame {}: {error}", row.number)))?;
        giver.give_frame(head.ending, entries.iter());
    }
    Ok(())
}

struct Giver<I: Intent, F> {
    source: I::Source,
    each: F,
    now: Instant,
    restored: Restored,
}

impl<I, F> Giver<I, F>
where
    I: Intent + DeserializeOwned,
    F: FnMut(QueuedIntent<I>),
{
    fn give_frame<'e>(&mut self, ending: Ending, entries: impl ExactSizeIterator<Item = &'e Entry>) {
        let panicked = if ending == Ending::Panicked { entries.len().checked_sub(1) } else { None };
        for (index, entry) in entries.enumerate() {
            match self.read(entry).filter(|_| Some(index) != panicked) {
                Some(queued) => {
                    self.restored.given += 1;
                    (self.each)(queued);
                }
                None => self.restored.left_out += 1,
            }
        }
    }

    fn read(&self, entry: &Entry) -> Option<QueuedIntent<I>> {
        let Body::Value(bytes) = &entry.body else { return None };
        // A scope that knows no runs: in a replay too, a delta is none that this gives.
        let intent = Replayed::default().within(|| read(bytes)).ok()?;
        let (clock, origin, seq) = (entry.clock, Origin(entry.origin), entry.seq);
        let order = CausalityOrder { clock, source: self.source, origin, seq };
        Some(QueuedIntent::keyed(order, self.now, intent))
    }
}
