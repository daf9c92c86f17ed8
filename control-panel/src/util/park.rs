//! Blocking waits on a thread that drives no runtime.

use std::{
    cell::Cell,
    future::Future,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Wake},
    time::{Duration, Instant},
};

use tokio::runtime::Handle;

use super::{
    panics,
    sync::thread::{self, Thread},
};

thread_local! {
    static BEFORE_WAITING: Cell<Option<fn()>> = const { Cell::new(None) };
}

/// Calls `this` once, before this thread next waits here.
pub(crate) fn call_before_waiting(this: fn()) {
    BEFORE_WAITING.set(Some(this));
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

/// Parks this thread until the future is ready. Needs no runtime, not even a living one.
pub(crate) fn wait<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        // Without a deadline it only returns with the output.
        if let Some(output) = poll_until(future.as_mut(), None) {
            return output;
        }
    }
}

/// Parks this thread until the future is ready or the time is over.
pub(crate) fn wait_for<F: Future>(future: F, timeout: Duration) -> Option<F::Output> {
    poll_until(pin!(future), Instant::now().checked_add(timeout))
}

fn poll_until<F: Future>(mut future: Pin<&mut F>, deadline: Option<Instant>) -> Option<F::Output> {
    if let Some(before) = BEFORE_WAITING.take() {
        before();
    }
    let waker = Arc::new(Unpark(thread::current())).into();
    let mut cx = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return Some(output);
        }
        match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
            None => thread::park(),
            Some(Duration::ZERO) => return None,
            Some(left) => thread::park_timeout(left),
        }
    }
}

/// Panics in async code, before anything is done.
#[track_caller]
pub(crate) fn assert_may_block(what: &str, instead: &str) {
    assert!(
        may_block(),
        "`{what}` was called in async code, where blocking would hold up every other task of the runtime: use \
         {instead} there, or move the call to a thread of its own (`spawn_blocking`)"
    );
}

/// Whether tokio would let this thread block. Only tokio knows, and it answers by panicking: inside `spawn_blocking` or
/// a mere `enter` guard a runtime is current too, and blocking is fine.
pub(crate) fn may_block() -> bool {
    Handle::try_current().map_or(true, |handle| panics::quietly(|| handle.block_on(async {})).is_some())
}
