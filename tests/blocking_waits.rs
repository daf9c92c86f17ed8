//! The blocking waits of a worker on a thread: for an answer, a policy, a slot. Each returns what its async twin returns, ends
//! when the worker is asked to stop, and panics in async code. The async ones end for a cooperative worker, too.

use std::{
    fmt::Debug,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc,
    thread,
    time::Duration,
};

use control_panel::{
    Context, ControlPanel, Exit, Intent, Restart, SendError, Worker, WorkerHandle, WorkerStatus,
    context::PolicyClosed,
    requests::{NoReply, Reply, RequestError, reply},
    supervision::{Cancel, Cause},
};
use tests::{eventually, threads, watched};
use tokio::runtime::Runtime;

enum Update {
    Ask(u64, Reply<u64>),
    Tell(u64),
}

impl Intent for Update {
    type Source = u8;
}

type Panel = ControlPanel<Update, u64>;
const MS: Duration = Duration::from_millis(1);

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Blocking,
    Thread,
}

fn panel(runtime: &Runtime) -> Panel {
    Panel::builder().runtime(runtime.handle().clone()).capacity(4).build()
}

/// A worker that blocks and says what its call came to.
fn saying<T: Send + 'static>(
    kind: Kind,
    call: impl Fn(&Context<Update, u64>) -> T + Send + 'static,
) -> (Worker<Update, u64>, mpsc::Receiver<T>) {
    let (says, said) = mpsc::channel();
    let call = move |cx: Context<Update, u64>| {
        says.send(call(&cx)).ok();
    };
    let worker = match kind {
        Kind::Blocking => Worker::blocking("it", 0, call),
        Kind::Thread => Worker::thread("it", 0, call),
    };
    (worker.restart(Restart::Never), said)
}

fn each_kind(test: impl Fn(Kind, &Runtime) + Send + 'static) {
    watched(move || {
        for kind in [Kind::Blocking, Kind::Thread] {
            let runtime = threads(2);
            test(kind, &runtime);
            runtime.shutdown_background();
        }
    });
}

fn ask(cx: &Context<Update, u64>) -> Result<u64, RequestError<Update>> {
    cx.request_blocking(|reply| Update::Ask(cx.generation(), reply))
}

/// The question that the loop is asked.
fn question(panel: &mut Panel) -> (u64, Reply<u64>) {
    loop {
        // Also when a worker started.
        assert!(panel.wait_ready_timeout(Duration::MAX));
        let asked = panel.drain().find_map(|queued| match queued.intent {
            Update::Ask(number, reply) => Some((number, reply)),
            Update::Tell(_) => None,
        });
        if let Some(asked) = asked {
            return asked;
        }
    }
}

fn was_cancelled(handle: &WorkerHandle, cause: Cause) {
    let status = handle.ended_blocking();
    assert!(matches!(status, WorkerStatus::Ended(Exit::Cancelled)), "{status}");
    assert_eq!(handle.cause(), Some(cause));
}

#[test]
fn a_worker_on_a_thread_asks_the_loop() {
    each_kind(|kind, runtime| {
        let mut panel = panel(runtime);
        let (worker, said) = saying(kind, ask);
        panel.spawn(worker);
        let (number, reply) = question(&mut panel);
        reply.send(number + 6);
        assert_eq!(said.recv().unwrap().ok(), Some(7), "{kind:?}");
        let (worker, said) = saying(kind, ask);
        panel.spawn(worker);
        drop(question(&mut panel));
        assert!(matches!(said.recv().unwrap(), Err(RequestError::NoReply)), "{kind:?}");
    });
}

#[test]
fn a_stop_and_a_restart_end_its_question() {
    each_kind(|kind, runtime| {
        let mut panel = panel(runtime);
        let (worker, said) = saying(kind, ask);
        let handle = panel.spawn(worker);
        let (_, first) = question(&mut panel);
        handle.restart().unwrap();
        let (generation, second) = question(&mut panel);
        assert_eq!((generation, first.is_wanted(), second.is_wanted()), (2, false, true), "{kind:?}");
        handle.stop();
        was_cancelled(&handle, Cause::Stopped);
        assert!(!second.is_wanted());
        for _ in 0..2 {
            assert!(matches!(said.recv().unwrap(), Err(RequestError::Stopped)), "{kind:?}");
        }
    });
}

/// Before it is taken, and with the panel.
#[test]
fn a_question_for_which_there_is_no_room_comes_back_and_one_that_a_dropped_panel_has_ends() {
    each_kind(|kind, runtime| {
        let mut full = panel(runtime);
        let (worker, said) = saying(kind, |cx| {
            while cx.try_send(Update::Tell(0)).is_ok() {}
            ask(cx)
        });
        let handle = full.spawn(worker);
        eventually("it waits", || full.status().waiting == 1);
        handle.stop();
        was_cancelled(&handle, Cause::Stopped);
        let refused = said.recv().unwrap();
        assert!(
            matches!(refused, Err(RequestError::Refused(SendError::Stopping(Update::Ask(1, _))))),
            "{refused:?}"
        );
        assert!(full.drain().all(|queued| matches!(queued.intent, Update::Tell(0))));
        let panel = panel(runtime);
        let (worker, said) = saying(kind, ask);
        panel.spawn(worker);
        eventually("it asks", || panel.queued() == 1);
        drop(panel);
        let gone = said.recv().unwrap();
        assert!(matches!(gone, Err(RequestError::Stopped | RequestError::NoReply)), "{gone:?}");
    });
}

