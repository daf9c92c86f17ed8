//! A worker's panic leaves the screen alone, whether the hook that gives it back was set before the panel was made or after.
//!
//! One test, as hooks belong to the process.

use std::{
    panic::{self, AssertUnwindSafe},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use control_panel::{
    ControlPanel, Exit, QueuedIntent, Reducer, Worker,
    supervision::{is_supervised_panic, skip_supervised_panics},
};
use tests::{Mark, watched};

type Panel = ControlPanel<Mark>;

static RESTORED: AtomicUsize = AtomicUsize::new(0);
static ASKED: AtomicUsize = AtomicUsize::new(0);

/// As `ratatui::init`: gives the screen back, and calls the hook before.
fn init() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        RESTORED.fetch_add(1, Ordering::SeqCst);
        before(info);
    }));
}

/// The program's own, which asks.
fn ask() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        ASKED.fetch_add(usize::from(!is_supervised_panic()), Ordering::SeqCst);
        before(info);
    }));
}

fn restored() -> (usize, usize) {
    (RESTORED.swap(0, Ordering::SeqCst), ASKED.swap(0, Ordering::SeqCst))
}

struct Fails;

impl Reducer for Fails {
    type Intent = Mark;

    fn apply(&mut self, _: QueuedIntent<Mark>) {
        panic!("the reducer")
    }
}

/// Workers of every kind panic, and drop what panics; the report has each with its place.
fn workers_panic(panel: &Panel) {
    struct Breaks;
    impl Drop for Breaks {
        fn drop(&mut self) {
            panic!("while dropping")
        }
    }
    let workers = [
        Worker::new("a task", 0, async |_| panic!("a worker")),
        Worker::blocking("in the pool", 0, |_| panic!("a worker")),
        Worker::thread("a thread", 0, |_| panic!("a worker")),
        Worker::local("local", 0, async |_| panic!("a worker")),
        Worker::new("drops", 0, |_| {
            let breaks = Breaks;
            async move {
                let _breaks = breaks;
            }
        }),
    ];
    for worker in workers {
        let status = panel.spawn(worker).ended_blocking();
        let Some(Exit::Panicked(report)) = status.exit() else { panic!("{status}") };
        let place = report.place().unwrap_or_else(|| panic!("no place: {report}"));
        assert!(place.file.ends_with("panic_hook.rs"), "{report}");
    }
}

fn others_panic(panel: &mut Panel) {
    assert!(!is_supervised_panic());
    thread::spawn(|| panic!("a thread of the program's")).join().unwrap_err();
    panel.sender(0).try_send(Mark::new(0)).unwrap();
    let frame = AssertUnwindSafe(|| panel.run_frame(&mut Fails, &mut (), []));
    panic::catch_unwind(frame).unwrap_err();
    // A thread that a worker starts by itself is the worker's own business.
    let starts = Worker::thread("starts", 0, |_| {
        thread::spawn(|| panic!("a thread of a worker's")).join().unwrap_err();
    });
    assert!(matches!(panel.spawn(starts).ended_blocking().exit(), Some(Exit::Finished)));
}

#[test]
fn only_a_panic_that_no_panel_catches_gives_the_screen_back() {
    watched(|| {
        let mut panel = Panel::new(); // its hook comes first
        init();
        ask();
        workers_panic(&panel);
        assert_eq!(restored(), (5, 0), "the hooks are called, and can ask");
        others_panic(&mut panel);
        assert_eq!(restored(), (3, 3));
        panic::set_hook(skip_supervised_panics(panic::take_hook()));
        workers_panic(&panel);
        assert_eq!(restored(), (0, 0), "left out, and the places are known");
        others_panic(&mut panel);
        assert_eq!(restored(), (3, 3));
    });
}
