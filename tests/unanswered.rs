//! Once an answer is given up, the worker that was to give it says why.

#![allow(clippy::needless_pass_by_value, reason = "a worker owns its context")]

use std::{sync::mpsc, thread, time::Duration};

use control_panel::{
    Backoff, Context, ControlPanel, Exit, GraphIntent, IntentSource, Restart, Worker, WorkerHandle,
    WorkerStatus,
    requests::{Answer, NoReply, Reply, RequestError, reply},
    supervision::Cancel,
    worker,
};
use tests::{paused, quiet_panic, threads, watched};

#[derive(GraphIntent)]
enum Update {
    Ask(Reply<u32>),
}

type Panel = ControlPanel<Update>;

/// How a worker ends that does not answer.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Ending {
    Returns,
    Fails,
    Panics,
    Waits,
}

use Ending::{Fails, Panics, Returns, Waits};

fn end(how: Ending) -> Result<(), &'static str> {
    match how {
        Returns => Ok(()),
        Fails => Err("a decoder's error"),
        _ => quiet_panic(),
    }
}

#[worker(source = IntentSource::Restore)]
async fn on_a_task(cx: Context<Update>, how: Ending, reply: Reply<u32>) -> Result<(), &'static str> {
    let _reply = reply;
    tokio::task::yield_now().await;
    if how == Waits {
        cx.cancelled().await;
        std::future::pending::<()>().await;
    }
    end(how)
}

#[worker(source = IntentSource::Restore, kind = local)]
async fn on_the_local_thread(
    cx: Context<Update>,
    how: Ending,
    reply: Reply<u32>,
) -> Result<(), &'static str> {
    let _reply = reply;
    tokio::task::yield_now().await;
    if how == Waits {
        cx.cancelled().await;
        std::future::pending::<()>().await;
    }
    end(how)
}

#[worker(source = IntentSource::Restore, kind = blocking)]
fn in_the_pool(cx: Context<Update>, how: Ending, reply: Reply<u32>) -> Result<(), &'static str> {
    let _reply = reply;
    while how == Waits && !cx.is_cancelled() {
        thread::sleep(Duration::from_micros(50));
    }
    end(if how == Waits { Returns } else { how })
}

#[worker(source = IntentSource::Restore, kind = thread)]
fn on_a_thread(cx: Context<Update>, how: Ending, reply: Reply<u32>) -> Result<(), &'static str> {
    let _reply = reply;
    while how == Waits && !cx.is_cancelled() {
        thread::sleep(Duration::from_micros(50));
    }
    end(if how == Waits { Returns } else { how })
}

fn spawn(panel: &Panel, kind: usize, how: Ending, reply: Reply<u32>) -> WorkerHandle {
    match kind {
        0 => panel.spawn_on_a_task(how, reply),
        1 => panel.spawn_on_the_local_thread(how, reply),
        2 => panel.spawn_in_the_pool(how, reply),
        _ => panel.spawn_on_a_thread(how, reply),
    }
}

/// Looks without a wait between the two looks, as a loop does that looks all the time.
fn status_once_given_up<C>(mut answer: Answer<u32>, handle: &WorkerHandle<C>) -> WorkerStatus {
    loop {
        if let Some(answer) = answer.try_take() {
            assert_eq!(answer, Err(NoReply));
            return handle.status();
        }
        thread::yield_now();
    }
}

#[test]
fn a_worker_that_ends_says_so_by_then() {
    for kind in 0..4 {
        for how in [Returns, Fails, Panics] {
            watched(move || {
                let panel = Panel::new();
                for _ in 0..200 {
                    let (reply, answer) = reply::<u32>();
                    let handle = spawn(&panel, kind, how, reply);
                    let status = status_once_given_up(answer, &handle);
                    let exit = status.exit().unwrap_or_else(|| panic!("kind {kind} {how:?}: {status}"));
                    assert!(
                        match how {
                            Fails => matches!(exit, Exit::Failed(_)),
                            Panics => matches!(exit, Exit::Panicked(_)),
                            _ => matches!(exit, Exit::Finished),
                        },
                        "{how:?}: {exit}"
                    );
                }
            });
        }
    }
}

