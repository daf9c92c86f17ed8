//! What bounds a run and a group everywhere alike: what is admitted (`graph/limits.rs`, of memory) and what is read
//! (`codec/limits.rs`, of bytes) are both within these.

/// Operations of one run.
pub(crate) const RUN_OPS: usize = 1 << 16;
/// Heads of one run.
pub(crate) const HEADS: usize = 1 << 14;
/// Authors of a group.
pub(crate) const AUTHORS: usize = 1 << 14;
