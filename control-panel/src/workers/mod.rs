//! Built-in workers, generic over your intent. Each is opt-in: bring its trait into scope to spawn it.
//!
//! | module | feature | what it does |
//! |---|---|---|
//! | [`memory_monitor`] | `memory-monitor` (default) | reports memory pressure as it changes |

#[cfg(feature = "memory-monitor")]
#[cfg_attr(docsrs, doc(cfg(feature = "memory-monitor")))]
pub mod memory_monitor;

#[cfg(feature = "memory-monitor")]
pub use self::memory_monitor::{MemoryMonitor, SpawnMemoryMonitor};
