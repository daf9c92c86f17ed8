//! A deadline that holds whatever state the runtime is in: the earlier of a tokio and a native timer.
//!
//! Either alone fails. On a runtime whose threads are all busy, no tokio timer fires; under paused time, a native timer
//! lets thousands of virtual ticks pass.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::{Context, Poll},
    time,
};

use tokio::{
    runtime::Handle,
    time::{Instant, Sleep},
};

use super::clock::{self, Alarm};
use crate::util::panics;

/// One moment on both clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    virtual_: Instant,
    native: time::Instant,
}

impl Moment {
    /// Now, on the clock of `runtime` and on the machine's.
    pub(crate) fn now(runtime: &Handle) -> Self {
        let _context = runtime.enter();
        Self { virtual_: Instant::now(), native: time::Instant::now() }
    }

    /// A span too long to be represented is cut to a century.
    pub(crate) fn after(self, span: time::Duration) -> Self {
        let far = time::Duration::from_secs(100 * 365 * 24 * 3600);
        let span = span.min(far);
        Self { virtual_: self.virtual_ + span, native: self.native + span }
    }

    /// The later moment, on each clock separately.
    pub(crate) fn max(self, other: Self) -> Self {
        Self { virtual_: self.virtual_.max(other.virtual_), native: self.native.max(other.native) }
    }

    pub(crate) fn elapsed(self) -> time::Duration {
        self.native.elapsed()
    }
}

/// Resolves at a [`Moment`], on whichever clock comes first.
pub(crate) async fn reached(runtime: &Handle, at: Moment) {
    let (mut timer, mut native) =
        (RuntimeTimer::new(runtime, at.virtual_), Native { at: at.native, alarm: None });
    poll_fn(|cx| if timer.poll(cx).is_ready() { Poll::Ready(()) } else { native.poll(cx) }).await;
}

/// The runtime's own timer. That of a runtime that is gone panics, and never fires: then the native one decides alone.
struct RuntimeTimer(Option<Pin<Box<Sleep>>>);

impl RuntimeTimer {
    fn new(runtime: &Handle, at: Instant) -> Self {
        Self(panics::quietly(|| {
            let _context = runtime.enter();
            Box::pin(tokio::time::sleep_until(at))
        }))
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.0.as_mut().map(|sleep| panics::quietly(|| sleep.as_mut().poll(cx))) {
            Some(Some(Poll::Ready(()))) => return Poll::Ready(()),
            Some(None) => self.0 = None,
            Some(Some(Poll::Pending)) | None => {}
        }
        Poll::Pending
    }
}

/// The native timer.
struct Native {
    at: time::Instant,
    alarm: Option<Alarm>,
}

impl Native {
    fn after(span: time::Duration) -> Self {
        Self { at: time::Instant::now() + span, alarm: None }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if time::Instant::now() >= self.at {
            return Poll::Ready(());
        }
        self.alarm = Some(clock::set(self.at, self.alarm.take(), cx.waker().clone()));
        Poll::Pending
    }
}

impl Drop for Native {
    fn drop(&mut self) {
        if let Some(alarm) = self.alarm.take() {
            clock::unset(alarm);
        }
    }
}

/// Resolves at a moment of the runtime's clock, even if nothing drives the runtime: then the machine's clock wakes the
/// task. Only the runtime's time counts, so a wait under paused time ends when that reaches the moment.
pub(crate) struct Pause {
    at: Instant,
    runtime: Handle,
    timer: RuntimeTimer,
    /// `None` if the runtime polls the task, and so drives the timer.
    native: Option<Native>,
    /// The runtime's time at the last look.
    looked: Instant,
}

impl Pause {
    /// `alone` says that the task is not the runtime's.
    pub(crate) fn new(runtime: &Handle, at: Instant, alone: bool) -> Self {
        let looked = now(runtime);
        let native = alone.then(|| Native::after(at.saturating_duration_since(looked)));
        Self { at, runtime: runtime.clone(), timer: RuntimeTimer::new(runtime, at), native, looked }
    }
}

impl Future for Pause {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if this.timer.poll(cx).is_ready() {
            return Poll::Ready(());
        }
        while let Some(native) = &mut this.native {
            if native.poll(cx).is_pending() {
                break;
            }
            let now = now(&this.runtime);
            if now >= this.at {
                return Poll::Ready(());
            }
            // Time that stands still only advances by the runtime's doing, and then the runtime's own timer fires.
            let goes_on = now > this.looked;
            this.looked = now;
            this.native = goes_on.then(|| Native::after(this.at - now));
        }
        Poll::Pending
    }
}

/// The time of a runtime, from any thread.
pub(crate) fn now(runtime: &Handle) -> Instant {
    // A thread that is being torn down cannot enter a runtime any more.
    let entered = match Handle::try_current() {
        Ok(current) => current.id() == runtime.id(),
        Err(none) => none.is_thread_local_destroyed(),
    };
    let _context = (!entered).then(|| runtime.enter());
    Instant::now()
}

/// Whether a runtime's time stands still, as in a test that paused it.
#[cfg(feature = "testing")]
pub(crate) fn is_paused(runtime: &Handle) -> bool {
    let before = (now(runtime), time::Instant::now());
    // Longer than the clock's resolution.
    while before.1.elapsed() < time::Duration::from_micros(1) {
        std::hint::spin_loop();
    }
    now(runtime) == before.0
}

/// Only tests pause time, and they do so with that feature.
#[cfg(not(feature = "testing"))]
pub(crate) fn is_paused(_runtime: &Handle) -> bool {
    false
}
