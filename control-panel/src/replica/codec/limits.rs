//! How much a replica accepts from a peer: of bytes. What it keeps in memory the graph bounds.

use crate::replica::bounds::{AUTHORS, HEADS, RUN_OPS};

/// The most that bytes from a peer may hold. Checked from counts and lengths, before anything is allocated for them.
///
/// The same everywhere: a run that one replica takes and another refuses keeps all that depends on it from the other. So raise a limit on
/// all replicas before any of them writes what needs it; an author stays within [`run_ops`](Self::run_ops) and
/// [`op_bytes`](Self::op_bytes) itself.
///
/// ```
/// use control_panel::replica::codec::Limits;
///
/// let limits = Limits::default().with_op_bytes(64 << 20).with_bytes(128 << 20);
/// assert_eq!(limits.op_bytes, 64 << 20);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of one delta, proof or snapshot. Default: 16 MiB.
    pub bytes: usize,
    /// Runs in a delta. Default: 131,072.
    pub runs: usize,
    /// Operations in a delta. Default: 1,048,576.
    pub ops: usize,
    /// Operations in a run. Default: 65,536, and no replica admits more.
    pub run_ops: usize,
    /// Bytes of one operation. Default: 1 MiB.
    pub op_bytes: usize,
    /// Heads in a run. Default: 16,384, and no replica admits more.
    pub heads: usize,
    /// Authors in a delta, those that heads name included. Default: 16,384.
    pub authors: usize,
    /// Bytes of a signature. Default: 128.
    pub signature_bytes: usize,
}

impl Limits {
    /// Sets [`bytes`](Self::bytes).
    pub fn with_bytes(self, bytes: usize) -> Self {
        Self { bytes, ..self }
    }

    /// Sets [`runs`](Self::runs).
    ///
    /// ```
    /// use control_panel::replica::codec::Limits;
    ///
    /// // For peers with little memory.
    /// let limits = Limits::default()
    ///     .with_runs(1_024)
    ///     .with_ops(8_192)
    ///     .with_run_ops(256)
    ///     .with_heads(64)
    ///     .with_authors(64)
    ///     .with_signature_bytes(64);
    /// assert_eq!((limits.runs, limits.heads), (1_024, 64));
    /// ```
    pub fn with_runs(self, runs: usize) -> Self {
        Self { runs, ..self }
    }

    /// Sets [`ops`](Self::ops).
    pub fn with_ops(self, ops: usize) -> Self {
        Self { ops, ..self }
    }

    /// Sets [`run_ops`](Self::run_ops).
    pub fn with_run_ops(self, run_ops: usize) -> Self {
        Self { run_ops, ..self }
    }

    /// Sets [`op_bytes`](Self::op_bytes).
    pub fn with_op_bytes(self, op_bytes: usize) -> Self {
        Self { op_bytes, ..self }
    }

    /// Sets [`heads`](Self::heads).
    pub fn with_heads(self, heads: usize) -> Self {
        Self { heads, ..self }
    }

    /// Sets [`authors`](Self::authors).
    pub fn with_authors(self, authors: usize) -> Self {
        Self { authors, ..self }
    }

    /// Sets [`signature_bytes`](Self::signature_bytes).
    pub fn with_signature_bytes(self, signature_bytes: usize) -> Self {
        Self { signature_bytes, ..self }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 16 << 20,
            runs: 1 << 17,
            ops: 1 << 20,
            run_ops: RUN_OPS,
            op_bytes: 1 << 20,
            heads: HEADS,
            authors: AUTHORS,
            signature_bytes: 128,
        }
    }
}
