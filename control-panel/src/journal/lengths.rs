//! How much is recorded, and how much of it is kept.

use std::sync::atomic::AtomicU64;

/// Of what earlier sessions recorded.
const KEPT_BYTES: u64 = 64 << 20;

/// Of what one session records, at least.
const LEAST_BYTES: u64 = 256 << 20;

/// In bytes.
#[derive(Debug)]
pub(super) struct Lengths {
    /// How many are kept of what earlier sessions recorded.
    pub(super) kept: AtomicU64,
    /// How many this session has recorded, about.
    pub(super) recorded: AtomicU64,
    /// A session of fewer is not shortened.
    pub(super) least: AtomicU64,
}

impl Default for Lengths {
    fn default() -> Self {
        Self { kept: KEPT_BYTES.into(), recorded: AtomicU64::new(0), least: LEAST_BYTES.into() }
    }
}
