//! Replicas of several processes in sync over real connections, on loopback.

mod failures;
mod node;
mod presence;
mod snapshots;
mod sync;
mod trust;
