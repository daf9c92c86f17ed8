//! What workers know of a replica that is on the frame's thread: a [`Link`]. Feature `codec`.
//!
//! `workers::p2p_sync` is built on it; so can be a worker that carries deltas over anything else.
//!
//! | word | meaning |
//! |---|---|
//! | published | what the replica was at the end of its last settle or outbox: replaced whole, read without waiting |
//! | durable | what peers may be sent: with a journal what is on disk, without one all that is published |
//! | backlog | what one peer lacks, in pieces |
//!
//! ```
//! use control_panel::{
//!     Peer, Replica, Stamp, State, Version,
//!     link::{Backlog, Link, Piece, ServeError},
//!     replica::codec::{Limits, Postcard},
//! };
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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
//! /// What a worker sends to a peer that has this version.
//! fn serve(
//!     link: &Link<Words>,
//!     theirs: &Version,
//! ) -> Result<Vec<Vec<u8>>, ServeError> {
//!     let backlog: Option<Backlog<String>> = link.since(theirs, link.limits())?;
//!     let Some(backlog) = backlog else {
//!         return Ok(Vec::new()); // it needs a snapshot
//!     };
//!     backlog
//!         .map(|piece| piece.and_then(|piece: Piece<String>| piece.encode()))
//!         .collect()
//! }
//!
//! let peers = [Peer([1; 32]), Peer([2; 32])];
//! let [mut here, mut there] = peers.map(|peer| {
//!     Replica::builder(peer, Words::default())
//!         .members(peers)
//!         .codec(Postcard::new(), Limits::default())
//!         .build()
//! });
//! let (link, other) = (here.link(), there.link());
//! here.commit("first".to_owned());
//! let _ = (here.settle(), here.outbox());
//! for bytes in serve(&link, there.version())? {
//!     there.merge(other.decode(&bytes)?);
//! }
//! let _ = there.settle();
//! assert_eq!(there.state(), here.state());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[expect(clippy::module_inception, reason = "one type, one file, and the room is named for it")]
mod link;
mod publisher;
mod serve;
mod shelf;
#[cfg(test)]
mod tests;

pub use self::{
    link::Link,
    serve::{Backlog, Piece, ServeError},
};
