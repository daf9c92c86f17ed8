//! Listeners that wait for the next signal. Waking them never takes a lock that is held for long.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering, fence},
    },
    task::Waker,
};

use arc_swap::ArcSwap;

use crate::util::{Callbacks, Mutex};

/// How a listener is woken. Only its subscription arms it, and a waker disarms it first, so it is woken once.
const UNARMED: u8 = 0;
/// Through its task's waker.
const TASK: u8 = 1;
/// Together with the frame loop.
const LOOP: u8 = 2;

/// The shared half of a subscription.
#[derive(Default)]
pub(super) struct Listener {
    armed: AtomicU8,
    /// The subscription locks it while unarmed; the thread that disarmed it only tries to, which fails only if the subscription
    /// is awake and about to look again anyway.
    waker: Mutex<Option<Waker>>,
    /// The number of the next signal that it will read, from which its lag is computed.
    next: AtomicU64,
}

impl Listener {
    pub(super) fn next(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }

    pub(super) fn set_next(&self, next: u64) {
        self.next.store(next, Ordering::Relaxed);
    }

    /// From now on the next signal wakes this task. The caller must look again afterwards: a signal published before this call
    /// wakes no subscriber.
    pub(super) fn arm_task(&self, waker: &Waker) {
        self.armed.swap(UNARMED, Ordering::AcqRel);
        let new = waker.clone();
        let mut kept = self.waker.lock();
        let before = kept.replace(new);
        drop(kept);
        drop(before);
        self.arm(TASK);
    }

    /// From now on the next signal wakes the frame loop. The caller must look again afterwards, as with `arm_task`.
    pub(super) fn arm_loop(&self) {
        self.arm(LOOP);
    }

    fn arm(&self, how: u8) {
        self.armed.swap(how, Ordering::AcqRel);
        // The subscriber arms then looks; the publisher writes then wakes. With this fence, at least one of them sees the
        // other.
        fence(Ordering::SeqCst);
    }

    fn is_armed(&self) -> bool {
        self.armed.load(Ordering::Relaxed) != UNARMED
    }

    /// Wakes a task directly; returns whether the frame loop must be woken.
    // Out of line, so that skipping listeners that do not wait stays cheap.
    #[inline(never)]
    fn wake(&self, callbacks: &mut Callbacks) -> bool {
        let how = self.armed.swap(UNARMED, Ordering::AcqRel);
        if how == TASK {
            callbacks.wake(self.waker.try_lock().and_then(|mut kept| kept.take()));
        }
        how == LOOP
    }
}

/// The listeners of one bus.
#[derive(Default)]
pub(super) struct Listeners {
    all: ArcSwap<Vec<Arc<Listener>>>,
    /// Their number, which is cheaper to read.
    count: AtomicUsize,
    /// Held while a listener is added or removed.
    changing: Mutex<()>,
}

impl Listeners {
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn len(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    pub(super) fn add(&self, listener: Arc<Listener>) {
        self.change(|all| all.push(listener));
    }

    pub(super) fn remove(&self, listener: &Arc<Listener>) {
        self.change(|all| all.retain(|other| !Arc::ptr_eq(other, listener)));
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Arc<Listener>>)) {
        let turn = self.changing.lock();
        let mut all = Vec::clone(&self.all.load());
        change(&mut all);
        let count = all.len();
        let before = self.all.swap(Arc::new(all));
        self.count.store(count, Ordering::Release);
        drop(turn);
        drop(before);
    }

    /// The number of the next signal that the slowest listener reads.
    pub(super) fn slowest(&self) -> Option<u64> {
        self.all.load().iter().map(|listener| listener.next()).min()
    }

    /// Wakes the armed listeners: each task by itself, then the frame loop by `wake_loop`. Call it after writing what they
    /// should see.
    pub(super) fn wake(&self, wake_loop: impl FnOnce()) {
        fence(Ordering::SeqCst);
        let mut callbacks = Callbacks::default();
        let mut the_loop = false;
        for listener in self.all.load().iter().filter(|listener| listener.is_armed()) {
            the_loop |= listener.wake(&mut callbacks);
        }
        if the_loop {
            callbacks.call(wake_loop);
        }
        callbacks.end();
    }
}
