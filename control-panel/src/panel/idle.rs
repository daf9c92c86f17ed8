//! Idle detection: a panel that is not touched for a while suspends its `OnIdle` workers.
//!
//! A touch costs one load if the panel was already touched since the last look, so a loop can touch at every gesture or even
//! every frame. Each panel looks periodically, and only while there is an `OnIdle` worker to suspend: the first of them begins
//! it. While the panel is idle, it does not look until the next touch.
//!
//! No task looks, but the timer itself, where it fires: so it works even when no thread of the runtime is free.

use std::{
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicU8, Ordering},
    },
    task::{Wake, Waker},
    time::Duration,
};

use tokio::{runtime::Handle, time::Instant};

use super::{ControlPanel, PanelBuilder};
use crate::{
    intent::Intent,
    lifecycle::{RunToken, Suspend},
    supervisor::{Supervisor, registry::Registry},
    util::{Mutex, Stoppable, Timer, clock, deadline, panics},
};

/// How many looks there are within `idle_after`: idleness is detected at most this fraction late.
const LOOKS: u32 = 16;

/// The shortest time between two looks: a tick of tokio's clock.
const SHORTEST: Duration = Duration::from_millis(1);

/// The longest time between two looks; every clock can represent it.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

pub(super) struct Idle {
    /// `None`: never idle.
    after: Option<Duration>,
    /// Set once a worker needs it.
    presence: OnceLock<Arc<Presence>>,
}

impl Idle {
    pub(super) fn new(after: Option<Duration>) -> Self {
        Self { after, presence: OnceLock::new() }
    }

    /// Called before a worker with this policy is spawned: the first that needs it begins the looks.
    pub(super) fn wanted(&self, suspend: Suspend, supervisor: &Supervisor) {
        let (Some(after), Suspend::OnIdle) = (self.after, suspend) else { return };
        let mut is_new = false;
        let presence = self.presence.get_or_init(|| {
            is_new = true;
            Arc::new(Presence::new(after, supervisor))
        });
        if is_new {
            presence.go_on();
        }
    }

    pub(super) fn touch(&self) {
        if let Some(presence) = self.presence.get() {
            presence.touch();
        }
    }
}

/// Not touched since the last look.
const QUIET: u8 = 0;
/// Touched since the last look.
const TOUCHED: u8 = 1;
/// Its workers are being suspended. A touch is seen by what suspends them.
const DROWSY: u8 = 2;
/// The panel is idle: a touch resumes its workers.
const ASLEEP: u8 = 3;

struct Presence {
    state: AtomicU8,
    after: Duration,
    /// When the last touch was detected.
    touched: Mutex<Instant>,
    registry: Weak<Registry>,
    /// Over when the panel stops.
    stopped: Arc<RunToken>,
    runtime: Handle,
    /// Rings at the next look.
    next: Mutex<Option<Arc<Timer>>>,
}

impl Presence {
    fn new(after: Duration, supervisor: &Supervisor) -> Self {
        let runtime = supervisor.runtime().clone();
        Self {
            state: AtomicU8::new(QUIET),
            after,
            touched: Mutex::new(deadline::now(&runtime)),
            registry: Arc::downgrade(supervisor.registry()),
            stopped: Arc::clone(supervisor.run_token()),
            runtime,
            next: Mutex::default(),
        }
    }

    fn touch(self: &Arc<Self>) {
        if self.state.load(Ordering::Relaxed) == TOUCHED
            || self.state.swap(TOUCHED, Ordering::AcqRel) != ASLEEP
        {
            return;
        }
        // The program's own wakers run as workers are resumed, so the frame's thread must not resume them.
        let waker = Waker::from(Arc::clone(self));
        if deadline::is_paused(&self.runtime) {
            // In its turn, so that a test runs the same way every time.
            drop(self.runtime.spawn(async move { waker.wake() }));
        } else {
            clock::set(std::time::Instant::now(), None, waker);
        }
    }

