//! Futures polled by hand, by wakers that are good for one poll, and dropped half-way.

use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
};

use shuttle::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

use super::{below, probe::Probe};

/// When a future is dropped that is not ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    Never,
    /// Once it is pending, and a moment later.
    Pending,
    /// Once it was woken, without another look: it holds what it was granted, and the baton.
    Woken,
    /// Never, and it looks unasked a few times: as in a `select!` whose other branch is woken.
    Restless,
}

impl Cut {
    pub(super) fn any() -> Self {
        [Self::Never, Self::Pending, Self::Woken, Self::Restless][below(4) as usize]
    }
}

/// A waker that is good for one poll: a task may move, and then only the last one counts.
pub(super) struct Doze {
    woken: Mutex<bool>,
    wakes: Condvar,
    probe: Option<Arc<Probe>>,
}

impl Wake for Doze {
    fn wake(self: Arc<Self>) {
        *self.lock() = true;
        self.wakes.notify_all();
        self.probe.iter().for_each(|probe| probe.call());
    }
}

impl Drop for Doze {
    fn drop(&mut self) {
        self.probe.iter().for_each(|probe| probe.call());
    }
}

impl Doze {
    fn lock(&self) -> MutexGuard<'_, bool> {
        // A frame whose reducer panicked wakes too.
        self.woken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sleeps until it is woken.
    pub(super) fn sleep(&self) {
        let mut woken = self.lock();
        while !*woken {
            woken = self.wakes.wait(woken).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Runs a future; sleeps forever if it is not woken.
pub(super) fn block_on<F: Future>(future: F) -> F::Output {
    cut(Cut::Never, future).expect("it is never cut")
}

/// Runs a future, or drops it half-way.
pub(super) fn cut<F: Future>(cut: Cut, future: F) -> Option<F::Output> {
    drive(future, None, |doze| {
        match cut {
            Cut::Pending => (0..below(4)).for_each(|_| thread::yield_now()),
            Cut::Restless if below(2) == 0 => thread::yield_now(),
            Cut::Never | Cut::Woken | Cut::Restless => doze.sleep(),
        }
        matches!(cut, Cut::Never | Cut::Restless)
    })
}

/// Runs a future for as long as `go_on` says so when it is pending. Its wakers set off the probe when they are used and
/// when they are dropped.
pub(super) fn drive<F: Future>(
    future: F,
    probe: Option<&Arc<Probe>>,
    mut go_on: impl FnMut(&Doze) -> bool,
) -> Option<F::Output> {
    let mut future = pin!(future);
    loop {
        let doze = Arc::new(Doze { woken: Mutex::default(), wakes: Condvar::new(), probe: probe.cloned() });
        let waker = Waker::from(Arc::clone(&doze));
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(output);
        }
        // The queue has a clone.
        drop(waker);
        if !go_on(&doze) {
            return None;
        }
    }
}
