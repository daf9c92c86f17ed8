//! What an observer read.

use tokio::time::Instant;

use super::Board;
use crate::{frame::FrameSample, lifecycle::Event, panel::observed::PanelFigures, util::Name};

/// A panel as an [`Observer`](super::Observer) read it: what a [`Console`](super::Console) takes.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub(super) at: Instant,
    pub(super) epoch: Instant,
    pub(super) panel: Name,
    pub(super) gone: bool,
    /// `None` once nothing of the panel is left.
    pub(super) figures: Option<PanelFigures>,
    pub(super) in_frame: Option<Instant>,
    /// Intents applied by the frames that were observed.
    pub(super) applied: u64,
    pub(super) samples: Vec<FrameSample>,
    pub(super) events: Vec<(Event, Instant)>,
    pub(super) missed: u64,
    pub(super) board: Board,
    pub(super) cursor: Cursor,
}

impl Snapshot {
    /// When it was taken.
    pub fn at(&self) -> Instant {
        self.at
    }

    /// Where the next one begins.
    pub fn cursor(&self) -> Cursor {
        self.cursor
    }
}

/// How far a panel was read: which frames, which events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cursor {
    pub(super) frames: u64,
    pub(super) events: u64,
    pub(super) gone: bool,
}