    fn turn(&self, from: u8, to: u8) -> bool {
        self.state.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// Until the panel stops or is gone.
    fn go_on(self: &Arc<Self>) {
        if self.stopped.is_over() {
            return;
        }
        let step = (self.after / LOOKS).clamp(SHORTEST, LONGEST);
        let this = Arc::downgrade(self);
        let look = move || {
            if let Some(presence) = this.upgrade() {
                presence.look();
            }
        };
        let next = Timer::start(&self.runtime, deadline::now(&self.runtime) + step, true, look);
        *self.next.lock() = Some(next);
    }

    fn look(self: &Arc<Self>) {
        let now = deadline::now(&self.runtime);
        let mut touched = self.touched.lock();
        if self.turn(TOUCHED, QUIET) {
            *touched = now;
        }
        let is_long_ago = now.saturating_duration_since(*touched) >= self.after;
        drop(touched);
        if is_long_ago && self.turn(QUIET, DROWSY) {
            self.set_idle(true);
            if self.turn(DROWSY, ASLEEP) {
                return;
            }
            self.set_idle(false);
        }
        self.go_on();
    }

    fn set_idle(&self, idle: bool) {
        if let Some(registry) = self.registry.upgrade().filter(|_| !self.stopped.is_over()) {
            // The wakers of event readers are foreign code; a panic in one must not end the looks.
            panics::catch(|| registry.set_idle(idle)).ok();
        }
    }
}

/// An idle panel was touched. The next look detects the touch, and the idle time counts from there.
impl Wake for Presence {
    fn wake(self: Arc<Self>) {
        self.set_idle(false);
        self.go_on();
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        if let Some(next) = self.next.get_mut() {
            next.stop();
        }
    }
}

both! {
/// # Idleness
impl {
    /// Records user activity: the panel is no longer idle, and workers that were suspended because it was idle are resumed.
    ///
    /// Call it for every gesture, or every frame that had one. Never waits; costs a load or two, plus a wake of the panel's
    /// idle timer if the panel was idle. Does nothing without [`idle_after`](PanelBuilder::idle_after).
    pub fn touch(&self) {
        self.shared.idle.touch();
    }
}
}

impl<I: Intent, P> PanelBuilder<I, P> {
    /// How long the panel must go without a [`touch`](ControlPanel::touch) to become idle, which suspends the workers that ask
    /// for it ([`Worker::suspend`](crate::Worker::suspend), `suspend = on_idle`). Default: never.
    ///
    /// Counted from the last touch, or from the spawn of the first such worker; detected up to a sixteenth late. A worker
    /// spawned while the panel is idle begins suspended.
    ///
    /// ```
    /// use control_panel::{
    ///     Context, ControlPanel, GraphIntent, IntentSource, testing, worker,
    /// };
    /// use std::time::Duration;
    ///
    /// #[derive(GraphIntent)]
    /// enum Update {
    ///     Prefetched,
    /// }
    ///
    /// #[worker(source = IntentSource::PrefetchScheduler, suspend = on_idle)]
    /// async fn prefetch(cx: Context<Update>) {
    ///     let gate = cx.gate();
    ///     loop {
    ///         gate.opened().await;
    ///         cx.send(Update::Prefetched).await.ok();
    ///         tokio::time::sleep(Duration::from_secs(10)).await;
    ///     }
    /// }
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap().block_on(async {
    /// let mut panel = ControlPanel::<Update>::builder()
    ///     .idle_after(Duration::from_secs(120))
    ///     .build();
    /// let worker = panel.spawn_prefetch();
    /// testing::advance(Duration::from_secs(3600)).await;
    /// assert!(worker.is_suspended());
    /// assert!(panel.drain().count() < 14, "two minutes of prefetching, not an hour");
    /// panel.touch();
    /// testing::settle().await;
    /// assert!(!worker.is_suspended());
    /// # });
    /// ```
    pub fn idle_after(mut self, untouched: Duration) -> Self {
        self.idle_after = Some(untouched);
        self
    }
}
