//! Where a panel's workers run.

use tokio::runtime::Handle;

use super::local::Local;

#[derive(Debug)]
pub(super) struct Hosts {
    /// Every worker's task, and the pool of those that block.
    pub(super) runtime: Handle,
    /// The generations that stay on one thread.
    pub(super) local: Local,
}
