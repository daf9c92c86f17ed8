//! Everything at once, on threads: many producers of several sources that send in every way, are cut off and panic,
//! and a frame loop that breaks off and panics. Nothing is lost, doubled or misordered.
//!
//! `STRESS_SEED=… cargo test -p tests --test stress` repeats a seed; the threads' timing is not repeated.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    env,
    future::{self, Future},
    hash::{BuildHasher, RandomState},
    panic::{self, AssertUnwindSafe},
    pin::pin,
    sync::{Arc, Mutex},
    task::Poll,
    time::Duration,
};

use control_panel::{
    Backoff, Context, ControlPanel, FrameBudget, QueuedIntent, Reducer, Restart, SendError, TrySendError,
    Worker, intent::Origin, supervision::Intensity,
};
use tests::{Mark, eventually, quiet_panic, threads, watched};

const PRODUCERS: u64 = 64;
const SOURCES: u64 = 8;
const STEPS: u64 = 120;

/// Numbers that look random.
#[derive(Clone)]
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % n
    }

    fn polls(&mut self) -> usize {
        usize::try_from(self.below(4)).unwrap()
    }
}

/// A producer's state across its restarts, and what it knows of its intents: whether each was accepted.
struct Producer {
    number: u64,
    dice: Dice,
    steps: u64,
    panics: u64,
    tried: Vec<bool>,
}

impl Producer {
    fn mark(&mut self, witness: &Arc<()>) -> Mark {
        let n = self.tried.len() as u64;
        self.tried.push(false);
        let clock = (n % 16 == 15).then_some(n / 16 + 1);
        Mark::with(clock, id(self.number, n)).seen_by(witness)
    }

    fn accepted(&mut self, id: u64) {
        let accepted = &mut self.tried[usize::try_from(id % TRIES).unwrap()];
        assert!(!std::mem::replace(accepted, true), "accepted twice");
    }

    fn settle<E>(&mut self, id: u64, sent: Result<(), E>, back: impl FnOnce(E) -> Mark) {
        match sent {
            Ok(()) => self.accepted(id),
            Err(refused) => assert_eq!(back(refused).id, id, "another intent came back"),
        }
    }
}

const TRIES: u64 = 1_000_000;

fn id(producer: u64, n: u64) -> u64 {
    producer * TRIES + n
}

/// Drops a future that is pending at its nth poll.
async fn cut<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let (mut future, mut left) = (pin!(future), polls);
    future::poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

/// Sends until its steps are used up; panics on the way.
async fn produce(cx: Context<Mark>, own: Arc<Mutex<Producer>>, witness: Arc<()>) {
    loop {
        let (step, polls, few, mark) = {
            let mut own = own.lock().unwrap();
            if own.steps == 0 {
                return;
            }
            own.steps -= 1;
            let (step, polls, few) = (own.dice.below(32), own.dice.polls(), own.dice.below(5));
            own.panics += u64::from(step == 0);
            (step, polls, few, own.mark(&witness))
        };
        let id = mark.id;
        let settle = |sent| own.lock().unwrap().settle(id, sent, SendError::into_intent);
        match step {
            0 => quiet_panic(),
            1..6 => {
                let sent = cx.sender().try_send(mark);
                own.lock().unwrap().settle(id, sent, TrySendError::into_intent);
            }
            6..14 => settle(cx.send(mark).await),
            14..19 => {
                if let Some(sent) = cut(polls, cx.send(mark)).await {
                    settle(sent);
                }
            }
            19..23 => settle(cx.sender().send_timeout(mark, Duration::from_millis(few)).await),
            23..28 => {
                let mut marks = VecDeque::from([mark]);
                marks.extend((0..few).map(|_| own.lock().unwrap().mark(&witness)));
                let ids: Vec<_> = marks.iter().map(|mark| mark.id).collect();
                if step == 23 {
                    cx.sender().try_send_many(&mut marks).ok();
                } else {
                    let polls = if step > 25 { polls } else { usize::MAX };
                    cut(polls, cx.sender().send_many(&mut marks)).await;
                }
                let (sent, left) = ids.split_at(ids.len() - marks.len());
                assert!(
                    marks.iter().map(|mark| mark.id).eq(left.iter().copied()),
                    "what is left is in order"
                );
                for &id in sent {
                    own.lock().unwrap().accepted(id);
                }
            }
            _ => {
                drop(mark);
                let polls = if step > 29 { polls } else { usize::MAX };
                let most = usize::try_from(few).unwrap();
                if let Some(Ok(mut permits)) = cut(polls, cx.sender().reserve_many(most)).await {
                    assert!(permits.left() <= most);
                    while permits.left() > usize::from(step == 31) {
                        let mark = own.lock().unwrap().mark(&witness);
                        let id = mark.id;
                        let sent = permits.send(mark);
                        own.lock().unwrap().settle(id, sent, TrySendError::into_intent);
                        if step == 30 {
                            cut(0, future::pending::<()>()).await;
                        }
                    }
                }
            }
        }
    }
}

