//! A worker's inbox: commands by the handle, never waited for, bounded, kept across restarts, and handed back or
//! dropped when there is nobody to take them.

use std::{
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::Poll,
    thread,
    time::Duration,
};

use control_panel::{
    Answer, Backoff, Cancel, CommandError, Context, ControlPanel, Exit, Inbox, NoReply, Reply, Restart,
    Worker, WorkerHandle, WorkerStatus, reply, testing,
};
use tests::{Mark, Wakes, eventually, paused, quiet_panic, threads, watched};
use tokio::{task::yield_now, time::sleep};

type Panel = ControlPanel<Mark>;
const MS: Duration = Duration::from_millis(1);

/// Neither `Debug` nor `Clone` nor `Sync`.
struct Command(std::cell::Cell<u64>);

fn command(number: u64) -> Command {
    Command(std::cell::Cell::new(number))
}

type Seen = Arc<Mutex<Vec<u64>>>;

/// Notes what it is told.
fn listener(seen: &Seen) -> Worker<Mark> {
    let seen = Arc::clone(seen);
    Worker::new("listener", 0, move |cx: Context<Mark>| {
        let seen = Arc::clone(&seen);
        async move {
            let mut inbox = cx.inbox::<Command>();
            while let Some(Command(number)) = inbox.recv().await {
                seen.lock().unwrap().push(number.get());
            }
        }
    })
}

#[test]
fn commands_arrive_in_order_also_those_sent_before_the_worker_ran() {
    paused(async || {
        let panel = Panel::new();
        let seen = Seen::default();
        let handle = panel.spawn(listener(&seen));
        for number in 0..3 {
            handle.send(command(number)).unwrap();
        }
        yield_now().await;
        for number in 3..6 {
            handle.clone().send(command(number)).unwrap();
            yield_now().await;
        }
        assert_eq!(*seen.lock().unwrap(), [0, 1, 2, 3, 4, 5]);
        assert!(panel.shutdown().await.is_clean());
    });
}

#[test]
fn a_full_inbox_hands_the_command_back_and_takes_more_once_there_is_room() {
    paused(async || {
        let panel = Panel::new();
        for (worker, capacity) in [
            (listener(&Seen::default()), 32),
            (listener(&Seen::default()).inbox_capacity(3), 3),
            (listener(&Seen::default()).inbox_capacity(0), 1),
        ] {
            let handle = panel.spawn(worker);
            let accepted = (0..100).take_while(|&number| handle.send(command(number)).is_ok()).count();
            assert_eq!(accepted, capacity);
            let error = handle.send(command(99)).unwrap_err();
            assert_eq!(format!("{error:?}"), "Full(..)");
            assert!(error.to_string().contains("cx.inbox()"));
            assert_eq!(error.into_command().0.get(), 99);
            yield_now().await;
            handle.send(command(100)).unwrap();
        }
    });
}

#[test]
fn a_command_of_another_type_is_refused_with_both_names() {
    paused(async || {
        let panel = Panel::new();
        let handle = panel.spawn(listener(&Seen::default()));
        yield_now().await;
        let error = handle.send(7_u8).unwrap_err();
        assert!(matches!(error, CommandError::WrongType { command: 7, .. }), "{error:?}");
        let told = error.to_string();
        assert!(told.contains("`inbox::Command`, not `u8`"), "{told}");
        handle.send(command(1)).unwrap();
        // The sender came first: then it is the worker that is told.
        let handle = panel.spawn(listener(&Seen::default()));
        handle.send(7_u8).unwrap();
        let WorkerStatus::Ended(Exit::Panicked(panic)) = handle.ended().await else { panic!("{handle:?}") };
        assert!(panic.message().contains("`u8`, not `inbox::Command`"), "{panic}");
        assert!(panic.place().unwrap().file.ends_with("inbox.rs"), "the caller's place: {panic}");
    });
}

