//! Replicas that converge, for any deterministic state: an operation log with rollback, apart from network, disk and runtime.
//!
//! A program keeps a [`Replica`] of its shared [`State`] in its reducer's state. Local intents reach it by
//! [`commit`](Replica::commit), remote ones by [`merge`](Replica::merge); [`settle`](Replica::settle), once a frame, puts all of them in one order.
//! Replicas that have the same operations have the same state. The [guide] goes from a state to a program.
//!
//! ```
//! use control_panel::{Peer, Replica, Stamp, State};
//!
//! #[derive(Clone, Default, Debug, PartialEq)]
//! struct Words(Vec<&'static str>);
//!
//! impl State for Words {
//!     type Op = &'static str;
//!
//!     fn apply(&mut self, word: &&'static str, _: &Stamp) {
//!         self.0.push(word);
//!     }
//! }
//!
//! let peers = [Peer([1; 32]), Peer([2; 32])];
//! let mut here = Replica::new(peers[0], peers, Words::default());
//! let mut there = Replica::new(peers[1], peers, Words::default());
//!
//! here.commit("first");
//! there.commit("second");
//! let (from_here, from_there) = (here.outbox().unwrap(), there.outbox().unwrap());
//! here.merge(from_there);
//! there.merge(from_here);
//! let _ = (here.settle(), there.settle());
//! assert_eq!(here.state(), there.state());
//! ```

// First what the page of `Replica` begins with: rustdoc shows a type's methods by the modules that have them.
#[expect(clippy::module_inception, reason = "one type, one file, and the room is named for it")]
mod replica;

mod commit;

mod settle;

mod acts;
mod admit;
pub(crate) mod answers;
mod bounds;
mod builder;
#[cfg(feature = "codec")]
#[cfg_attr(docsrs, doc(cfg(feature = "codec")))]
pub mod codec;
mod delta;
mod desync;
#[cfg(any(feature = "journal", feature = "testing"))]
mod desync_report;
mod error;
mod extent;
mod fold;
mod gallop;
mod graph;
#[cfg_attr(feature = "testing", doc = include_str!("../guide/links/testing.md"))]
#[cfg_attr(not(feature = "testing"), doc = include_str!("../guide/links/without_testing.md"))]
#[doc = include_str!("guide.md")]
pub mod guide {}
pub(crate) mod identify;
mod join;
pub(crate) mod keeper;
mod membership;
mod mix;
mod notice;
mod operations;
#[cfg(feature = "testing")]
pub(crate) mod overview;
mod own;
#[cfg_attr(not(feature = "codec"), expect(dead_code, reason = "the link is the publisher"))]
pub(crate) mod publish;
mod redo;
mod reducers;
mod refold;
#[cfg(any(feature = "journal", feature = "testing"))]
mod refolded;
mod remember;
mod reports;
#[cfg(feature = "journal")]
pub(crate) mod restore;
mod revocations;
pub(crate) mod run;
mod settled;
pub(crate) mod short;
mod signature;
pub(crate) mod signed;
mod snapshot;
mod stability;
mod state;
#[cfg(test)]
mod tests;
mod unplaced;
mod unread;
pub(crate) mod version;

#[cfg(feature = "journal")]
pub(crate) use self::signature::covered;
#[cfg(feature = "codec")]
pub(crate) use self::signature::split_covered;
#[cfg(feature = "journal")]
pub(crate) use self::snapshot::Forgotten;
pub use self::{
    builder::ReplicaBuilder,
    delta::Delta,
    error::{CutError, NotOwner, RevokeError, SnapshotError},
    extent::Extent,
    notice::{Misbehaviour, ReplicaNotice},
    redo::{Redo, Redone},
    replica::Replica,
    run::{Grant, RunHash},
    settled::Settled,
    signature::{Signer, Verifier},
    snapshot::Snapshot,
    state::{Footprint, Keys, State, Undoable},
    version::Version,
};
#[cfg(any(feature = "journal", feature = "testing"))]
pub use self::{desync_report::DesyncReport, refolded::Refolded};
pub use crate::intent::ids::{Author, Peer, Stamp};
