//! Flat combining (Hendler, Incze, Shavit and Tzafrir, SPAA 2010): many threads publish entries, and one of them
//! applies them all.
//!
//! A thread publishes its entry here. If no other thread is combining, it becomes the combiner and applies every
//! published entry; otherwise it continues, and the combiner applies its entry. So no thread sleeps on the lock under
//! which entries are applied.
//!
//! Each entry is applied exactly once, by whichever thread, in any interleaving, even if applying one panics: the
//! `models` check that.

use std::{any::Any, mem};

use crate::util::{
    panics,
    sync::{
        Mutex, MutexGuard,
        atomic::{Ordering, fence},
    },
};

/// A list grown for thousands of entries is not kept.
const KEPT: usize = 256;

pub(super) struct Combiner<T> {
    published: Mutex<Vec<T>>,
    /// Locked by the combiner, only ever by `try_lock`. Between two turns it holds the emptied list of the last one for
    /// reuse.
    turn: Mutex<Vec<T>>,
}

/// The payload of a panic.
pub(super) type Payload = Box<dyn Any + Send>;

/// The combiner's turn.
pub(super) struct Turn<'a, T> {
    list: MutexGuard<'a, Vec<T>>,
    published: &'a Mutex<Vec<T>>,
    panic: &'a mut Option<Payload>,
}

impl<T> Default for Combiner<T> {
    fn default() -> Self {
        Self { published: Mutex::new(Vec::new()), turn: Mutex::new(Vec::new()) }
    }
}

impl<T> Combiner<T> {
    /// Publishes an entry. The caller must then call [`combine`](Self::combine).
    #[inline]
    pub(super) fn publish(&self, one: T) {
        self.published.lock().push(one);
    }

    /// Ensures that every entry published by now is applied. If no other thread is combining, calls `run` with the
    /// turn, and again for entries published meanwhile; `run` must take the entries under the lock under which they are
    /// applied. Returns the first panic, once all are applied.
    #[inline]
    pub(super) fn combine(&self, mut run: impl FnMut(&mut Turn<'_, T>)) -> Option<Payload> {
        let mut panic = None;
        loop {
            // A thread that publishes an entry and finds the turn taken continues, because the combiner looks again
            // after its turn. The fences ensure that one of the two sees the other.
            fence(Ordering::SeqCst);
            let Some(list) = self.turn.try_lock() else { return panic };
            let mut turn = Turn { list, published: &self.published, panic: &mut panic };
            let outcome = panics::hold(|| run(&mut turn));
            // Even after a panic: threads that found the turn taken rely on the look that follows.
            drop(turn);
            panic = panic.or(outcome.err());
            fence(Ordering::SeqCst);
            if self.published.lock().is_empty() {
                return panic;
            }
        }
    }

    /// Applies every entry published by now, even while another thread is combining. Must be called under the lock
    /// under which entries are applied; then none is in flight. Returns the first panic, once all are applied.
    #[inline]
    pub(super) fn combine_now(&self, apply: impl FnMut(T)) -> Option<Payload> {
        let (mut list, mut panic) = (mem::take(&mut *self.published.lock()), None);
        each(&mut list, apply, &mut panic);
        panic
    }
}

impl<T> Turn<'_, T> {
    /// Applies every entry published by now. Must be called under the lock under which entries are applied.
    #[inline]
    pub(super) fn each(&mut self, apply: impl FnMut(T)) {
        mem::swap(&mut *self.published.lock(), &mut *self.list);
        each(&mut self.list, apply, self.panic);
        self.list.shrink_to(KEPT);
    }
}

/// Empties the list. An entry whose application panics does not affect the others.
fn each<T>(list: &mut Vec<T>, mut apply: impl FnMut(T), panic: &mut Option<Payload>) {
    let mut rest = list.drain(..);
    while let Err(payload) = panics::hold(|| rest.by_ref().for_each(&mut apply)) {
        panic.get_or_insert(payload);
    }
}

#[cfg(all(test, shuttle))]
mod models;
