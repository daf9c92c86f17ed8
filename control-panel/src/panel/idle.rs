//! Whether anybody is there. A panel that nobody touches for a while suspends its `OnIdle` workers.
//!
//! A touch is a load where the panel was touched since the last look, so that a loop can touch at every gesture or
//! even every frame. One task of the panel looks now and then, and only while there is an `OnIdle` worker to
//! suspend: it starts with the first of them. While the panel is idle it sleeps until the next touch.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::Notify,
    task::JoinSet,
    time::{Instant, sleep},
};

use super::{ControlPanel, PanelBuilder};
use crate::{
    gate::Suspend,
    intent::Intent,
    supervise::{panics, registry::Registry, supervisor::Supervisor},
};

/// How often the task looks within `idle_after`: the panel is idle at most this fraction late.
const LOOKS: u32 = 16;

/// The shortest time between two looks: a tick of tokio's clock.
const SHORTEST: Duration = Duration::from_millis(1);

pub(super) struct Idle {
    /// `None`: never.
    after: Option<Duration>,
    presence: Arc<Presence>,
    /// Owns the one task.
    timer: Mutex<JoinSet<()>>,
}

impl Idle {
    pub(super) fn new(after: Option<Duration>) -> Self {
        Self { after, presence: Arc::default(), timer: Mutex::default() }
    }

    /// A worker of this policy is about to be spawned: starts the timer with the first that wants it.
    pub(super) fn wanted(&self, suspend: Suspend, supervisor: &Supervisor) {
        let (Some(after), Suspend::OnIdle) = (self.after, suspend) else { return };
        let mut timer = self.timer.lock().unwrap_or_else(PoisonError::into_inner);
        if timer.is_empty() {
            let run = run(after, Arc::clone(&self.presence), Arc::downgrade(supervisor.registry()));
            let stopped = supervisor.term().token().clone().run_until_cancelled_owned(run);
            timer.spawn_on(async move { stopped.await.unwrap_or_default() }, supervisor.runtime());
        }
    }

    pub(super) fn touch(&self) {
        self.presence.touch();
    }
}

impl fmt::Debug for Idle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Idle")
            .field("after", &self.after)
            .field("presence", &self.presence)
            .finish_non_exhaustive()
    }
}

/// Not touched since the last look.
const QUIET: u8 = 0;
const TOUCHED: u8 = 1;
/// The timer sleeps until it is woken.
const ASLEEP: u8 = 2;

#[derive(Debug, Default)]
struct Presence {
    state: AtomicU8,
    woken: Notify,
}

impl Presence {
    fn touch(&self) {
        if self.state.load(Ordering::Relaxed) != TOUCHED
            && self.state.swap(TOUCHED, Ordering::AcqRel) == ASLEEP
        {
            self.woken.notify_one();
        }
    }

    /// Whether it was touched since this was last asked.
    fn was_touched(&self) -> bool {
        self.exchange(TOUCHED, QUIET)
    }

    /// From now on a touch wakes the timer. `false` if there was one just now.
    fn fall_asleep(&self) -> bool {
        self.exchange(QUIET, ASLEEP)
    }

    fn exchange(&self, from: u8, to: u8) -> bool {
        self.state.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
}

/// The timer's task, until the panel stops or is gone.
async fn run(after: Duration, presence: Arc<Presence>, registry: Weak<Registry>) {
    // The wakers of those who read events can be anybody's; the panic of one must not end the timer.
    let set_idle = |idle| {
        let registry = registry.upgrade()?;
        panics::catch(|| registry.set_idle(idle)).ok();
        Some(())
    };
    let step = (after / LOOKS).max(SHORTEST);
    let mut last = Instant::now();
    loop {
        sleep(step).await;
        if presence.was_touched() {
            last = Instant::now();
        }
        if last.elapsed() < after || !presence.fall_asleep() {
            continue;
        }
        let Some(()) = set_idle(true) else { return };
        presence.woken.notified().await;
        let Some(()) = set_idle(false) else { return };
        // The touch that woke it is found by the next look, and counts from there.
    }
}

impl<I: Intent, P: Send + Sync + 'static> ControlPanel<I, P> {
    /// The user did something: the panel is not idle, and the workers that an idle panel suspended are resumed.
    ///
    /// For every gesture, or every frame in which there was one. Never waits; costs a load or two, and a wake of the
    /// panel's idle timer where it was idle. Does nothing without [`idle_after`](PanelBuilder::idle_after).
    pub fn touch(&self) {
        self.shared.idle.touch();
    }
}

impl<I: Intent, P, G> PanelBuilder<I, P, G> {
    /// After how long without a [`touch`](ControlPanel::touch) the panel is idle, which suspends the workers that
    /// are to be suspended then ([`Worker::suspend`](crate::Worker::suspend), `suspend = on_idle`). Default: never.
    ///
    /// Counted from the last touch, or from the spawning of the first such worker; up to a sixteenth late. A worker
    /// that is spawned while the panel is idle begins suspended.
    ///
    /// ```
    /// use std::time::Duration;
    /// use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, testing, worker};
    ///
    /// #[derive(GraphIntent)]
    /// enum Update { Prefetched }
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
    /// let mut panel = ControlPanel::<Update>::builder().idle_after(Duration::from_secs(120)).build();
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
