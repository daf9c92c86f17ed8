//! Idle detection: a panel that is not touched for a while suspends its `OnIdle` workers.
//!
//! A touch costs one load if the panel was already touched since the timer's last check, so a loop can touch at every gesture
//! or even every frame. One timer per panel checks periodically, and only while there is an `OnIdle` worker to suspend: the
//! first of them starts it. While the panel is idle, the timer sleeps until the next touch.
//!
//! The timer is not a task: it runs where its timers fire, so it works even when no thread of the runtime is free.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, OnceLock, Weak,
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
    lifecycle::Suspend,
    supervisor::{Supervisor, registry::Registry},
    util::{Mutex, Pause, clock, deadline, panics},
};

/// How often the timer checks within `idle_after`: idleness is detected at most this fraction late.
const LOOKS: u32 = 16;

/// The shortest time between two checks: a tick of tokio's clock.
const SHORTEST: Duration = Duration::from_millis(1);

/// The longest time between two checks; every clock can represent it.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

pub(super) struct Idle {
    /// `None`: never idle.
    after: Option<Duration>,
    presence: Arc<Presence>,
    /// Set once a worker needs it.
    timer: OnceLock<Arc<Timer>>,
}

impl Idle {
    pub(super) fn new(after: Option<Duration>) -> Self {
        Self { after, presence: Arc::default(), timer: OnceLock::new() }
    }

    /// Called before a worker with this policy is spawned: the first that needs the timer starts it.
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

/// Not touched since the last check.
const QUIET: u8 = 0;
const TOUCHED: u8 = 1;
/// The timer sleeps until it is woken.
const ASLEEP: u8 = 2;

#[derive(Default)]
struct Presence(AtomicU8);

impl Presence {
    /// Returns whether the timer must be woken.
    fn touch(&self) -> bool {
        self.0.load(Ordering::Relaxed) != TOUCHED && self.0.swap(TOUCHED, Ordering::AcqRel) == ASLEEP
    }

    /// Returns whether the panel was touched since the last call.
    fn was_touched(&self) -> bool {
        self.exchange(TOUCHED, QUIET)
    }

    /// From now on a touch wakes the timer. Returns `false` if there was a touch just now.
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

/// Checks periodically until the panel stops or is gone.
struct Timer {
    after: Duration,
    presence: Arc<Presence>,
    registry: Weak<Registry>,
    runtime: Handle,
    /// How many wakes are not processed yet.
    wakes: AtomicUsize,
    run: Mutex<Option<Run>>,
}

/// What the timer waits for.
struct Run {
    stopped: Pin<Box<WaitForCancellationFutureOwned>>,
    /// The next check; `None` while the panel is idle.
    next: Option<Pin<Box<Pause>>>,
    /// When the last touch was detected.
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
        let stopped = Box::pin(supervisor.run_token().token().clone().cancelled_owned());
        let run = Run { stopped, next: Some(timer.pause(touched)), touched };
        Self { run: Mutex::new(Some(run)), ..timer }
    }

    /// Called when an idle panel is touched. The program's own wakers run afterwards, so the frame's thread must not run them.
    fn ring(self: &Arc<Self>) {
        let timer = Arc::clone(self);
        if deadline::is_paused(&self.runtime) {
            // In its turn, so that a test runs the same way every time.
            drop(self.runtime.spawn(async move { timer.wake() }));
        } else {
            clock::set(std::time::Instant::now(), None, Waker::from(timer));
        }
    }

    /// The pause until the next check.
    fn pause(&self, now: Instant) -> Pin<Box<Pause>> {
        let step = (self.after / LOOKS).clamp(SHORTEST, LONGEST);
        Box::pin(Pause::new(&self.runtime, now + step, true))
    }

    /// Runs until it must wait. Returns `false` once the panel stops or is gone.
    fn go_on(&self, run: &mut Run, cx: &mut Context<'_>) -> bool {
        loop {
            if run.stopped.as_mut().poll(cx).is_ready() {
                return false;
            }
            let Some(next) = &mut run.next else {
                if self.presence.is_asleep() {
                    return true;
                }
                // The touch that woke it is detected by the next check, and the idle time counts from there.
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
        // The wakers of event readers are foreign code; a panic in one must not end the timer.
        panics::catch(|| registry.set_idle(idle)).ok();
        true
    }
}

impl Wake for Timer {
    fn wake(self: Arc<Self>) {
        // If it is running already, on this thread or another, that run handles this wake too.
        if self.wakes.fetch_add(1, Ordering::AcqRel) > 0 {
            return;
        }
        let waker = Waker::from(Arc::clone(&self));
        loop {
            let before = self.wakes.load(Ordering::Acquire);
            let mut run = self.run.lock();
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
