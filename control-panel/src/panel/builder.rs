//! Building a panel.

// Last on the page of `PanelBuilder`, as it is called last.
mod building;

use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use tokio::runtime::Handle;

use super::forward::Forwarded;
use crate::{
    bus,
    exhibit::Exhibit,
    frame::{FrameBudget, Recorder},
    intent::Intent,
    queue::OnReady,
    worker::policy::Policy,
};

/// Configures and builds a [`ControlPanel`](crate::ControlPanel). Created by [`ControlPanel::builder`](crate::ControlPanel::builder) and [`ControlPanel::builder_with`](crate::ControlPanel::builder_with).
///
/// ```
/// use control_panel::{ControlPanel, GraphIntent};
/// use std::time::Duration;
///
/// #[derive(GraphIntent)]
/// enum Update {
///     Refresh,
/// }
///
/// struct Limits {
///     memory: f32,
/// } // no `Default`, so the first policy is given to `builder_with`
///
/// let panel = ControlPanel::builder_with(Limits { memory: 0.8 })
///     .name("browser")
///     .capacity(64)
///     .shutdown_timeout(Duration::from_secs(2))
///     .on_ready(
///         || { /* wake a sleeping loop: egui's `request_repaint`, winit's proxy */
///         },
///     )
///     .try_build()?;
/// # let _: &ControlPanel<Update, Limits> = &panel;
/// # Ok::<(), control_panel::panel::BuildError>(())
/// ```
#[must_use = "a builder makes nothing until `build` or `try_build`"]
pub struct PanelBuilder<I: Intent, P> {
    name: Cow<'static, str>,
    capacity: usize,
    signal_capacity: usize,
    runtime: Option<Handle>,
    shutdown_timeout: Duration,
    frame_budget: FrameBudget,
    pub(crate) recorder: Option<Box<dyn Recorder<I>>>,
    /// What the recorder shows of itself.
    pub(crate) recorded_to: Option<Arc<dyn Exhibit>>,
    on_ready: Option<OnReady>,
    wake_for_workers: bool,
    /// Set by `forward_events`.
    pub(super) forwarded: Option<Forwarded<I>>,
    /// Set by `idle_after`.
    pub(super) idle_after: Option<Duration>,
    policy: Policy<P>,
}

impl<I: Intent, P> PanelBuilder<I, P> {
    pub(super) fn new(policy: P) -> Self {
        Self {
            name: Cow::Borrowed("control-panel"),
            capacity: 256,
            signal_capacity: bus::CAPACITY,
            runtime: None,
            shutdown_timeout: Duration::from_secs(5),
            frame_budget: FrameBudget::default(),
            recorder: None,
            recorded_to: None,
            on_ready: None,
            wake_for_workers: true,
            forwarded: None,
            idle_after: None,
            policy: Policy::new(policy),
        }
    }