#[test]
fn what_a_dead_generation_did_not_take_is_taken_by_the_next() {
    paused(async || {
        let panel = Panel::new();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&seen);
        let worker = Worker::new("flaky", 0, move |cx: Context<Mark>| {
            let noted = Arc::clone(&noted);
            async move {
                let mut inbox = cx.inbox::<Command>();
                while let Some(Command(number)) = inbox.recv().await {
                    noted.lock().unwrap().push((cx.generation(), number.get()));
                    if number.get() % 3 == 2 {
                        quiet_panic();
                    }
                }
            }
        });
        let handle = panel.spawn(worker.restart(Restart::OnFailure).backoff(Backoff::new(10 * MS, 10 * MS)));
        for number in 0..5 {
            handle.send(command(number)).unwrap();
        }
        sleep(2 * MS).await;
        assert!(matches!(handle.status(), WorkerStatus::Backoff));
        handle.send(command(5)).unwrap();
        handle.send(command(6)).unwrap();
        sleep(30 * MS).await;
        assert_eq!(*seen.lock().unwrap(), [(1, 0), (1, 1), (1, 2), (2, 3), (2, 4), (2, 5), (3, 6)]);
    });
}

/// An inbox that got away, on a task of its own, does not take what is meant for the next generation.
#[test]
fn a_newer_inbox_takes_the_place_of_an_older_one() {
    paused(async || {
        let (cx, desk) = testing::context::<Mark, ()>(0, ());
        let mut old = cx.inbox::<Command>();
        let wakes = Wakes::new();
        let mut waiting = Box::pin(old.recv());
        assert!(wakes.poll(waiting.as_mut()).is_pending());
        let mut new = cx.inbox::<Command>();
        assert_eq!(wakes.take(), 1);
        desk.handle().send(command(1)).unwrap();
        assert!(matches!(wakes.poll(waiting.as_mut()), Poll::Ready(None)));
        drop(waiting);
        assert!(old.try_recv().is_none());
        assert_eq!(new.recv().await.map(|command| command.0.get()), Some(1));
    });
}

#[test]
fn a_cancelled_recv_loses_nothing_and_try_recv_never_waits() {
    let (cx, desk) = testing::context::<Mark, ()>(0, ());
    let mut inbox = cx.inbox::<Command>();
    let wakes = Wakes::new();
    assert!(inbox.try_recv().is_none());
    assert!(wakes.poll(pin!(inbox.recv())).is_pending());
    desk.handle().send(command(1)).unwrap();
    assert_eq!(wakes.take(), 1);
    desk.handle().send(command(2)).unwrap();
    assert_eq!(inbox.try_recv().map(|command| command.0.get()), Some(1));
    let Poll::Ready(Some(Command(number))) = wakes.poll(pin!(inbox.recv())) else { panic!("it was lost") };
    assert_eq!(number.get(), 2);
    assert!(format!("{inbox:?}").contains("Command"));
}

#[test]
fn a_worker_that_is_told_to_stop_gets_none_and_may_still_take_what_is_left() {
    paused(async || {
        let panel = Panel::new();
        let seen = Seen::default();
        let noted = Arc::clone(&seen);
        let worker = Worker::new("orderly", 0, move |cx: Context<Mark>| {
            let noted = Arc::clone(&noted);
            async move {
                let mut inbox = cx.inbox::<Command>();
                cx.cancelled().await;
                assert!(inbox.recv().await.is_none(), "it is to stop");
                while let Some(Command(number)) = inbox.try_recv() {
                    noted.lock().unwrap().push(number.get());
                }
            }
        });
        let handle = panel.spawn(worker.cancel(Cancel::Cooperative));
        yield_now().await;
        handle.send(command(1)).unwrap();
        handle.send(command(2)).unwrap();
        handle.stop();
        assert!(matches!(handle.ended().await, WorkerStatus::Ended(Exit::Cancelled)), "{handle:?}");
        assert_eq!(*seen.lock().unwrap(), [1, 2]);
    });
}

