//! The graph's bounds: of memory. Those of bytes are the codec's, and what both must agree on is in `bounds.rs`.

use crate::replica::bounds::{AUTHORS, HEADS, RUN_OPS};

/// Bounds of a [`Graph`](super::Graph). All of them count, none is a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Operations of one run. The same everywhere: a longer run is malformed.
    pub(crate) run_ops: usize,
    /// Heads of one run. The same everywhere, and above the number of authors in the group.
    pub(crate) heads: usize,
    /// Authors admitted unnamed. A last resort: which author may write is decided before a run reaches the graph.
    pub(crate) authors: usize,
    /// Chains of a record, branches included.
    pub(crate) chains: usize,
    /// Lives of one peer admitted before another peer's run names them.
    pub(crate) lives: usize,
    /// Branches of one peer admitted before another peer's run names them.
    pub(crate) branches: usize,
    /// Operations of one peer that wait for a predecessor.
    pub(crate) gap_ops_per_peer: usize,
    /// Their bytes, headers included.
    pub(crate) gap_bytes_per_peer: usize,
    /// The bytes of all that waits.
    pub(crate) gap_bytes: usize,
    /// After how many further runs a run that still waits is dropped. It is asked for again by version.
    pub(crate) gap_patience: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            run_ops: RUN_OPS,
            heads: HEADS,
            authors: AUTHORS,
            chains: 2 * AUTHORS,
            lives: 1 << 10,
            branches: 16,
            gap_ops_per_peer: 1 << 16,
            gap_bytes_per_peer: 8 << 20,
            gap_bytes: 64 << 20,
            gap_patience: 1 << 16,
        }
    }
}

/// Beyond this no Lamport time and no sequence number goes, so that arithmetic on admitted ones cannot overflow. Times are
/// derived, so none gets there but by as many operations, or a snapshot that lies.
pub(super) const LAST: u64 = 1 << 63;
