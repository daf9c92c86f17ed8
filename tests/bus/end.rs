//! A subscription ends with the panel, or with the run whose it is; so does a bus.

use std::{sync::mpsc, thread, time::Duration};

use control_panel::{
    Backoff, Context, Restart, SignalBus, Worker, WorkerStatus, bus::Received, supervision::Cancel, testing,
};
use tests::{Mark, Wakes, paused, quiet_panic, watched};

use super::{Note, Panel, notes};

#[test]
fn a_subscription_ends_with_the_panel_when_all_was_read() {
    watched(|| {
        let panel = Panel::new();
        let (bus, mut left) = (panel.bus(0), panel.subscribe::<Note>());
        let (mut parked, mut polled) = (panel.subscribe::<Note>(), panel.subscribe::<Note>());
        let (heard, receiver) = mpsc::channel();
        let thread = thread::spawn(move || {
            while let Some(Received::Signal(note)) = parked.recv_blocking() {
                heard.send(note.0).unwrap();
            }
        });
        bus.publish(Note(1));
        assert_eq!(receiver.recv(), Ok(1));
        let wakes = Wakes::new();
        assert_eq!(notes(&mut polled), [1]);
        assert!(wakes.poll(std::pin::pin!(polled.recv())).is_pending());
        assert!(panel.shutdown_blocking().is_clean());
        bus.publish(Note(2)); // a shutdown ends the workers; the bus is there for the report
        assert_eq!(receiver.recv(), Ok(2));
        drop(panel);
        thread.join().unwrap();
        assert!(wakes.take() > 0);
        bus.publish(Note(3));
        let rest: Vec<_> = std::iter::from_fn(|| left.recv_blocking()).collect();
        assert_eq!(rest.len(), 2, "what was published before, and no more: {rest:?}");
        assert!(left.try_recv().is_none());
    });
}

#[test]
fn a_worker_that_is_asked_to_stop_hears_no_more() {
    watched(|| {
        let panel = Panel::new();
        let (heard, receiver) = mpsc::channel();
        let for_thread = heard.clone();
        let on_thread = panel.spawn(Worker::thread("on a thread", 0, move |cx: Context<Mark>| {
            let mut notes = cx.subscribe::<Note>();
            for_thread.send(0).unwrap();
            while let Some(Received::Signal(note)) = notes.recv_blocking() {
                for_thread.send(note.0).unwrap();
            }
        }));
        let awaits = panel.spawn(
            Worker::new("awaits", 0, move |cx: Context<Mark>| {
                let heard = heard.clone();
                async move {
                    let mut notes = cx.subscribe::<Note>();
                    heard.send(0).unwrap();
                    while let Some(Received::Signal(note)) = notes.recv().await {
                        heard.send(note.0).unwrap();
                    }
                }
            })
            .cancel(Cancel::Cooperative),
        );
        assert_eq!((receiver.recv(), receiver.recv()), (Ok(0), Ok(0)));
        panel.bus(0).publish(Note(7));
        assert_eq!((receiver.recv(), receiver.recv()), (Ok(7), Ok(7)));
        for worker in [on_thread, awaits] {
            worker.stop();
            assert!(matches!(worker.ended_blocking(), WorkerStatus::Ended(exit) if exit.is_clean()));
        }
        receiver.recv().unwrap_err();
    });
}

/// A subscription is a run's: the next one has its own, from its own start on.
#[test]
fn a_worker_that_is_restarted_subscribes_anew() {
    paused(async || {
        let panel = Panel::new();
        let bus = panel.bus::<Note>(0);
        let (heard, receiver) = mpsc::channel();
        let worker = Worker::new("listens", 0, move |cx: Context<Mark>| {
            let heard = heard.clone();
            async move {
                let mut notes = cx.subscribe::<Note>();
                while let Some(Received::Signal(note)) = notes.recv().await {
                    heard.send((cx.generation(), note.0)).unwrap();
                    if note.0 == 1 {
                        quiet_panic();
                    }
                }
            }
        });
        let wait = Duration::from_secs(10);
        let worker = worker.restart(Restart::OnFailure).backoff(Backoff::new(wait, wait));
        panel.spawn(worker);
        testing::settle().await;
        bus.publish(Note(1));
        testing::settle().await;
        assert_eq!(panel.status().signals.subscribers, 0, "that of the run that panicked is gone");
        bus.publish(Note(2)); // while it waits to be restarted
        testing::advance(2 * wait).await;
        bus.publish(Note(3));
        testing::settle().await;
        assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [(1, 1), (2, 3)]);
        assert_eq!(panel.status().signals.subscribers, 1);
    });
}

/// What a run has kept of its bus somewhere says nothing in the worker's name once the run has ended.
#[test]
fn a_run_that_has_ended_publishes_nothing() {
    paused(async || {
        let panel = Panel::new();
        let mut view = panel.subscribe::<Note>();
        let (keep, kept) = mpsc::channel::<SignalBus<Note, u8>>();
        panel.spawn(Worker::new("announces", 0, move |cx: Context<Mark>| {
            let keep = keep.clone();
            async move {
                let bus = cx.bus();
                bus.publish(Note(1));
                keep.send(bus).unwrap();
            }
        }));
        testing::settle().await;
        let bus = kept.recv().unwrap();
        bus.publish(Note(2));
        bus.clone().publish(Note(3));
        assert_eq!(notes(&mut view), [1]);
    });
}

/// A loop that always finds a signal takes part in tokio's budget.
#[test]
fn a_subscriber_under_a_flood_can_be_cancelled() {
    watched(|| {
        paused(async || {
            let panel = Panel::new();
            let (bus, mut notes) = (panel.bus(0), panel.subscribe::<Note>());
            let flood = tokio::spawn(async move {
                loop {
                    bus.publish(Note(0));
                    notes.recv().await.unwrap();
                }
            });
            tokio::task::yield_now().await;
            flood.abort();
            assert!(flood.await.unwrap_err().is_cancelled());
        });
    });
}

/// What a cancelled call would have returned, the next one does.
#[test]
fn waiting_for_a_signal_takes_none() {
    paused(async || {
        let panel = Panel::new();
        let (bus, mut notes) = (panel.bus(0), panel.subscribe::<Note>());
        let wakes = Wakes::new();
        assert!(wakes.poll(std::pin::pin!(notes.recv())).is_pending());
        bus.publish(Note(1));
        assert_eq!(wakes.take(), 1);
        assert_eq!(super::notes(&mut notes), [1]);
    });
}
