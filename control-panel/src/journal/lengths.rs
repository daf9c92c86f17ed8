//! How much is recorded, and how much of it is kept.

use std::sync::atomic::AtomicU64;

/// How much of earlier sessions' recordings is kept by default.
const KEPT_BYTES: u64 = 64 << 20;

/// The least that one session may record before it is shortened.
const LEAST_BYTES: u64 = 256 << 20;

/// All in bytes.
#[derive(Debug)]
pub(super) struct Lengths {
    /// How much of earlier sessions' recordings is kept.
    pub(super) kept: AtomicU64,
    /// About how much this session has recorded.
    pub(super) recorded: AtomicU64,
    /// A shorter session is not shortened.
    pub(super) least: AtomicU64,
}

impl Default for Lengths {
    fn default() -> Self {
        Self { kept: KEPT_BYTES.into(), recorded: AtomicU64::new(0), least: LEAST_BYTES.into() }
    }
}
