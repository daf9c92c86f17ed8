//! Replicas that begin with a snapshot.

mod away;
mod cases;
mod log;
mod world;