/// The frame loop asks a worker, polls each frame, and learns of its end.
#[test]
fn commands_that_nobody_will_take_are_dropped_when_the_worker_ends() {
    paused(async || {
        let panel = Panel::new();
        let worker = Worker::new("deaf", 0, async |cx: Context<Mark>| {
            let mut inbox = cx.inbox::<Reply<u64>>();
            inbox.recv().await.unwrap().send(1);
            cx.cancelled().await;
        });
        let handle = panel.spawn(worker);
        let mut answers = Vec::new();
        for _ in 0..3 {
            let (reply, answer) = reply::<u64>();
            handle.send(reply).unwrap();
            answers.push(answer);
        }
        yield_now().await;
        yield_now().await;
        let polled: Vec<_> = answers.iter_mut().map(Answer::try_take).collect();
        assert_eq!(polled, [Some(Ok(1)), None, None]);
        handle.stop();
        handle.ended().await;
        let polled: Vec<_> = answers.iter_mut().map(Answer::try_take).collect();
        assert_eq!(polled, [None, Some(Err(NoReply)), Some(Err(NoReply))]);
        let (late, _answer) = reply::<u64>();
        let error = handle.send(late).unwrap_err();
        assert!(matches!(&error, CommandError::Ended(reply) if reply.is_wanted()), "{error:?}");
    });
}

#[test]
fn a_worker_that_never_ran_takes_nothing_and_keeps_nothing() {
    paused(async || {
        let panel = Panel::new();
        assert!(panel.shutdown().await.is_clean());
        let refused = panel.spawn(listener(&Seen::default()));
        assert!(matches!(refused.send(command(1)), Err(CommandError::Ended(_))));
    });
    // Dropped before its first poll.
    let runtime = tests::paused_runtime();
    let panel = Panel::builder().runtime(runtime.handle().clone()).build();
    let handle = panel.spawn(Worker::new("unpolled", 0, |_| std::future::pending::<()>()));
    let (reply, mut answer) = reply::<u8>();
    handle.send(reply).unwrap();
    drop(panel);
    drop(runtime);
    assert!(handle.status().is_final());
    assert_eq!(answer.try_take(), Some(Err(NoReply)));
}

/// An inbox that outlived its worker, on another thread, comes back from its wait.
#[test]
fn the_end_of_the_worker_ends_a_blocking_recv_elsewhere() {
    watched(|| {
        let runtime = threads(1);
        let panel = Panel::builder().runtime(runtime.handle().clone()).build();
        let (give, take) = std::sync::mpsc::channel();
        let handle = panel.spawn(Worker::new("gives", 0, move |cx: Context<Mark>| {
            give.send(cx.inbox::<Command>()).unwrap();
            async move { sleep(10 * MS).await }
        }));
        let mut inbox: Inbox<Command> = take.recv().unwrap();
        handle.send(command(8)).unwrap();
        assert_eq!(inbox.recv_blocking().map(|command| command.0.get()), Some(8));
        assert!(inbox.recv_blocking().is_none(), "the worker ended");
        assert!(matches!(handle.ended_blocking(), WorkerStatus::Ended(Exit::Finished)));
        assert!(inbox.recv_blocking().is_none());
    });
}

/// A context that outlived its worker opens an inbox that nobody can send to any more.
#[test]
fn an_inbox_that_is_opened_after_the_end_is_at_its_end() {
    paused(async || {
        let panel = Panel::new();
        let (give, take) = std::sync::mpsc::channel();
        let handle = panel.spawn(Worker::new("gives", 0, move |cx: Context<Mark>| {
            give.send(cx).unwrap();
            async {}
        }));
        assert!(matches!(handle.ended().await, WorkerStatus::Ended(Exit::Finished)));
        let cx = take.recv().unwrap();
        assert!(cx.inbox::<Command>().recv().await.is_none());
        assert!(matches!(handle.send(command(1)), Err(CommandError::Ended(_))));
    });
}

#[test]
fn a_worker_that_is_started_anew_leaves_its_commands_to_the_next_generation() {
    paused(async || {
        let panel = Panel::new();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&seen);
        let worker = Worker::new("again", 0, move |cx: Context<Mark>| {
            let noted = Arc::clone(&noted);
            async move {
                let mut inbox = cx.inbox::<Command>();
                if cx.generation() == 1 {
                    cx.cancelled().await;
                }
                while let Some(Command(number)) = inbox.recv().await {
                    noted.lock().unwrap().push((cx.generation(), number.get()));
                }
            }
        });
        let handle = panel.spawn(worker.cancel(Cancel::Cooperative));
        yield_now().await;
        handle.send(command(1)).unwrap();
        handle.restart().unwrap();
        handle.send(command(2)).unwrap();
        sleep(MS).await;
        handle.send(command(3)).unwrap();
        yield_now().await;
        assert_eq!(*seen.lock().unwrap(), [(2, 1), (2, 2), (2, 3)]);
    });
}

