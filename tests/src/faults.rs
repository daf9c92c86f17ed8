//! Workers that follow a script while faults strike them at chosen awaits, and the account of what became of
//! every intent.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, OnceLock},
    task::{Context as Polling, Poll},
    time::Duration,
};

use control_panel::{
    Backoff, Context, ControlPanel, QueuedIntent, Restart, Worker, WorkerHandle, intent::Origin,
    supervision::Intensity,
};
use proptest::prelude::*;

use crate::{Mark, quiet_panic};

/// What a scripted worker does next.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    /// `send`.
    Send,
    /// `send_timeout`, in ms.
    SendTimeout(u64),
    /// `try_send`.
    TrySend,
    /// Sleeps so many ms.
    Sleep(u64),
}

/// Any step.
pub fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Send),
        2 => (0_u64..6).prop_map(Step::SendTimeout),
        2 => Just(Step::TrySend),
        1 => (0_u64..4).prop_map(Step::Sleep),
    ]
}

/// What happens to a worker when it is polled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It panics instead.
    PanicBefore,
    /// It panics afterwards.
    PanicAfter,
    /// It is dropped where it waits, and its generation ends.
    DropIt,
    /// It is asked to stop.
    Stop,
}

/// Every fault.
pub const FAULTS: [Fault; 4] = [Fault::PanicBefore, Fault::PanicAfter, Fault::DropIt, Fault::Stop];

/// What became of the intents, as the producers saw it.
#[derive(Debug, Default)]
pub struct Account {
    tried: BTreeMap<u64, usize>,
    accepted: BTreeSet<u64>,
    refused: BTreeSet<u64>,
    drained: Vec<(Origin, u64, u64)>,
    /// How many faults struck.
    pub struck: usize,
}

/// An account that workers share.
pub type Book = Arc<Mutex<Account>>;

impl Account {
    /// A producer is about to send; the id of its intent.
    pub fn try_one(&mut self, producer: usize) -> u64 {
        let id = self.tried.len() as u64;
        self.tried.insert(id, producer);
        id
    }

    /// What came of it.
    ///
    /// # Panics
    /// If another intent came back.
    pub fn settle<E>(&mut self, id: u64, sent: Result<(), E>, back: impl FnOnce(E) -> Mark) {
        match sent {
            Ok(()) => self.accepted.insert(id),
            Err(error) => {
                assert_eq!(back(error).id, id, "another intent came back");
                self.refused.insert(id)
            }
        };
    }

    /// The frame loop was handed an intent.
    pub fn drained(&mut self, queued: &QueuedIntent<Mark>) {
        let order = queued.causality_order();
        self.drained.push((order.origin, order.seq, queued.intent.id));
    }

    /// Everything is over and everything was drained.
    ///
    /// # Panics
    /// If an intent was lost, doubled, or handed out in the wrong order.
    pub fn check(&self) {
        let mut next = BTreeMap::new();
        let mut last = BTreeMap::new();
        let mut ids = BTreeSet::new();
        for &(origin, seq, id) in &self.drained {
            assert!(ids.insert(id), "{id} was drained twice");
            assert!(!self.refused.contains(&id), "{id} was handed back and drained");
            let expected = next.entry(origin).or_insert(0);
            assert_eq!(seq, *expected, "{origin} has a gap: an accepted intent was lost");
            *expected += 1;
            let before = last.insert(self.tried[&id], id);
            assert!(before < Some(id), "{id} was sent after {before:?} and handed out before it");
        }
        let missing: Vec<_> = self.accepted.difference(&ids).collect();
        assert!(missing.is_empty(), "accepted and never drained: {missing:?}");
    }

    /// As [`check`](Self::check), where no producer was cut off: then nothing is in doubt.
    ///
    /// # Panics
    /// If an intent was lost, doubled, or handed out in the wrong order.
    pub fn check_exactly(&self) {
        self.check();
        assert_eq!(self.accepted.len(), self.drained.len());
        assert_eq!(self.accepted.len() + self.refused.len(), self.tried.len());
    }
}