    /// The panel's name, used for threads and logs. Default: `control-panel`.
    pub fn name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = name.into();
        self
    }

    /// How many intents the queue and the frame being read hold together. Default: 256.
    ///
    /// 64 suits one local worker, 512 and more suit many peers over a WAN. A source that floods the queue can take all slots
    /// except one for each other known source and one for a source not seen yet: if it is alone, one less than the capacity
    /// (but at least one). If there are more sources than slots, each gets one. 0 is refused with [`BuildError::ZeroCapacity`](super::BuildError::ZeroCapacity).
    pub fn capacity(mut self, intents: usize) -> Self {
        self.capacity = intents;
        self
    }

    /// How many signals each [bus](crate::ControlPanel::bus) keeps for subscribers that have not taken them yet: how far a subscriber
    /// may fall behind before it misses any. Default: 64. Signals stay until newer ones replace them, so each bus holds this
    /// many. 0 is refused with [`BuildError::ZeroSignalCapacity`](super::BuildError::ZeroSignalCapacity).
    ///
    /// ```
    /// # use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, testing, worker};
    /// # use std::time::Duration;
    /// # #[derive(Debug, PartialEq, GraphIntent)] enum Update { Row(u32) }
    /// let builder = ControlPanel::<Update>::builder().signal_capacity(2);
    /// let panel = builder.build();
    /// let news = panel.bus::<u32>(IntentSource::LocalUI);
    /// let mut slow = panel.subscribe::<u32>();
    /// for number in 0..5 {
    ///     news.publish(number);
    /// }
    /// // It is behind by three: that comes first.
    /// assert!(slow.try_recv().is_some());
    /// ```
    pub fn signal_capacity(mut self, signals: usize) -> Self {
        self.signal_capacity = signals;
        self
    }

    /// The first policy, in place of the one that the builder was made with: `P::default()`, or what
    /// [`builder_with`](crate::ControlPanel::builder_with) was given.
    pub fn policy(mut self, policy: P) -> Self {
        self.policy = Policy::new(policy);
        self
    }

    /// The runtime that runs the workers. It must have time enabled and outlive the panel.
    ///
    /// If the runtime is dropped before the panel, its async workers are dropped with it, each at its next await. Workers on
    /// threads are asked to stop, with the cause [`RuntimeGone`](crate::supervision::Cause::RuntimeGone). All of them end as
    /// [`Aborted`](crate::Exit::Aborted), which the report counts as an incident, and none is restarted; later spawns are
    /// refused.
    ///
    /// A current-thread runtime runs async workers only while a thread is inside its `block_on`. If nothing drives the runtime,
    /// or all its threads are blocked, the panel [warns](crate::frame::Warning::WorkersNeverPolled); workers on threads, local workers
    /// and [`ask_blocking`](crate::ControlPanel::ask_blocking) keep running regardless.
    ///
    /// Default: the ambient runtime if `build` is called in a runtime's context, otherwise one of the panel's own.
    ///
    /// A runtime that is not the panel's own ends by the program's rules: dropped at the end of `main`, it waits for every
    /// blocking call in its pool, including a blocking worker that the panel's shutdown gave up on at its deadline. End it with
    /// [`shutdown_background`](https://docs.rs/tokio/latest/tokio/runtime/struct.Runtime.html#method.shutdown_background), or let the panel create its own, whose drop never
    /// waits (`examples/cookbook/runtime_at_exit.rs` in the repository).
    pub fn runtime(mut self, runtime: Handle) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// The maximum duration of a shutdown. Default: 5 s. Workers that have not stopped after nine tenths of it are dropped at
    /// their next await, whatever their [`grace`](crate::Worker::grace) is; the report names those still running at the end.
    pub fn shutdown_timeout(mut self, timeout: Duration) -> Self {
        self.shutdown_timeout = timeout;
        self
    }

    /// The maximum that one frame hands out. Default: everything queued when the frame begins.
    pub fn frame_budget(mut self, budget: FrameBudget) -> Self {
        self.frame_budget = budget;
        self
    }

    /// Sets a callback that is called when the loop has something to do. For loops that sleep.
    ///
    /// For intents, it is called once when the queue becomes non-empty after a drain, and after a frame that left intents
    /// behind. For changes that the loop only looks at, it is called once when an answer arrives ([`ControlPanel::reply`](crate::ControlPanel::reply)) or
    /// when what [`ControlPanel::status`](crate::ControlPanel::status) shows of a worker changes (unless [`wake_for_workers`](Self::wake_for_workers) is
    /// off), and once more by the frame that follows, so that a loop that looked before its drain looks again. A requested
    /// frame may turn out empty: some frames only wake senders.
    ///
    /// It is called on the thread that sends, or drops a frame, and wherever else a frame turns out to be needed: where a
    /// sender is created or dropped (so also where a worker is spawned or ends), where a waiting send or
    /// [`Permits`](crate::queue::Permits) are dropped, where an answer is given or given up, where a worker starts, ends, is asked to
    /// stop, suspended or resumed, and inside `drain`, `run_frame` and `status` themselves. It is never called under one of the
    /// panel's locks, so it may send. It is not called any more once the panel is being dropped.
    ///
    /// # Panics
    /// The callback should be quick, and should not panic. A panic propagates to whatever called it: it ends the worker whose
    /// send called it, and on the frame's thread it unwinds through `drain`, `run_frame` or the drop of the frame. No accepted
    /// intent is lost, and the intent of that very send was accepted, unless it had only begun to wait for a slot: then it is
    /// dropped. If the thread is already unwinding, the panic is caught.
    ///
    /// # Deadlocks
    /// The sender's thread may hold locks of its own, perhaps a toolkit's. It must not hold them while it sends if this
    /// callback takes them too. egui's `Context::input(|i| …)` holds the context's lock while its closure runs, and
    /// `request_repaint` takes that lock: with the `on_ready` below, a `try_send` inside the closure deadlocks. Copy what you
    /// need out of the closure, and send after it.
    ///
    /// # Waking a sleeping loop
    /// egui repaints on request from any thread; `examples/wake/egui_wake.rs` is the whole program:
    ///
    /// ```
    /// # mod egui {
    /// #     #[derive(Clone)]
    /// #     pub struct Context;
    /// #     impl Context { pub fn request_repaint(&self) {} }
    /// # }
    /// # use control_panel::{ControlPanel, GraphIntent};
    /// # #[derive(GraphIntent)] enum Update { Refresh }
    /// # let ctx = &egui::Context;
    /// let ctx = ctx.clone();
    /// let panel = ControlPanel::<Update>::builder()
    ///     .on_ready(move || ctx.request_repaint())
    ///     .build();
    /// ```
    ///
    /// For winit, send the loop an event of the program's own, and drain in `user_event`; see `examples/neighbours/winit_window.rs`:
    ///
    /// ```
    /// # use std::sync::mpsc::{Sender, channel};
    /// # struct Proxy(Sender<Ready>);
    /// # impl Proxy { fn send_event(&self, event: Ready) -> Result<(), ()> { self.0.send(event).map_err(drop) } }
    /// # struct EventLoop;
    /// # impl EventLoop { fn create_proxy(&self) -> Proxy { Proxy(channel().0) } }
    /// # use control_panel::{ControlPanel, GraphIntent};
    /// # #[derive(GraphIntent)] enum Update { Refresh }
    /// # let event_loop = EventLoop;
    /// struct Ready; // `EventLoop::<Ready>::with_user_event()`
    ///
    /// let proxy = event_loop.create_proxy();
    /// // Refused once the loop has ended: then there is nothing to wake.
    /// let on_ready = move || drop(proxy.send_event(Ready));
    /// let panel = ControlPanel::<Update>::builder().on_ready(on_ready).build();
    /// ```
    ///
    /// A loop without a toolkit needs no callback: [`wait_ready_timeout`](crate::ControlPanel::wait_ready_timeout) parks its thread,
    /// and [`wait_ready`](crate::ControlPanel::wait_ready) is for async code.
    pub fn on_ready(mut self, on_ready: impl Fn() + Send + Sync + 'static) -> Self {
        self.on_ready = Some(Box::new(on_ready));
        self
    }

    /// Whether worker changes wake a sleeping loop as intents do: [`on_ready`](Self::on_ready) is called and
    /// [`wait_ready`](crate::ControlPanel::wait_ready) resolves, once for everything that happened since the last frame began.
    /// Default: yes. Turn it off for a loop that shows nothing of its workers.
    ///
    /// The loop is woken after the change, so it finds it in [`ControlPanel::status`](crate::ControlPanel::status) and in the handles: a worker started,
    /// ended, failed, backs off, is asked to stop, waits for its group, is suspended, resumed, stuck or no longer stuck. A
    /// spawn alone does not wake the loop; the start of the worker does. So that a worker that keeps failing does not keep the
    /// loop awake, a restart does not wake it either if both the run and the wait before it took less than 16 ms, except for
    /// the first one: the next frame shows it.
    ///
    /// An [escalation](crate::frame::Warning::Escalated) and the arrival of an answer wake the loop in any case.
    ///
    /// ```
    /// use std::time::Duration;
    /// use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};
    ///
    /// #[derive(GraphIntent)]
    /// enum Update { Page }
    ///
    /// #[worker(source = IntentSource::Restore)]
    /// async fn fetch(_cx: Context<Update>) -> Result<(), &'static str> {
    ///     Err("no route to host")
    /// }
    ///
    /// let mut panel = ControlPanel::<Update>::new();
    /// let fetch = panel.spawn_fetch();
    /// while !fetch.status().is_final() {
    ///     panel.drain().for_each(drop);
    ///     panel.wait_ready_timeout(Duration::MAX); // its end wakes it
    /// }
    /// assert_eq!(fetch.status().to_string(), "failed: no route to host");
    /// ```
    ///
    /// ```
    /// # use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, testing, worker};
    /// # use std::time::Duration;
    /// # #[derive(Debug, PartialEq, GraphIntent)] enum Update { Row(u32) }
    /// // A worker that ends changes a status line, which this program has not.
    /// let builder = ControlPanel::<Update>::builder().wake_for_workers(false);
    /// let panel = builder.build();
    /// # #[worker(source = IntentSource::Restore)]
    /// # async fn idle(_cx: Context<Update>) {}
    /// panel.spawn_idle().ended_blocking();
    /// assert!(!panel.wait_ready_timeout(Duration::from_millis(5)));
    /// ```
    pub fn wake_for_workers(mut self, wake: bool) -> Self {
        self.wake_for_workers = wake;
        self
    }
}

impl<I: Intent, P> fmt::Debug for PanelBuilder<I, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PanelBuilder")
            .field("name", &self.name)
            .field("capacity", &self.capacity)
            .field("signal_capacity", &self.signal_capacity)
            .field("shutdown_timeout", &self.shutdown_timeout)
            .field("frame_budget", &self.frame_budget)
            .field("wake_for_workers", &self.wake_for_workers)
            .field("idle_after", &self.idle_after)
            .finish_non_exhaustive()
    }
}
