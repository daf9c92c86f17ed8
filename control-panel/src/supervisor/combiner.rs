//! What many threads have to tell, each when it comes to it, and one of them tells for all.
//!
//! Whoever has something to tell leaves it here. If nobody is telling, it takes the turn and tells of all that is there;
//! otherwise it goes its way, and whoever has the turn tells of it. So nobody sleeps on the lock under which it is told.
//!
//! Each is told exactly once, whoever leaves it and when, also when telling one panics: the [models](models) show it.

use std::{
    any::Any,
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
};

use crate::util::sync::{
    Mutex, MutexGuard, PoisonError, TryLockError,
    atomic::{Ordering, fence},
};

/// What thousands needed at once is not kept.
const KEPT: usize = 256;

#[derive(Debug)]
pub(super) struct Combiner<T> {
    left: Mutex<Vec<T>>,
    /// Held by who tells, and only ever tried. Between two turns the emptied list of the one before, to be filled again.
    turn: Mutex<Vec<T>>,
}

/// What a panic carries.
pub(super) type Payload = Box<dyn Any + Send>;

/// Had by whoever tells.
pub(super) struct Turn<'a, T> {
    list: MutexGuard<'a, Vec<T>>,
    left: &'a Mutex<Vec<T>>,
    panic: &'a mut Option<Payload>,
}

impl<T> Default for Combiner<T> {
    fn default() -> Self {
        Self { left: Mutex::new(Vec::new()), turn: Mutex::new(Vec::new()) }
    }
}

impl<T> Combiner<T> {
    /// Leaves something to be told. Whoever does calls [`tell`](Self::tell) after it.
    pub(super) fn leave(&self, one: T) {
        lock(&self.left).push(one);
    }

    /// Sees to it that all is told that is left by now: `tell` is called with the turn, if it is to be had, and again for
    /// what was left in the meantime. It is to take what is left under the lock under which that is told. Hands out the
    /// first panic, once all is told.
    pub(super) fn tell(&self, mut tell: impl FnMut(&mut Turn<'_, T>)) -> Option<Payload> {
        let mut panic = None;
        loop {
            // Who leaves something and finds the turn taken goes its way: whoever has the turn looks again after it. One of
            // the two sees the other.
            fence(Ordering::SeqCst);
            let list = match self.turn.try_lock() {
                Ok(list) => list,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => return panic,
            };
            let mut turn = Turn { list, left: &self.left, panic: &mut panic };
            let outcome = catch_unwind(AssertUnwindSafe(|| tell(&mut turn)));
            // Whatever came of it: those who found the turn taken count on the look after it.
            drop(turn);
            panic = panic.or(outcome.err());
            fence(Ordering::SeqCst);
            if lock(&self.left).is_empty() {
                return panic;
            }
        }
    }

    /// Tells of all that is left by now, whoever has the turn: to be called under the lock under which it is told. Then none
    /// is on its way. Hands out the first panic, once all is told.
    pub(super) fn tell_now(&self, tell: impl FnMut(T)) -> Option<Payload> {
        let (mut list, mut panic) = (mem::take(&mut *lock(&self.left)), None);
        each(&mut list, tell, &mut panic);
        panic
    }
}

impl<T> Turn<'_, T> {
    /// Whether there is anything to tell of.
    pub(super) fn is_due(&self) -> bool {
        !lock(self.left).is_empty()
    }

    /// Tells of all that is left by now, under the lock under which it is told.
    pub(super) fn each(&mut self, tell: impl FnMut(T)) {
        mem::swap(&mut *lock(self.left), &mut *self.list);
        each(&mut self.list, tell, self.panic);
        self.list.shrink_to(KEPT);
    }
}

/// Empties the list. One whose telling panics takes no other with it.
fn each<T>(list: &mut Vec<T>, mut tell: impl FnMut(T), panic: &mut Option<Payload>) {
    let mut rest = list.drain(..);
    while let Err(payload) = catch_unwind(AssertUnwindSafe(|| rest.by_ref().for_each(&mut tell))) {
        panic.get_or_insert(payload);
    }
}

fn lock<T>(list: &Mutex<Vec<T>>) -> MutexGuard<'_, Vec<T>> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(all(test, shuttle))]
mod models;