/// Stopped before it began, while it runs, and by the panel's end.
#[test]
fn a_worker_that_is_stopped_says_so_by_then() {
    for kind in 0..4 {
        watched(move || {
            for round in 0..100 {
                let panel = Panel::new();
                let (reply, answer) = reply::<u32>();
                let handle = spawn(&panel, kind, Waits, reply);
                if round % 3 > 0 {
                    thread::sleep(Duration::from_micros(round * 7));
                }
                match round % 4 {
                    0 => handle.stop(),
                    1 => drop(panel),
                    2 => drop(thread::spawn(move || panel.shutdown_blocking())),
                    _ => drop(thread::spawn(move || drop(panel))),
                }
                let status = status_once_given_up(answer, &handle);
                assert!(status.is_final(), "kind {kind}, round {round}: {status}");
            }
        });
    }
}

#[test]
fn blocked_requests_find_the_answer_too() {
    watched(|| {
        let runtime = threads(2);
        let panel = Panel::builder().runtime(runtime.handle().clone()).build();
        for round in 0..200 {
            let (reply, mut answer) = panel.reply();
            let handle = spawn(&panel, round % 4, [Returns, Fails, Panics][round % 3], reply);
            assert_eq!(answer.take_blocking(), Err(NoReply));
            assert!(handle.status().is_final(), "{}", handle.status());
            let (reply, answer) = control_panel::requests::reply::<u32>();
            let handle = spawn(&panel, round % 4, Panics, reply);
            assert_eq!(runtime.block_on(answer), Err(NoReply));
            assert!(handle.status().is_final(), "{}", handle.status());
        }
    });
}

/// `ask_blocking` is such a worker, without a handle.
#[test]
fn a_question_that_panics_counts_no_more() {
    watched(|| {
        let panel = Panel::new();
        for _ in 0..200 {
            let mut answer = panel.ask_blocking("asks", IntentSource::LocalUI, || -> u32 { quiet_panic() });
            assert_eq!(answer.take_blocking(), Err(NoReply));
            assert_eq!(panel.worker_count(), 0);
        }
    });
}

/// What waits in the inbox of a worker that ends was asked of it as well.
#[test]
fn commands_that_are_not_read_are_given_up_by_the_end() {
    watched(|| {
        let panel = Panel::new();
        for round in 0..200 {
            let deaf = Worker::new("deaf", IntentSource::Restore, move |cx: Context<Update>| async move {
                let _inbox = cx.inbox::<Reply<u32>>();
                if round % 2 == 0 {
                    cx.cancelled().await;
                }
            });
            let handle = panel.spawn(deaf.inbox::<Reply<u32>>());
            let (reply, answer) = reply::<u32>();
            let taken = handle.send(reply).is_ok();
            handle.stop();
            let status = status_once_given_up(answer, &handle);
            assert!(status.is_final() || !taken, "{status}");
        }
    });
}

#[test]
fn a_worker_that_is_restarted_says_what_happened() {
    paused(async || {
        let panel = Panel::new();
        let (first, answer) = reply::<u32>();
        let mut replies = vec![first];
        let worker = Worker::new("flaky", IntentSource::Restore, move |_: Context<Update>| {
            let reply = replies.pop();
            async move {
                let _reply = reply;
                tokio::task::yield_now().await;
                Err::<(), _>("once")
            }
        });
        let wait = Duration::from_secs(1);
        let handle = panel.spawn(worker.restart(Restart::OnFailure).backoff(Backoff::new(wait, wait)));
        assert_eq!(answer.await, Err(NoReply));
        assert!(handle.status().to_string().starts_with("waiting to restart"), "{}", handle.status());
    });
}

