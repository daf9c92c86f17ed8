//! A heartbeat that detects whether anything drives a given current-thread runtime: a task of the panel there is pinged now and
//! then, and must answer. Otherwise a runtime that stopped would go unnoticed if its workers were polled once and have waited
//! for a timer since.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use tokio::{
    runtime::{Handle, RuntimeFlavor},
    sync::Notify,
    task::AbortHandle,
};

use super::warnings::{PACE, STARVED_FRAMES};
use crate::util::tasks;

/// Frames before the first ping: a panel that draws fewer has no task for this.
const FIRST_FRAMES: u32 = 16;

/// Frames within [`PACE`] of each other count once: the runtime has another thread, and needs time to answer.
#[derive(Default)]
pub(super) struct Pulse {
    /// Whether only one thread can drive the runtime.
    alone: bool,
    beat: Option<Beat>,
    /// How many frames were counted since the last ping, and when the last one was.
    frames: u32,
    last: Option<Instant>,
}

/// The task that answers, for as long as the panel exists.
struct Beat {
    answers: Arc<Answers>,
    task: AbortHandle,
}

#[derive(Default)]
struct Answers {
    asked: Notify,
    answered: AtomicBool,
}

impl Pulse {
    pub(super) fn of(runtime: &Handle) -> Self {
        Self { alone: runtime.runtime_flavor() == RuntimeFlavor::CurrentThread, ..Self::default() }
    }

    /// Whether only one thread can drive the runtime, so that frames are to be counted.
    #[inline]
    pub(super) fn is_needed(&self) -> bool {
        self.alone
    }

    /// Counts a frame, with this many workers on the runtime. Returns whether a ping has gone unanswered for about a second of
    /// frames; `missing` says whether one had by the frame before. Allocates for the first ping only.
    #[inline]
    pub(super) fn count(&mut self, runtime: &Handle, workers: usize, missing: bool) -> bool {
        if !self.alone || workers == 0 {
            self.frames = 0;
            return false;
        }
        let answered = self.beat.as_ref().map(|beat| beat.answers.answered.load(Ordering::Acquire));
        let missing = missing && answered == Some(false);
        let now = Instant::now();
        if self.last.is_some_and(|last| now - last < PACE) {
            return missing;
        }
        (self.last, self.frames) = (Some(now), self.frames.saturating_add(1));
        match &self.beat {
            None if self.frames >= FIRST_FRAMES => {
                (self.beat, self.frames) = (Some(Beat::new(runtime)), 0);
            }
            Some(beat) if self.frames >= STARVED_FRAMES => {
                if answered == Some(true) {
                    beat.ask();
                    self.frames = 0;
                } else {
                    return true;
                }
            }
            _ => {}
        }
        missing
    }
}

impl Beat {
    /// The first answer shows that the task is polled at all.
    fn new(runtime: &Handle) -> Self {
        let answers = Arc::<Answers>::default();
        let answering = Arc::clone(&answers);
        let task = tasks::spawn(runtime, "control-panel: pulse", async move {
            loop {
                answering.answered.store(true, Ordering::Release);
                answering.asked.notified().await;
            }
        });
        Self { answers, task }
    }

    fn ask(&self) {
        self.answers.answered.store(false, Ordering::Release);
        self.answers.asked.notify_one();
    }
}

impl Drop for Beat {
    fn drop(&mut self) {
        self.task.abort();
    }
}
