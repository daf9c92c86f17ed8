//! Does something of a panel's at a moment of the runtime's clock.
//!
//! It belongs to no task: its timers wake it where they ring. So it rings for a worker on a thread also where no thread of the
//! runtime is free.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::{Context, Wake, Waker},
};

use tokio::time::Instant;

use super::registry::Registry;
use crate::util::{deadline::Pause, panics};

type Ring = Box<dyn Fn(&Registry) + Send + Sync>;

pub(super) struct Timer {
    registry: Weak<Registry>,
    ring: Ring,
    /// `None` once it rang, or is to ring no more.
    pause: Mutex<Option<Pin<Box<Pause>>>>,
}

impl Timer {
    /// Calls `ring` at that moment, unless it is [stopped](Self::stop) before. `alone`: also where no thread of the runtime is
    /// free.
    pub(super) fn start(
        registry: &Registry,
        this: Weak<Registry>,
        at: Instant,
        alone: bool,
        ring: impl Fn(&Registry) + Send + Sync + 'static,
    ) -> Arc<Self> {
        let pause = Mutex::new(Some(Box::pin(Pause::new(&registry.hosts.runtime, at, alone))));
        let timer = Arc::new(Self { registry: this, ring: Box::new(ring), pause });
        Arc::clone(&timer).wake();
        timer
    }

    /// It rings no more.
    pub(super) fn stop(&self) {
        let pause = self.lock().take();
        drop(pause);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Pin<Box<Pause>>>> {
        self.pause.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Timer {
    fn wake(self: Arc<Self>) {
        let waker = Waker::from(Arc::clone(&self));
        let mut pause = self.lock();
        let Some(timer) = &mut *pause else { return };
        if timer.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
            return;
        }
        let over = pause.take();
        drop(pause);
        drop(over);
        // What follows runs the program's own wakers: a panic in one must not end the thread that keeps the time.
        panics::catch(|| self.registry.upgrade().map(|registry| (self.ring)(&registry))).ok();
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timer").finish_non_exhaustive()
    }
}