#[test]
fn an_answer_is_waited_for_on_a_thread() {
    watched(|| {
        for answered in [true, false] {
            let (reply, mut answer) = reply();
            let waits = thread::spawn(move || answer.take_blocking());
            if answered {
                reply.send(7);
            } else {
                drop(reply);
            }
            assert_eq!(waits.join().unwrap(), if answered { Ok(7) } else { Err(NoReply) });
        }
    });
}

#[test]
fn a_policy_is_waited_for_on_a_thread_until_the_worker_is_asked_to_stop() {
    each_kind(|kind, runtime| {
        let panel = panel(runtime);
        let (worker, said) = saying(kind, |cx| {
            let mut policy = cx.policy();
            while policy.changed_blocking().is_ok() {
                cx.send_blocking(Update::Tell(*policy.borrow_and_update())).ok();
            }
            policy.changed_blocking()
        });
        let handle = panel.spawn(worker);
        panel.set_policy(7);
        eventually("it saw it", || panel.queued() == 1);
        handle.restart().unwrap();
        eventually("the next generation", || handle.generation() == 2);
        panel.set_policy(8);
        eventually("it saw it", || panel.queued() == 2);
        handle.stop();
        was_cancelled(&handle, Cause::Stopped);
        assert_eq!(said.iter().take(2).collect::<Vec<_>>(), [Err(PolicyClosed); 2], "{kind:?}");
    });
}

#[test]
fn a_timeout_on_a_thread_hands_the_intent_back_and_needs_no_runtime() {
    watched(|| {
        let mut panel = ControlPanel::<Update, u64>::builder().capacity(1).build();
        let sender = panel.sender(0);
        sender.send_blocking_timeout(Update::Tell(1), Duration::MAX).unwrap();
        while sender.try_send(Update::Tell(1)).is_ok() {}
        let late = sender.send_blocking_timeout(Update::Tell(2), MS);
        assert!(matches!(late, Err(SendError::Timeout(Update::Tell(2)))), "{late:?}");
        assert_eq!(panel.status().waiting, 0);
        let other = sender.clone();
        let waiter = thread::spawn(move || other.send_blocking_timeout(Update::Tell(3), Duration::MAX));
        eventually("it waits", || panel.status().waiting == 1);
        panel.drain().for_each(drop);
        waiter.join().unwrap().unwrap();
        assert!(panel.drain().all(|queued| matches!(queued.intent, Update::Tell(3))));
    });
}

/// `cancel = cooperative`: asked to stop, and not dropped at the await.
#[test]
fn a_worker_that_finishes_by_itself_waits_for_no_policy_and_no_gate_once_it_is_asked_to_stop() {
    watched(|| {
        let runtime = threads(2);
        let panel = panel(&runtime);
        let spawn = |worker: Worker<Update, u64>| {
            panel.spawn(worker.cancel(Cancel::Cooperative).grace(Duration::MAX))
        };
        let policy = spawn(Worker::new("policy", 0, |cx: Context<Update, u64>| async move {
            let mut policy = cx.policy();
            while policy.changed().await.is_ok() {}
        }));
        let gate = spawn(Worker::new("gate", 1, |cx: Context<Update, u64>| async move {
            let mut gate = cx.gate();
            while !cx.is_cancelled() {
                assert!(gate.changed().await, "it was never suspended");
            }
            // Notified once: a loop that only waits for changes does not spin.
            let again = tokio::time::timeout(10 * MS, gate.changed()).await;
            assert!(again.is_err() && gate.is_open());
        }));
        for handle in [policy, gate] {
            eventually("it runs", || matches!(handle.status(), WorkerStatus::Running));
            handle.stop();
            was_cancelled(&handle, Cause::Stopped);
        }
        assert!(panel.shutdown_blocking().is_clean());
        runtime.shutdown_background();
    });
}

/// What a call in async code says.
fn refused<T: Debug>(call: impl FnOnce() -> T) -> String {
    let panic = catch_unwind(AssertUnwindSafe(call)).unwrap_err();
    panic.downcast_ref::<String>().expect("a text").clone()
}

#[test]
fn none_of_it_may_be_called_in_async_code() {
    watched(|| {
        let runtime = threads(1);
        let panel = panel(&runtime);
        let (cx, sender) = (panel.context(0), panel.sender(0));
        let said = runtime.block_on(async {
            let (_reply, mut answer) = reply::<u64>();
            [
                ("`request_blocking`", "`request(…).await`", refused(|| ask(&cx))),
                ("`take_blocking`", "`answer.await`", refused(|| answer.take_blocking())),
                ("`changed_blocking`", "`changed().await`", refused(|| cx.policy().changed_blocking())),
                (
                    "`send_blocking_timeout`",
                    "`send_timeout(…).await`",
                    refused(|| sender.send_blocking_timeout(Update::Tell(1), MS)),
                ),
                (
                    "`send_blocking_timeout`",
                    "`send_timeout(…).await`",
                    refused(|| cx.send_blocking_timeout(Update::Tell(1), MS)),
                ),
                ("`send_blocking`", "`send(…).await`", refused(|| cx.send_blocking(Update::Tell(1)))),
            ]
        });
        for (what, instead, text) in said {
            assert!(text.contains(&format!("{what} was called in async code")), "{text}");
            assert!(text.contains(instead), "{text}");
        }
        assert_eq!(panel.queued(), 0, "nothing was sent");
        runtime.shutdown_background();
    });
}
