//! Serves peers from what is durable.

use std::{error::Error, fmt, pin::Pin};

use super::{
    Journal,
    error::{Fault, JournalError},
    handover::Handover,
    journal::WeakJournal,
    store::{Place, Reader},
};
use crate::replica::{
    Delta, Version,
    codec::{Codec, DecodeError, EncodeError, Limits},
    keeper::{DurableRuns, Lacked, LackedRuns},
};

/// Decodes no operation: their bytes are passed on unchanged.
pub(super) struct Unread;

impl Codec<()> for Unread {
    fn schema(&self) -> u32 {
        0
    }

    fn encode(&self, (): &(), _: &mut Vec<u8>) -> Result<(), EncodeError> {
        Err(EncodeError::NoCodec)
    }

    fn decode(&self, _: u32, _: &[u8]) -> Result<(), DecodeError> {
        Err(DecodeError::value("not read here"))
    }
}

/// How many bytes of runs are read for one peer.
const HELD: usize = 4 << 20;

/// What a replica lacks, or the first part of it: returned by [`Journal::since`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Missing {
    /// If operations that it lacks are gone from the file: the snapshot with which it joins or rejoins first
    /// ([`Snapshot::decode`](crate::replica::Snapshot::decode)).
    pub snapshot: Option<Vec<u8>>,
    /// The deltas that it decodes ([`Delta::decode`]) and merges, in this order.
    pub deltas: Vec<Vec<u8>>,
    /// The version that it reaches with these, as far as the journal knows.
    pub version: Version,
    /// Whether more follows: ask for it with [`Journal::following`].
    pub more: bool,
    /// `None` after a snapshot.
    place: Option<Place>,
}

impl Missing {
    /// Whether it lacks nothing.
    pub fn is_empty(&self) -> bool {
        self.snapshot.is_none() && self.deltas.is_empty()
    }
}

/// # Serving peers
impl Journal {
    /// What a replica of that version lacks, within these limits, in order. Only durable operations are included, so no peer ever has
    /// one that a crash here would lose.
    ///
    /// It returns some 4 MiB at a time: [`following`](Self::following) returns the next part. If a stable [cut](crate::Replica::cut)
    /// dropped some of what it lacks, the result has the journal's [snapshot](Missing::snapshot), and the operations after that.
    ///
    /// For a worker that serves peers: it reads the file and does not touch the replica. Wait for news with [`written`](Self::written).
    /// No operation is decoded.
    ///
    /// Cost: it finds the version's place in the file by reading at most two blocks per author, and reads what it returns.
    ///
    /// ```
    /// # use control_panel::{Peer, Replica, Stamp, State, replica::Version, journal::Journal, replica::codec::{Limits, Postcard}};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Clone, Default, Debug, PartialEq, Serialize, Deserialize)]
    /// # struct Words(Vec<String>);
    /// # impl State for Words {
    /// #     type Op = String;
    /// #     fn apply(&mut self, word: &String, _: &Stamp) { self.0.push(word.clone()); }
    /// # }
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("words.journal");
    /// use control_panel::{Delta, replica::Snapshot};
    ///
    /// let peers = [Peer([1; 32]), Peer([2; 32])];
    /// let builder = |peer| {
    ///     Replica::builder(peer, Words::default())
    ///         .members(peers)
    ///         .codec(Postcard::new(), Limits::default())
    /// };
    /// let journal = Journal::open(&path)?;
    /// let mut here = journal.replica(builder(peers[0]))?;
    /// let mut there = builder(peers[1]).build();
    /// here.commit("kept".to_owned());
    /// let _ = here.settle();
    /// let (codec, limits) = (Postcard::new(), Limits::default());
    /// assert!(
    ///     journal.since(there.version(), &limits)?.is_empty(),
    ///     "no writer has written it yet"
    /// );
    /// journal.flush()?;
    /// let mut missing = journal.since(there.version(), &limits)?;
    /// loop {
    ///     if let Some(bytes) = &missing.snapshot {
    ///         there.rejoin(Snapshot::decode(bytes, &codec, &limits)?)?;
    ///     }
    ///     for bytes in &missing.deltas {
    ///         there.merge(Delta::decode(bytes, &codec, &limits)?);
    ///     }
    ///     if !missing.more {
    ///         break;
    ///     }
    ///     missing = journal.following(missing, &limits)?;
    /// }
    /// let _ = there.settle();
    /// assert_eq!(there.state(), here.state());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn since(&self, version: &Version, limits: &Limits) -> Result<Missing, JournalError> {
        self.try_since(version, limits).map_err(|fault| fault.at(self.path()))
    }

    /// The next part, from where the previous one ended: each block of the file is read about once, however much is lacking. It also
    /// has what became durable since.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn following(&self, missing: Missing, limits: &Limits) -> Result<Missing, JournalError> {
        let next = match missing.place {
            Some(place) => self.try_reader().and_then(|reader| missing_from(&reader, Some(place), limits)),
            None => self.try_since(&missing.version, limits),
        };
        next.map_err(|fault| fault.at(self.path()))
    }

    fn try_since(&self, version: &Version, limits: &Limits) -> Result<Missing, Fault> {
        let reader = self.try_reader()?;
        let place = reader.place(version)?;
        missing_from(&reader, place, limits)
    }
}

