//! What is measured while a frame runs on this thread.

use std::{cell::Cell, marker::PhantomData};

use tokio::time::Instant;

use super::{redo_figures::RedoFigures, stopwatch::SlowestApply};

/// The clock that is read: tokio's, or a test's.
pub(super) type Clock = fn() -> Instant;

thread_local! {
    /// Of the frame, or of the job handed out by one, that runs on this thread; `None` where neither does.
    static OF_FRAME: Cell<Option<Measured>> = const { Cell::new(None) };
}

#[derive(Clone, Copy)]
pub(super) struct Measured {
    clock: Clock,
    pub(super) redo: RedoFigures,
    pub(super) slowest: Option<SlowestApply>,
}

/// The clock of what runs on this thread, if that is measured.
pub(super) fn clock() -> Option<Clock> {
    OF_FRAME.get().map(|frame| frame.clock)
}

/// Adds to what is measured of the frame that runs on this thread, if one does.
pub(super) fn measure(add: impl FnOnce(&mut Measured)) {
    if let Some(mut frame) = OF_FRAME.get() {
        add(&mut frame);
        OF_FRAME.set(Some(frame));
    }
}

/// Collects what is measured of one frame. A frame inside another one (of another panel, in a reducer) is measured by itself; when
/// it ends or panics, the outer frame continues with what it had.
#[must_use = "the figures are those added until it ends"]
pub(crate) struct Collector {
    outer: Option<Measured>,
    /// It belongs to the thread on which it began.
    not_send: PhantomData<*const ()>,
}

impl Collector {
    /// `clock` is read only for the report.
    pub(crate) fn begin(clock: Clock) -> Self {
        Self::of(Some(clock))
    }

    /// Without a clock nothing is measured.
    pub(super) fn of(clock: Option<Clock>) -> Self {
        let measured = clock.map(|clock| Measured { clock, redo: RedoFigures::default(), slowest: None });
        Self { outer: OF_FRAME.replace(measured), not_send: PhantomData }
    }

    /// The figures added since it began, and the operations that took longest.
    pub(crate) fn end(self) -> (RedoFigures, Option<SlowestApply>) {
        let frame = OF_FRAME.get();
        debug_assert!(frame.is_some(), "frames end in the reverse of the order in which they began");
        drop(self);
        frame.map(|frame| (frame.redo, frame.slowest)).unwrap_or_default()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        OF_FRAME.set(self.outer);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::{Collector, RedoFigures};

    fn merged(merged: usize) -> RedoFigures {
        RedoFigures { merged, ..RedoFigures::default() }
    }

    fn begin() -> Collector {
        Collector::begin(Instant::now)
    }

    fn figures(collector: Collector) -> RedoFigures {
        collector.end().0
    }

    #[test]
    fn outside_a_frame_nothing_is_collected() {
        merged(1).add();
        assert!(figures(begin()).is_zero());
    }

    #[test]
    fn several_add_up() {
        let collector = begin();
        RedoFigures { merged: 1, undone: 2, redone: 3, jobs: 0 }.add();
        RedoFigures { merged: 10, undone: 20, redone: 30, jobs: 1 }.add();
        assert_eq!(figures(collector), RedoFigures { merged: 11, undone: 22, redone: 33, jobs: 1 });
        assert!(figures(begin()).is_zero(), "the next frame begins with nothing");
    }

    #[test]
    fn an_inner_frame_has_its_own_also_where_it_panics() {
        let outer = begin();
        merged(1).add();
        let inner = begin();
        merged(2).add();
        assert_eq!(figures(inner), merged(2));
        let panicked = std::panic::catch_unwind(|| {
            let _inner = begin();
            merged(4).add();
            std::panic::resume_unwind(Box::new("on purpose"));
        });
        assert!(panicked.is_err());
        merged(8).add();
        assert_eq!(figures(outer), merged(9));
    }

    #[test]
    fn another_thread_adds_nothing() {
        let collector = begin();
        std::thread::spawn(|| merged(1).add()).join().unwrap();
        assert!(figures(collector).is_zero());
    }
}
