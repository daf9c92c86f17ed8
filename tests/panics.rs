//! Promise 5, the panics: each is data wherever it arises, with its payload, file, line and column, and the user's own
//! hook is called as well.

use std::{
    any::Any,
    cell::Cell,
    future,
    panic::{self, AssertUnwindSafe, Location, panic_any},
    sync::{Mutex, Once},
    time::Duration,
};

use control_panel::{
    ControlPanel, Exit, Worker, WorkerHandle, WorkerStatus,
    supervision::{Cancel, PanicReport},
};
use tests::{Mark, drive, paused, paused_runtime};
use tokio::{runtime::Runtime, task::yield_now, time::sleep};

type Panel = ControlPanel<Mark>;
const MS: Duration = Duration::from_millis(1);

static HOOKED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// The user's own hook, set before any panel is made, and one more afterwards that calls the one before. Called
/// by every test here, since hooks belong to the process.
fn user_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            HOOK_CALLS.set(HOOK_CALLS.get() + 1);
            let text = text(info.payload()).unwrap_or("").to_owned();
            if text.starts_with("expected") {
                HOOKED.lock().unwrap().push(text);
            } else if !info.payload().is::<Odd>() {
                before(info);
            }
        }));
        drop(Panel::new());
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| before(info)));
    });
}

fn text(payload: &dyn Any) -> Option<&str> {
    payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}

#[derive(Debug, PartialEq)]
struct Odd(u32);

thread_local! {
    /// How many panics of this thread the hook was called for.
    static HOOK_CALLS: Cell<usize> = const { Cell::new(0) };
    /// Where this test's last panic was.
    static AT: Cell<Option<&'static Location<'static>>> = const { Cell::new(None) };
}

/// Panics, and notes where.
#[track_caller]
fn fail(text: &str) {
    AT.set(Some(Location::caller()));
    panic!("expected: {text}");
}

fn refuse(payload: impl Send + 'static) {
    panic_any(payload);
}

/// Fails when it is dropped, whatever else happens.
struct FailsOnDrop(&'static str);

impl Drop for FailsOnDrop {
    fn drop(&mut self) {
        fail(self.0);
    }
}

#[track_caller]
fn panic_of(status: &WorkerStatus) -> PanicReport {
    match status {
        WorkerStatus::Ended(Exit::Panicked(panic)) => panic.clone(),
        other => panic!("it did not panic: {other:?}"),
    }
}

#[track_caller]
fn check(handle: &WorkerHandle, panel: &Panel, runtime: &Runtime, text: &str) {
    let report = panic_of(&handle.status());
    let place = report.place().expect("a place");
    let at = AT.get().unwrap();
    assert_eq!(report.message(), format!("expected: {text}"));
    assert_eq!((&*place.file, place.line, place.column), (at.file(), at.line(), at.column()));
    assert_eq!(format!("{report}"), format!("at {place}: expected: {text}"));
    assert!(HOOKED.lock().unwrap().iter().any(|seen| seen == report.message()), "the user's hook");
    assert_eq!(report.take_payload().unwrap().downcast_ref(), Some(&format!("expected: {text}")));
    let summary = drive(runtime, panel.shutdown());
    assert!(!summary.is_clean());
    let incident = summary.incidents().next().expect("an incident");
    assert_eq!(incident.name, handle.name());
    for shown in [format!("{summary:?}"), format!("{summary}")] {
        assert!(shown.contains(text) && shown.contains(&place.to_string()) && shown.contains(handle.name()));
    }
}

/// Runs one worker that fails somewhere, and checks what is said of it.
fn fails(text: &str, worker: Worker<Mark>, then: impl AsyncFnOnce(&WorkerHandle)) {
    let runtime = paused_runtime();
    let panel = Panel::builder().runtime(runtime.handle().clone()).build();
    let handle = panel.spawn(worker);
    drive(&runtime, async {
        then(&handle).await;
        handle.ended().await;
    });
    check(&handle, &panel, &runtime, text);
}

#[test]
fn a_panic_is_data_wherever_it_arises() {
    user_hook();
    let worker = |text: &'static str| {
        Worker::new("frail", 0, move |_| async move {
            yield_now().await;
            fail(text);
        })
    };
    fails("at an await", worker("at an await"), async |_| {});
    let factory = Worker::new("frail", 0, |_| {
        fail("in the factory");
        async {}
    });
    fails("in the factory", factory, async |_| {});
    let first = Worker::new("frail", 0, |_| async { fail("in the first poll") });
    fails("in the first poll", first, async |_| {});
}

