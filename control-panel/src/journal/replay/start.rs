//! The input with which a session begins.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
};

use serde::{Serialize, de::DeserializeOwned};

use super::{decoded::Decoded, founded::Founded, frames::RecordedFrame, noted::Checkpoints};
use crate::{
    journal::{Fault, Journal, JournalError, identity::unlimited, store::KeptSnapshot},
    replica::{Replica, ReplicaBuilder, Snapshot, State, codec::RunBytes, keeper::NoKeeper, restore::Kept},
};

/// The input of [`Recorded::begin`](super::Recorded::begin): an open journal, or what a replay knows of that moment.
#[derive(Debug)]
pub struct Start<'a> {
    pub(super) kind: Kind<'a>,
    /// Whether a state was restored.
    pub(super) restored: Cell<bool>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Kind<'a> {
    Live(&'a Journal),
    Replayed {
        founded: Option<&'a Founded>,
        /// The past of this session, and those of the sessions before it.
        pasts: &'a [Past],
        /// The frames of the sessions before, and the restored state of those that are dropped.
        earlier: (&'a [RecordedFrame], Option<&'a [u8]>),
        /// What earlier starts of the replay made of these.
        made: &'a Made,
    },
}

/// What the starts of one replay keep for its later ones.
#[derive(Debug, Default)]
pub(crate) struct Made {
    pub(super) checkpoints: RefCell<Checkpoints>,
    decoded: RefCell<Decoded>,
}

/// What a replica had when a recorded session began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Past {
    /// The life as which it continued; `None` if it never wrote.
    pub(crate) incarnation: Option<u32>,
    /// The snapshot from which it last continued, or to which it was compacted, in an earlier session.
    pub(crate) snapshot: Option<KeptSnapshot>,
    /// Its runs, without those that it had when the previous session began.
    pub(crate) runs: Vec<RunBytes>,
    /// The frames with which it began are gone: it cannot be replayed.
    pub(crate) is_gone: bool,
}

impl<'a> Start<'a> {
    pub(crate) fn live(journal: &'a Journal) -> Self {
        Self::of(Kind::Live(journal))
    }

    /// `pasts` ends with this session's.
    pub(super) fn replayed(
        founded: Option<&'a Founded>,
        pasts: &'a [Past],
        earlier: (&'a [RecordedFrame], Option<&'a [u8]>),
        made: &'a Made,
    ) -> Self {
        Self::of(Kind::Replayed { founded, pasts, earlier, made })
    }

    fn of(kind: Kind<'a>) -> Self {
        Self { kind, restored: Cell::new(false) }
    }

    pub(crate) fn has_restored(&self) -> bool {
        self.restored.get()
    }

    /// Whether this is a replay: for what a program shows, such as a progress bar. What `begin` returns must not depend on it.
    pub fn is_replay(&self) -> bool {
        matches!(self.kind, Kind::Replayed { .. })
    }

