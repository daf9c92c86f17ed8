//! The members and the watermark: by hand, in all orders of admission, and in worlds of random faults.
//!
//! `SEEDS` says how many seeds the worlds try (`.ci/long`: 10,000).

mod acks;
mod levels;
mod node;
mod orders;
mod random;
mod rules;
mod world;
mod worlds;

/// How many seeds a test of random worlds tries.
fn seeds(in_gate: u64) -> std::ops::Range<u64> {
    0..std::env::var("SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(in_gate)
}
