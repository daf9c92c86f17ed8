//! Wakes observers from the frame thread, which never waits for them.

use std::{
    mem,
    sync::atomic::{AtomicBool, Ordering, fence},
    task::Waker,
};

use crate::util::{callbacks, mutex::Mutex};

/// How many observers wait at most; one more is sent to look again immediately.
const MOST: usize = 1024;

/// The wakers of those that wait for a change. Each is woken once, and registers again when it wants to be woken again: so an
/// observer bounds the rate at which it costs the frame thread a wake.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    armed: AtomicBool,
    /// A ring found the wakers locked: the thread that holds the lock rings once it has unlocked them.
    missed: AtomicBool,
    wakers: Mutex<Vec<Waker>>,
}

impl Bell {
    /// Something has changed, and every observer that looks sees it. One load if no observer waits.
    pub(crate) fn ring(&self) {
        // Either this sees the bell armed, or the observer that arms it sees the change.
        fence(Ordering::SeqCst);
        if self.armed.load(Ordering::Relaxed) {
            self.wake();
        }
    }

    #[cold]
    fn wake(&self) {
        let Some(mut wakers) = self.wakers.try_lock().or_else(|| {
            self.missed.store(true, Ordering::Relaxed);
            // Either this finds them unlocked, or the one that has them locked sees the ring that was missed.
            fence(Ordering::SeqCst);
            self.wakers.try_lock()
        }) else {
            return;
        };
        self.armed.store(false, Ordering::Relaxed);
        let woken = mem::take(&mut *wakers);
        drop(wakers);
        callbacks::each(woken, Waker::wake);
    }

    /// Wakes this waker at the next change. Returns `false` if there is one already, or if too many wait.
    pub(crate) fn register(&self, waker: &Waker, has_changed: impl Fn() -> bool) -> bool {
        let waker = waker.clone();
        let mut wakers = self.wakers.lock();
        let full = wakers.len() >= MOST;
        // Dropped without the lock: it is foreign.
        let mut before = None;
        match wakers.iter_mut().find(|known| known.will_wake(&waker)) {
            Some(known) => before = Some(mem::replace(known, waker)),
            None if full => before = Some(waker),
            None => wakers.push(waker),
        }
        self.armed.store(true, Ordering::Relaxed);
        drop(wakers);
        drop(before);
        fence(Ordering::SeqCst);
        if self.missed.load(Ordering::Relaxed) && self.missed.swap(false, Ordering::Relaxed) {
            self.wake();
        }
        !full && !has_changed()
    }
}
