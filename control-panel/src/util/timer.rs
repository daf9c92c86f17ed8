//! Calls a function at a moment of a runtime's clock.
//!
//! It belongs to no task: its timers wake it wherever they fire. So it fires for a worker on a thread even if no thread
//! of the runtime is free.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Wake, Waker},
};

use tokio::{runtime::Handle, time::Instant};

use super::{deadline::Pause, panics};

use crate::util::Mutex;

type Ring = Box<dyn Fn() + Send + Sync>;

/// A [`Timer`] as what only stops it knows it. Without its type: rustc would look through all of it wherever it proves that something
/// with a [`RunToken`](crate::lifecycle::RunToken) is `Send`.
pub(crate) trait Stoppable: Send + Sync {
    /// It does not fire any more.
    fn stop(&self);
}

pub(crate) struct Timer {
    ring: Ring,
    /// `None` once it has fired or was stopped.
    pause: Mutex<Option<Pin<Box<Pause>>>>,
}

impl Timer {
    /// Calls `ring` at that moment, unless the timer is [stopped](Stoppable::stop) before. `alone` makes it fire even if no
    /// thread of the runtime is free.
    pub(crate) fn start(
        runtime: &Handle,
        at: Instant,
        alone: bool,
        ring: impl Fn() + Send + Sync + 'static,
    ) -> Arc<Self> {
        let pause = Mutex::new(Some(Box::pin(Pause::new(runtime, at, alone))));
        let timer = Arc::new(Self { ring: Box::new(ring), pause });
        Arc::clone(&timer).wake();
        timer
    }
}

impl Stoppable for Timer {
    fn stop(&self) {
        let pause = self.pause.lock().take();
        drop(pause);
    }
}

impl Wake for Timer {
    fn wake(self: Arc<Self>) {
        let waker = Waker::from(Arc::clone(&self));
        let mut pause = self.pause.lock();
        let Some(timer) = &mut *pause else { return };
        if timer.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
            return;
        }
        let over = pause.take();
        drop(pause);
        drop(over);
        // This runs foreign wakers: a panic in one must not end the thread that keeps the time.
        panics::catch(|| (self.ring)()).ok();
    }
}
