//! Waiting on a thread that drives no runtime.

use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake},
    thread::{self, Thread},
};

use tokio::runtime::Handle;

use crate::supervise::panics;

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
    let waker = Arc::new(Unpark(thread::current())).into();
    let mut cx = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut cx) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
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

/// Whether tokio would let this thread block. Only tokio knows, and it tells by panicking: inside
/// `spawn_blocking` or a mere `enter` guard a runtime is current too, and blocking is fine.
fn may_block() -> bool {
    Handle::try_current().map_or(true, |handle| panics::quietly(|| handle.block_on(async {})).is_some())
}
