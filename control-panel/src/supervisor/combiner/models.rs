//! Threads that leave what they have to tell while others tell.

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

/// Who leaves something, and how often at most.
const THREADS: usize = 3;
const EACH: u32 = 3;
const ALL: usize = THREADS * EACH as usize;

/// The books are kept by the standard atomics: the models do not know them, so keeping the books is no step of a schedule.
struct Stage {
    ends: Combiner<usize>,
    /// The lock under which all is told.
    state: Mutex<()>,
    left: [AtomicUsize; ALL],
    told: [AtomicUsize; ALL],
    panics: AtomicUsize,
    /// Whose telling panics.
    harmful: [bool; ALL],
    /// Whether what follows a turn may panic.
    clumsy: bool,
}

impl Stage {
    fn new(harmful: bool) -> Arc<Self> {
        Arc::new(Self {
            ends: Combiner::default(),
            state: Mutex::new(()),
            left: array::from_fn(|_| AtomicUsize::new(0)),
            told: array::from_fn(|_| AtomicUsize::new(0)),
            panics: AtomicUsize::new(0),
            harmful: array::from_fn(|_| harmful && below(3) == 0),
            clumsy: harmful,
        })
    }

    fn tell(&self, one: usize) {
        self.told[one].fetch_add(1, Ordering::SeqCst);
        // Others may come while it is told.
        thread::yield_now();
        if self.harmful[one] {
            panic_on_purpose();
        }
    }

    fn leave(&self, one: usize) {
        self.ends.leave(one);
        self.left[one].store(1, Ordering::SeqCst);
        let panic = self.ends.tell(|turn| {
            let state = self.lock();
            turn.each(|one| self.tell(one));
            if self.clumsy && below(4) == 0 {
                panic_on_purpose();
            }
            drop(state);
        });
        self.count(panic);
    }

    /// Waits for something to tell while it has the turn, and tells of it: whoever has that to tell only leaves it. Not
    /// for ever.
    fn wait(&self) {
        let panic = self.ends.tell(|turn| {
            for _ in 0..below(4) {
                if turn.is_due() {
                    break;
                }
                thread::yield_now();
            }
            let state = self.lock();
            turn.each(|one| self.tell(one));
            drop(state);
        });
        self.count(panic);
    }

    /// Whoever looks finds that all is told that was left.
    fn look(&self) {
        let state = self.lock();
        let before: Vec<_> = (0..ALL).filter(|&one| self.left[one].load(Ordering::SeqCst) == 1).collect();
        let panic = self.ends.tell_now(|one| self.tell(one));
        for one in before {
            assert_eq!(self.told[one].load(Ordering::SeqCst), 1, "{one} is on its way");
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

    /// All are gone, and nobody looks again.
    fn finish(&self) {
        let all = || self.left.iter().zip(&self.told).zip(self.harmful);
        for ((left, told), _) in all() {
            assert_eq!(
                told.load(Ordering::SeqCst),
                left.load(Ordering::SeqCst),
                "each that was left is told once"
            );
        }
        let harmful = all().any(|((left, _), harmful)| harmful && left.load(Ordering::SeqCst) == 1);
        assert!(!harmful || self.panics.load(Ordering::SeqCst) > 0, "a panic was swallowed");
        assert!(self.ends.turn.try_lock().is_ok(), "the turn is taken for ever");
    }
}

fn model(harmful: bool, more: &[fn(&Stage)]) {
    among(THREADS, 1 + below(EACH) as usize, harmful, more);
}

/// Beside those that leave something, others do each of `more` a few times.
fn among(threads: usize, each: usize, harmful: bool, more: &[fn(&Stage)]) {
    let stage = Stage::new(harmful);
    let mut threads: Vec<_> = (0..threads)
        .map(|thread| {
            let stage = Arc::clone(&stage);
            thread::spawn(move || (0..each).for_each(|nth| stage.leave(thread * EACH as usize + nth)))
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
fn each_end_is_told_once_whoever_leaves_it() {
    check(|| model(false, &[]));
}

/// After two there is nobody who would look by chance.
#[test]
fn who_comes_as_the_turn_is_given_back_is_told_too() {
    check(|| (0..20).for_each(|_| among(2, 1, false, &[])));
}

#[test]
fn whoever_looks_finds_none_on_its_way() {
    check(|| model(false, &[Stage::look]));
}

#[test]
fn a_panic_takes_no_other_with_it_and_is_handed_out() {
    check(|| model(true, &[]));
}

#[test]
fn a_panic_hides_nothing_from_whoever_looks() {
    check(|| model(true, &[Stage::look]));
}

#[test]
fn who_waits_in_its_turn_tells_for_those_who_come_and_leaves_none_behind() {
    check(|| model(below(2) == 0, &[Stage::wait, Stage::look]));
    check(|| (0..20).for_each(|_| among(1, 1, false, &[Stage::wait])));
}
