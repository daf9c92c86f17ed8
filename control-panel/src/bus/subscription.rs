//! A subscriber's end of a bus.

use std::{
    any::type_name,
    fmt,
    future::poll_fn,
    sync::Arc,
    task::{Context as TaskContext, Poll},
};

use tokio::task::coop;

use super::{
    core::Core,
    listeners::Listener,
    ring::Look,
    signal::{Received, Signal},
};
use crate::{
    intent::IntentSource,
    lifecycle::RunToken,
    telemetry,
    util::{Raced, park, race},
};

/// Receives the signals of type `S` published from now on. Created by
/// [`ControlPanel::subscribe`](crate::ControlPanel::subscribe), [`Spawner::subscribe`](crate::Spawner::subscribe) and
/// [`Context::subscribe`](crate::Context::subscribe).
///
/// Every subscription receives all of them, in the bus's one order. If it falls behind further than the bus keeps signals, it
/// [gets the number](Received::Lagged) of those that it missed. Dropping it unsubscribes.
pub struct Subscription<S, Src = IntentSource> {
    core: Arc<Core<S, Src>>,
    listener: Arc<Listener>,
    /// The number of the next signal to read.
    next: u64,
    /// The run that listens; `None` for the frame loop, or a thread of the program.
    run_token: Option<Arc<RunToken>>,
}

impl<S: Send + Sync + 'static, Src: Send + Sync + 'static> Subscription<S, Src> {
    pub(super) fn new(core: Arc<Core<S, Src>>, run_token: Option<Arc<RunToken>>) -> Self {
        let (listener, next) = core.listen();
        let subscription = Self { core, listener, next, run_token };
        // Armed immediately, so that a loop that sleeps before its first look is woken too.
        subscription.arm_loop();
        subscription
    }

    /// Returns the next signal, if there is one. Never waits: for the frame loop, which calls it once a frame until it returns
    /// `None`, or uses [`drain`](Self::drain). Takes no lock and allocates nothing.
    ///
    /// If there is none, and the subscription does not belong to a worker, the next signal wakes a sleeping frame loop:
    /// [`on_ready`](crate::PanelBuilder::on_ready) is called and [`wait_ready`](crate::ControlPanel::wait_ready) resolves,
    /// once, though the frame may be empty. A loop that publishes in every frame to one of its own views keeps itself awake.
    pub fn try_recv(&mut self) -> Option<Received<S, Src>> {
        self.look().or_else(|| {
            // A signal may have arrived just before the loop was armed.
            if self.arm_loop() { self.look() } else { None }
        })
    }

