//! Whether anything drives a current-thread runtime that was given: a task of the panel's there is asked now and then, and has
//! to answer. Workers that were polled once, and wait for a timer since, would not be missed otherwise.

use std::{
    fmt,
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

/// Frames before it is asked for the first time: a panel that draws fewer has no task for this.
const FIRST_FRAMES: u32 = 16;

/// Of frames that follow each other within [`PACE`] one counts: the runtime has another thread, and needs time to answer.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    /// Whether one thread alone can drive the runtime.
    alone: bool,
    beat: Option<Beat>,
    /// How many frames counted since it was asked, and when the last did.
    frames: u32,
    last: Option<Instant>,
    missing: bool,
}

/// The task that answers, for as long as the panel is there.
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

    /// Whether the runtime was asked and has not answered for about a second of frames.
    pub(super) fn is_missing(&self) -> bool {
        self.missing
    }

    /// One more frame, with so many workers on the runtime. Allocates when it asks for the first time, and then no more.
    pub(super) fn count(&mut self, runtime: &Handle, workers: usize) {
        if !self.alone || workers == 0 {
            (self.frames, self.missing) = (0, false);
            return;
        }
        let answered = self.beat.as_ref().map(|beat| beat.answers.answered.load(Ordering::Acquire));
        self.missing &= answered == Some(false);
        let now = Instant::now();
        if self.last.is_some_and(|last| now - last < PACE) {
            return;
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
                    self.missing = true;
                }
            }
            _ => {}
        }
    }
}

impl Beat {
    /// The first answer is that the task is polled at all.
    fn new(runtime: &Handle) -> Self {
        let answers = Arc::<Answers>::default();
        let answering = Arc::clone(&answers);
        let task = runtime.spawn(async move {
            loop {
                answering.answered.store(true, Ordering::Release);
                answering.asked.notified().await;
            }
        });
        Self { answers, task: task.abort_handle() }
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

impl fmt::Debug for Beat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Beat").finish_non_exhaustive()
    }
}
