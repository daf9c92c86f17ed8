//! Runs, restarts, turns and questions on a runtime that is held.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use control_panel::{
    Backoff, Context, Exit, Restart, Worker, WorkerHandle, WorkerStatus, requests::NoReply,
    supervision::Cause,
};
use tests::{Mark, eventually};

use super::{MS, Panel, each_held};

type Act = fn(&Context<Mark>) -> Result<(), &'static str>;

/// What runs where it runs alone: in the pool, on a thread of its own, on the panel's thread for these. Its third generation,
/// and each after that, waits until it is stopped.
fn each(panel: &Panel, restart: Restart, act: Act) -> [WorkerHandle; 3] {
    let waits = |cx: &Context<Mark>| cx.generation() >= 3;
    let call = move |cx: Context<Mark>| {
        let done = act(&cx);
        while waits(&cx) && !cx.cancelled_timeout(Duration::from_secs(60)) {}
        done
    };
    let run = move |cx: Context<Mark>| async move {
        let done = act(&cx);
        if waits(&cx) {
            cx.cancelled().await;
        }
        done
    };
    [Worker::blocking("pool", 0, call), Worker::thread("own", 0, call), Worker::local("local", 0, run)]
        .map(|worker| panel.spawn(worker.restart(restart).backoff(Backoff::new(5 * MS, 5 * MS))))
}

#[test]
fn they_run_and_what_ended_is_reported_as_it_ended() {
    each_held(|panel| {
        for handle in each(panel, Restart::Never, |cx| cx.try_send(Mark::new(1)).map_err(|_| "not sent")) {
            let status = handle.ended_blocking();
            assert!(matches!(status, WorkerStatus::Ended(Exit::Finished)), "{handle:?}");
        }
        assert_eq!(panel.drain().count(), 3);
        for handle in each(panel, Restart::Never, |_| panic!("boom")) {
            let WorkerStatus::Ended(Exit::Panicked(panic)) = handle.ended_blocking() else {
                panic!("{handle:?}")
            };
            assert_eq!(panic.message(), "boom");
        }
        for handle in each(panel, Restart::Never, |_| Err("down")) {
            assert!(matches!(handle.ended_blocking(), WorkerStatus::Ended(Exit::Failed(_))), "{handle:?}");
        }
        let report = panel.shutdown_blocking();
        let incidents = |name: &str| report.incidents().filter(|worker| worker.name.as_str() == name).count();
        assert_eq!(["pool", "own", "local"].map(incidents), [2, 2, 2], "{report}");
    });
}

#[test]
fn they_are_restarted_after_their_backoff_and_stopped() {
    each_held(|panel| {
        let handles = each(panel, Restart::OnFailure, |cx| match cx.generation() {
            1 | 2 => Err("down"),
            generation => cx.try_send(Mark::new(generation)).map_err(|_| "not sent"),
        });
        let mut ran = Vec::new();
        eventually("each runs for the third time", || {
            ran.extend(panel.drain().map(|queued| queued.intent.id));
            ran == [3, 3, 3]
        });
        for handle in &handles {
            assert!(matches!(handle.status(), WorkerStatus::Running), "{handle:?}");
            handle.restart().unwrap();
        }
        eventually("and anew", || {
            ran.extend(panel.drain().map(|queued| queued.intent.id));
            ran == [3, 3, 3, 4, 4, 4]
        });
        for handle in handles {
            handle.stop();
            assert!(matches!(handle.ended_blocking(), WorkerStatus::Ended(Exit::Cancelled)), "{handle:?}");
            assert_eq!((handle.generation(), handle.cause()), (4, Some(Cause::Stopped)));
        }
    });
}

#[test]
fn they_take_turns_in_groups_and_among_tasks() {
    each_held(|panel| {
        // One sender for all: so what they send keeps its order.
        let sender = panel.sender(0);
        let note = |id: u64| {
            let sender = sender.clone();
            Worker::thread("it", 0, move |cx: Context<Mark>| {
                sender.send_blocking(Mark::new(id)).ok();
                while cx.generation() == 1 && !cx.cancelled_timeout(Duration::from_secs(60)) {}
                sender.send_blocking(Mark::new(id + 10)).ok();
            })
        };
        let take = |panel: &mut Panel, count: usize| {
            let mut came = Vec::new();
            eventually("they come", || {
                came.extend(panel.drain().map(|queued| queued.intent.id));
                came.len() == count
            });
            came
        };
        let group = panel.group();
        let members = [1, 2].map(|id| group.spawn(note(id)));
        let group = group.start().unwrap();
        // The second starts when the first has, and may be the first to send.
        let mut started = take(panel, 2);
        started.sort_unstable();
        assert_eq!(started, [1, 2]);
        group.stop();
        assert_eq!(take(panel, 2), [12, 11]);
        assert!(members.iter().all(|member| member.ended_blocking().is_final()));
        let tasks = panel.keyed_tasks::<u8>().limit(1).backlog(9);
        let first = tasks.keyed(7).spawn(note(3));
        assert_eq!(take(panel, 1), [3]);
        let second = tasks.keyed(7).spawn(note(4));
        assert_eq!(take(panel, 2), [13, 4]);
        assert_eq!((first.cause(), second.generation()), (Some(Cause::Replaced), 1));
        let third = tasks.spawn(note(5));
        assert!(matches!(third.status(), WorkerStatus::Waiting));
        second.stop();
        assert_eq!(take(panel, 2), [14, 5]);
        third.stop();
        assert!(third.ended_blocking().is_final());
    });
}

#[test]
fn no_more_questions_have_a_thread_at_once_than_there_may_and_each_is_answered() {
    each_held(|panel| {
        let (begun, go) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let ask = |n: usize| {
            let (begun, go) = (Arc::clone(&begun), Arc::clone(&go));
            panel.ask_blocking("asks", 0, move || {
                begun.fetch_add(1, Ordering::SeqCst);
                while go.load(Ordering::SeqCst) <= n {
                    thread::sleep(MS);
                }
                n
            })
        };
        let mut answers: Vec<_> = (0..70).map(ask).collect();
        eventually("as many as may", || begun.load(Ordering::SeqCst) == 64);
        assert_eq!(
            panel.worker_count() - panel.workers().iter().filter(|worker| worker.name() == "holds").count(),
            70
        );
        // One returns, and one begins.
        go.store(1, Ordering::SeqCst);
        assert_eq!(answers[0].take_blocking(), Ok(0));
        eventually("the next", || begun.load(Ordering::SeqCst) == 65);
        go.store(usize::MAX, Ordering::SeqCst);
        for (n, answer) in answers.iter_mut().enumerate().skip(1) {
            assert_eq!(answer.take_blocking(), Ok(n));
        }
        let mut panics = panel.ask_blocking("panics", 0, || -> u8 { panic!("no display") });
        assert_eq!(panics.take_blocking(), Err(NoReply));
    });
}
