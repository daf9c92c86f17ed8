//! How a worker on a thread waits for several events together.

use std::{future::Future, time::Duration};

use crate::{
    intent::Intent,
    util::{Raced, park, race},
    worker::context::Context,
};

/// How a wait of a worker on a thread ended, returned by [`Context::wait_blocking`].
#[must_use = "it says whether the worker is asked to stop"]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waited<T> {
    /// The future was ready.
    Ready(T),
    /// The worker was asked to stop.
    Stopping,
    /// The timeout elapsed.
    TimedOut,
}

/// # Waiting on a thread
impl<I: Intent, P> Context<I, P> {
    /// Parks this thread until the future is ready, the worker is asked to stop, or the timeout elapses ([`Duration::MAX`] for
    /// none): this is how a worker on a thread waits for whatever async code waits for, and, with [`race`](race()), for several
    /// things together.
    ///
    /// A stop request takes precedence: the future is not polled after it. A timeout of zero polls the future once. The timeout
    /// is in real time, even if a test has paused the runtime's clock. Costs one allocation, and needs no runtime, except for
    /// futures that are bound to one, such as tokio's timers and sockets.
    ///
    /// ```
    /// use control_panel::{
    ///     Context, GraphIntent, IntentSource, worker,
    ///     context::{Raced, Waited, race},
    /// };
    /// use std::time::Duration;
    ///
    /// #[derive(GraphIntent)]
    /// enum Update {
    ///     Sample(u32),
    ///     Answer(u32),
    /// }
    ///
    /// #[derive(Default)]
    /// struct Pace {
    ///     every: Duration,
    /// }
    ///
    /// #[worker(source = IntentSource::Restore, kind = thread, inbox = u32)]
    /// fn sampler(cx: Context<Update, Pace>) {
    ///     let (mut policy, mut inbox) = (cx.policy(), cx.inbox::<u32>());
    ///     loop {
    ///         let every = policy.borrow_and_update().every;
    ///         let update = match cx
    ///             .wait_blocking(race(inbox.recv(), policy.changed()), every)
    ///         {
    ///             Waited::Ready(Raced::First(Some(question))) => {
    ///                 Update::Answer(question * 2)
    ///             }
    ///             Waited::Ready(Raced::Second(Ok(()))) => continue, // another pace
    ///             Waited::TimedOut => Update::Sample(7),
    ///             Waited::Ready(_) | Waited::Stopping => return,
    ///         };
    ///         cx.send_blocking(update).ok();
    ///     }
    /// }
    /// ```
    ///
    /// # Panics
    /// In async code: use `.await` there. Also if the future panics.
    ///
    /// # Cancel safety
    /// A future that is not ready is dropped, as if it had been cancelled: `recv` and `changed` lose nothing by that.
    #[track_caller]
    pub fn wait_blocking<F: Future>(&self, future: F, timeout: Duration) -> Waited<F::Output> {
        park::assert_may_block("wait_blocking", "`.await`");
        match park::wait_for(race(self.cancelled(), future), timeout) {
            None => Waited::TimedOut,
            Some(Raced::First(())) => Waited::Stopping,
            Some(Raced::Second(output)) => Waited::Ready(output),
        }
    }
}