#[test]
fn a_panic_in_a_drop_is_data_too() {
    user_hook();
    let stop = async |handle: &WorkerHandle| {
        sleep(MS).await;
        handle.stop();
    };
    let future = |text: &'static str| {
        Worker::new("frail", 0, move |_| async move {
            let _frail = FailsOnDrop(text);
            future::pending::<()>().await;
        })
    };
    fails("in the future's drop", future("in the future's drop"), stop);
    let ignoring = future("in the drop at the end of its grace").cancel(Cancel::Cooperative).grace(MS);
    fails("in the drop at the end of its grace", ignoring, stop);
    let arguments = |text: &'static str| {
        let frail = FailsOnDrop(text);
        Worker::new("frail", 0, move |_| {
            let _ = &frail;
            future::pending::<()>()
        })
    };
    fails("in the arguments' drop", arguments("in the arguments' drop"), stop);
    let aborted = arguments("in the arguments' drop at the abort").cancel(Cancel::Cooperative);
    let runtime = paused_runtime();
    let panel = Panel::builder().runtime(runtime.handle().clone()).build();
    let handle = panel.spawn(aborted);
    assert!(!drive(&runtime, panel.shutdown()).is_clean());
    check(&handle, &panel, &runtime, "in the arguments' drop at the abort");
}

#[test]
fn a_panic_in_the_arguments_of_a_worker_that_never_ran_is_data() {
    user_hook();
    let runtime = paused_runtime();
    let panel = Panel::builder().runtime(runtime.handle().clone()).build();
    let frail = FailsOnDrop("before the first poll");
    let handle = panel.spawn(Worker::new("frail", 0, move |_| {
        let _ = &frail;
        async {}
    }));
    drop(runtime);
    assert_eq!(handle.generation(), 0);
    check(&handle, &panel, &paused_runtime(), "before the first poll");
}

#[test]
fn every_kind_of_payload_is_kept() {
    user_hook();
    paused(async || {
        let panel = Panel::new();
        let text = panel.spawn(Worker::new("text", 0, async |_| refuse("expected")));
        let odd = panel.spawn(Worker::new("odd", 0, async |_| refuse(Odd(7))));
        let (text, odd) = (panic_of(&text.ended().await), panic_of(&odd.ended().await));
        assert_eq!((text.message(), odd.message()), ("expected", "a payload that is not text"));
        assert_eq!(text.take_payload().unwrap().downcast_ref(), Some(&"expected"));
        assert_eq!(odd.take_payload().unwrap().downcast_ref(), Some(&Odd(7)));
        assert!(odd.take_payload().is_none() && odd.place().is_some());
    });
}

/// Catches a panic of its own when it is dropped.
struct Careless;

impl Drop for Careless {
    fn drop(&mut self) {
        panic::catch_unwind(|| panic!("expected: caught")).unwrap_err();
    }
}

#[test]
fn a_panic_that_a_destructor_catches_meanwhile_is_not_mistaken_for_it() {
    user_hook();
    let careless = Worker::new("frail", 0, |_| async {
        let _careless = Careless;
        fail("the reason");
    });
    fails("the reason", careless, async |_| {});
}

/// Panics by which the panel finds something out are no failures.
#[test]
fn the_panels_own_questions_do_not_reach_the_hook() {
    user_hook();
    let timeless = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert!(Panel::builder().runtime(timeless.handle().clone()).try_build().is_err());
    assert_eq!(HOOK_CALLS.get(), 0);
    paused(async || {
        let panel = Panel::new();
        panic::catch_unwind(AssertUnwindSafe(|| panel.shutdown_blocking())).unwrap_err();
        assert_eq!(HOOK_CALLS.get(), 1, "the one that the caller gets");
    });
}
