//! The members and the watermark: by hand, in all orders of admission, and in worlds of random faults.
//!
//! `SEEDS` says how many seeds the worlds try (`.ci/long`: 10,000), or which: `4503..4504`.

mod acks;
mod contests;
mod finals;
mod forkers;
mod invitations;
mod levels;
mod node;
mod orders;
mod random;
mod rules;
mod world;
mod worlds;

/// The seeds that a test of random worlds tries.
fn seeds(in_gate: u64) -> std::ops::Range<u64> {
    let Ok(given) = std::env::var("SEEDS") else { return 0..in_gate };
    let number = |text: &str| text.parse().expect("SEEDS is a number, or first..end");
    given.split_once("..").map_or_else(|| 0..number(&given), |(first, end)| number(first)..number(end))
}