/// The next part for a replica at that place; `None` if some of what it lacks is gone.
fn missing_from(reader: &Reader, place: Option<Place>, limits: &Limits) -> Result<Missing, Fault> {
    if let Some(mut place) = place
        && let Some((runs, more)) = reader.read_on(&mut place, HELD)?
    {
        let parts = if runs.is_empty() { Vec::new() } else { Delta::of(runs).parts(limits) };
        let encode = |part: &Delta<()>| part.encode().map_err(Fault::Encode);
        let deltas = parts.iter().map(encode).collect::<Result<_, _>>()?;
        let version = place.version.clone();
        return Ok(Missing { snapshot: None, deltas, version, more, place: Some(place) });
    }
    let version = reader.note()?.map(|note| note.version).unwrap_or_default();
    Ok(Missing { snapshot: reader.snapshot()?, deltas: Vec::new(), version, more: true, place: None })
}

/// A journal as read by a replica's link. It does not keep the journal open.
pub(super) struct Served {
    handover: Handover,
    journal: WeakJournal,
}

impl Served {
    pub(super) fn of(journal: &Journal) -> Self {
        Self { handover: journal.handover().clone(), journal: journal.downgrade() }
    }
}

impl DurableRuns for Served {
    fn durable(&self) -> u64 {
        self.handover.durable()
    }

    fn has_failed(&self) -> bool {
        self.handover.gauge().is_halted()
    }

    fn changed(&self, durable: u64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.handover.gauge().changed(durable))
    }

    fn since(&self, version: &Version) -> Result<Option<Box<dyn Lacked>>, Box<dyn Error + Send + Sync>> {
        let read = |journal: &Journal| {
            let place = journal.try_reader().and_then(|reader| reader.place(version));
            place.map_err(|fault| fault.at(journal.path()))
        };
        let place = with(&self.journal, read)?;
        let lacked = |place| Box::new(LackedBy { journal: self.journal.clone(), place }) as Box<dyn Lacked>;
        Ok(place.map(lacked))
    }
}

/// The position of one peer in what it lacks.
#[derive(Debug)]
struct LackedBy {
    journal: WeakJournal,
    place: Place,
}

impl Lacked for LackedBy {
    fn read(&mut self) -> Result<Option<LackedRuns>, Box<dyn Error + Send + Sync>> {
        with(&self.journal, |journal| {
            let read = journal.try_reader().and_then(|reader| reader.read_on(&mut self.place, HELD));
            read.map_err(|fault| fault.at(journal.path()))
        })
    }
}

/// Reads a journal that is still open.
fn with<T>(
    journal: &WeakJournal,
    read: impl FnOnce(&Journal) -> Result<T, JournalError>,
) -> Result<T, Box<dyn Error + Send + Sync>> {
    let journal = journal.upgrade().ok_or("the journal is closed")?;
    Ok(read(&journal)?)
}

impl fmt::Debug for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Served").finish_non_exhaustive()
    }
}
