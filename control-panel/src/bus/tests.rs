//! Tests of the ring's promises and the counters; `tests/bus` tests what panels and workers see.

use std::{
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread,
};

use proptest::prelude::*;

use super::{
    listeners::{Listener, Listeners},
    ring::{Entry, Look, Ring},
};

/// Reads from `next` until there is nothing more.
fn read(ring: &Ring<u64>, next: &mut u64) -> (Vec<u64>, u64) {
    let (mut values, mut missed) = (Vec::new(), 0);
    loop {
        match ring.look(*next) {
            Look::Later => return (values, missed),
            Look::Here(entry) => {
                values.push(*entry.value.as_ref().unwrap());
                *next += 1;
            }
            Look::Gone(oldest) => {
                missed += oldest - *next;
                *next = oldest;
            }
        }
    }
}

proptest! {
    /// One writer and readers that read now and then: each gets the last values in order, and knows how many it missed.
    #[test]
    fn readers_get_all_or_know_how_many_they_missed(
        capacity in 1_usize..9,
        steps in prop::collection::vec(prop::option::of(0_usize..3), 0..200),
    ) {
        let ring = Ring::new(capacity);
        let mut readers = [(1, 0_u64); 3];
        let mut written = 0_u64;
        for step in steps {
            if let Some(reader) = step {
                let (next, seen) = &mut readers[reader];
                let (values, missed) = read(&ring, next);
                let unread = written - *seen;
                prop_assert_eq!(missed, unread.saturating_sub(capacity as u64));
                prop_assert_eq!(values, (*seen + missed + 1..=written).collect::<Vec<_>>());
                *seen = written;
            } else {
                written += 1;
                ring.put(Arc::default(), written);
            }
        }
    }
}

#[test]
fn memory_goes_round() {
    let ring = Ring::new(4);
    let mut spare = Arc::<Entry<u64>>::default();
    for value in 0..100 {
        let here = Arc::as_ptr(&spare);
        spare = ring.put(spare, value);
        assert!(Arc::get_mut(&mut spare).is_some(), "no one else has it");
        let Look::Here(entry) = ring.look(value + 1) else { panic!("it was written") };
        assert_eq!(Arc::as_ptr(&entry), here, "in the memory that was given");
    }
    // An entry that a reader keeps is not reused.
    let Look::Here(kept) = ring.look(100) else { panic!("it was written") };
    (100..110).for_each(|value| drop(ring.put(Arc::default(), value)));
    assert_eq!(kept.value.as_ref(), Some(&99));
    assert!(matches!(ring.look(100), Look::Gone(107)));
}

#[test]
fn a_writer_that_was_overtaken_by_a_round_changes_nothing() {
    let ring = Ring::new(2);
    let late = ring.claim();
    assert!(matches!(ring.look(late), Look::Later));
    (2..=4).for_each(|value| drop(ring.put(Arc::default(), value)));
    let own = ring.write(late, Arc::default(), 1);
    assert_eq!(own.value.as_ref(), Some(&1), "it has its own back");
    let mut next = late;
    assert_eq!(read(&ring, &mut next), (vec![3, 4], 2));
}

/// Writers overtake each other by whole rounds in a ring with one place: the newest value stays, whichever writer is late.
#[test]
fn the_newest_stays_whichever_writer_is_late() {
    const WRITERS: u64 = 4;
    const THREADS: usize = 4;
    const EACH: u64 = 2_000;
    for capacity in [1, 2, 3] {
        let ring = Arc::new(Ring::new(capacity));
        let barrier = Arc::new(Barrier::new(THREADS + 1));
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (ring, barrier) = (Arc::clone(&ring), Arc::clone(&barrier));
                thread::spawn(move || {
                    barrier.wait();
                    (0..EACH).for_each(|value| drop(ring.put(Arc::default(), writer * EACH + value)));
                })
            })
            .collect();
        barrier.wait();
        let (mut next, mut got, mut missed) = (1, 0, 0);
        let mut last = [None; THREADS];
        while got + missed < WRITERS * EACH {
            let (values, more) = read(&ring, &mut next);
            got += values.len() as u64;
            missed += more;
            for value in values {
                let last = &mut last[usize::try_from(value / EACH).unwrap()];
                assert!(last.is_none_or(|last| last < value), "a writer's in its order, each once");
                *last = Some(value);
            }
            thread::yield_now();
        }
        for writer in writers {
            writer.join().unwrap();
        }
        assert_eq!((next, got + missed), (WRITERS * EACH + 1, WRITERS * EACH));
    }
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn an_armed_listener_is_woken_once() {
    let listeners = Listeners::default();
    let (wakes, loops) = (Arc::new(Wakes::default()), AtomicUsize::new(0));
    let task_waker = Waker::from(Arc::clone(&wakes));
    let since = || (wakes.0.swap(0, Ordering::SeqCst), loops.swap(0, Ordering::SeqCst));
    let wake = || {
        listeners.wake(|| {
            loops.fetch_add(1, Ordering::SeqCst);
        });
    };
    let [task, other, view] = [(); 3].map(|()| Arc::new(Listener::default()));
    for listener in [&task, &other, &view] {
        listeners.add(Arc::clone(listener));
    }
    wake();
    assert_eq!(since(), (0, 0), "no one waits");
    task.arm_task(&task_waker);
    task.arm_task(&task_waker);
    view.arm_loop();
    other.arm_loop();
    wake();
    assert_eq!(since(), (1, 1), "two views are one loop");
    wake();
    assert_eq!(since(), (0, 0), "they were woken");
    task.arm_task(&task_waker);
    listeners.remove(&task);
    wake();
    assert_eq!(since(), (0, 0), "it is gone");
}

/// Arming then looking, and writing then waking: no wake is lost, in either order.
#[test]
fn no_wake_is_lost() {
    const ROUNDS: u64 = 20_000;
    let ring = Arc::new(Ring::<u64>::new(8));
    let listeners = Arc::new(Listeners::default());
    let listener = Arc::new(Listener::default());
    listeners.add(Arc::clone(&listener));
    let for_reader = Arc::clone(&ring);
    let reader = thread::spawn(move || {
        let mut next = 1;
        let future = std::future::poll_fn(|cx: &mut Context<'_>| {
            read(&for_reader, &mut next);
            listener.arm_task(cx.waker());
            read(&for_reader, &mut next);
            if next > ROUNDS { Poll::Ready(()) } else { Poll::Pending }
        });
        crate::util::park::wait(future);
    });
    for value in 0..ROUNDS {
        ring.put(Arc::default(), value);
        listeners.wake(|| ());
        if value % 64 == 0 {
            thread::yield_now();
        }
    }
    reader.join().unwrap();
}
