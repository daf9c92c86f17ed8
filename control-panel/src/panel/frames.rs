//! The frame loop's side of the panel: draining, applying, and waiting for work.

use std::{
    mem,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::time::Instant;

use super::ControlPanel;
use crate::{
    frame::{
        Collector, Frame, apply_recorded,
        reducer::{FrameReport, Reconcile, Reducer},
    },
    intent::Intent,
    queue::Local,
    telemetry,
    util::park,
};

/// # Frames, and sleeping between them
impl<I: Intent, P: Send + Sync + 'static> ControlPanel<I, P> {
    /// Takes everything queued now, in causal order. Never waits for a sender and never runs a worker.
    ///
    /// After a frame that was cut short, the next one contains its remainder, merged in order with what sources that have
    /// nothing in that remainder have sent since; see [`Frame`].
    ///
    /// # Panics
    /// If the source's `Ord` panics, or [`on_ready`](crate::PanelBuilder::on_ready), which is called here if the queue is busy.
    /// Queued intents stay queued for the next drain. For what the end of a frame calls, see [`Frame`].
    pub fn drain(&mut self) -> Frame<I> {
        // Returned as it is made, the frame is not copied.
        let Some(gauge) = self.shared.gauge.get().cloned() else { return self.begin_frame() };
        let mut timing = gauge.begin(Instant::now());
        let frame = self.begin_frame();
        timing.drained();
        timing.end(frame.remaining(), self.shared.queue.left());
        frame
    }

    /// Runs one frame: drains, merges `local` in, applies everything in causal order, settles once, then reconciles once. A
    /// frame without intents settles and reconciles too.
    ///
    /// `local` is the loop's own input for this frame, each intent with its source. Local intents are ordered like all others;
    /// each source has its own origin, in call order. They take no slots, and no budget cuts them off. A clock of `Some(0)`,
    /// which a sender may not use, counts as local here. If the queue is busy, the frame consists of local intents only; those
    /// that queued intents precede are applied by the next frame.
    ///
    /// # Panics
    /// If the reducer or the host panics. The intent that the reducer panicked on counts as handed out. The rest of the frame,
    /// local intents included, returns with the next one, merged by key with the local intents of that call. The state is not
    /// settled then, but by the next frame. If [`settle`](Reducer::settle) panics, everything was applied, and the host is not
    /// reconciled.
    ///
    /// If iterating over `local`, an intent's `clock` or the source's `Ord` panics before the drain, the call has taken
    /// nothing. If `Ord` panics while the frame is sorted, or [`on_ready`](crate::PanelBuilder::on_ready), called because the
    /// queue is busy, does: nothing was applied, and everything comes with the next frame. If `on_ready`, or the waker of a
    /// send, panics at the end of the frame: everything was applied, but the state is not settled and the host not reconciled;
    /// the next frame does both.
    pub fn run_frame<S, H>(
        &mut self,
        state: &mut S,
        host: &mut H,
        local: impl IntoIterator<Item = (I::Source, I)>,
    ) -> FrameReport
    where
        S: Reducer<Intent = I>,
        H: Reconcile<S>,
    {
        let began = Instant::now();
        // Before the drain: this runs the caller's iterator, whose panic must not leave a half-built frame.
        self.stamp(local);
        let gauge = self.shared.gauge.get().cloned();
        let mut timing = gauge.as_deref().map(|gauge| gauge.begin(began));
        let frame = self.begin_frame();
        if let Some(timing) = &mut timing {
            timing.drained();
        }
        // Those that are not in it come with the next frame, because other intents precede them.
        let local = frame.own();
        let redo = Collector::begin(Instant::now);
        let applied = if let Some(recorder) = &mut self.recorder {
            apply_recorded(&mut **recorder, self.shared.frames.load(Ordering::Relaxed), frame, state)
        } else {
            let mut applied = 0;
            frame.for_each(|queued| {
                applied += 1;
                state.apply(queued);
            });
            state.settle();
            applied
        };
        let (redo, slowest) = redo.end();
        let now = Instant::now();
        if let Some(timing) = &mut timing {
            timing.settled(now);
        }
        let report = FrameReport {
            frame: self.shared.frames.load(Ordering::Relaxed),
            applied,
            local,
            left: self.shared.queue.left(),
            apply_time: now.saturating_duration_since(began),
            redo,
            slowest,
            warning: self.shared.warning(),
        };
        telemetry::frame_time(&self.shared.name, report.apply_time);
        telemetry::redo(&self.shared.name, redo.merged, redo.undone, redo.redone, redo.jobs);
        host.reconcile(state);
        if let Some(timing) = timing {
            timing.end(report.applied, report.left);
        }
        report
    }

    /// Waits until there is something to do: for a loop that sleeps in async code. Several tasks may wait, and all of them are
    /// notified. As with [`on_ready`](crate::PanelBuilder::on_ready), that may be an answer or a change of a worker's status,
    /// so the frame may be empty.
    ///
    /// # Cooperation
    /// Consumes tokio's cooperative budget, so that a loop that always finds work yields and can be cancelled.
    ///
    /// # Cancel safety
    /// Cancel-safe: waiting drains nothing.
    ///
    /// ```
    /// # use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, testing, worker};
    /// # use std::time::Duration;
    /// # #[derive(Debug, PartialEq, GraphIntent)] enum Update { Row(u32) }
    /// testing::paused(async |panel: &mut ControlPanel<Update>| {
    ///     panel.sender(IntentSource::LocalUI).try_send(Update::Row(1)).unwrap();
    ///     panel.wait_ready().await; // in an async loop
    ///     assert_eq!(panel.drain().count(), 1);
    /// });
    /// ```
    pub async fn wait_ready(&self) {
        self.shared.queue.ready().await;
    }

    /// Parks this thread until there is something to do or the timeout elapses; `Duration::MAX` means no timeout. Returns
    /// whether there is something to do: intents to drain, an answer, or a change of a worker's status
    /// ([`wake_for_workers`](crate::PanelBuilder::wake_for_workers)). So the frame may turn out empty.
    ///
    /// # Panics
    /// In async code: use `wait_ready().await` there.
    ///
    /// ```
    /// # use control_panel::{ControlPanel, GraphIntent, IntentSource};
    /// # use std::time::Duration;
    /// # #[derive(GraphIntent)] enum Update { Refresh }
    /// let mut panel = ControlPanel::<Update>::new();
    /// assert!(!panel.wait_ready_timeout(Duration::from_millis(1)));
    /// panel.sender(IntentSource::LocalUI).try_send(Update::Refresh)?;
    /// assert!(panel.wait_ready_timeout(Duration::MAX));
    /// assert_eq!(panel.drain().count(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn wait_ready_timeout(&self, timeout: Duration) -> bool {
        park::assert_may_block("wait_ready_timeout", "`wait_ready().await`");
        park::wait_for(self.wait_ready(), timeout).is_some() || self.shared.queue.has_work()
    }

    /// The loop's own intents stay in their buffer until they are in the frame: if `on_ready`, called here if the queue is
    /// busy, panics, they come with the next frame.
    fn begin_frame(&mut self) -> Frame<I> {
        self.shared.frames.fetch_add(1, Ordering::Relaxed);
        self.watch_for_starvation();
        let Self { shared, local_buffer, forward, frame_budget, watch, .. } = self;
        watch.frame(&shared.name, || shared.queue.counts());
        let local = local_buffer.get_mut();
        // Before the batch, which then contains whatever a worker sent before an event.
        if let Some(forward) = forward {
            forward.read(&shared.queue, local);
        }
        let batch = shared.queue.begin_frame(!local.is_empty());
        Frame::new(Arc::clone(&shared.queue), batch, local, *frame_budget, Some(&shared.name))
    }

    /// Puts the loop's own intents into their buffer.
    fn stamp(&mut self, local: impl IntoIterator<Item = (I::Source, I)>) {
        let kept = self.local_buffer();
        // The caller's iterator may panic; buffered intents stay in place meanwhile.
        let mut stamped = if kept.is_empty() { mem::take(kept) } else { Vec::new() };
        let (locals, queue) = (&mut self.locals, &self.shared.queue);
        stamped.extend(local.into_iter().map(|(source, intent)| locals.stamp(queue, source, intent)));
        let kept = self.local_buffer();
        if kept.is_empty() {
            *kept = stamped;
        } else {
            kept.append(&mut stamped);
        }
    }

    fn local_buffer(&mut self) -> &mut Vec<Local<I>> {
        self.local_buffer.get_mut()
    }
}

#[cfg(test)]
mod recorded_tests;
#[cfg(test)]
mod tests;