#[test]
fn a_command_whose_drop_panics_takes_no_other_with_it() {
    struct Sore(Arc<AtomicUsize>);
    impl Drop for Sore {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
            quiet_panic();
        }
    }
    paused(async || {
        let panel = Panel::new();
        let dropped = Arc::new(AtomicUsize::new(0));
        let handle = panel.spawn(Worker::new("deaf", 0, |_| std::future::pending::<()>()));
        for _ in 0..3 {
            handle.send(Sore(Arc::clone(&dropped))).unwrap();
        }
        yield_now().await;
        handle.stop();
        let status = handle.ended().await;
        assert!(matches!(status, WorkerStatus::Ended(Exit::Panicked(_))), "and it is told: {status}");
        assert_eq!((dropped.load(Ordering::SeqCst), panel.worker_count()), (3, 0));
    });
}

/// What is sent while the worker ends is taken, handed back or dropped, and never kept.
#[test]
fn no_command_is_kept_whenever_the_worker_ends() {
    watched(|| {
        let runtime = threads(2);
        let panel = Panel::builder().runtime(runtime.handle().clone()).build();
        for round in 0..500_u64 {
            let handle = panel.spawn(Worker::new("short", 0, move |cx: Context<Mark>| async move {
                let mut inbox = cx.inbox::<Arc<()>>();
                for _ in 0..round % 5 {
                    inbox.recv().await;
                }
            }));
            let witness = Arc::new(());
            let over = Arc::new(AtomicBool::new(false));
            let sender = flood(handle.clone(), Arc::clone(&witness), Arc::clone(&over));
            handle.send(Arc::clone(&witness)).ok();
            handle.stop();
            handle.ended_blocking();
            over.store(true, Ordering::SeqCst);
            sender.join().unwrap();
            eventually("nothing is kept, though the handle lives", || Arc::strong_count(&witness) == 1);
            drop(handle);
        }
    });
}

fn flood(handle: WorkerHandle, witness: Arc<()>, over: Arc<AtomicBool>) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        while !over.load(Ordering::SeqCst) {
            if let Err(CommandError::Ended(_)) = handle.send(Arc::clone(&witness)) {
                return;
            }
        }
    })
}

/// Many senders, a worker that panics now and then: each accepted command is taken once, those of a sender in order.
#[test]
fn each_accepted_command_is_taken_once_across_restarts() {
    watched(|| {
        const EACH: u64 = 2_000;
        let runtime = threads(2);
        let panel = Panel::builder().runtime(runtime.handle().clone()).build();
        let seen = Seen::default();
        let noted = Arc::clone(&seen);
        let worker = Worker::new("flaky", 0, move |cx: Context<Mark>| {
            let noted = Arc::clone(&noted);
            async move {
                let mut inbox = cx.inbox::<u64>();
                while let Some(number) = inbox.recv().await {
                    noted.lock().unwrap().push(number);
                    if number % 500 == 499 {
                        quiet_panic();
                    }
                }
            }
        });
        let intensity = control_panel::Intensity::new(1_000, Duration::from_secs(1));
        let handle =
            panel.spawn(worker.restart(Restart::Always).backoff(Backoff::none()).intensity(intensity));
        let senders: Vec<_> = (0..3)
            .map(|sender| {
                let handle = handle.clone();
                thread::spawn(move || {
                    for number in 0..EACH {
                        while let Err(error) = handle.send(sender * EACH + number) {
                            assert!(matches!(error, CommandError::Full(_)), "{error}");
                            thread::yield_now();
                        }
                    }
                })
            })
            .collect();
        for sender in senders {
            sender.join().unwrap();
        }
        eventually("all are taken", || seen.lock().unwrap().len() as u64 >= 3 * EACH);
        let seen = seen.lock().unwrap();
        for sender in 0..3 {
            let own: Vec<_> = seen.iter().filter(|&&number| number / EACH == sender).copied().collect();
            assert_eq!(own, (sender * EACH..(sender + 1) * EACH).collect::<Vec<_>>());
        }
        eventually("it is restarted after the last panic, too", || handle.generation() > 12);
    });
}
