//! Promise 3 with senders that do not claim the slots they were granted: they hold no other sender up, whatever the loop
//! does between its frames.

use std::{pin::pin, sync::mpsc, task::Poll, thread, time::Duration};

use control_panel::{ControlPanel, IntentSender};
use tests::{Mark, Wakes, threads, watched};
use tokio::runtime::Builder;

type Panel = ControlPanel<Mark>;

const SLOTS: usize = 15;

fn panel(slots: usize) -> (Panel, IntentSender<Mark>) {
    let panel = Panel::builder().capacity(slots + 1).build();
    let sender = panel.sender(0);
    (panel, sender)
}

fn fill(sender: &IntentSender<Mark>) -> usize {
    (0..1000).take_while(|&id| sender.try_send(Mark::new(id)).is_ok()).count()
}

/// A loop that sleeps until it is woken, until so many intents came.
fn sleep_and_drain(panel: &mut Panel, most: usize) {
    let mut came = 0;
    while came < most {
        assert!(panel.wait_ready_timeout(Duration::from_secs(20)), "nothing asks for a frame after {came}");
        came += panel.drain().count();
    }
}

/// One task has two sends under way, and gives its mind to the second when the first is granted a slot.
#[test]
fn a_task_that_leaves_a_send_for_later_does_not_lock_itself_out() {
    watched(|| {
        let (mut panel, sender) = panel(SLOTS);
        let filled = fill(&sender);
        let (waits, waiting) = mpsc::channel();
        let (drain, drained) = mpsc::channel();
        let runtime = threads(1);
        let task = runtime.spawn(async move {
            let mut first = pin!(sender.send(Mark::new(1)));
            assert!(Wakes::new().poll(first.as_mut()).is_pending());
            waits.send(()).unwrap();
            drained.recv().unwrap();
            sender.send(Mark::new(2)).await.unwrap();
            first.await.unwrap();
        });
        waiting.recv().unwrap();
        assert_eq!(panel.drain().count(), filled);
        drain.send(()).unwrap();
        sleep_and_drain(&mut panel, 2);
        runtime.block_on(task).unwrap();
    });
}

/// A task that blocks its own runtime, and others that have a runtime of their own.
#[test]
fn an_executor_that_is_blocked_holds_up_its_own_tasks_only() {
    watched(|| {
        let (mut panel, sender) = panel(SLOTS);
        let filled = fill(&sender);
        let (waits, waiting) = mpsc::channel();
        let (block, blocked) = mpsc::channel::<()>();
        let stalls = sender.clone();
        let executor = thread::spawn(move || {
            let runtime = Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let mut send = pin!(stalls.send(Mark::new(1)));
                assert!(Wakes::new().poll(send.as_mut()).is_pending());
                waits.send(()).unwrap();
                // Whatever the send is granted from here on stays with it.
                blocked.recv().unwrap_err();
                send.await.unwrap();
            });
        });
        waiting.recv().unwrap();
        assert_eq!(panel.drain().count(), filled);
        let runtime = threads(2);
        let others: Vec<_> = (0..4)
            .map(|_| {
                let sender = sender.clone();
                runtime.spawn(async move {
                    for id in 0..200 {
                        sender.send(Mark::new(id)).await.unwrap();
                    }
                })
            })
            .collect();
        sleep_and_drain(&mut panel, 4 * 200);
        for other in others {
            runtime.block_on(other).unwrap();
        }
        drop(block);
        sleep_and_drain(&mut panel, 1);
        executor.join().unwrap();
    });
}

/// A permit may be held for as long as its intent takes to make.
#[test]
fn a_permit_that_is_held_keeps_no_sender_from_the_other_slots() {
    watched(|| {
        let (mut panel, sender) = panel(SLOTS);
        let filled = fill(&sender);
        let wakes = Wakes::new();
        let mut permits = {
            let mut reserving = pin!(sender.reserve_many(1));
            assert!(wakes.poll(reserving.as_mut()).is_pending());
            assert_eq!(panel.drain().count(), filled);
            match wakes.poll(reserving.as_mut()) {
                Poll::Ready(permits) => permits.unwrap(),
                Poll::Pending => panic!("a slot is free"),
            }
        };
        let other = panel.sender(0);
        let runtime = threads(1);
        let task = runtime.spawn(async move {
            for id in 0..100 {
                other.send(Mark::new(id)).await.unwrap();
            }
        });
        sleep_and_drain(&mut panel, 100);
        runtime.block_on(task).unwrap();
        permits.send(Mark::new(7)).unwrap();
        assert_eq!(panel.drain().count(), 1);
    });
}

/// Nor does a send that is forgotten.
#[test]
fn a_future_that_is_forgotten_costs_one_slot() {
    let (mut panel, sender) = panel(SLOTS);
    let filled = fill(&sender);
    let mut send = Box::pin(sender.send(Mark::new(1)));
    assert!(Wakes::new().poll(send.as_mut()).is_pending());
    std::mem::forget(send);
    assert_eq!(panel.drain().count(), filled);
    assert!(sender.try_send(Mark::new(2)).is_err());
    // It asks for the frames that take back what the forgotten one had beyond its slot.
    let frames =
        (0..10).take_while(|_| panel.wait_ready_timeout(Duration::ZERO) && panel.drain().count() == 0);
    assert!((1..=2).contains(&frames.count()));
    assert_eq!(fill(&sender), filled - 1);
}
