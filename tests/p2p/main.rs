//! Replicas of several processes in sync over real connections, on loopback.

mod failures;
mod node;
mod sync;
mod trust;
