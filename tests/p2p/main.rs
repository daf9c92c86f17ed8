//! Replicas of several processes in sync over real connections, on loopback.

mod discovery;
mod disk;
mod failures;
#[cfg(unix)]
mod fixture;
mod forge;
mod hex;
mod hosts;
#[cfg(target_os = "linux")]
mod idle;
mod killed;
mod lan;
mod lossy;
mod node;
mod presence;
mod process;
mod raw;
mod recorded;
mod relay;
mod restored;
mod snapshots;
mod sync;
mod table;
mod threats;
mod trust;
