//! What sessions move in a world: objects, with sizes as if they were bytes.

use std::{collections::VecDeque, marker::PhantomData, sync::Arc};

use crate::{
    anti_entropy::{Offer, Payload},
    replica::{Delta, Snapshot, State, run::Run},
};

/// Of an operation, and of what a run has beside its operations. Large, so that what a peer lacks after a partition fills pieces and
/// windows.
const OPERATION_BYTES: usize = 16 << 10;
const RUN_BYTES: usize = 256;

/// Of a piece, unless one run alone is longer: a quarter of what peers send, so that more of them are on their way.
const PIECE: usize = 64 << 10;

/// The payload of a world's sessions.
pub(super) struct Objects<S>(PhantomData<S>);

impl<S: State> Payload for Objects<S> {
    type Delta = Delta<S::Op>;
    type Chunk = Chunk<S>;
    type Hasher = [u8; 32];

    fn delta_size(delta: &Delta<S::Op>) -> usize {
        delta.runs.iter().map(|run| size(run)).sum()
    }

    fn chunk_size(chunk: &Chunk<S>) -> usize {
        chunk.bytes
    }

    fn update(hasher: &mut [u8; 32], chunk: &Chunk<S>) {
        *hasher = chunk.of;
    }

    fn finish(hasher: [u8; 32]) -> [u8; 32] {
        hasher
    }
}

/// A stretch of a snapshot. The last one has it.
pub(super) struct Chunk<S: State> {
    bytes: usize,
    of: [u8; 32],
    pub(super) snapshot: Option<Arc<Snapshot<S>>>,
}

/// A snapshot that a session offers.
pub(super) struct Given<S: State> {
    pub(super) offer: Offer,
    snapshot: Arc<Snapshot<S>>,
}

impl<S: State> Given<S> {
    /// `number`: another for each snapshot, in place of its hash.
    pub(super) fn new(number: u64, snapshot: &Arc<Snapshot<S>>) -> Self {
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&number.to_be_bytes());
        let length = (1 + snapshot.len()) as u64 * OPERATION_BYTES as u64;
        let offer = Offer { length, hash, level: snapshot.level() };
        Self { offer, snapshot: Arc::clone(snapshot) }
    }

    pub(super) fn chunk(&self, offset: u64, room: usize) -> Chunk<S> {
        let last = offset + room as u64 >= self.offer.length;
        Chunk { bytes: room, of: self.offer.hash, snapshot: last.then(|| Arc::clone(&self.snapshot)) }
    }
}

fn size<Op>(run: &Run<Op>) -> usize {
    RUN_BYTES + run.operations.len() * OPERATION_BYTES
}

/// A delta in parts of the size that a session sends.
pub(super) fn pieces<Op>(delta: Delta<Op>) -> VecDeque<Delta<Op>> {
    let (mut pieces, mut piece, mut bytes) = (VecDeque::new(), Vec::new(), 0);
    for run in delta.runs.into_vec() {
        if bytes + size(&run) > PIECE && !piece.is_empty() {
            pieces.push_back(Delta::of(std::mem::take(&mut piece)));
            bytes = 0;
        }
        bytes += size(&run);
        piece.push(run);
    }
    if !piece.is_empty() {
        pieces.push_back(Delta::of(piece));
    }
    pieces
}
