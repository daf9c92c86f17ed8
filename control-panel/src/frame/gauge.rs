//! What the frames of an observed panel took: written by the frame thread without a lock, read by observers.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::Instant;

use super::bell::Bell;
use crate::util::SeqLock;

/// How many frames are kept: 17 s of frames at 60 a second. A power of two.
const KEPT: usize = 1024;

/// What one frame took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct FrameSample {
    /// When it ended, from the gauge's [epoch](FrameGauge::epoch).
    pub(crate) ended: Duration,
    pub(crate) drain: Duration,
    pub(crate) apply: Duration,
    pub(crate) reconcile: Duration,
    pub(crate) applied: u32,
    pub(crate) left: u32,
}

impl FrameSample {
    /// What the frame took.
    pub(crate) fn total(&self) -> Duration {
        self.drain + self.apply + self.reconcile
    }

    /// Durations in nanoseconds; the intents applied in the upper half of the last number, those left in the lower.
    fn numbers(self) -> [u64; 5] {
        let Self { ended, drain, apply, reconcile, applied, left } = self;
        let intents = u64::from(applied) << 32 | u64::from(left);
        [nanos(ended), nanos(drain), nanos(apply), nanos(reconcile), intents]
    }

    fn of([ended, drain, apply, reconcile, intents]: [u64; 5]) -> Self {
        let half = |of: u64| u32::try_from(of & u64::from(u32::MAX)).unwrap_or(u32::MAX);
        Self {
            ended: Duration::from_nanos(ended),
            drain: Duration::from_nanos(drain),
            apply: Duration::from_nanos(apply),
            reconcile: Duration::from_nanos(reconcile),
            applied: half(intents >> 32),
            left: half(intents),
        }
    }
}

/// Made when a panel is first observed; a panel that never is has none.
///
/// A ring of samples with one writer: a reader leaves out those that are overwritten while it reads.
#[derive(Debug)]
pub(crate) struct FrameGauge {
    pub(crate) epoch: Instant,
    /// How many samples were written.
    written: AtomicU64,
    applied: AtomicU64,
    /// When the frame that runs now began, in nanoseconds from the epoch, plus 1; 0 between frames.
    in_frame: AtomicU64,
    samples: Box<[SeqLock<5>]>,
    closed: AtomicBool,
    bell: Bell,
}

/// The samples that a reader had not seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct NewSamples {
    /// Oldest first.
    pub(crate) samples: Vec<FrameSample>,
    /// How many samples there were in total.
    pub(crate) total: u64,
}

impl FrameGauge {
    pub(crate) fn new() -> Self {
        Self {
            epoch: Instant::now(),
            written: AtomicU64::new(0),
            applied: AtomicU64::new(0),
            in_frame: AtomicU64::new(0),
            samples: (0..KEPT).map(|_| SeqLock::new()).collect(),
            closed: AtomicBool::new(false),
            bell: Bell::default(),
        }
    }

    /// A frame begins.
    pub(crate) fn begin(&self, now: Instant) -> Timing<'_> {
        self.in_frame.store(nanos(now - self.epoch).saturating_add(1), Ordering::Relaxed);
        Timing { gauge: self, began: now, drained: now, settled: now }
    }

    /// Since when a frame runs, if one does.
    pub(crate) fn in_frame_since(&self) -> Option<Instant> {
        let since = self.in_frame.load(Ordering::Relaxed).checked_sub(1)?;
        Some(self.epoch + Duration::from_nanos(since))
    }

    /// How many frames have ended.
    pub(crate) fn frames(&self) -> u64 {
        self.written.load(Ordering::Acquire)
    }

    /// How many intents they applied.
    pub(crate) fn applied(&self) -> u64 {
        self.applied.load(Ordering::Relaxed)
    }

    /// The panel is gone.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.bell.ring();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Something else has changed that an observer looks for.
    pub(crate) fn ring(&self) {
        self.bell.ring();
    }

    /// Wakes the task once something changes, unless it has already: `has_changed` may only ask for what is announced by a frame's
    /// end, by [`close`](Self::close) or by [`ring`](Self::ring).
    pub(crate) fn poll_changed(&self, cx: &Context<'_>, has_changed: impl Fn() -> bool) -> Poll<()> {
        if has_changed() || !self.bell.register(cx.waker(), has_changed) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    /// Returns the samples after the first `seen`, as far as they are kept.
    pub(crate) fn since(&self, seen: u64) -> NewSamples {
        let total = self.written.load(Ordering::Acquire);
        let first = seen.max(total.saturating_sub(KEPT as u64)).min(total);
        let mut samples = Vec::new();
        for number in first..total {
            match self.slot(number).read() {
                // Two for each time that the slot was written.
                Some((numbers, version)) if version == 2 * (number / KEPT as u64 + 1) => {
                    samples.push(FrameSample::of(numbers));
                }
                // It was overwritten meanwhile, and so those before it count as lost too.
                _ => samples.clear(),
            }
        }
        NewSamples { samples, total }
    }

    fn slot(&self, number: u64) -> &SeqLock<5> {
        #[expect(clippy::cast_possible_truncation, reason = "the remainder is less than the length")]
        &self.samples[(number % KEPT as u64) as usize]
    }

    /// Only the frame thread writes.
    fn write(&self, sample: FrameSample) {
        let number = self.written.load(Ordering::Relaxed);
        self.slot(number).write(sample.numbers());
        self.applied
            .store(self.applied.load(Ordering::Relaxed) + u64::from(sample.applied), Ordering::Relaxed);
        self.written.store(number + 1, Ordering::Release);
        self.bell.ring();
    }
}

/// One frame while it runs. A frame that panics leaves no sample.
#[derive(Debug)]
pub(crate) struct Timing<'a> {
    gauge: &'a FrameGauge,
    began: Instant,
    drained: Instant,
    settled: Instant,
}

impl Timing<'_> {
    /// The batch is drained and in order.
    pub(crate) fn drained(&mut self) {
        self.drained = Instant::now();
    }

    /// Everything is applied and settled.
    pub(crate) fn settled(&mut self, now: Instant) {
        self.settled = now;
    }

    /// The frame is over.
    pub(crate) fn end(self, applied: usize, left: usize) {
        let (Self { gauge, began, drained, settled }, now) = (&self, Instant::now());
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        gauge.write(FrameSample {
            ended: now - gauge.epoch,
            drain: *drained - *began,
            apply: settled.saturating_duration_since(*drained),
            reconcile: now - (*settled).max(*drained),
            applied: count(applied),
            left: count(left),
        });
    }
}

impl Drop for Timing<'_> {
    fn drop(&mut self) {
        self.gauge.in_frame.store(0, Ordering::Relaxed);
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
