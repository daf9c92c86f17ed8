//! A worker that exists for its result: a future with a typed answer, run as a supervised worker.

use std::{borrow::Cow, future::Future};

use super::Worker;
use crate::{
    intent::Intent,
    worker::{
        context::Context,
        reply::{Answer, reply},
    },
};

impl<I: Intent, P> Worker<I, P> {
    /// Creates a worker with a single run, and an answer that resolves to its return value: a task with a typed result. Spawn
    /// it like any other, on a panel, a spawner or [tasks](crate::supervision::Tasks), with any options except a restart.
    ///
    /// Whatever it returns is the answer, a `Result` too; the worker has then finished. If it does not get that far, because it
    /// panicked, was stopped or [refused](crate::WorkerStatus::Refused), the answer is a [`NoReply`](crate::requests::NoReply), and by
    /// then the worker's status says why. Either one wakes a sleeping loop, which calls [`Answer::try_take`] each frame.
    ///
    /// Dropping the answer before the worker begins withdraws the question: the worker ends without calling `run`. It does not
    /// stop a worker that is already running; the [handle](crate::WorkerHandle::stop) does. (For a function that blocks, use
    /// [`ask_blocking`](crate::ControlPanel::ask_blocking).)
    ///
    /// ```
    /// use control_panel::{ControlPanel, GraphIntent, IntentSource, Worker};
    ///
    /// #[derive(GraphIntent)]
    /// enum Update {}
    ///
    /// let mut panel = ControlPanel::<Update>::new();
    /// let thumbnails = panel.tasks().limit(4);
    /// let (worker, mut size) = Worker::answering(
    ///     "thumbnail",
    ///     IntentSource::PrefetchScheduler,
    ///     async |cx| {
    ///         cx.name().len() // a real one loads a picture
    ///     },
    /// );
    /// thumbnails.spawn(worker);
    /// let size = loop {
    ///     panel.drain().for_each(drop); // the frame
    ///     if let Some(size) = size.try_take() {
    ///         break size?;
    ///     }
    ///     panel.wait_ready_timeout(std::time::Duration::MAX);
    /// };
    /// assert_eq!(size, 9);
    /// # Ok::<(), control_panel::requests::NoReply>(())
    /// ```
    pub fn answering<F, Fut, T>(
        name: impl Into<Cow<'static, str>>,
        source: I::Source,
        run: F,
    ) -> (Self, Answer<T>)
    where
        F: FnOnce(Context<I, P>) -> Fut + Send + 'static,
        Fut: Future<Output = T> + Send + 'static,
        T: Send + 'static,
        P: Send + Sync + 'static,
    {
        let (reply, answer) = reply();
        let worker = Self::once(name, source, |cx| async move {
            if !reply.is_wanted() {
                return;
            }
            let reply = reply.waking(cx.loop_waker());
            reply.send(run(cx).await);
        });
        (worker, answer)
    }
}
