//! Why the worker cannot run.

use std::{error, fmt};

/// The worker cannot run.
#[derive(Debug)]
pub struct PeerSyncError(pub(super) String);

impl fmt::Display for PeerSyncError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl error::Error for PeerSyncError {}
