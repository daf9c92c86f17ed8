//! What a peer lacks, piece by piece.

use std::{collections::VecDeque, error::Error, fmt, sync::Arc};

use super::shelf;
use crate::replica::{
    Delta, Extent,
    codec::{EncodeError, Limits},
    keeper::Lacked,
    run::Run,
    split_covered,
};

/// What another replica lacked when it was asked for. Without a journal it is held by references until it is given, and looked at some of it at a time; with one some 4 MiB of it are held as bytes, and
/// more is read when these are given, each block of the file once.
#[derive(Debug)]
pub struct Backlog<Op> {
    pieces: Pieces<Op>,
}

#[derive(Debug)]
enum Pieces<Op> {
    Published(Published<Op>),
    Durable(Durable),
}

/// What is read from the shelf.
#[derive(Debug)]
struct Published<Op> {
    lacked: shelf::Lacked<Op>,
    limits: Limits,
    /// Whether runs go with a signature that covers them, and not without.
    signed: bool,
    /// What is covered by one that was not read yet.
    held: Vec<Arc<Run<Op>>>,
    pieces: VecDeque<Delta<Op>>,
}

impl<Op> Published<Op> {
    /// Reads until there is a piece, or nothing more.
    fn read(&mut self) {
        while self.pieces.is_empty() {
            let read = self.lacked.read();
            if read.is_empty() {
                // What nothing covers was received with a signature that still waits for its past.
                self.held.clear();
                return;
            }
            let mut runs = std::mem::take(&mut self.held);
            runs.extend(read);
            if self.signed {
                self.held = split_covered(&mut runs);
            }
            let runs = Delta::of(runs);
            self.pieces =
                if self.signed { runs.pieces(&self.limits) } else { runs.parts(&self.limits) }.into();
        }
    }

    fn next(&mut self) -> Option<Delta<Op>> {
        let piece = self.pieces.pop_front();
        if self.pieces.is_empty() {
            self.read();
        }
        piece
    }
}

/// What is read from a journal.
#[derive(Debug)]
struct Durable {
    lacked: Box<dyn Lacked>,
    limits: Limits,
    pieces: VecDeque<Delta<()>>,
    /// Whether there is more than these.
    more: bool,
}

impl Durable {
    /// Reads what follows. `false` if part of it is gone.
    fn read(&mut self) -> Result<bool, ServeError> {
        let Some((runs, more)) = self.lacked.read().map_err(ServeError::Journal)? else { return Ok(false) };
        self.pieces = Delta::of(runs).pieces(&self.limits).into();
        self.more = more;
        Ok(true)
    }

    fn next(&mut self) -> Result<Option<Delta<()>>, ServeError> {
        while self.pieces.is_empty() && self.more {
            // Where it ends early, a cut let go of the rest: the other asks again, and is given a snapshot.
            self.more = false;
            self.read()?;
        }
        Ok(self.pieces.pop_front())
    }
}

/// A piece of a [`Backlog`]: some runs, each behind its past.
#[derive(Debug)]
pub struct Piece<Op> {
    runs: PieceRuns<Op>,
}

#[derive(Debug)]
enum PieceRuns<Op> {
    Published(Delta<Op>),
    /// Operations are not read: their bytes are passed on.
    Durable(Delta<()>),
}

impl<Op> Backlog<Op> {
    /// `signed`: each run goes with a signature that covers it, or not at all.
    pub(super) fn published(lacked: shelf::Lacked<Op>, limits: &Limits, signed: bool) -> Self {
        let (held, pieces) = (Vec::new(), VecDeque::new());
        let mut published = Published { lacked, limits: *limits, signed, held, pieces };
        published.read();
        Self { pieces: Pieces::Published(published) }
    }

    /// `None` if part of it is gone.
    pub(super) fn durable(lacked: Box<dyn Lacked>, limits: &Limits) -> Result<Option<Self>, ServeError> {
        let mut durable = Durable { lacked, limits: *limits, pieces: VecDeque::new(), more: false };
        Ok(durable.read()?.then_some(Self { pieces: Pieces::Durable(durable) }))
    }

    /// Whether nothing is left: the other has all.
    pub fn is_empty(&self) -> bool {
        match &self.pieces {
            Pieces::Published(published) => published.pieces.is_empty(),
            Pieces::Durable(durable) => durable.pieces.is_empty() && !durable.more,
        }
    }
}

/// Piece by piece, within the limits but for a run that is beyond them alone. With a journal it may block, and fails where the file cannot be read.
impl<Op> Iterator for Backlog<Op> {
    type Item = Result<Piece<Op>, ServeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let runs = match &mut self.pieces {
            Pieces::Published(published) => Ok(PieceRuns::Published(published.next()?)),
            Pieces::Durable(durable) => durable.next().transpose()?.map(PieceRuns::Durable),
        };
        Some(runs.map(|runs| Piece { runs }))
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

    /// What a replica has more once it has this piece. Costs a look at each run's header.
    #[must_use]
    pub fn extent(&self) -> Extent {
        match &self.runs {
            PieceRuns::Published(delta) => Extent::of(delta),
            PieceRuns::Durable(delta) => Extent::of(delta),
        }
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
