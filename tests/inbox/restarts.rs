//! What one generation did not take, the next does.

use std::{
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use control_panel::{
    Backoff, Context, Restart, Worker, WorkerStatus, requests::CommandError, supervision::Cancel,
};
use tests::{Mark, eventually, paused, quiet_panic, threads, watched};
use tokio::{task::yield_now, time::sleep};

use super::{Command, MS, Panel, Seen, command};

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
        let handle = panel.spawn(
            worker.inbox::<Command>().restart(Restart::OnFailure).backoff(Backoff::new(10 * MS, 10 * MS)),
        );
        for number in 0..5 {
            handle.send(command(number)).unwrap();
        }
        sleep(2 * MS).await;
        assert!(matches!(handle.status(), WorkerStatus::Backoff { .. }));
        handle.send(command(5)).unwrap();
        handle.send(command(6)).unwrap();
        sleep(30 * MS).await;
        assert_eq!(*seen.lock().unwrap(), [(1, 0), (1, 1), (1, 2), (2, 3), (2, 4), (2, 5), (3, 6)]);
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
        let handle = panel.spawn(worker.inbox::<Command>().cancel(Cancel::Cooperative));
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
        let intensity = control_panel::supervision::Intensity::new(1_000, Duration::from_secs(1));
        let handle = panel.spawn(
            worker.inbox::<u64>().restart(Restart::Always).backoff(Backoff::none()).intensity(intensity),
        );
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
