//! Where runs become bytes and bytes become runs: a replica in one process needs none of it. Feature `codec`.
//!
//! A program encodes what [`Replica::outbox`](super::Replica::outbox) and [`Replica::since`](super::Replica::since) return with
//! [`Delta::encode`](super::Delta::encode), and reads what it receives with [`Delta::decode`](super::Delta::decode), within [`Limits`], in a worker. Operations
//! are encoded once, by their author's [`Codec`]; all others keep and forward its bytes, whose BLAKE3 hash names the run.
//!
//! ```
//! use control_panel::replica::codec::{Limits, Postcard};
//! use control_panel::{Delta, Peer, Replica, Stamp, State};
//!
//! #[derive(Clone, Default, Debug, PartialEq)]
//! struct Words(Vec<String>);
//!
//! impl State for Words {
//!     type Op = String;
//!
//!     fn apply(&mut self, word: &String, _: &Stamp) {
//!         self.0.push(word.clone());
//!     }
//! }
//!
//! let peers = [Peer([1; 32]), Peer([2; 32])];
//! let [mut here, mut there] = peers.map(|peer| {
//!     let builder = Replica::builder(peer, Words::default()).members(peers);
//!     builder.codec(Postcard::new(), Limits::default()).build()
//! });
//! here.commit("first".to_owned());
//! let bytes = here.outbox().unwrap().encode()?;
//!
//! let delta = Delta::decode(&bytes, &Postcard::new(), &Limits::default())?;
//! there.merge(delta);
//! let _ = there.settle();
//! assert_eq!(here.state(), there.state());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The layout is in `replica/codec/README.md`.

mod ahead;
mod builder;
#[expect(clippy::module_inception, reason = "one trait, one file, and the room is named for it")]
mod codec;
mod coding;
mod cover;
mod decode;
mod delta;
mod encode;
mod error;
mod fork_proof;
mod hash;
mod joining;
#[cfg(feature = "journal")]
#[allow(dead_code)]
mod journaled;
mod lanes;
mod limits;
mod lone;
mod message;
mod operations;
mod parts;
mod postcard;
mod raw;
#[cfg(feature = "journal")]
mod recorded;
#[cfg(feature = "journal")]
mod recorded_snapshot;
mod room;
mod snapshot;
mod table;
#[cfg(test)]
mod tests;
mod version;
mod wire;
#[cfg(test)]
pub(crate) mod words;

#[cfg(feature = "p2p")]
pub(crate) use self::cover::COVERED;
#[cfg(any(feature = "journal", feature = "p2p", all(test, feature = "testing")))]
pub(crate) use self::wire::{Reader, put_varint};
pub use self::{
    codec::Codec,
    error::{DecodeError, EncodeError, Refused},
    fork_proof::ForkProof,
    limits::Limits,
    postcard::{Postcard, read_postcard},
};
pub(crate) use self::{
    coding::{Coding, genesis},
    snapshot::SnapshotBytes,
};

#[cfg(feature = "journal")]
#[allow(unused_imports)]
pub(crate) use self::{
    journaled::{AnyRun, RunName, RunParts, RunsWriter, decode_kept, decode_run, each_kept, name_run},
    postcard::{write_postcard, write_recorded},
    recorded::{Collected, Replayed, RunBytes, RunRef, is_replay, note_waiting, replayed_runs},
};

/// Of the bytes of deltas and proofs; raised with each change of their layout.
const FORMAT: u64 = 3;
