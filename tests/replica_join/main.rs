//! Replicas that begin with a snapshot.

mod cases;
mod log;
mod world;