/// One worker of a run.
#[derive(Debug, Clone)]
pub struct Script {
    /// Its source.
    pub source: u8,
    /// What it does; a step that was struck is not repeated.
    pub steps: Vec<Step>,
    /// At which of its polls, counted over all its generations, what happens.
    pub faults: BTreeMap<usize, Fault>,
}

/// Spawns a scripted worker as producer number `number`.
///
/// # Panics
/// If a lock is poisoned.
pub fn spawn(
    panel: &ControlPanel<Mark>,
    number: usize,
    script: Script,
    book: &Book,
    witness: &Arc<()>,
) -> WorkerHandle {
    let Script { source, steps, faults } = script;
    let left = Arc::new(Mutex::new(steps.into_iter()));
    let progress = Arc::new(Mutex::new((0, faults)));
    let handle = Arc::new(OnceLock::<WorkerHandle>::new());
    let (own, book, witness) = (Arc::clone(&handle), Arc::clone(book), Arc::clone(witness));
    let worker = Worker::new("scripted", source, move |cx| {
        let follow = follow(cx, number, Arc::clone(&left), Arc::clone(&book), Arc::clone(&witness));
        let (own, book) = (Arc::clone(&own), Arc::clone(&book));
        Struck { run: Some(Box::pin(follow)), progress: Arc::clone(&progress), own, book }
    });
    let spawned = panel.spawn(
        worker
            .restart(Restart::OnFailure)
            .backoff(Backoff::none())
            .intensity(Intensity::new(1_000, Duration::from_secs(1))),
    );
    handle.set(spawned.clone()).unwrap();
    spawned
}

async fn follow(
    cx: Context<Mark>,
    number: usize,
    left: Arc<Mutex<std::vec::IntoIter<Step>>>,
    book: Book,
    witness: Arc<()>,
) {
    loop {
        let Some(step) = left.lock().unwrap().next() else { return };
        if let Step::Sleep(time) = step {
            tokio::time::sleep(Duration::from_millis(time)).await;
            continue;
        }
        let id = book.lock().unwrap().try_one(number);
        let mark = Mark::new(id).seen_by(&witness);
        if matches!(step, Step::TrySend) {
            let sent = cx.try_send(mark);
            book.lock().unwrap().settle(id, sent, control_panel::TrySendError::into_intent);
            continue;
        }
        let sent = match step {
            Step::SendTimeout(time) => cx.send_timeout(mark, Duration::from_millis(time)).await,
            _ => cx.send(mark).await,
        };
        book.lock().unwrap().settle(id, sent, control_panel::SendError::into_intent);
        tokio::task::yield_now().await;
    }
}

/// A run that faults strike.
struct Struck {
    run: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    progress: Arc<Mutex<(usize, BTreeMap<usize, Fault>)>>,
    own: Arc<OnceLock<WorkerHandle>>,
    book: Book,
}

impl Future for Struck {
    /// A generation that was cut off failed, so that there is another.
    type Output = Result<(), &'static str>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Polling<'_>) -> Poll<Self::Output> {
        let fault = {
            let mut progress = self.progress.lock().unwrap();
            let polls = progress.0;
            progress.0 += 1;
            progress.1.remove(&polls)
        };
        self.book.lock().unwrap().struck += usize::from(fault.is_some());
        if fault == Some(Fault::PanicBefore) {
            quiet_panic();
        }
        let Some(run) = self.run.as_mut() else { return Poll::Ready(Ok(())) };
        let polled = run.as_mut().poll(cx).map(Ok);
        match fault {
            Some(Fault::PanicAfter) => quiet_panic(),
            Some(Fault::DropIt) => {
                self.run = None;
                return Poll::Ready(Err("dropped"));
            }
            Some(Fault::Stop) => self.own.get().unwrap().stop(),
            _ => {}
        }
        polled
    }
}
