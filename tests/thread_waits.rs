//! Workers on threads that wait for several things together, and for a time: a command, a change of the policy, the stop,
//! whatever async code waits for. (`blocking_waits`: one thing at a time.)

use std::{future::pending, sync::mpsc, time::Duration};

use control_panel::{
    Context, ControlPanel, Exit, Worker, WorkerHandle, WorkerStatus,
    context::{Raced, Waited, race},
};
use tests::{Mark, eventually, threads, watched};
use tokio::{runtime::Builder, time::sleep};

type Panel = ControlPanel<Mark, u64>;
const MS: Duration = Duration::from_millis(1);
const LONG: Duration = Duration::from_secs(3600);

#[derive(Debug, PartialEq)]
enum Heard {
    Command(u8),
    Policy(u64),
    Time,
    Stop,
}

/// Says what it heard, one after the other.
fn listens(panel: &Panel, thread: bool, timeout: Duration) -> (WorkerHandle<u8>, mpsc::Receiver<Heard>) {
    let (tell, heard) = mpsc::channel();
    let listen = move |cx: Context<Mark, u64>| {
        let (mut policy, mut inbox) = (cx.policy(), cx.inbox::<u8>());
        loop {
            let what = match cx.wait_blocking(race(inbox.recv(), policy.changed()), timeout) {
                Waited::Ready(Raced::First(Some(command))) => Heard::Command(command),
                Waited::Ready(Raced::Second(Ok(()))) => Heard::Policy(*policy.borrow_and_update()),
                Waited::TimedOut => Heard::Time,
                Waited::Ready(_) | Waited::Stopping => break,
            };
            tell.send(what).unwrap();
        }
        tell.send(Heard::Stop).unwrap();
    };
    let worker =
        if thread { Worker::thread("listens", 0, listen) } else { Worker::blocking("listens", 0, listen) };
    let handle = panel.spawn(worker.inbox::<u8>());
    eventually("it runs", || matches!(handle.status(), WorkerStatus::Running));
    (handle, heard)
}

#[test]
fn a_worker_on_a_thread_hears_whatever_comes_first() {
    watched(|| {
        // Driven by threads of its own, or by nothing.
        let (lives, idle) = (threads(1), Builder::new_current_thread().enable_all().build().unwrap());
        for (runtime, thread) in [(&lives, true), (&lives, false), (&idle, true), (&idle, false)] {
            let panel = Panel::builder().runtime(runtime.handle().clone()).build();
            let (handle, heard) = listens(&panel, thread, LONG);
            handle.send(7).unwrap();
            assert_eq!(heard.recv().unwrap(), Heard::Command(7));
            panel.set_policy(8);
            assert_eq!(heard.recv().unwrap(), Heard::Policy(8));
            handle.send(9).unwrap();
            assert_eq!(heard.recv().unwrap(), Heard::Command(9));
            handle.stop();
            assert_eq!(heard.recv().unwrap(), Heard::Stop);
            assert!(matches!(handle.ended_blocking(), WorkerStatus::Ended(Exit::Cancelled)));
            let (_handle, heard) = listens(&panel, thread, MS);
            assert_eq!([heard.recv().unwrap(), heard.recv().unwrap()], [Heard::Time, Heard::Time]);
            assert!(panel.shutdown_blocking().is_clean());
        }
    });
}

#[test]
fn a_stop_comes_first_and_a_time_of_zero_looks_once() {
    watched(|| {
        let runtime = threads(1);
        let panel = Panel::builder().runtime(runtime.handle().clone()).build();
        let cx = panel.context(0);
        assert_eq!(cx.wait_blocking(async { 7 }, Duration::ZERO), Waited::Ready(7));
        assert_eq!(cx.wait_blocking(pending::<()>(), Duration::ZERO), Waited::TimedOut);
        // What belongs to the runtime works on a worker's thread, where that is entered.
        let timer = |cx: Context<Mark, u64>| {
            let slept = cx.wait_blocking(async { sleep(MS).await }, Duration::MAX);
            if slept == Waited::Ready(()) { Ok(()) } else { Err("not slept") }
        };
        let slept = panel.spawn(Worker::thread("sleeps", 0, timer)).ended_blocking();
        assert!(matches!(slept, WorkerStatus::Ended(Exit::Finished)), "{slept}");
        panel.shutdown_blocking();
        assert_eq!(cx.wait_blocking(async { 7 }, LONG), Waited::Stopping, "nothing new is begun");
    });
}

#[test]
fn in_async_code_it_panics_before_anything_is_waited_for() {
    watched(|| {
        let runtime = threads(1);
        let panel = Panel::builder().runtime(runtime.handle().clone()).build();
        let waits = Worker::new("waits", 0, |cx: Context<Mark, u64>| async move {
            let _ = cx.wait_blocking(pending::<()>(), LONG);
        });
        let WorkerStatus::Ended(Exit::Panicked(panic)) = panel.spawn(waits).ended_blocking() else {
            panic!("it waited")
        };
        assert!(panic.message().contains("`wait_blocking` was called in async code"), "{panic}");
    });
}
