//! Sends in a branch of a `select!`, whose other branch wins again and again while the queue is full.

use std::{
    collections::VecDeque,
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use control_panel::{
    Context, Worker,
    context::{Raced, race},
};
use tests::watched;
use tokio::task::yield_now;

use super::{Note, frame, note, panel};

const COUNT: u64 = 200;

/// What arrives of a worker that sends, and how often its branch lost.
fn arrivals<F>(rows: fn(Context<Note>, Arc<AtomicU64>) -> F) -> (Vec<u64>, u64)
where
    F: Future<Output = ()> + Send + 'static,
{
    watched(move || {
        let mut panel = panel(3);
        let lost = Arc::new(AtomicU64::new(0));
        let losses = Arc::clone(&lost);
        let worker = panel.spawn(Worker::new("rows", 0, move |cx| rows(cx, Arc::clone(&losses))));
        let mut arrived = Vec::new();
        while !worker.status().is_final() || panel.queued() > 0 {
            // Not before the branch lost once more: the queue is full then.
            let before = lost.load(Ordering::SeqCst);
            while lost.load(Ordering::SeqCst) == before && !worker.status().is_final() {
                thread::yield_now();
            }
            arrived.extend(frame(&mut panel));
        }
        (arrived, lost.load(Ordering::SeqCst))
    })
}

fn lose(lost: &AtomicU64) {
    lost.fetch_add(1, Ordering::SeqCst);
}

#[test]
fn a_send_that_is_made_anew_drops_its_intent_and_delivers_none_twice() {
    let (arrived, lost) = arrivals(|cx: Context<Note>, lost: Arc<AtomicU64>| async move {
        for id in 0..COUNT {
            if let Raced::Second(()) = race(cx.send(note(id)), yield_now()).await {
                lose(&lost);
            }
        }
        // The last frames.
        lose(&lost);
    });
    assert!(arrived.is_sorted_by(|a, b| a < b), "each once, in its order");
    assert_eq!(arrived.len() as u64 + lost, COUNT + 1);
}

#[test]
fn a_pinned_send_keeps_its_intent() {
    let (arrived, lost) = arrivals(|cx: Context<Note>, lost: Arc<AtomicU64>| async move {
        for id in 0..COUNT {
            let mut sending = pin!(cx.send(note(id)));
            while let Raced::Second(()) = race(sending.as_mut(), yield_now()).await {
                lose(&lost);
            }
        }
    });
    assert!(arrived.into_iter().eq(0..COUNT) && lost > 0);
}

#[test]
fn a_slot_that_is_reserved_first_keeps_every_intent() {
    let (arrived, lost) = arrivals(|cx: Context<Note>, lost: Arc<AtomicU64>| async move {
        let sender = cx.sender();
        for id in 0..COUNT {
            let mut permit = loop {
                match race(sender.reserve_many(1), yield_now()).await {
                    Raced::First(permit) => break permit.unwrap(),
                    Raced::Second(()) => lose(&lost),
                }
            };
            permit.send(note(id)).ok().unwrap();
        }
    });
    assert!(arrived.into_iter().eq(0..COUNT) && lost > 0);
}

#[test]
fn several_reserved_slots_and_a_send_of_many_keep_every_intent() {
    let (arrived, lost) = arrivals(|cx: Context<Note>, lost: Arc<AtomicU64>| async move {
        let sender = cx.sender();
        let mut ids = 0..COUNT / 2;
        while !ids.is_empty() {
            match race(sender.reserve_many(2), yield_now()).await {
                Raced::First(permits) => {
                    let mut permits = permits.unwrap();
                    for id in ids.by_ref().take(permits.left()) {
                        permits.send(note(id)).ok().unwrap();
                    }
                }
                Raced::Second(()) => lose(&lost),
            }
        }
        let mut left: VecDeque<_> = (COUNT / 2..COUNT).map(note).collect();
        while let Raced::Second(()) = race(sender.send_many(&mut left), yield_now()).await {
            lose(&lost);
        }
    });
    assert!(arrived.into_iter().eq(0..COUNT) && lost > 0);
}
