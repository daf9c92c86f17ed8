//! What a session moves, and where that comes from. The machine is the same over bytes and over a simulation's objects.

use crate::replica::{Extent, Version};

/// What deltas and snapshots are: bytes on a wire, objects in a simulation.
pub(crate) trait Payload {
    /// A delta, as it was made.
    type Delta;
    /// A stretch of a snapshot.
    type Chunk;
    /// Hashes a snapshot's chunks.
    type Hasher: Default;

    /// Its bytes, as both sides count them.
    fn delta_size(delta: &Self::Delta) -> usize;

    fn chunk_size(chunk: &Self::Chunk) -> usize;

    fn update(hasher: &mut Self::Hasher, chunk: &Self::Chunk);

    fn finish(hasher: Self::Hasher) -> [u8; 32];
}

/// Some of what the other lacks.
pub(crate) struct Piece<P: Payload> {
    pub(crate) delta: P::Delta,
    pub(crate) extent: Extent,
}

/// What is durable here: nothing else is sent. Each session has one of its own, as it remembers what is to be given next.
pub(crate) trait Store<P: Payload> {
    type Error;

    /// Of what is durable. It never goes back.
    fn version(&self) -> &Version;

    /// From now on [`next`](Self::next) gives what a replica of that version lacks of what is durable now, in place of what an earlier call was
    /// about. `false` if that is not here any more: it needs a snapshot.
    fn begin(&mut self, version: &Version) -> Result<bool, Self::Error>;

    /// The next piece, of at most [`PIECE`](super::options::PIECE) bytes unless one run alone is longer, each run behind its past. `None`
    /// when that was all.
    fn next(&mut self) -> Result<Option<Piece<P>>, Self::Error>;

    /// A stretch of the snapshot that was offered, of at most so many bytes and one at least.
    fn chunk(&mut self, offset: u64, room: usize) -> Result<P::Chunk, Self::Error>;
}
