//! Says when the time is over within which a generation is to be [ready](crate::Worker::ready_within).
//!
//! It belongs to no task: its timers wake it where they ring. So it rings for a worker on a thread also where no thread of the
//! runtime is free.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::{Context, Wake, Waker},
    time::Duration,
};

use super::{deadline::Pause, kinds::Kind, panics, record::Record, registry::Registry};
use crate::queued::Origin;

pub(super) struct ReadyTimer {
    registry: Weak<Registry>,
    origin: Origin,
    generation: u64,
    /// `None` once it rang, or is to ring no more.
    pause: Mutex<Option<Pin<Box<Pause>>>>,
}

impl ReadyTimer {
    /// For a generation that begins now. `None` where the time is longer than can be represented.
    pub(super) fn start(
        registry: &Registry,
        record: &Record,
        generation: u64,
        time: Duration,
    ) -> Option<Arc<Self>> {
        let at = registry.hosts.now().checked_add(time)?;
        let alone = record.kind != Kind::Async;
        let pause = Box::pin(Pause::new(&registry.hosts.runtime, at, alone));
        let (registry, origin) = (record.registry.clone(), record.origin);
        let timer = Arc::new(Self { registry, origin, generation, pause: Mutex::new(Some(pause)) });
        Arc::clone(&timer).wake();
        Some(timer)
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

impl Wake for ReadyTimer {
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
        let late = |registry: Arc<Registry>| registry.not_ready(self.origin, self.generation);
        panics::catch(|| self.registry.upgrade().map(late)).ok();
    }
}

impl fmt::Debug for ReadyTimer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadyTimer").finish_non_exhaustive()
    }
}
