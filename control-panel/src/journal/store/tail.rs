//! The end of a file, from which the next transaction continues.

use std::collections::BTreeSet;

use super::{
    Reader,
    cut::Cut,
    frame_block::FrameBlock,
    rows::{self, StrandId},
    run_block::RunBlock,
    strands::Strands,
};
use crate::{
    journal::error::Fault,
    replica::{Author, codec::EncodeError},
};

/// The end of the file, where it grows. After a write that failed it is read again.
#[derive(Debug)]
pub(super) struct Tail {
    pub(super) session: u64,
    pub(super) runs: RunBlock,
    pub(super) frames: FrameBlock,
    pub(super) strands: Strands,
    /// The last frame that is gone; 0 if none is.
    pub(super) begun: u64,
    /// Those with a row for the last block.
    pub(super) placed: BTreeSet<StrandId>,
    /// How many blocks of runs there are.
    pub(super) blocks: u64,
    /// A snapshot that is written, until its transaction is durable: what it stands for, and its bytes.
    pub(super) cut: Option<(Cut, u64)>,
    /// Why the last snapshot was not written.
    pub(super) unkept: Option<EncodeError>,
}

impl Tail {
    /// Of a file without rows.
    pub(super) fn new(session: u64) -> Self {
        Self {
            session,
            runs: RunBlock::new(0, session),
            frames: FrameBlock::new(1, rows::FIRST),
            strands: Strands::default(),
            begun: 0,
            placed: BTreeSet::new(),
            blocks: 0,
            cut: None,
            unkept: None,
        }
    }

    pub(super) fn read(reader: &Reader, session: u64) -> Result<Self, Fault> {
        Ok(Self {
            session,
            runs: reader.last_runs(session)?,
            frames: reader.last_frames()?,
            strands: Strands::of(reader.strands()),
            begun: reader.begun().map_or(0, |begun| begun.frame),
            placed: BTreeSet::new(),
            blocks: reader.blocks()?,
            cut: None,
            unkept: None,
        })
    }

    pub(super) fn set_session(&mut self, session: u64) {
        self.session = session;
        if self.runs.is_empty() {
            self.runs.session = session;
        } else {
            // A block has runs of one session alone: so it is known which wrote them, though no frame names them.
            self.runs = RunBlock::new(self.runs.next(), session);
            self.placed.clear();
        }
    }

    /// The frames up to that one are gone.
    pub(super) fn begin_anew(&mut self, begun: u64) {
        (self.begun, self.frames) = (begun, FrameBlock::new(begun + 1, rows::FIRST));
    }

    /// Whether frames name runs.
    pub(super) fn has_frames(&self) -> bool {
        self.frame() > self.begun
    }

    /// The number of the last frame; 0 if there is none.
    pub(super) fn frame(&self) -> u64 {
        self.frames.next() - 1
    }

    pub(super) fn blocks(&self) -> u64 {
        self.blocks
    }

    /// The number of the first run of the block that still grows.
    pub(super) fn last_block(&self) -> u64 {
        self.runs.first
    }

    /// Authors in their order, and their strands.
    pub(super) fn authors(&self) -> Vec<(Author, Vec<StrandId>)> {
        self.strands.authors()
    }
}
