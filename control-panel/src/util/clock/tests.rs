use std::{
    sync::{Arc, mpsc},
    task::Wake,
};

use super::*;

const MS: Duration = Duration::from_millis(1);

struct Ring(Mutex<mpsc::Sender<u8>>, u8);

impl Wake for Ring {
    fn wake(self: Arc<Self>) {
        self.0.lock().send(self.1).unwrap();
    }
}

#[test]
fn alarms_ring_in_their_order_and_not_when_they_are_unset() {
    let (rings, rung) = mpsc::channel();
    let waker = |name| Waker::from(Arc::new(Ring(Mutex::new(rings.clone()), name)));
    let now = Instant::now();
    let unset = set(now + 20 * MS, None, waker(0));
    let later = set(now + 60 * MS, None, waker(1));
    let first = set(now + 40 * MS, None, waker(2));
    set(later.at, Some(later), waker(3));
    let state = CLOCK.state.lock();
    let looks_in_time = state.sleeps_until.is_some_and(|until| until <= first.at);
    assert!(looks_in_time || !state.alarms.contains_key(&first), "the thread knows of it");
    drop(state);
    super::unset(unset);
    assert_eq!([rung.recv().unwrap(), rung.recv().unwrap()], [2, 3], "and the old waker is forgotten");
    assert!(Instant::now() >= now + 60 * MS && rung.try_recv().is_err());
}

#[test]
fn time_in_which_the_clock_did_not_run_counts_for_little() {
    struct Nothing;
    impl Watch for Nothing {
        fn look(&self, _now: Duration) -> Option<Duration> {
            None
        }
    }
    let mut state = State::new();
    state.watched.push(Watched { what: Weak::<Nothing>::new(), limit: 100 * MS });
    let mut now = Instant::now();
    for (slept, counts) in [(25, 25), (30, 30), (5_000, 50), (25, 25)] {
        let next = state.plan(now).unwrap();
        assert_eq!(next, now + 25 * MS);
        assert!(state.advance(now + 24 * MS).is_none());
        now += slept * MS;
        assert_eq!(state.advance(now), Some(counts * MS), "after {slept} ms");
    }
    state.watched.clear();
    assert_eq!((state.plan(now), state.advance(now + 25 * MS)), (None, None), "nothing is watched");
}
