//! What a frame shows to whatever records it: a small trait, which the journal implements.

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

    /// The frame of this number is over: settled with this digest of the state, or cut short by a panic. Never waits, and never panics.
    fn end(&mut self, frame: u64, ending: Ending, digest: Option<u64>);
}

/// How a recorded frame ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Ending {
    /// All was applied and settled.
    #[default]
    Settled,
    /// The reducer panicked on the last intent. What was behind it comes back with the next frame.
    Panicked,
    /// All that is recorded was applied, and something else panicked before the state was settled: `on_ready`, a waker.
    Unsettled,
    /// `settle` panicked.
    SettlePanicked,
}

/// Tells the recorder how the frame ended, also where it unwinds.
struct Recording<'a, I: Intent> {
    recorder: &'a mut dyn Recorder<I>,
    frame: u64,
    /// What it is if it unwinds now.
    ending: Ending,
    digest: Option<u64>,
}

impl<I: Intent> Drop for Recording<'_, I> {
    fn drop(&mut self) {
        self.recorder.end(self.frame, self.ending, self.digest);
    }
}

/// Applies and settles a frame that is recorded. Returns how many were applied. Out of line: a frame that is not recorded does not pay for it.
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
