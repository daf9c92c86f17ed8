//! Cooperative waking: tasks that are to be woken, by whichever thread comes first.
//!
//! A thread that wakes a task of a sleeping runtime is often preempted by the thread that it woke. With a few tasks,
//! each further one would wait for a sleep and a wake of the two threads. So the remaining wakers are parked here, and
//! the first worker that ends continues with them, on the runtime's own thread, where waking another task wakes no
//! thread.

use std::{
    collections::VecDeque,
    iter,
    sync::atomic::{AtomicBool, Ordering},
    task::Waker,
};

use crate::util::{Mutex, callbacks};

/// With more tasks than this, threads are scarcer than tasks and parking does not pay off.
const FEW: usize = 64;

#[derive(Default)]
pub(super) struct Unwoken {
    tasks: Mutex<VecDeque<Waker>>,
    /// Whether there may be any: most calls find none.
    any: AtomicBool,
}

impl Unwoken {
    /// Wakes them, in this order.
    pub(super) fn wake(&self, tasks: Vec<Waker>) {
        if !(2..=FEW).contains(&tasks.len()) {
            return super::effects::each(tasks, Waker::wake);
        }
        self.tasks.lock().extend(tasks);
        self.wake_all();
    }

    /// Continues waking what another thread has begun to wake.
    pub(super) fn help(&self) {
        if self.any.load(Ordering::Relaxed) {
            self.wake_all();
        }
    }

    fn wake_all(&self) {
        callbacks::each(iter::from_fn(|| self.next()), Waker::wake);
    }

    fn next(&self) -> Option<Waker> {
        let mut tasks = self.tasks.lock();
        let next = tasks.pop_front();
        self.any.store(!tasks.is_empty(), Ordering::Relaxed);
        next
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{Arc, Weak},
        task::Wake,
    };

    use super::*;

    /// A task that records when it is woken, and then runs its action.
    struct Task {
        number: usize,
        woken: Arc<Mutex<Vec<usize>>>,
        then: Box<dyn Fn() + Send + Sync>,
    }

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.woken.lock().push(self.number);
            (self.then)();
        }
    }

    #[test]
    fn the_first_that_is_woken_goes_on_with_the_others_and_each_is_woken_once() {
        for count in [1, 2, 4, FEW, FEW + 1] {
            let unwoken = Arc::new(Unwoken::default());
            let woken: Arc<Mutex<Vec<usize>>> = Arc::default();
            // How many were woken by the time the first one's wake was over.
            let by_then: Arc<Mutex<usize>> = Arc::default();
            let task = |number| {
                let (of, all): (Weak<_>, _) = (Arc::downgrade(&unwoken), Arc::clone(&woken));
                let by_then = Arc::clone(&by_then);
                let first = move || {
                    of.upgrade().unwrap().help();
                    *by_then.lock() = all.lock().len();
                };
                let then: Box<dyn Fn() + Send + Sync> = match number {
                    0 => Box::new(first),
                    2 => Box::new(|| panic!("on purpose")),
                    _ => Box::new(|| ()),
                };
                Waker::from(Arc::new(Task { number, woken: Arc::clone(&woken), then }))
            };
            unwoken.wake((0..count).map(task).collect());
            assert_eq!(*by_then.lock(), if count <= FEW { count } else { 1 }, "none waits for it");
            assert_eq!(*woken.lock(), (0..count).collect::<Vec<_>>());
            assert!(unwoken.tasks.lock().is_empty() && !unwoken.any.load(Ordering::Relaxed));
        }
    }
}
