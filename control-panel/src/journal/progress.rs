//! The progress of long work, reported on the thread that does it; a command line draws it.

use std::cell::RefCell;

/// One report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Work of this many steps begins.
    Phase(&'static str, usize),
    /// One step is done.
    Step,
    /// This much is left. Replays meanwhile are not steps.
    Left(usize),
}

type Watch = Box<dyn Fn(Progress)>;

thread_local! {
    static WATCH: RefCell<Option<Watch>> = const { RefCell::new(None) };
}

/// Reports to the watch of this thread, if there is one.
pub(crate) fn say(progress: Progress) {
    WATCH.with_borrow(|watch| {
        if let Some(watch) = watch {
            watch(progress);
        }
    });
}

/// Does this work under a watch. The watch itself must not do such work.
pub(crate) fn watched<T>(watch: impl Fn(Progress) + 'static, work: impl FnOnce() -> T) -> T {
    /// Restores the previous watch, even when the work unwinds.
    struct Outer(Option<Watch>);
    impl Drop for Outer {
        fn drop(&mut self) {
            WATCH.replace(self.0.take());
        }
    }
    let _outer = Outer(WATCH.replace(Some(Box::new(watch))));
    work()
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, rc::Rc};

    use super::{Progress, say, watched};

    #[test]
    fn what_is_said_reaches_the_innermost_watch_alone() {
        let heard = Rc::new(RefCell::new(Vec::new()));
        let watch = |name: &'static str| {
            let heard = Rc::clone(&heard);
            move |progress| heard.borrow_mut().push((name, progress))
        };
        say(Progress::Step);
        watched(watch("outer"), || {
            say(Progress::Phase("replaying", 2));
            let inner = || watched(watch("inner"), || -> () { panic!("unwinds") });
            assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(inner)).is_err());
            watched(watch("inner"), || say(Progress::Left(1)));
            say(Progress::Step);
        });
        say(Progress::Step);
        let expected = [
            ("outer", Progress::Phase("replaying", 2)),
            ("inner", Progress::Left(1)),
            ("outer", Progress::Step),
        ];
        assert_eq!(*heard.borrow(), expected);
    }
}
