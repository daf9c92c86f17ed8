//! Questions that the frame loop asks and other threads answer; it polls for the answer once a frame.

use std::{
    borrow::Cow,
    sync::Arc,
    task::{Wake, Waker},
};

use super::{ControlPanel, shared::Shared};
use crate::{
    intent::Intent,
    queue::Queue,
    supervisor::machine::Place,
    util::deadline,
    worker::{
        Worker,
        reply::{self, Answer, Reply},
    },
};

/// How many questions run at a time, each on its own thread.
const AT_ONCE: usize = 64;

/// How many wait for a thread.
const WAITING: usize = 1024;

/// Wakes the loop that drains the queue.
impl<I: Intent> Wake for Queue<I> {
    fn wake(self: Arc<Self>) {
        self.wake_loop();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wake_loop();
    }
}

impl<I: Intent, P: Send + Sync + 'static> Shared<I, P> {
    pub(super) fn waker(&self) -> Waker {
        Waker::from(Arc::clone(&self.queue))
    }

    pub(super) fn ask_blocking<T: Send + 'static>(
        &self,
        name: Cow<'static, str>,
        source: I::Source,
        ask: impl FnOnce() -> T + Send + 'static,
    ) -> Answer<T> {
        let (reply, answer) = reply::make(Some(self.waker()));
        let mut question = Some((ask, reply));
        let answer_it = move |_cx| {
            if let Some((ask, reply)) = question.take().filter(|(_, reply)| reply.is_wanted()) {
                reply.send(ask());
            }
        };
        let mut worker = if deadline::is_paused(self.supervisor.runtime()) {
            Worker::blocking(name, source, answer_it)
        } else {
            Worker::thread(name, source, answer_it)
        };
        // The captured question is gone after the first run.
        worker.options.repeatable = false;
        self.spawn(worker, Some(Place { pool: self.asks, limit: AT_ONCE, backlog: WAITING, key: None }));
        answer
    }
}

both! {
/// # Questions of the loop
impl {
    /// Like the free [`reply`](crate::requests::reply()), but wakes a sleeping loop once the answer arrives or can no longer come:
    /// [`on_ready`](super::PanelBuilder::on_ready) is called and [`wait_ready`](ControlPanel::wait_ready) resolves, though the frame
    /// may be empty.
    pub fn reply<T>(&self) -> (Reply<T>, Answer<T>) {
        reply::make(Some(self.waker()))
    }

    /// Returns a waker that wakes a sleeping loop: [`on_ready`](super::PanelBuilder::on_ready) is called and
    /// [`wait_ready`](ControlPanel::wait_ready) resolves, though the frame may be empty.
    ///
    /// For a loop that polls its own futures between frames. Waking never waits and works from any thread. All wakers of one
    /// panel are equivalent; creating one costs a reference count.
    ///
    /// ```
    /// use control_panel::{ControlPanel, GraphIntent};
    /// use std::{
    ///     future::Future,
    ///     pin::pin,
    ///     task::{Context, Poll},
    ///     time::Duration,
    /// };
    ///
    /// #[derive(GraphIntent)]
    /// enum Update {}
    ///
    /// let mut panel = ControlPanel::<Update>::new();
    /// let waker = panel.waker();
    /// let (answer, question) = tokio::sync::oneshot::channel();
    /// std::thread::spawn(move || answer.send(42));
    /// let mut question = pin!(question);
    /// let answer = loop {
    ///     panel.drain().for_each(drop); // the frame
    ///     if let Poll::Ready(answer) =
    ///         question.as_mut().poll(&mut Context::from_waker(&waker))
    ///     {
    ///         break answer?;
    ///     }
    ///     panel.wait_ready_timeout(Duration::MAX);
    /// };
    /// assert_eq!(answer, 42);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn waker(&self) -> Waker {
        self.shared.waker()
    }

    /// Runs a function that blocks and returns its answer: a file dialog, the clipboard, a host's call. It runs on its own
    /// thread, independently of the runtime's threads, as a worker of this name and source: it is counted and listed, and its
    /// panic is reported.
    ///
    /// At most 64 run at a time, and up to 1,024 more wait for one of them to return; further calls get a
    /// [`NoReply`](crate::requests::NoReply). Costs the start of a thread, some tens of microseconds. If a test pauses the runtime's
    /// time, a [`blocking`](Worker::blocking) worker runs the function instead, and that time stands still meanwhile.
    ///
    /// Never waits. The loop calls [`Answer::try_take`] each frame; a sleeping loop is woken. If the answer is dropped before
    /// the function begins, it is not called. If it panics, or the panel is shut down, the answer is a
    /// [`NoReply`](crate::requests::NoReply).
    ///
    /// A function that blocks cannot be stopped from outside. A shutdown waits for it until the deadline, then reports it as
    /// abandoned.
    ///
    /// ```
    /// use control_panel::{ControlPanel, GraphIntent, IntentSource};
    ///
    /// #[derive(GraphIntent)]
    /// enum Update {}
    ///
    /// let mut panel = ControlPanel::<Update>::new();
    /// let mut manifest =
    ///     panel.ask_blocking("read manifest", IntentSource::LocalUI, || {
    ///         std::fs::read_to_string("Cargo.toml")
    ///     });
    /// let text = loop {
    ///     panel.drain().for_each(drop); // the frame
    ///     if let Some(text) = manifest.try_take() {
    ///         break text??;
    ///     }
    ///     panel.wait_ready_timeout(std::time::Duration::MAX);
    /// };
    /// assert!(text.contains("[package]"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn ask_blocking<T: Send + 'static>(
        &self,
        name: impl Into<Cow<'static, str>>,
        source: I::Source,
        ask: impl FnOnce() -> T + Send + 'static,
    ) -> Answer<T> {
        self.shared.ask_blocking(name.into(), source, ask)
    }
}
}
