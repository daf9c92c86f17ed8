//! Code of the program's own, called one piece after the other.

use std::{any::Any, panic::resume_unwind, task::Waker, thread};

use crate::util::panics;

/// Runs foreign code for each item. The hook reports a panic, which ends here, and the other items still get their turn.
#[inline(never)]
pub(crate) fn each<T>(list: impl IntoIterator<Item = T>, mut run: impl FnMut(T)) {
    let mut list = list.into_iter();
    while panics::catch(|| list.by_ref().for_each(&mut run)).is_err() {}
}

/// Calls wakers, `on_ready` and destructors, each for itself: one that panics keeps none of the others from its turn. The
/// first panic goes on at the [end](Self::end); the others reach the panic hook alone.
#[must_use = "a panic goes on at the `end`"]
#[derive(Default)]
pub(crate) struct Callbacks {
    panic: Option<Box<dyn Any + Send>>,
}

impl Callbacks {
    pub(crate) fn call(&mut self, code: impl FnOnce()) {
        if let Err(panic) = panics::hold(code) {
            if self.panic.is_none() {
                self.panic = Some(panic);
            } else {
                panics::discard(panic);
            }
        }
    }

    pub(crate) fn wake(&mut self, wakers: impl IntoIterator<Item = Waker>) {
        wakers.into_iter().for_each(|waker| self.call(|| waker.wake()));
    }

    pub(crate) fn discard<T>(&mut self, values: impl IntoIterator<Item = T>) {
        values.into_iter().for_each(|value| self.call(|| drop(value)));
    }

    /// Where this thread unwinds already (a task that panicked drops its send), a second panic would end the process.
    pub(crate) fn end(self) {
        match self.panic {
            Some(panic) if thread::panicking() => panics::discard(panic),
            Some(panic) => resume_unwind(panic),
            None => {}
        }
    }
}
