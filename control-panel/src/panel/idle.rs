//! Whether anybody is there. A panel that nobody touches for a while suspends its `OnIdle` workers.
//!
//! A touch is a load where the panel was touched since the last look, so that a loop can touch at every gesture or
//! even every frame. A timer of the panel looks now and then, and only while there is an `OnIdle` worker to
//! suspend: it starts with the first of them. While the panel is idle it sleeps until the next touch.
//!
//! The timer is no task: it goes on where its timers ring, so also where no thread of the runtime is free.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, OnceLock, PoisonError, Weak,
        atomic::{AtomicU8, AtomicUsize, Ordering},
    },
    task::{Context, Wake, Waker},
    time::Duration,
};

use tokio::{runtime::Handle, time::Instant};
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::{ControlPanel, PanelBuilder};
use crate::{
    intent::Intent,
    lifecycle::options::Suspend,
    supervisor::{Supervisor, registry::Registry},
    util::{
        clock,
        deadline::{self, Pause},
        panics,
    },
};

/// How often the timer looks within `idle_after`: the panel is idle at most this fraction late.
const LOOKS: u32 = 16;

/// The shortest time between two looks: a tick of tokio's clock.
const SHORTEST: Duration = Duration::from_millis(1);

/// The longest: what any clock can represent.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

pub(super) struct Idle {
    /// `None`: never.
    after: Option<Duration>,
    presence: Arc<Presence>,
    /// Once a worker wants it.
    timer: OnceLock<Arc<Timer>>,
}

impl Idle {
    pub(super) fn new(after: Option<Duration>) -> Self {
        Self { after, presence: Arc::default(), timer: OnceLock::new() }
    }

    /// A worker of this policy is about to be spawned: starts the timer with the first that wants it.
    pub(super) fn wanted(&self, suspend: Suspend, supervisor: &Supervisor) {
        let (Some(after), Suspend::OnIdle) = (self.after, suspend) else { return };
        let mut is_new = false;
        let timer = self.timer.get_or_init(|| {
            is_new = true;
            Arc::new(Timer::new(after, Arc::clone(&self.presence), supervisor))
        });
        if is_new {
            Arc::clone(timer).wake();
        }
    }

    pub(super) fn touch(&self) {
        if self.presence.touch() {
            if let Some(timer) = self.timer.get() {
                timer.ring();
            }
        }
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
struct Presence(AtomicU8);

impl Presence {
    /// Whether the timer is to be woken.
    fn touch(&self) -> bool {
        self.0.load(Ordering::Relaxed) != TOUCHED && self.0.swap(TOUCHED, Ordering::AcqRel) == ASLEEP
    }

    /// Whether it was touched since this was last asked.
    fn was_touched(&self) -> bool {
        self.exchange(TOUCHED, QUIET)
    }

    /// From now on a touch wakes the timer. `false` if there was one just now.
    fn fall_asleep(&self) -> bool {
        self.exchange(QUIET, ASLEEP)
    }

    fn is_asleep(&self) -> bool {
        self.0.load(Ordering::Acquire) == ASLEEP
    }

    fn exchange(&self, from: u8, to: u8) -> bool {
        self.0.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
}

/// Looks until the panel stops or is gone.
struct Timer {
    after: Duration,
    presence: Arc<Presence>,
    registry: Weak<Registry>,
    runtime: Handle,
    /// How often it was woken since nothing ran it.
    wakes: AtomicUsize,
    run: Mutex<Option<Run>>,
}

/// What the timer waits for.
struct Run {
    stopped: Pin<Box<WaitForCancellationFutureOwned>>,
    /// The next look; `None` while the panel is idle.
    next: Option<Pin<Box<Pause>>>,
    /// When the last touch was found.
    touched: Instant,
}

impl Timer {
    fn new(after: Duration, presence: Arc<Presence>, supervisor: &Supervisor) -> Self {
        let runtime = supervisor.runtime().clone();
        let touched = deadline::now(&runtime);
        let timer = Self {
            after,
            presence,
            registry: Arc::downgrade(supervisor.registry()),
            runtime,
            wakes: AtomicUsize::new(0),
            run: Mutex::new(None),
        };
        let stopped = Box::pin(supervisor.term().token().clone().cancelled_owned());
        let run = Run { stopped, next: Some(timer.pause(touched)), touched };
        Self { run: Mutex::new(Some(run)), ..timer }
    }

    /// The panel was touched while it was idle. What follows runs the program's own wakers, which is not the frame thread's.
    fn ring(self: &Arc<Self>) {
        let timer = Arc::clone(self);
        if deadline::is_paused(&self.runtime) {
            // In its turn, so that every run of a test is the same.
            drop(self.runtime.spawn(async move { timer.wake() }));
        } else {
            clock::set(std::time::Instant::now(), None, Waker::from(timer));
        }
    }

    /// Until the next look.
    fn pause(&self, now: Instant) -> Pin<Box<Pause>> {
        let step = (self.after / LOOKS).clamp(SHORTEST, LONGEST);
        Box::pin(Pause::new(&self.runtime, now + step, true))
    }

    /// Goes as far as it can. `false` once the panel stops or is gone.
    fn go_on(&self, run: &mut Run, cx: &mut Context<'_>) -> bool {
        loop {
            if run.stopped.as_mut().poll(cx).is_ready() {
                return false;
            }
            let Some(next) = &mut run.next else {
                if self.presence.is_asleep() {
                    return true;
                }
                // The touch that woke it is found by the next look, and counts from there.
                run.next = Some(self.pause(deadline::now(&self.runtime)));
                if !self.set_idle(false) {
                    return false;
                }
                continue;
            };
            if next.as_mut().poll(cx).is_pending() {
                return true;
            }
            let now = deadline::now(&self.runtime);
            if self.presence.was_touched() {
                run.touched = now;
            }
            if now.saturating_duration_since(run.touched) < self.after || !self.presence.fall_asleep() {
                run.next = Some(self.pause(now));
                continue;
            }
            run.next = None;
            if !self.set_idle(true) {
                return false;
            }
        }
    }

    fn set_idle(&self, idle: bool) -> bool {
        let Some(registry) = self.registry.upgrade() else { return false };
        // The wakers of those who read events can be anybody's; the panic of one must not end the timer.
        panics::catch(|| registry.set_idle(idle)).ok();
        true
    }
}

impl Wake for Timer {
    fn wake(self: Arc<Self>) {
        // Where it runs just now, on this thread or another, that goes on for this one too.
        if self.wakes.fetch_add(1, Ordering::AcqRel) > 0 {
            return;
        }
        let waker = Waker::from(Arc::clone(&self));
        loop {
            let before = self.wakes.load(Ordering::Acquire);
            let mut run = self.run.lock().unwrap_or_else(PoisonError::into_inner);
            let goes_on = run.as_mut().is_some_and(|run| self.go_on(run, &mut Context::from_waker(&waker)));
            if !goes_on {
                *run = None;
            }
            drop(run);
            if self.wakes.compare_exchange(before, 0, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
                return;
            }
        }
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
