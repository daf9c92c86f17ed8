//! Pausing the frame loop.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Lets a viewer pause a frame loop and step it: the loop asks [`admits`](Self::admits) before each frame.
///
/// The program decides what pausing means: here, that no frame runs. Meanwhile its workers go on, until the queue is full.
///
/// ```
/// use control_panel::dashboard::FramePause;
///
/// let pause = FramePause::new();
/// assert!(pause.admits()); // run a frame
/// pause.pause();
/// assert!(!pause.admits()); // wait for the next wake instead
/// pause.step();
/// assert!(pause.admits() && !pause.admits()); // one frame
/// pause.resume();
/// assert!(pause.admits());
/// ```
#[derive(Debug, Clone, Default)]
pub struct FramePause(Arc<AtomicU64>);

/// Not paused. Any other value: paused, with so many steps left plus 1.
const RUNS: u64 = 0;
const PAUSED: u64 = 1;

/// How many steps may be left.
const STEPS: u64 = 1000;

impl FramePause {
    /// Creates a pause that is not in effect.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the loop may run a frame now. If it is paused and a step is left, uses that up. Takes no lock.
    pub fn admits(&self) -> bool {
        let step = |now| match now {
            RUNS => Some(RUNS),
            PAUSED => None,
            steps => Some(steps - 1),
        };
        // Most frames change nothing.
        self.0.load(Ordering::Acquire) == RUNS
            || self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, step).is_ok()
    }

    /// Whether it is in effect.
    ///
    /// ```
    /// use control_panel::dashboard::FramePause;
    ///
    /// let pause = FramePause::new();
    /// pause.pause();
    /// assert!(pause.is_paused() && !pause.admits());
    /// ```
    pub fn is_paused(&self) -> bool {
        self.0.load(Ordering::Acquire) != RUNS
    }

    /// Pauses the loop before its next frame. It must look: a sleeping loop is woken by the dashboard only.
    pub fn pause(&self) {
        self.0.compare_exchange(RUNS, PAUSED, Ordering::AcqRel, Ordering::Acquire).ok();
    }

    /// Ends the pause.
    pub fn resume(&self) {
        self.0.store(RUNS, Ordering::Release);
    }

    /// Lets one frame more through while it is paused, or pauses it after one.
    pub fn step(&self) {
        let step = |now: u64| Some(now.max(PAUSED).saturating_add(1).min(PAUSED + STEPS));
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, step).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_steps_are_let_through_at_most_and_a_resume_forgets_them() {
        let pause = FramePause::new();
        (0..5_000).for_each(|_| pause.step());
        assert!(pause.is_paused());
        assert_eq!((0..5_000).filter(|_| pause.admits()).count(), 1_000);
        pause.step();
        pause.resume();
        pause.pause();
        assert!(!pause.admits());
        // Pausing what is paused takes no step back.
        pause.step();
        pause.pause();
        assert!(pause.admits() && !pause.admits());
    }
}
