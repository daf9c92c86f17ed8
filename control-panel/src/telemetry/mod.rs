//! What a panel reports about itself to the program's subscriber (feature `tracing`) and recorder (feature `metrics`).
//! Without the features all of this is empty.
//!
//! Subscribers and recorders are foreign code: nothing here is called under a lock.
//!
//! | file | what |
//! |---|---|
//! | `workers` | workers' events |
//! | `frames` | the queue as a frame finds it, and what the frame costs |
//! | `tally` | the intents of a frame, by source |
//! | `senders` | what became of the intents of a sender or a source, for observers |
//! | `emit`, `describe` | the facades themselves; the metrics' names and units |

mod describe;
mod emit;
mod frames;
mod senders;
mod tally;
mod workers;

use std::fmt;

pub(crate) use self::{
    describe::describe,
    emit::LISTENS,
    frames::{Counts, Watch, frame_time, redo},
    senders::{CountsSends, SendCounts, SendFigures},
    tally::Tally,
    workers::{Moved, Seen, lifecycle, state},
};

/// Something is wrong with a panel.
pub(crate) fn warn(panel: &str, warning: impl fmt::Display) {
    emit::log!(warn, panel, "{warning}");
}

/// A subscriber of a bus fell behind. Called on that subscriber's thread.
#[cfg_attr(
    not(feature = "tracing"),
    expect(unused_variables, reason = "there is no subscriber of tracing's")
)]
pub(crate) fn lagged(signal: &str, missed: u64) {
    #[cfg(feature = "tracing")]
    tracing::warn!(target: crate::util::span::TARGET, signal, missed, "a subscriber missed signals");
}
