//! Why the worker cannot run, and what is no relay.

use std::{error, fmt};

use iroh::RelayUrl;

/// The worker cannot run.
#[derive(Debug)]
pub struct PeerSyncError(pub(super) String);

/// What was given is no relay's URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayUrlError {
    url: String,
}

/// With `http` or `https`, and a host.
pub(super) fn relay_url(url: &str) -> Result<RelayUrl, RelayUrlError> {
    let read: Option<RelayUrl> = url.trim().parse().ok();
    let is_one = |read: &RelayUrl| ["http", "https"].contains(&read.scheme()) && read.has_host();
    read.filter(is_one).ok_or_else(|| RelayUrlError { url: url.to_owned() })
}

impl fmt::Display for RelayUrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no relay: give one as `https://relay.example`", self.url.escape_debug())
    }
}

impl error::Error for RelayUrlError {}

impl fmt::Display for PeerSyncError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl error::Error for PeerSyncError {}
