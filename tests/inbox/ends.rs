//! What happens to commands when no run takes them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use control_panel::{
    Context, Exit, Worker, WorkerHandle, WorkerStatus,
    requests::{Answer, CommandError, Inbox, NoReply, Reply, reply},
    supervision::Cancel,
};
use tests::{Mark, eventually, paused, quiet_panic, threads, watched};
use tokio::{task::yield_now, time::sleep};

use super::{Command, MS, Panel, Seen, command, listener};

#[test]
fn a_worker_that_is_asked_to_stop_gets_none_and_may_still_take_what_is_left() {
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
        let handle = panel.spawn(worker.inbox::<Command>().cancel(Cancel::Cooperative));
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
fn commands_that_no_run_will_take_are_dropped_when_the_worker_ends() {
    paused(async || {
        let panel = Panel::new();
        let worker = Worker::new("deaf", 0, async |cx: Context<Mark>| {
            let mut inbox = cx.inbox::<Reply<u64>>();
            inbox.recv().await.unwrap().send(1);
            cx.cancelled().await;
        });
        let handle = panel.spawn(worker.inbox::<Reply<u64>>());
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
    let unpolled = Worker::new("unpolled", 0, |_| std::future::pending::<()>()).inbox::<Reply<u8>>();
    let handle = panel.spawn(unpolled);
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
        let gives = Worker::new("gives", 0, move |cx: Context<Mark>| {
            give.send(cx.inbox::<Command>()).unwrap();
            async move { sleep(10 * MS).await }
        });
        let handle = panel.spawn(gives.inbox::<Command>());
        let mut inbox: Inbox<Command> = take.recv().unwrap();
        handle.send(command(8)).unwrap();
        assert_eq!(inbox.recv_blocking().map(|command| command.0.get()), Some(8));
        assert!(inbox.recv_blocking().is_none(), "the worker ended");
        assert!(matches!(handle.ended_blocking(), WorkerStatus::Ended(Exit::Finished)));
        assert!(inbox.recv_blocking().is_none());
    });
}

/// A context that outlived its worker opens an inbox to which nothing can be sent any more.
#[test]
fn an_inbox_that_is_opened_after_the_end_is_at_its_end() {
    paused(async || {
        let panel = Panel::new();
        let (give, take) = std::sync::mpsc::channel();
        let gives = Worker::new("gives", 0, move |cx: Context<Mark>| {
            give.send(cx).unwrap();
            async {}
        });
        let handle = panel.spawn(gives.inbox::<Command>());
        assert!(matches!(handle.ended().await, WorkerStatus::Ended(Exit::Finished)));
        let cx = take.recv().unwrap();
        assert!(cx.inbox::<Command>().recv().await.is_none());
        assert!(matches!(handle.send(command(1)), Err(CommandError::Ended(_))));
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
        let deaf = Worker::new("deaf", 0, |_| std::future::pending::<()>()).inbox::<Sore>();
        let handle = panel.spawn(deaf);
        for _ in 0..3 {
            handle.send(Sore(Arc::clone(&dropped))).unwrap();
        }
        yield_now().await;
        handle.stop();
        let status = handle.ended().await;
        assert!(matches!(status, WorkerStatus::Ended(Exit::Panicked(_))), "and it is reported: {status}");
        assert_eq!((dropped.load(Ordering::SeqCst), panel.worker_count()), (3, 0));
    });
}

fn flood(handle: WorkerHandle<Arc<()>>, witness: Arc<()>, over: Arc<AtomicBool>) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        while !over.load(Ordering::SeqCst) {
            if let Err(CommandError::Ended(_)) = handle.send(Arc::clone(&witness)) {
                return;
            }
        }
    })
}

/// What is sent while the worker ends is taken, handed back or dropped, and never kept.
#[test]
fn no_command_is_kept_whenever_the_worker_ends() {
    watched(|| {
        let runtime = threads(2);
        let panel = Panel::builder().runtime(runtime.handle().clone()).build();
        for round in 0..500_u64 {
            let short = Worker::new("short", 0, move |cx: Context<Mark>| async move {
                let mut inbox = cx.inbox::<Arc<()>>();
                for _ in 0..round % 5 {
                    inbox.recv().await;
                }
            });
            let handle = panel.spawn(short.inbox::<Arc<()>>());
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
