//! What workers know of a replica that is on the frame's thread: a [`Link`]. Feature `codec`.
//!
//! `workers::p2p_sync` is built on it; so can be a worker that carries deltas over anything else.
//!
//! | word | meaning |
//! |---|---|
//! | published | what the replica was at the end of its last settle or outbox: replaced whole, read without waiting |
//! | durable | what peers may be sent: with a journal what is on disk, without one all that is published |
//! | backlog | what one peer lacks, in pieces |

#[expect(clippy::module_inception, reason = "one type, one file, and the room is named for it")]
mod link;
mod publisher;
mod serve;
mod shelf;
#[cfg(test)]
mod tests;

#[cfg(feature = "p2p")]
pub(crate) use self::serve::PieceRuns;
pub use self::{
    link::Link,
    serve::{Backlog, Piece, ServeError},
};
