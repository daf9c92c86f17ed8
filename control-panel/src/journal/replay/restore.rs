//! What earlier sessions recorded, for a state that goes on from it.

use serde::{Serialize, de::DeserializeOwned};
use tokio::time::Instant;

use super::{
    frames::RecordedFrame,
    noted::Noted,
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

/// How many intents a start reads, and leaves to the next to read again.
const UNNOTED: u64 = 4_096;

/// What [`Start::restore`] came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Restored<T> {
    /// The state.
    pub state: T,
    /// How many intents made it, of all earlier sessions.
    pub given: u64,
    /// How many were left out.
    pub left_out: u64,
}

impl Start<'_> {
    /// Brings a state back from the intents that earlier sessions recorded, in the order in which they were applied: for
    /// [`begin`](super::Recorded::begin), to bring back what is this program's own. What is shared comes back with [`replica`](Self::replica).
    ///
    /// It begins with `first`, and `each` applies to it those that it decides on, each as one of this source. Not those that commit
    /// operations, as the replica has these already; nor those that observe what ended with the process (a window, a connection), or that ask for
    /// something to happen now (a quit). Nothing is performed here: effects are those of the first [`Reconcile`](crate::Reconcile), which finds the state as it is then.
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
    /// Cost: some 300 ns for each intent since the journal noted the state last, and what the caller does with it. A start that reads more than 4,096
    /// hands the state to the journal's writer, and the next begins with that: so it reads what one session recorded, not the whole journal. Where
    /// the state's type changed since (a field, a variant, their order), or the journal has [another reducer](super::super::Journal::adopt_reducer), all frames are
    /// read again. `each` must depend on nothing but the state and the intent: raise the [`fingerprint`](super::Recorded::fingerprint) with it.
    ///
    /// Blocks. In a replay it reads what the recording has of the sessions before.
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
    ///         let each = |own: &mut Own, queued: QueuedIntent<Update>| own.apply(&queued.intent);
    ///         let own = start.restore(IntentSource::Restore, Own::default(), each)?.state;
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
    ///     panel.run_frame(&mut app, &mut (), [Update::Open(7), Update::Quit].map(|intent| (IntentSource::LocalUI, intent)));
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
    /// If it is called again: one state has all that comes back.
    pub fn restore<I, T>(
        &self,
        source: I::Source,
        first: T,
        each: impl FnMut(&mut T, QueuedIntent<I>),
    ) -> Result<Restored<T>, JournalError>
    where
        I: Intent + DeserializeOwned,
        T: Serialize + DeserializeOwned,
    {
        assert!(
            !self.restored.replace(true),
            "`Start::restore` is called once: one state has all that comes back"
        );
        let restored = Restored { state: first, given: 0, left_out: 0 };
        let mut giver = Giver { source, each, now: Instant::now(), restored };
        match self.kind {
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

fn give_file<I, T, F>(journal: &Journal, giver: &mut Giver<I, T, F>) -> Result<(), Fault>
where
    I: Intent + DeserializeOwned,
    T: Serialize + DeserializeOwned,
    F: FnMut(&mut T, QueuedIntent<I>),
{
    let reader = journal.try_reader()?;
    let reducer = reader.meta()?.reducer;
    let mut upto = 0;
    if let Some((frame, row)) = reader.restored()?
        && let Some(known) = Noted::read(&row)
        && known.reducer == reducer
        && reader.frame_hash(frame)? == Some(known.hash)
        && let Some(state) = known.state()
    {
        upto = frame;
        giver.restored = Restored { state, given: known.given, left_out: known.left_out };
    }
    let before = giver.restored.given + giver.restored.left_out;
    for row in reader.frames(upto + 1..)? {
        let row = row?;
        // What this session recorded is no past.
        if row.session >= journal.session() {
            break;
        }
        let ReadFrame { head, entries, .. } = read_frame(&row.intents)
            .map_err(|error| Fault::damaged(format_args!("frame {}: {error}", row.number)))?;
        giver.give_frame(head.ending, entries.iter());
        upto = row.number;
    }
    let Restored { state, given, left_out } = &giver.restored;
    if given + left_out - before > UNNOTED
        && let Some(hash) = reader.frame_hash(upto)?
        && let Some(row) = Noted::write(reducer, hash, *given, *left_out, state)
    {
        journal.handover().restored(upto, row);
    }
    Ok(())
}

struct Giver<I: Intent, T, F> {
    source: I::Source,
    each: F,
    now: Instant,
    restored: Restored<T>,
}

impl<I, T, F> Giver<I, T, F>
where
    I: Intent + DeserializeOwned,
    F: FnMut(&mut T, QueuedIntent<I>),
{
    fn give_frame<'e>(&mut self, ending: Ending, entries: impl ExactSizeIterator<Item = &'e Entry>) {
        let panicked = if ending == Ending::Panicked { entries.len().checked_sub(1) } else { None };
        for (index, entry) in entries.enumerate() {
            match self.read(entry).filter(|_| Some(index) != panicked) {
                Some(queued) => {
                    self.restored.given += 1;
                    (self.each)(&mut self.restored.state, queued);
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