    /// Returns everything published until now, each as [`try_recv`](Self::try_recv) returns it. Signals that arrive during the
    /// iteration are left to the next call, so that a frame ends even under a flood of signals; they wake a sleeping loop.
    pub fn drain(&mut self) -> impl Iterator<Item = Received<S, Src>> + use<'_, S, Src> {
        let until = self.core.ring.claimed();
        Drain { subscription: self, until }
    }

    /// Waits for the next signal. Returns `None` once the panel is dropped and everything is read, or the worker that owns the
    /// subscription is asked to stop.
    ///
    /// A worker that is asked to stop gets `None` even if signals remain: [`try_recv`](Self::try_recv) still takes them.
    ///
    /// # Cooperation
    /// Consumes tokio's cooperative budget, so that a loop that always finds a signal can be cancelled.
    ///
    /// # Cancel safety
    /// Cancel-safe: a signal that a cancelled call would have returned is returned by the next one.
    pub async fn recv(&mut self) -> Option<Received<S, Src>> {
        coop::consume_budget().await;
        let Some(run_token) = self.run_token.clone() else {
            return poll_fn(|cx| self.poll_recv(cx)).await;
        };
        // Checked first: a worker that is asked to stop does not begin anything new.
        match race(run_token.token().cancelled(), poll_fn(|cx| self.poll_recv(cx))).await {
            Raced::First(()) => None,
            Raced::Second(received) => received,
        }
    }

    /// Like [`recv`](Self::recv), for a thread that is not driving a runtime: a worker on a thread of its own, or a host's.
    ///
    /// ```
    /// use control_panel::{
    ///     Context, GraphIntent, IntentSource, worker,
    ///     bus::Received,
    /// };
    ///
    /// #[derive(GraphIntent)]
    /// enum Update {}
    ///
    /// struct Saved(std::path::PathBuf);
    ///
    /// #[worker(source = IntentSource::Restore, kind = thread)]
    /// fn backup(cx: Context<Update>) {
    ///     let mut saved = cx.subscribe::<Saved>();
    ///     while let Some(received) = saved.recv_blocking() {
    ///         if let Received::Signal(file) = received {
    ///             std::fs::copy(&file.0, file.0.with_extension("bak")).ok();
    ///         }
    ///     }
    /// }
    /// ```
    ///
    /// # Panics
    /// In async code: use `recv().await` there.
    #[track_caller]
    pub fn recv_blocking(&mut self) -> Option<Received<S, Src>> {
        park::assert_may_block("recv_blocking", "`recv().await`");
        park::wait(self.recv())
    }

    fn poll_recv(&mut self, cx: &mut TaskContext<'_>) -> Poll<Option<Received<S, Src>>> {
        // Before the look: nothing is published after it.
        let closed = self.core.hub.is_closed();
        if let Some(received) = self.look() {
            return Poll::Ready(Some(received));
        }
        if closed {
            return Poll::Ready(None);
        }
        self.listener.arm_task(cx.waker());
        let closed = self.core.hub.is_closed();
        match self.look() {
            None if !closed => Poll::Pending,
            received => Poll::Ready(received),
        }
    }

    fn look(&mut self) -> Option<Received<S, Src>> {
        match self.core.ring.look(self.next) {
            Look::Later => None,
            Look::Here(entry) => {
                self.go_on_with(self.next + 1);
                Some(Received::Signal(Signal::new(entry)))
            }
            Look::Gone(oldest) => {
                let missed = oldest - self.next;
                self.go_on_with(oldest);
                self.core.missed(missed);
                telemetry::lagged(type_name::<S>(), missed);
                Some(Received::Lagged(missed))
            }
        }
    }

    fn go_on_with(&mut self, next: u64) {
        self.next = next;
        self.listener.set_next(next);
    }

    /// Arms the frame loop for the next signal, unless this subscription belongs to a worker. Returns whether that signal is
    /// there already.
    fn arm_loop(&self) -> bool {
        if self.run_token.is_some() {
            return false;
        }
        self.listener.arm_loop();
        self.core.ring.is_written(self.next)
    }
}

impl<S, Src> Drop for Subscription<S, Src> {
    fn drop(&mut self) {
        self.core.listeners.remove(&self.listener);
    }
}

impl<S, Src> fmt::Debug for Subscription<S, Src> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("signal", &type_name::<S>())
            .field("unread", &(self.core.ring.claimed() + 1).saturating_sub(self.next))
            .finish_non_exhaustive()
    }
}

/// Iterates over the signals published until its creation.
struct Drain<'a, S: Send + Sync + 'static, Src: Send + Sync + 'static> {
    subscription: &'a mut Subscription<S, Src>,
    /// The number of the last signal that it returns.
    until: u64,
}

impl<S: Send + Sync + 'static, Src: Send + Sync + 'static> Iterator for Drain<'_, S, Src> {
    type Item = Received<S, Src>;

    fn next(&mut self) -> Option<Received<S, Src>> {
        if self.subscription.next > self.until {
            return None;
        }
        self.subscription.look()
    }
}

impl<S: Send + Sync + 'static, Src: Send + Sync + 'static> Drop for Drain<'_, S, Src> {
    fn drop(&mut self) {
        // What remains, or arrived meanwhile, belongs to the next frame.
        if self.subscription.arm_loop() {
            (self.subscription.core.hub.wake_loop)();
        }
    }
}
