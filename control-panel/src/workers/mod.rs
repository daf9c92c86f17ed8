// Where a feature is off, its worker is a row of the table of features.
#![cfg_attr(not(feature = "memory-monitor"), doc = "[`memory_monitor`]: crate#features\n")]
#![cfg_attr(not(feature = "mods"), doc = "[`mods`]: crate#features\n")]
#![cfg_attr(not(feature = "p2p"), doc = "[`p2p_sync`]: crate#features\n")]
//! Built-in workers, generic over your intent. Each is opt-in: import its trait to spawn it.
//!
//! | module | feature | what it does |
//! |---|---|---|
//! | [`memory_monitor`] | `memory-monitor` (default) | reports memory pressure as it changes |
//! | [`prefetch`] | none | asks ahead of time for what will be wanted next |
//! | [`mods`] | `mods` | loads WebAssembly modules from a folder, within limits, and reloads them as they change |
//! | [`p2p_sync`] | `p2p` | keeps replicas of several processes in sync, and reports every loss of contact |
//!
//! ```
//! use control_panel::workers::SpawnMemoryMonitor;
//! use control_panel::workers::memory_monitor::{
//!     MemoryPolicy, MemoryPressure, MemoryThresholds,
//! };
//! use control_panel::{ControlPanel, GraphIntent};
//!
//! /// The worker's intents come as the program's.
//! #[derive(GraphIntent)]
//! enum Update {
//!     #[intent(from)]
//!     Pressure(MemoryPressure),
//! }
//!
//! /// The worker's settings are the program's policy.
//! #[derive(Default)]
//! struct Limits;
//!
//! impl MemoryPolicy for Limits {
//!     fn memory_thresholds(&self) -> MemoryThresholds {
//!         MemoryThresholds::warning_at(0.75)
//!     }
//! }
//!
//! let panel = ControlPanel::<Update, Limits>::new();
//! let monitor = panel.spawn_memory_monitor();
//! ```

mod level;
#[cfg(any(feature = "mods", feature = "p2p"))]
mod lock;
#[cfg(feature = "memory-monitor")]
#[cfg_attr(docsrs, doc(cfg(feature = "memory-monitor")))]
pub mod memory_monitor;
#[cfg(feature = "mods")]
#[cfg_attr(docsrs, doc(cfg(feature = "mods")))]
pub mod mods;
#[cfg(feature = "p2p")]
#[cfg_attr(docsrs, doc(cfg(feature = "p2p")))]
pub mod p2p_sync;
pub mod prefetch;
mod wait;

pub use self::level::MemoryLevel;
#[cfg(feature = "memory-monitor")]
pub use self::memory_monitor::{MemoryMonitor, SpawnMemoryMonitor};
#[cfg(feature = "mods")]
pub use self::mods::{ModLoader, SpawnModLoader};
#[cfg(feature = "p2p")]
pub use self::p2p_sync::PeerSync;
pub use self::prefetch::{PrefetchScheduler, SpawnPrefetchScheduler};

/// The target that subscribers filter by, as for the rest of the library.
#[cfg(all(feature = "tracing", any(feature = "memory-monitor", feature = "mods")))]
const TARGET: &str = "control_panel";