/// What the frame loop was handed.
#[derive(Default)]
struct Seen {
    ids: BTreeSet<u64>,
    local: BTreeMap<Origin, u64>,
    /// Panics when so many more were applied.
    panic_in: Option<u64>,
}

impl Reducer for Seen {
    type Intent = Mark;

    fn apply(&mut self, queued: QueuedIntent<Mark>) {
        let (order, id) = (queued.causality_order(), queued.intent.id);
        assert!(self.ids.insert(id), "{id} was handed out twice");
        if order.clock == 0 {
            let before = self.local.insert(order.origin, id);
            assert!(before < Some(id), "{id} of {:?} after {before:?}", order.origin);
        }
        match &mut self.panic_in {
            Some(0) => quiet_panic(),
            Some(left) => *left -= 1,
            None => {}
        }
    }
}

fn turn(panel: &mut ControlPanel<Mark>, seen: &mut Seen, dice: &mut Dice) {
    seen.panic_in = None;
    match dice.below(8) {
        0 => {
            let most = usize::try_from(dice.below(6)).unwrap();
            panel.drain().take(most).for_each(|queued| seen.apply(queued));
        }
        1 => {
            for queued in panel.drain() {
                seen.apply(queued);
                if dice.below(8) == 0 {
                    break;
                }
            }
        }
        2 => {
            seen.panic_in = Some(dice.below(6));
            let frame = AssertUnwindSafe(|| panel.run_frame(seen, &mut (), []));
            if let Err(panic) = panic::catch_unwind(frame) {
                // Not the one on purpose: an assertion.
                assert!(panic.downcast_ref::<&str>() == Some(&"on purpose"), "the account is wrong");
            }
        }
        3 => drop(panel.drain()),
        4 => drop(panel.wait_ready_timeout(Duration::from_millis(1))),
        _ => drop(panel.run_frame(seen, &mut (), [])),
    }
}

fn stress(seed: u64, budget: FrameBudget, capacity: usize) {
    let runtime = threads(4);
    let builder = ControlPanel::<Mark>::builder().runtime(runtime.handle().clone());
    let mut panel = builder.capacity(capacity).frame_budget(budget).build();
    let witness = Arc::new(());
    let producers: Vec<_> = (0..PRODUCERS)
        .map(|number| {
            let dice = Dice(seed ^ (number << 32));
            let own =
                Arc::new(Mutex::new(Producer { number, dice, steps: STEPS, panics: 0, tried: Vec::new() }));
            let (kept, witness) = (Arc::clone(&own), Arc::clone(&witness));
            let source = u8::try_from(number % SOURCES).unwrap();
            let worker = Worker::new("producer", source, move |cx| {
                produce(cx, Arc::clone(&own), Arc::clone(&witness))
            });
            let often = Intensity::new(1_000, Duration::from_secs(1));
            panel.spawn(worker.restart(Restart::OnFailure).backoff(Backoff::none()).intensity(often));
            kept
        })
        .collect();

    let (mut notes, mut dice) = (Seen::default(), Dice(!seed));
    eventually("the producers are done", || {
        for _ in 0..100 {
            turn(&mut panel, &mut notes, &mut dice);
            // The bound is never exceeded: every source there is fits beside it.
            assert!(panel.status().queued <= capacity.max(usize::try_from(SOURCES).unwrap()));
        }
        panel.worker_count() == 0
    });
    let report = panel.shutdown_blocking();
    notes.panic_in = None;
    while panel.status().queued > 0 {
        panel.run_frame(&mut notes, &mut (), []);
    }

    let (mut accepted, mut panics) = (BTreeSet::new(), 0);
    for own in &producers {
        let own = own.lock().unwrap();
        assert_eq!(own.steps, 0, "producer {} gave up", own.number);
        let ids = (0..).zip(&own.tried).filter(|(_, accepted)| **accepted).map(|(n, _)| id(own.number, n));
        accepted.extend(ids);
        panics += own.panics;
    }
    assert!(
        accepted == notes.ids,
        "accepted, and handed out once: {:?}",
        accepted.symmetric_difference(&notes.ids)
    );
    assert_eq!(report.incident_count(), panics, "{report:?}");
    let status = panel.status();
    let counted = u64::try_from(accepted.len()).unwrap();
    assert_eq!((status.accepted, status.drained, status.queued, status.waiting), (counted, counted, 0, 0));
    drop(producers);
    assert_eq!(Arc::strong_count(&witness), 1, "an intent is neither drained nor handed back");
}

#[test]
fn everything_at_once() {
    let seed = env::var("STRESS_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| RandomState::new().hash_one(0));
    eprintln!("STRESS_SEED={seed}");
    watched(move || {
        stress(seed, FrameBudget::default(), 48);
        stress(seed ^ 1, FrameBudget::default().intents(5), 20);
        stress(seed ^ 2, FrameBudget::default().time(Duration::from_micros(50)), 4);
    });
}
