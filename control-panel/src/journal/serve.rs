//! Peers are served from what is durable.

use std::{error::Error, fmt, pin::Pin, sync::Arc};

use super::{
    Journal,
    error::{Fault, JournalError},
    handover::Handover,
    journal::WeakJournal,
};
use crate::replica::{
    Delta, Version,
    codec::{Codec, DecodeError, EncodeError, Limits},
    keep_covered,
    keeper::DurableRuns,
    run::Run,
};

/// Reads no operation: their bytes are passed on as they are.
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

impl Journal {
    /// What a replica of that version lacks, as deltas that it decodes within these limits ([`Delta::decode`]), in order: of what is durable, and
    /// nothing else. So no peer ever has what a crash here would lose.
    ///
    /// For a worker that serves peers: it reads the file, and does not touch the replica. Wait with [`written`](Self::written) for
    /// news. No operation is decoded.
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
    /// use control_panel::Delta;
    ///
    /// let peers = [Peer([1; 32]), Peer([2; 32])];
    /// let builder = |peer| Replica::builder(peer, Words::default()).members(peers).codec(Postcard::new(), Limits::default());
    /// let journal = Journal::open(&path)?;
    /// let mut here = journal.replica(builder(peers[0]))?;
    /// let mut there = builder(peers[1]).build();
    /// here.commit("kept".to_owned());
    /// let _ = here.settle();
    /// assert!(journal.since(there.version(), &Limits::default())?.is_empty(), "no writer has written it yet");
    /// journal.flush()?;
    /// for bytes in journal.since(there.version(), &Limits::default())? {
    ///     there.merge(Delta::decode(&bytes, &Postcard::new(), &Limits::default())?);
    /// }
    /// let _ = there.settle();
    /// assert_eq!(there.state(), here.state());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn since(&self, version: &Version, limits: &Limits) -> Result<Vec<Vec<u8>>, JournalError> {
        let runs = self.runs_since(version)?;
        if runs.is_empty() {
            return Ok(Vec::new());
        }
        let parts = Delta { runs: runs.into() }.parts(limits);
        let encode = |part: &Delta<()>| part.encode().map_err(|error| Fault::Encode(error).at(self.path()));
        parts.iter().map(encode).collect()
    }

    fn runs_since(&self, version: &Version) -> Result<Vec<Arc<Run<()>>>, JournalError> {
        let reader = self.reader()?;
        let mut runs: Vec<Arc<Run<()>>> = reader.since(version).map_err(|fault| fault.at(self.path()))?;
        if runs.iter().any(|run| !run.signature.is_empty()) {
            keep_covered(&mut runs);
        }
        Ok(runs)
    }
}

/// A journal as a replica's link reads it. It does not keep it open.
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

    fn since(&self, version: &Version) -> Result<Vec<Arc<Run<()>>>, Box<dyn Error + Send + Sync>> {
        let journal = self.journal.upgrade().ok_or("the journal is closed")?;
        Ok(journal.runs_since(version)?)
    }
}

impl fmt::Debug for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Served").finish_non_exhaustive()
    }
}
