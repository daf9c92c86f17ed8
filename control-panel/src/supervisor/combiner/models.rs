//! Threads publish entries while others combine.

use std::{
    array,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use shuttle::{sync::Mutex, thread};

use super::{Combiner, Payload};
use crate::queue::models::{OnPurpose, below, check, panic_on_purpose};

/// How many threads publish entries, and how many each at most.
const THREADS: usize = 3;
const EACH: u32 = 3;
const ALL: usize = THREADS * EACH as usize;

/// The bookkeeping uses the standard atomics: the models do not know them, so it adds no steps to a schedule.
struct Stage {
    ends: Combiner<usize>,
    /// The lock under which entries are applied.
    state: Mutex<()>,
    published: [AtomicUsize; ALL],
    applied: [AtomicUsize; ALL],
    panics: AtomicUsize,
    /// Entries whose application panics.
    harmful: [bool; ALL],
    /// Whether what follows a turn may panic.
    clumsy: bool,
}

impl Stage {
    fn new(harmful: bool) -> Arc<Self> {
        Arc::new(Self {
            ends: Combiner::default(),
            state: Mutex::new(()),
            published: array::from_fn(|_| AtomicUsize::new(0)),
            applied: array::from_fn(|_| AtomicUsize::new(0)),
            panics: AtomicUsize::new(0),
            harmful: array::from_fn(|_| harmful && below(3) == 0),
            clumsy: harmful,
        })
    }

    fn apply(&self, one: usize) {
        self.applied[one].fetch_add(1, Ordering::SeqCst);
        // Other threads may publish while this one is applied.
        thread::yield_now();
        if self.harmful[one] {
            panic_on_purpose();
        }
    }

    fn publish(&self, one: usize) {
        self.ends.publish(one);
        self.published[one].store(1, Ordering::SeqCst);
        let panic = self.ends.combine(|turn| {
            let state = self.lock();
            turn.each(|one| self.apply(one));
            if self.clumsy && below(4) == 0 {
                panic_on_purpose();
            }
            drop(state);
        });
        self.count(panic);
    }

    /// A look under the lock finds that every entry published before it is applied.
    fn look(&self) {
        let state = self.lock();
        let before: Vec<_> =
            (0..ALL).filter(|&one| self.published[one].load(Ordering::SeqCst) == 1).collect();
        let panic = self.ends.combine_now(|one| self.apply(one));
        for one in before {
            assert_eq!(self.applied[one].load(Ordering::SeqCst), 1, "{one} is in flight");
        }
        drop(state);
        self.count(panic);
    }

    fn lock(&self) -> shuttle::sync::MutexGuard<'_, ()> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn count(&self, panic: Option<Payload>) {
        if let Some(panic) = panic {
            assert!(panic.is::<OnPurpose>(), "not one of this model's");
            self.panics.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// All threads are done, and none looks again.
    fn finish(&self) {
        let all = || self.published.iter().zip(&self.applied).zip(self.harmful);
        for ((published, applied), _) in all() {
            assert_eq!(
                applied.load(Ordering::SeqCst),
                published.load(Ordering::SeqCst),
                "each that was published is applied once"
            );
        }
        let harmful = all().any(|((published, _), harmful)| harmful && published.load(Ordering::SeqCst) == 1);
        assert!(!harmful || self.panics.load(Ordering::SeqCst) > 0, "a panic was swallowed");
        assert!(self.ends.turn.try_lock().is_some(), "the turn is never given back");
    }
}

fn model(harmful: bool, more: &[fn(&Stage)]) {
    among(THREADS, 1 + below(EACH) as usize, harmful, more);
}

/// Besides the threads that publish, others run each of `more` a few times.
fn among(threads: usize, each: usize, harmful: bool, more: &[fn(&Stage)]) {
    let stage = Stage::new(harmful);
    let mut threads: Vec<_> = (0..threads)
        .map(|thread| {
            let stage = Arc::clone(&stage);
            thread::spawn(move || (0..each).for_each(|nth| stage.publish(thread * EACH as usize + nth)))
        })
        .collect();
    threads.extend(more.iter().map(|&act| {
        let stage = Arc::clone(&stage);
        thread::spawn(move || (0..3).for_each(|_| act(&stage)))
    }));
    for thread in threads {
        thread.join().unwrap();
    }
    stage.finish();
}

#[test]
fn each_entry_is_applied_once_whichever_thread_publishes_it() {
    check(|| model(false, &[]));
}

/// With two threads, no third one looks by chance.
#[test]
fn an_entry_published_as_the_turn_ends_is_applied_too() {
    check(|| (0..20).for_each(|_| among(2, 1, false, &[])));
}

#[test]
fn a_look_finds_no_entry_in_flight() {
    check(|| model(false, &[Stage::look]));
}

#[test]
fn a_panic_takes_no_other_with_it_and_is_handed_out() {
    check(|| model(true, &[]));
}

#[test]
fn a_panic_hides_no_entry_from_a_look() {
    check(|| model(true, &[Stage::look]));
}
