use std::sync::{
    Condvar,
    atomic::{AtomicUsize, Ordering},
};

use super::*;

/// Lets looks pass, or holds them.
#[derive(Default)]
struct Barrier {
    closed: Mutex<bool>,
    opened: Condvar,
}

impl Barrier {
    fn pass(&self) {
        let closed = self.closed.lock().expect("no panic");
        drop(self.opened.wait_while(closed, |closed| *closed).expect("no panic"));
    }

    fn set(&self, closed: bool) {
        *self.closed.lock().expect("no panic") = closed;
        self.opened.notify_all();
    }
}

fn found(look: &mut Look) -> Scan {
    loop {
        if let Some(scan) = look.poll() {
            return scan;
        }
        thread::yield_now();
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime")
}

#[test]
fn a_folder_that_does_not_answer_is_reported_once_and_looked_at_again_when_it_does() {
    let runtime = runtime();
    let _entered = runtime.enter();
    let barrier = Arc::new(Barrier::default());
    let looks = Arc::new(AtomicUsize::new(0));
    let (held, counted) = (Arc::clone(&barrier), Arc::clone(&looks));
    let mut look = Look::new(Shared::new(), move || {
        let (held, counted) = (Arc::clone(&held), Arc::clone(&counted));
        Box::new(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            held.pass();
            Scan::default()
        })
    });
    look.patience = Duration::from_millis(20);
    barrier.set(true);
    look.begin(Request::new()).expect("a thread");
    assert!(look.overdue().is_some());
    let trouble = found(&mut look).trouble.expect("it does not answer").to_string();
    assert_eq!(trouble, "cannot read the mods folder: it has not answered for 20ms; what runs goes on");
    assert!(look.is_running() && look.overdue().is_none());
    // No other look begins, and none is queued.
    look.begin(Request::new()).expect("nothing happens");
    assert!(look.poll().is_none(), "reported once");
    barrier.set(false);
    assert!(found(&mut look).trouble.is_none());
    assert!(!look.is_running());
    assert_eq!(looks.load(Ordering::Relaxed), 1);
    look.begin(Request::new()).expect("a thread");
    assert!(found(&mut look).trouble.is_none());
    assert_eq!(looks.load(Ordering::Relaxed), 2);
}

/// A runtime waits for its blocking jobs when it is dropped, and a test ends only after its thread: this one never would.
#[test]
fn a_look_that_never_ends_holds_up_neither_the_loader_nor_the_runtime() {
    let runtime = runtime();
    let look = runtime.block_on(async {
        let mut look = Look::new(Shared::new(), || {
            Box::new(|_| {
                loop {
                    thread::park();
                }
            })
        });
        look.begin(Request::new()).expect("a thread");
        look
    });
    drop(look);
    drop(runtime);
}

#[test]
fn a_look_that_panics_is_trouble_and_the_next_one_starts_afresh() {
    let runtime = runtime();
    let _entered = runtime.enter();
    let threads = Arc::new(AtomicUsize::new(0));
    let started = Arc::clone(&threads);
    let mut look = Look::new(Shared::new(), move || {
        let number = started.fetch_add(1, Ordering::Relaxed);
        Box::new(move |_| {
            assert!(number > 0, "the disk is on fire");
            Scan::default()
        })
    });
    look.begin(Request::new()).expect("a thread");
    let trouble = found(&mut look).trouble.expect("it panicked").to_string();
    assert_eq!(trouble, "cannot read the mods folder: the look at it failed: the disk is on fire");
    look.begin(Request::new()).expect("another thread");
    assert!(found(&mut look).trouble.is_none());
    assert_eq!(threads.load(Ordering::Relaxed), 2);
}
