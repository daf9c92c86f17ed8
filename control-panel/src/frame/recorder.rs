//! How a frame is recorded: a small trait, which the journal implements.

use crate::{
    frame::reducer::Reducer,
    intent::{Intent, order::QueuedIntent},
};

use super::Frame;

/// Sees each frame of `run_frame`: its intents before they are applied, and how it ended.
pub(crate) trait Recorder<I: Intent>: Send + Sync {
    /// A frame begins, on this thread.
    fn begin(&mut self);

    /// The next intent, right before it is applied. Never waits, and never panics.
    fn intent(&mut self, queued: &QueuedIntent<I>);

    /// The frame with this number is over: settled with this digest of the state, or cut short by a panic. Never waits, and never
    /// panics.
    fn end(&mut self, frame: u64, ending: Ending, digest: Option<u64>);
}

/// How a recorded frame ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Ending {
    /// All was applied and settled.
    #[default]
    Settled,
    /// The reducer panicked on the last intent. The rest of the frame comes back with the next one.
    Panicked,
    /// All recorded intents were applied, and other code (`on_ready`, a waker) panicked before the state was settled.
    Unsettled,
    /// `settle` panicked.
    SettlePanicked,
}

/// Reports to the recorder how the frame ended, even when it unwinds.
struct Recording<'a, I: Intent> {
    recorder: &'a mut dyn Recorder<I>,
    frame: u64,
    /// The ending to report if it unwinds now.
    ending: Ending,
    digest: Option<u64>,
}

impl<I: Intent> Drop for Recording<'_, I> {
    fn drop(&mut self) {
        self.recorder.end(self.frame, self.ending, self.digest);
    }
}

/// Applies and settles a recorded frame. Returns how many intents were applied. Out of line, so that a frame that is not recorded
/// does not pay for it.
#[inline(never)]
pub(crate) fn apply_recorded<S: Reducer>(
    recorder: &mut dyn Recorder<S::Intent>,
    number: u64,
    frame: Frame<S::Intent>,
    state: &mut S,
) -> usize {
    let mut applied = 0;
    recorder.begin();
    let mut recording = Recording { recorder, frame: number, ending: Ending::Unsettled, digest: None };
    frame.for_each(|queued| {
        applied += 1;
        recording.recorder.intent(&queued);
        recording.ending = Ending::Panicked;
        state.apply(queued);
        recording.ending = Ending::Unsettled;
    });
    recording.ending = Ending::SettlePanicked;
    state.settle();
    recording.digest = state.digest();
    recording.ending = Ending::Settled;
    applied
}
