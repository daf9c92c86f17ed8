//! Generations: how one ends, and when the next begins.

use std::{sync::atomic::Ordering, thread};

use control_panel::{
    Context, Exit, Restart, Worker, WorkerStatus,
    supervision::{Cause, PanicReport},
};
use tests::{Mark, eventually};

use crate::kinds::{
    Act, Async, Blocking, LetGo, Local, MS, PATIENT, Seen, Thread, each_kind, panel, running,
};

#[test]
fn it_runs_once_and_says_how_it_ended() {
    each_kind(|kind, runtime| {
        let panel = panel(runtime, PATIENT);
        for (act, restart) in [(Act::Finish, Restart::OnFailure), (Act::Fail, Restart::Never)] {
            let seen = Seen::default();
            let handle = panel.spawn(seen.worker(kind, act, Act::Finish).restart(restart));
            match (act, handle.ended_blocking()) {
                (Act::Finish, WorkerStatus::Ended(Exit::Finished)) => {}
                (Act::Fail, WorkerStatus::Ended(Exit::Failed(error))) => {
                    assert_eq!(error.to_string(), "down");
                }
                (_, status) => panic!("{kind:?} {act:?}: {status}"),
            }
            assert_eq!((seen.begun.load(Ordering::SeqCst), handle.generation()), (1, 1));
            seen.is_over();
        }
    });
}

#[test]
fn a_panic_is_data_on_every_kind_and_a_failure_restarts() {
    each_kind(|kind, runtime| {
        let panel = panel(runtime, PATIENT);
        let place = |panic: &PanicReport| {
            let place = panic.place().expect("a place");
            (place.file.ends_with("kinds.rs"), place.line > 1 && place.column > 1)
        };
        let seen = Seen::default();
        let handle = panel.spawn(seen.worker(kind, Act::Panic, Act::Finish).restart(Restart::Never));
        match handle.ended_blocking() {
            WorkerStatus::Ended(Exit::Panicked(panic)) => {
                assert_eq!((panic.message(), place(&panic)), ("on purpose, no 7", (true, true)), "{kind:?}");
                assert!(panic.take_payload().is_some());
            }
            status => panic!("{kind:?}: {status}"),
        }
        seen.is_over();
        let seen = Seen::default();
        let handle = panel.spawn(seen.worker(kind, Act::Panic, Act::Finish).restart(Restart::OnFailure));
        assert!(matches!(handle.ended_blocking(), WorkerStatus::Ended(Exit::Finished)), "{kind:?}");
        assert_eq!((seen.begun.load(Ordering::SeqCst), handle.generation()), (2, 2));
        seen.is_over();
        let report = panel.shutdown_blocking();
        assert_eq!(report.incident_count(), 2, "{report}");
    });
}

/// A panic of a destructor, which no return value can carry.
#[test]
fn last_words_are_reported_on_every_kind() {
    struct Careless;
    impl Drop for Careless {
        fn drop(&mut self) {
            assert!(thread::panicking(), "while dropping");
        }
    }
    each_kind(|kind, runtime| {
        let (panel, seen) = (panel(runtime, PATIENT), Seen::default());
        let noted = seen.clone();
        let begin = move || {
            noted.begun.fetch_add(1, Ordering::SeqCst);
            Careless
        };
        let waits = |cx: Context<Mark>, careless: Careless| async move {
            let _careless = careless;
            cx.cancelled().await;
        };
        let blocks = |cx: Context<Mark>, careless: Careless| {
            let _careless = careless;
            while !cx.cancelled_timeout(PATIENT) {}
        };
        let worker = match kind {
            Async => Worker::new("it", 0, move |cx| waits(cx, begin())),
            Local => Worker::local("it", 0, move |cx| waits(cx, begin())),
            Blocking => Worker::blocking("it", 0, move |cx| blocks(cx, begin())),
            Thread => Worker::thread("it", 0, move |cx| blocks(cx, begin())),
        };
        let handle = panel.spawn(worker);
        // A run that is asked to stop before its body begins never begins it.
        eventually("it begins", || seen.begun.load(Ordering::SeqCst) == 1);
        handle.stop();
        match handle.ended_blocking() {
            WorkerStatus::Ended(Exit::Panicked(panic)) => assert_eq!(panic.message(), "while dropping"),
            status => panic!("{kind:?}: {status}"),
        }
    });
}

#[test]
fn stop_and_restart_say_why_and_wait_for_the_end() {
    each_kind(|kind, runtime| {
        let (panel, seen) = (panel(runtime, PATIENT), Seen::default());
        let handle = panel.spawn(seen.worker(kind, Act::Wait, Act::Wait).restart(Restart::Always));
        // A run that is asked to stop before its body begins never begins it.
        let begun = |generation| {
            eventually("it begins", || seen.begun.load(Ordering::SeqCst) == generation);
            running(&handle, generation as u64);
        };
        begun(1);
        handle.restart().unwrap();
        begun(2);
        handle.stop();
        assert!(matches!(handle.ended_blocking(), WorkerStatus::Ended(Exit::Cancelled)), "{kind:?}");
        assert_eq!(*seen.causes.lock().unwrap(), [Some(Cause::Restart), Some(Cause::Stopped)], "{kind:?}");
        seen.is_over();
    });
}

#[test]
fn the_next_generation_waits_for_one_that_does_not_stop() {
    each_kind(|kind, runtime| {
        let (panel, seen) = (panel(runtime, PATIENT), Seen::default());
        let _go = LetGo(seen.clone());
        let handle = panel.spawn(seen.worker(kind, Act::Block, Act::Wait));
        eventually("it blocks", || seen.living.load(Ordering::SeqCst) == 1);
        handle.restart().unwrap();
        thread::sleep(20 * MS);
        assert_eq!((handle.generation(), seen.begun.load(Ordering::SeqCst)), (1, 1), "{kind:?}");
        seen.go.store(true, Ordering::SeqCst);
        running(&handle, 2);
        panel.shutdown_blocking();
        seen.is_over();
    });
}

#[test]
fn a_keyed_task_takes_the_place_of_the_one_before_once_that_is_gone() {
    each_kind(|kind, runtime| {
        let (panel, seen) = (panel(runtime, PATIENT), Seen::default());
        let _go = LetGo(seen.clone());
        let tasks = panel.keyed_tasks::<u8>();
        let first = tasks.keyed(1).spawn(seen.worker(kind, Act::Block, Act::Finish));
        eventually("it blocks", || seen.living.load(Ordering::SeqCst) == 1);
        let second = tasks.keyed(1).spawn(seen.worker(kind, Act::Finish, Act::Finish));
        let third = tasks.keyed(1).spawn(seen.worker(kind, Act::Finish, Act::Finish));
        assert!(matches!(
            second.ended_blocking(),
            WorkerStatus::Refused(_) | WorkerStatus::Ended(Exit::Cancelled)
        ));
        assert_eq!((second.generation(), third.generation()), (0, 0), "{kind:?}");
        assert!(matches!(first.status(), WorkerStatus::Stopping(Cause::Replaced)));
        seen.go.store(true, Ordering::SeqCst);
        assert!(matches!(third.ended_blocking(), WorkerStatus::Ended(Exit::Finished)), "{kind:?}");
        assert_eq!(seen.begun.load(Ordering::SeqCst), 2);
        seen.is_over();
    });
}