/// A worker that asks another by way of the loop.
#[test]
fn a_request_that_gets_no_answer_finds_its_receiver_ended() {
    watched(|| {
        let mut panel = Panel::new();
        for kind in [0, 1, 2, 3].repeat(20) {
            let (asked, ended) = mpsc::channel::<WorkerHandle>();
            let asks = Worker::thread("asks", IntentSource::Restore, move |cx: Context<Update>| {
                let answer = cx.request_blocking(Update::Ask);
                assert!(matches!(answer, Err(RequestError::NoReply)));
                let status = ended.recv().unwrap().status();
                assert!(status.is_final(), "kind {kind}: {status}");
            });
            let asks = panel.spawn(asks);
            while !asks.status().is_final() {
                for queued in panel.drain() {
                    let Update::Ask(reply) = queued.intent;
                    asked.send(spawn(&panel, kind, Panics, reply)).unwrap();
                }
                panel.wait_ready_timeout(Duration::MAX);
            }
            assert!(matches!(asks.status().exit(), Some(Exit::Finished)), "{}", asks.status());
        }
    });
}

/// Nothing is held back by a worker that goes on.
#[test]
fn a_worker_that_goes_on_gives_up_what_it_does_not_answer() {
    watched(|| {
        let panel = Panel::new();
        let picky = Worker::new("picky", IntentSource::Restore, |cx: Context<Update>| async move {
            let mut inbox = cx.inbox::<Reply<u32>>();
            while let Some(reply) = inbox.recv().await {
                drop(reply);
            }
        });
        let picky_thread = Worker::thread("picky", IntentSource::Restore, |cx: Context<Update>| {
            let mut inbox = cx.inbox::<Reply<u32>>();
            while let Some(reply) = inbox.recv_blocking() {
                drop(reply);
            }
        });
        let (picky, on_a_thread) = (picky.inbox::<Reply<u32>>(), picky_thread.inbox::<Reply<u32>>());
        for handle in [panel.spawn(picky), panel.spawn(on_a_thread)] {
            for _ in 0..100 {
                let (reply, mut answer) = reply::<u32>();
                handle.send(reply).unwrap();
                assert_eq!(answer.take_blocking(), Err(NoReply));
            }
            assert!(!handle.status().is_final());
        }
        // By a channel of the program's own: the panel does not see that it waits.
        let (to, asked) = mpsc::channel::<Reply<u32>>();
        let deaf = move |_: Context<Update>| {
            while let Ok(reply) = asked.recv() {
                drop(reply);
            }
        };
        let mut deaf = Some(deaf);
        let handle =
            panel.spawn(Worker::thread("deaf", IntentSource::Restore, move |cx| deaf.take().unwrap()(cx)));
        for _ in 0..3 {
            let (reply, mut answer) = reply::<u32>();
            to.send(reply).unwrap();
            assert_eq!(answer.take_blocking(), Err(NoReply));
            assert!(!handle.status().is_final());
        }
        drop(to);
        assert!(handle.ended_blocking().is_final());
    });
}

/// A reply that left the worker does not end with it, so the worker may wait for its own reply.
#[test]
fn a_reply_that_was_moved_elsewhere_is_given_up_where_it_is_dropped() {
    watched(|| {
        let panel = Panel::new();
        let (reply, mut answer) = reply::<u32>();
        let mut reply = Some(reply);
        let worker = Worker::thread("hands on", IntentSource::Restore, move |cx: Context<Update>| {
            let reply = reply.take();
            thread::spawn(move || drop(reply)).join().unwrap();
            let (own, mut answer) = control_panel::requests::reply::<u32>();
            drop(own);
            assert_eq!(answer.take_blocking(), Err(NoReply), "its own");
            while !cx.is_cancelled() {
                thread::yield_now();
            }
        });
        let handle = panel.spawn(worker.cancel(Cancel::Cooperative));
        assert_eq!(answer.take_blocking(), Err(NoReply));
        assert!(!handle.status().is_final());
        handle.stop();
        assert!(matches!(handle.ended_blocking().exit(), Some(Exit::Cancelled)));
    });
}
