//! What waits for the next signal. Waking it takes no lock that it could hold for long.

use std::{
    sync::{
        Arc, Mutex, PoisonError, TryLockError,
        atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering, fence},
    },
    task::Waker,
};

use arc_swap::ArcSwap;

use crate::queue::Foreign;

/// How a listener is woken. Only its subscription arms it, and what wakes it disarms it first: so it is woken once.
const UNARMED: u8 = 0;
/// By its waker.
const TASK: u8 = 1;
/// With the frame loop.
const LOOP: u8 = 2;

/// A subscription's shared half.
#[derive(Debug, Default)]
pub(super) struct Listener {
    armed: AtomicU8,
    /// Its subscription locks it while unarmed, and what disarmed it tries to: it fails only where the subscription, being
    /// awake, is about to look again.
    waker: Mutex<Option<Waker>>,
    /// The number of the next signal that it will read, for the figures of how far it is behind.
    next: AtomicU64,
}

impl Listener {
    pub(super) fn next(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }

    pub(super) fn set_next(&self, next: u64) {
        self.next.store(next, Ordering::Relaxed);
    }

    /// From now on the next signal wakes this task. To be followed by a look: a signal before this call wakes no one.
    pub(super) fn arm_task(&self, waker: &Waker) {
        self.armed.swap(UNARMED, Ordering::AcqRel);
        let new = waker.clone();
        let mut kept = self.waker.lock().unwrap_or_else(PoisonError::into_inner);
        let before = kept.replace(new);
        drop(kept);
        drop(before);
        self.arm(TASK);
    }

    /// From now on the next signal wakes the frame loop. To be followed by a look, likewise.
    pub(super) fn arm_loop(&self) {
        self.arm(LOOP);
    }

    fn arm(&self, how: u8) {
        self.armed.swap(how, Ordering::AcqRel);
        // Between arming and looking here, writing and waking there: one of the two sees the other.
        fence(Ordering::SeqCst);
    }

    fn is_armed(&self) -> bool {
        self.armed.load(Ordering::Relaxed) != UNARMED
    }

    /// Whether the frame loop is to be woken; a task is, here.
    // Out of line, so that going by those who do not wait stays short.
    #[inline(never)]
    fn wake(&self, foreign: &mut Foreign) -> bool {
        let how = self.armed.swap(UNARMED, Ordering::AcqRel);
        if how == TASK {
            let waker = match self.waker.try_lock() {
                Ok(mut kept) => kept.take(),
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner().take(),
                Err(TryLockError::WouldBlock) => None,
            };
            foreign.wake(waker);
        }
        how == LOOP
    }
}

/// Those of one bus.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    all: ArcSwap<Vec<Arc<Listener>>>,
    /// How many they are: cheaper to look at.
    count: AtomicUsize,
    /// Held while one is added or removed.
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
        let turn = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = Vec::clone(&self.all.load());
        change(&mut all);
        let count = all.len();
        let before = self.all.swap(Arc::new(all));
        self.count.store(count, Ordering::Release);
        drop(turn);
        drop(before);
    }

    /// The number of the signal that the slowest reads next.
    pub(super) fn slowest(&self) -> Option<u64> {
        self.all.load().iter().map(|listener| listener.next()).min()
    }

    /// Wakes those that are armed: tasks each for itself, and then the frame loop by `wake_loop`. After what they are to see.
    pub(super) fn wake(&self, wake_loop: impl FnOnce()) {
        fence(Ordering::SeqCst);
        let mut foreign = Foreign::default();
        let mut the_loop = false;
        for listener in self.all.load().iter().filter(|listener| listener.is_armed()) {
            the_loop |= listener.wake(&mut foreign);
        }
        if the_loop {
            foreign.call(wake_loop);
        }
        foreign.end();
    }
}
