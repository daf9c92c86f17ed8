//! The bytes: round trips, hostile input, schemas, signatures.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    reason = "random numbers are cut to their types"
)]

mod hostile;
mod joins;
mod lone;
#[cfg(feature = "p2p")]
mod messages;
mod proofs;
mod round_trip;
mod schemas;
mod signatures;
mod snapshots;
mod stretches;
mod unproved;
mod values;
mod world;
