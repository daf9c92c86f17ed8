//! Built-in workers, generic over your intent. Each is opt-in: bring its trait into scope to spawn it.
//!
//! | module | feature | what it does |
//! |---|---|---|
//! | [`memory_monitor`] | `memory-monitor` (default) | reports memory pressure as it changes |
//! | [`prefetch`] | none | asks ahead of time for what will be wanted next |
//! | [`mods`] | `mods` | loads WebAssembly modules from a folder, within limits, and reloads them as they change |

mod level;
#[cfg(feature = "memory-monitor")]
#[cfg_attr(docsrs, doc(cfg(feature = "memory-monitor")))]
pub mod memory_monitor;
#[cfg(feature = "mods")]
#[cfg_attr(docsrs, doc(cfg(feature = "mods")))]
pub mod mods;
pub mod prefetch;
mod wait;

pub use self::level::MemoryLevel;
#[cfg(feature = "memory-monitor")]
pub use self::memory_monitor::{MemoryMonitor, SpawnMemoryMonitor};
#[cfg(feature = "mods")]
pub use self::mods::{ModLoader, SpawnModLoader};
pub use self::prefetch::{PrefetchScheduler, SpawnPrefetchScheduler};
