//! Questions of the frame loop that are answered elsewhere: it polls for the answer once a frame.

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

/// How many questions have a thread at a time.
const AT_ONCE: usize = 64;

/// How many wait for one.
const WAITING: usize = 1024;

/// The loop of whoever drains the queue, as a waker.
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

    pub(super) fn reply<T>(&self) -> (Reply<T>, Answer<T>) {
        reply::make(Some(self.waker()))
    }

    pub(super) fn ask_blocking<T: Send + 'static>(
        &self,
        name: Cow<'static, str>,
        source: I::Source,
        ask: impl FnOnce() -> T + Send + 'static,
    ) -> Answer<T> {
        let (reply, answer) = self.reply();
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
        // What was asked is gone after the first run.
        worker.options.repeatable = false;
        self.spawn(worker, Some(Place { pool: self.asks, limit: AT_ONCE, backlog: WAITING, key: None }));
        answer
    }
}

impl<I: Intent, P: Send + Sync + 'static> ControlPanel<I, P> {
    /// Like the free [`reply`](crate::reply()), and the answer, or the end of the hope for one, wakes a sleeping loop:
    /// [`on_ready`](super::PanelBuilder::on_ready) is called and [`wait_ready`](Self::wait_ready) resolves, though
    /// the frame may be empty.
    pub fn reply<T>(&self) -> (Reply<T>, Answer<T>) {
        self.shared.reply()
    }

    /// A waker that wakes a sleeping loop: [`on_ready`](super::PanelBuilder::on_ready) is called and
    /// [`wait_ready`](Self::wait_ready) resolves, though the frame may be empty.
    ///
    /// For a loop that polls futures of its own between frames. Waking never waits and may be done on any thread. All wakers
    /// of one panel are alike; making one costs a reference count.
    ///
    /// ```
    /// use std::{future::Future, pin::pin, task::{Context, Poll}, time::Duration};
    /// use control_panel::{ControlPanel, GraphIntent};
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
    ///     if let Poll::Ready(answer) = question.as_mut().poll(&mut Context::from_waker(&waker)) {
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

    /// Asks something of a function that blocks: a file dialog, the clipboard, a host's call. It runs on a thread of its own,
    /// whatever the runtime's threads do, as a worker of this name and source: counted, listed, its panic reported.
    ///
    /// 64 run at a time; up to 1,024 more wait for one of them to return, and what is asked beyond that gets a
    /// [`NoReply`](crate::NoReply). Costs the start of a thread, some tens of microseconds. Where a test pauses the runtime's
    /// time, it is a [`blocking`](Worker::blocking) worker instead, for which that time stands still.
    ///
    /// Never waits. The loop asks [`Answer::try_take`] each frame; a sleeping one is woken. If the answer is dropped
    /// before the function began, it is not begun. A panic, or a panel that is shut down, gives a
    /// [`NoReply`](crate::NoReply).
    ///
    /// A function that blocks cannot be stopped from outside. A shutdown waits for it until its deadline, and then names
    /// it as abandoned.
    ///
    /// ```
    /// use control_panel::{ControlPanel, GraphIntent, IntentSource};
    ///
    /// #[derive(GraphIntent)]
    /// enum Update {}
    ///
    /// let mut panel = ControlPanel::<Update>::new();
    /// let mut manifest = panel.ask_blocking("read manifest", IntentSource::LocalUI, || {
    ///     std::fs::read_to_string("Cargo.toml")
    /// });
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
