//! The trust store: which peers count, in memory and in a file.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::sync::Mutex;

use super::{
    secret_file::{self, FileError, FileFault},
    trust::Peers,
};

/// The longest file.
const MOST_BYTES: u64 = 1 << 20;

/// What the file has; nothing if there is none. Held while it is written.
pub(super) type Saved = Arc<Mutex<Option<Arc<Peers>>>>;

/// The store: what counts is in memory, and read without waiting.
#[derive(Debug)]
pub(super) struct TrustStore {
    path: PathBuf,
    peers: ArcSwap<Peers>,
    saved: Saved,
    /// Why what counts is not on disk, since the last attempt.
    unsaved: ArcSwapOption<String>,
}

impl TrustStore {
    /// What the file has; nothing if there is none.
    pub(super) fn open(path: &Path) -> Result<Self, FileError> {
        let read = || match secret_file::read(path, MOST_BYTES)? {
            Some(bytes) => Peers::parse(&bytes).map(|peers| Some(Arc::new(peers))),
            None => Ok(None),
        };
        let saved = read().map_err(|fault: FileFault| fault.at(path))?;
        Ok(Self {
            path: path.into(),
            peers: ArcSwap::new(saved.clone().unwrap_or_default()),
            saved: Arc::new(Mutex::new(saved)),
            unsaved: ArcSwapOption::empty(),
        })
    }

    /// For [`save`](Self::save).
    pub(super) fn saved(&self) -> Saved {
        Arc::clone(&self.saved)
    }

    pub(super) fn peers(&self) -> Arc<Peers> {
        self.peers.load_full()
    }

    /// Changes what counts, from now on. It is not on disk yet.
    pub(super) fn change<R>(&self, mut change: impl FnMut(&mut Peers) -> R) -> R {
        loop {
            let before = self.peers.load();
            let mut after = Peers::clone(&before);
            let result = change(&mut after);
            if after == **before {
                return result;
            }
            let previous = self.peers.compare_and_swap(&before, Arc::new(after));
            if Arc::ptr_eq(&previous, &before) {
                return result;
            }
        }
    }

    /// Writes it whole, if it differs from what was written last. It blocks.
    pub(super) fn save(&self, saved: &mut Option<Arc<Peers>>) -> Result<(), FileError> {
        if self.is_saved(saved.as_ref()) {
            return Ok(());
        }
        let peers = self.peers();
        let written = secret_file::replace(&self.path, peers.text().as_bytes());
        let written = written.map_err(|fault| fault.at(&self.path));
        self.unsaved.store(written.as_ref().err().map(|error| Arc::new(error.to_string())));
        written?;
        *saved = Some(peers);
        Ok(())
    }

    /// Whether what counts is what was written last.
    pub(super) fn is_saved(&self, saved: Option<&Arc<Peers>>) -> bool {
        let peers = self.peers();
        let is_saved = saved.is_some_and(|saved| Arc::ptr_eq(saved, &peers) || **saved == *peers);
        if is_saved {
            self.unsaved.store(None);
        }
        is_saved
    }

    /// Whether what counts differs from what was written last in no more than where peers are: with the old ones they are found, or dial.
    pub(super) fn differs_in_addresses(&self, saved: Option<&Arc<Peers>>) -> bool {
        saved.is_some_and(|saved| saved.trusts_as(&self.peers()))
    }

    /// Why it was not written when it was tried last.
    pub(super) fn unsaved(&self) -> Option<String> {
        self.unsaved.load_full().map(|why| String::clone(&why))
    }
}
