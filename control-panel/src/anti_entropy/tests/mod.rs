//! Sessions between replicas, over bytes.

mod disk;
mod frames;
mod group;
mod hellos;
mod layers;
mod random;
mod requests;
mod snapshots;
mod stalls;
mod windows;
