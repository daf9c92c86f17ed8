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
//! | `describe` | the metrics' names and units |

mod describe;
mod frames;
mod senders;
mod tally;
mod workers;

#[cfg(feature = "tracing")]
pub(crate) use crate::util::span::TARGET;

pub(crate) use self::{
    describe::describe,
    frames::{Flow, Redo, Watch, frame_time, redo},
    senders::{CountsSends, SendCounts, SendFigures},
    tally::Tally,
    workers::{LISTENS, Moved, Seen, lifecycle},
};

/// A subscriber of a bus fell behind. Called on that subscriber's thread.
#[cfg_attr(
    not(feature = "tracing"),
    expect(unused_variables, reason = "there is no subscriber of tracing's")
)]
pub(crate) fn lagged(signal: &str, missed: u64) {
    #[cfg(feature = "tracing")]
    tracing::warn!(target: TARGET, signal, missed, "a subscriber missed signals");
}
