//! Replies that a worker drops unanswered, held back until its status says why.
//!
//! A worker that fails drops its replies while its run is being dropped, before its exit is recorded: the requester
//! would find it running. So a reply dropped while a worker's code runs is only marked as given up. The mark takes
//! effect when the run's exit is recorded, or when it turns out that the run continues: at the end of its poll, when it
//! waits for something of the panel's, or after a moment if it does neither.

use std::{
    cell::{Cell, RefCell},
    mem,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Wake, Waker},
    time::{Duration, Instant},
};

use crate::util::{
    Mutex, callbacks,
    clock::{self, Alarm},
    park,
};

/// How long a run may continue (a plain call that never waits for anything of the panel's) before its replies are given
/// up anyway: much longer than returning, and recording that, takes.
const MOMENT: Duration = Duration::from_millis(250);

thread_local! {
    /// Whether a worker's code runs on this thread, and whether it has dropped a reply.
    static RUNS: Cell<Runs> = const { Cell::new(Runs { runs: false, dropped: false }) };
    static DROPPED: RefCell<Option<Arc<Unanswered>>> = const { RefCell::new(None) };
}

#[derive(Debug, Clone, Copy)]
struct Runs {
    runs: bool,
    dropped: bool,
}

/// The replies that one piece of a worker's code dropped unanswered.
#[derive(Default)]
pub(crate) struct Unanswered {
    given_up: AtomicBool,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    wakers: Vec<Waker>,
    alarm: Option<Alarm>,
}

impl Unanswered {
    /// Whether the answers are given up by now. Never waits.
    pub(crate) fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::Acquire)
    }

    /// As [`is_given_up`](Self::is_given_up); if they are not, wakes `waker` once they are.
    pub(crate) fn poll_given_up(&self, waker: &Waker) -> bool {
        let mut waiting = self.waiting.lock();
        let given_up = self.is_given_up();
        if !given_up && !waiting.wakers.iter().any(|other| other.will_wake(waker)) {
            waiting.wakers.push(waker.clone());
        }
        given_up
    }

    /// Gives up the answers and wakes the requesters. Must not be called under a lock.
    pub(crate) fn give_up(&self) {
        let mut waiting = self.waiting.lock();
        self.given_up.store(true, Ordering::Release);
        let Waiting { wakers, alarm } = mem::take(&mut *waiting);
        drop(waiting);
        if let Some(alarm) = alarm {
            clock::unset(alarm);
        }
        // These may be foreign wakers.
        callbacks::each(wakers, Waker::wake);
    }

    /// The code has ended; its exit, or what follows, gives them up.
    fn is_due(&self) {
        let alarm = self.waiting.lock().alarm.take();
        if let Some(alarm) = alarm {
            clock::unset(alarm);
        }
    }
}

/// For the clock.
impl Wake for Unanswered {
    fn wake(self: Arc<Self>) {
        self.give_up();
    }
}

/// Runs code of a worker's, which must not unwind. Returns the replies that it dropped unanswered.
#[inline]
pub(crate) fn collect<T>(code: impl FnOnce() -> T) -> (T, Option<Arc<Unanswered>>) {
    let outer = RUNS.replace(Runs { runs: true, dropped: false });
    // A worker may run a panel of its own on its own thread.
    let of_outer = if outer.dropped { take() } else { None };
    let result = code();
    let inner = RUNS.replace(outer);
    let dropped = if inner.dropped { take() } else { None };
    if let Some(of_outer) = of_outer {
        DROPPED.try_with(|dropped| dropped.replace(Some(of_outer))).ok();
        park::call_before_waiting(give_up_before_waiting);
    }
    if let Some(dropped) = &dropped {
        dropped.is_due();
    }
    (result, dropped)
}

/// Holds back a reply that is dropped unanswered, and wakes `wake` once it is given up. `None` outside a worker's code:
/// then the answer is given up immediately.
pub(crate) fn hold(wake: &mut Option<Waker>) -> Option<Arc<Unanswered>> {
    let runs = RUNS.get();
    if !runs.runs {
        return None;
    }
    let dropped =
        DROPPED.try_with(|dropped| Arc::clone(dropped.borrow_mut().get_or_insert_default())).ok()?;
    let mut waiting = dropped.waiting.lock();
    waiting.wakers.extend(wake.take());
    let is_first = waiting.alarm.is_none();
    drop(waiting);
    RUNS.set(Runs { dropped: true, ..runs });
    park::call_before_waiting(give_up_before_waiting);
    if is_first {
        let alarm = clock::set(Instant::now() + MOMENT, None, Waker::from(Arc::clone(&dropped)));
        dropped.waiting.lock().alarm = Some(alarm);
    }
    Some(dropped)
}

/// A worker's code on this thread is about to wait: gives up what it has dropped so far.
fn give_up_before_waiting() {
    let runs = RUNS.get();
    if runs.dropped {
        RUNS.set(Runs { dropped: false, ..runs });
        if let Some(dropped) = take() {
            dropped.give_up();
        }
    }
}

fn take() -> Option<Arc<Unanswered>> {
    DROPPED.try_with(RefCell::take).ok().flatten()
}