    /// The peer of this journal's replica, and the members with which its group began: for a program that is not the same peer wherever
    /// it runs, because its key decides which peer it is. In a replay it describes the program that made the recording, whichever program
    /// replays it.
    ///
    /// `None` if the journal has no replica yet, or one that began with more than 64 members, or was made by a version that did not note
    /// them.
    ///
    /// ```
    /// use control_panel::{
    ///     Peer, Replica, Stamp, State,
    ///     journal::{Journal, Start},
    ///     replica::codec::{Limits, Postcard},
    /// };
    /// # use control_panel::{GraphIntent, QueuedIntent, Reducer, journal::{JournalError, Recorded}};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Clone, Debug, Default, Serialize, Deserialize)]
    /// # struct Words(Vec<String>);
    /// # impl State for Words {
    /// #     type Op = String;
    /// #     fn apply(&mut self, word: &String, _: &Stamp) { self.0.push(word.clone()); }
    /// # }
    /// # #[derive(Debug, GraphIntent, Serialize, Deserialize)]
    /// # enum Update { Said(String) }
    /// # #[derive(Debug)]
    /// # struct App(Replica<Words>);
    /// # impl Reducer for App {
    /// #     type Intent = Update;
    /// #     fn apply(&mut self, queued: QueuedIntent<Update>) {
    /// #         let Update::Said(word) = queued.intent;
    /// #         self.0.commit(word);
    /// #     }
    /// # }
    /// impl App {
    ///     fn of(
    ///         start: &Start<'_>,
    ///         me: Peer,
    ///         owners: &[Peer],
    ///     ) -> Result<Self, JournalError> {
    ///         let builder = Replica::builder(me, Words::default())
    ///             .members(owners.iter().copied());
    ///         Ok(Self(
    ///             start.replica(builder.codec(Postcard::new(), Limits::default()))?,
    ///         ))
    ///     }
    /// }
    ///
    /// impl Recorded for App {
    ///     // A replay: no key is there, and none is needed.
    ///     fn begin(start: &Start<'_>) -> Result<Self, JournalError> {
    ///         let keyless = Peer([0; 32]);
    ///         let (me, owners) =
    ///             start.founded().map_or((keyless, vec![keyless]), |founded| {
    ///                 (founded.peer, founded.members.into_keys().collect())
    ///             });
    ///         Self::of(start, me, &owners)
    ///     }
    /// }
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("words.journal");
    /// // The program knows its key, and whose group it is.
    /// let [me, owner] = [Peer([1; 32]), Peer([2; 32])];
    /// let journal = Journal::open(&path)?;
    /// let app = journal.begin_with(|start| App::of(start, me, &[owner]))?;
    /// assert_eq!(app.0.author().peer, me);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn founded(&self) -> Option<Founded> {
        match self.kind {
            Kind::Live(journal) => Founded::of(&journal.try_reader().ok()?).ok().flatten(),
            Kind::Replayed { founded, .. } => founded.cloned(),
        }
    }

    /// The replica, with everything that earlier sessions committed durably. It needs a [codec](ReplicaBuilder::codec).
    ///
    /// # Errors
    /// Those of [`Journal::replica`]; in a replay, if a run cannot be decoded.
    pub fn replica<S>(&self, builder: ReplicaBuilder<S>) -> Result<Replica<S>, JournalError>
    where
        S: State + Serialize + DeserializeOwned,
    {
        match self.kind {
            Kind::Live(journal) => journal.replica(builder),
            Kind::Replayed { pasts, made, .. } => {
                replica(pasts, made, builder).map_err(|fault| fault.at("a replay".as_ref()))
            }
        }
    }
}

fn replica<S>(pasts: &[Past], made: &Made, mut builder: ReplicaBuilder<S>) -> Result<Replica<S>, Fault>
where
    S: State + Serialize + DeserializeOwned,
{
    let (incarnation, snapshot) =
        pasts.last().map_or((None, None), |past| (past.incarnation, past.snapshot.as_ref()));
    if let Some(incarnation) = incarnation {
        builder = builder.incarnation(incarnation);
    }
    let resume = snapshot.map(|kept| kept.resume.clone()).unwrap_or_default();
    let snapshot = snapshot.map(|KeptSnapshot { bytes, .. }| {
        let codec = builder.identify.as_deref().and_then(|identify| identify.codec());
        let (codec, _) = codec.ok_or(Fault::NoCodec)?;
        Snapshot::decode(bytes, &**codec, &unlimited()).map_err(Fault::Run)
    });
    let snapshot = snapshot.transpose()?;
    let mut runs = made.decoded.borrow_mut().runs(pasts)?;
    // Each after its past: a run depends only on runs with a lower time.
    runs.sort_by_key(|run| (run.header.lamport, run.header.author, run.header.seq));
    let kept = Kept { snapshot, resume, runs, returned: BTreeSet::new() };
    builder.restore(kept, Box::new(NoKeeper)).map_err(Fault::Snapshot)
}
