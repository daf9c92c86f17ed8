//! What a peer lacks, piece by piece.

use std::{collections::VecDeque, error::Error, fmt, sync::Arc};

use crate::replica::{
    Delta,
    codec::{EncodeError, Limits},
    run::Run,
};

/// What another replica lacked when it was asked for. Holds it until it is given: without a journal by references, with one as its bytes.
#[derive(Debug)]
pub struct Backlog<Op> {
    pieces: Pieces<Op>,
}

#[derive(Debug)]
enum Pieces<Op> {
    Published(VecDeque<Delta<Op>>),
    Durable(VecDeque<Delta<()>>),
}

/// A piece of a [`Backlog`]: some runs, each behind its past.
#[derive(Debug)]
pub struct Piece<Op> {
    pub(crate) runs: PieceRuns<Op>,
}

#[derive(Debug)]
pub(crate) enum PieceRuns<Op> {
    Published(Delta<Op>),
    /// Operations are not read: their bytes are passed on.
    Durable(Delta<()>),
}

impl<Op> Backlog<Op> {
    pub(super) fn published(runs: Vec<Arc<Run<Op>>>, limits: &Limits) -> Self {
        Self { pieces: Pieces::Published(Delta { runs: runs.into() }.parts(limits).into()) }
    }

    pub(super) fn durable(runs: Vec<Arc<Run<()>>>, limits: &Limits) -> Self {
        Self { pieces: Pieces::Durable(Delta { runs: runs.into() }.parts(limits).into()) }
    }

    /// How many pieces are left.
    pub fn len(&self) -> usize {
        match &self.pieces {
            Pieces::Published(pieces) => pieces.len(),
            Pieces::Durable(pieces) => pieces.len(),
        }
    }

    /// Whether nothing is left: the other has all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Piece by piece, within the limits but for a run that is beyond them alone.
impl<Op> Iterator for Backlog<Op> {
    type Item = Piece<Op>;

    fn next(&mut self) -> Option<Piece<Op>> {
        let runs = match &mut self.pieces {
            Pieces::Published(pieces) => PieceRuns::Published(pieces.pop_front()?),
            Pieces::Durable(pieces) => PieceRuns::Durable(pieces.pop_front()?),
        };
        Some(Piece { runs })
    }
}

impl<Op> Piece<Op> {
    /// The bytes of a delta, for [`Link::decode`](super::Link::decode) on the other side. Costs a copy of them.
    ///
    /// # Errors
    /// None where the replica has a codec, as it must to be linked.
    pub fn encode(&self) -> Result<Vec<u8>, ServeError> {
        match &self.runs {
            PieceRuns::Published(delta) => delta.encode(),
            PieceRuns::Durable(delta) => delta.encode(),
        }
        .map_err(ServeError::Encode)
    }
}

/// Why nothing can be served.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServeError {
    /// The journal cannot be read.
    Journal(Box<dyn Error + Send + Sync>),
    /// The replica made something that has no bytes.
    Encode(EncodeError),
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Journal(error) => write!(f, "the journal cannot be read: {error}"),
            Self::Encode(error) => write!(f, "an operation has no bytes: {error}"),
        }
    }
}

impl Error for ServeError {}
