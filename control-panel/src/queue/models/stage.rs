//! A queue, threads that send, and a frame loop that sleeps until `on_ready` rings.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex as Plain,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use shuttle::{
    current::{TaskId, me},
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
};

use super::{
    account::{Account, Item},
    actor::Actor,
    below,
    probe::Probe,
};
use crate::{
    frame::{Frame, FrameBudget},
    intent::order::{CausalityOrder, QueuedIntent},
    queue::{IntentSender, Local, OnReady, Queue},
};

/// The probe's source.
const PROBED: u8 = 9;

pub(super) struct Stage {
    pub(super) queue: Arc<Queue<Item>>,
    pub(super) account: Arc<Account>,
    pub(super) bell: Arc<Bell>,
    /// Intents that the queue and the frame at hand hold at most.
    pub(super) bound: usize,
    cast: u32,
    actors: Vec<JoinHandle<()>>,
}

/// What `on_ready` rings, and which threads are still at work.
pub(super) struct Bell {
    state: Mutex<Ringing>,
    rings: Condvar,
    // What follows is not known to the model: it is only counted.
    /// The threads that begin and end frames.
    frame_threads: Plain<BTreeSet<TaskId>>,
    /// Frames asked for by others, and frames begun.
    asked: AtomicUsize,
    begun: AtomicUsize,
    /// Sends may be refused from now on.
    pub(super) stopping: AtomicBool,
    /// Sends are refused from now on.
    pub(super) closed: AtomicBool,
}

#[derive(Default)]
struct Ringing {
    rung: bool,
    at_work: usize,
}

impl Bell {
    fn ring(&self) {
        if !self.frame_threads.lock().unwrap().contains(&me()) {
            // One for each frame begun, and one before the first.
            let asked = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
            let begun = self.begun.load(Ordering::SeqCst);
            assert!(asked <= begun + 1, "asked {asked} times for {begun} frames");
        }
        self.lock().rung = true;
        self.rings.notify_all();
    }

    pub(super) fn begins(&self) {
        self.lock().at_work += 1;
    }

    pub(super) fn ends(&self) {
        self.lock().at_work -= 1;
        self.rings.notify_all();
    }

    /// This thread ends frames.
    pub(super) fn ends_frames(&self) {
        self.frame_threads.lock().unwrap().insert(me());
    }

    /// Sleeps until the bell rings: true. False once all are done and it did not ring.
    fn wait(&self) -> bool {
        let mut state = self.lock();
        while !state.rung && state.at_work > 0 {
            state = self.rings.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::take(&mut state.rung)
    }

    fn lock(&self) -> MutexGuard<'_, Ringing> {
        // A frame whose reducer panicked rings too.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }
}

impl Stage {
    pub(super) fn new(capacity: usize) -> Self {
        Self::with(capacity, || {})
    }

    /// With a probe that `on_ready` sets off.
    pub(super) fn probed(capacity: usize) -> (Self, Arc<Probe>) {
        let probe = Arc::new(Probe::default());
        let called = Arc::clone(&probe);
        let stage =
            Self { account: Arc::clone(&probe.account), ..Self::with(capacity, move || called.call()) };
        probe.arm(Some(stage.sender(PROBED)));
        (stage, probe)
    }

    fn with(capacity: usize, also: impl Fn() + Send + Sync + 'static) -> Self {
        let bell = Arc::new(Bell {
            state: Mutex::default(),
            rings: Condvar::new(),
            frame_threads: Plain::new(BTreeSet::from([me()])),
            asked: AtomicUsize::new(0),
            begun: AtomicUsize::new(0),
            stopping: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        });
        let ring = Arc::clone(&bell);
        let on_ready: OnReady = Box::new(move || {
            ring.ring();
            also();
        });
        Self {
            queue: Arc::new(Queue::new(capacity, Some(on_ready))),
            account: Arc::default(),
            bell,
            bound: capacity,
            cast: 0,
            actors: Vec::new(),
        }
    }

    pub(super) fn sender(&self, source: u8) -> IntentSender<Item> {
        IntentSender::new(self.queue.producer(source))
    }

    /// A thread that sends with a sender of its own.
    pub(super) fn actor(&mut self, source: u8, part: impl FnOnce(&mut Actor) + Send + 'static) {
        let sender = self.sender(source);
        self.actor_with(sender, part);
    }

    /// A thread that sends.
    pub(super) fn actor_with(
        &mut self,
        sender: IntentSender<Item>,
        part: impl FnOnce(&mut Actor) + Send + 'static,
    ) {
        // More sources than slots raise the bound.
        self.bound = self.bound.max(usize::from(sender.source()) + 1);
        self.cast += 1;
        let mut actor = Actor::new(self.cast, sender, Arc::clone(&self.account), Arc::clone(&self.bell));
        let bell = Arc::clone(&self.bell);
        bell.begins();
        self.actors.push(thread::spawn(move || {
            part(&mut actor);
            // Its sender is gone before it is done: that may ask for a frame.
            drop(actor);
            bell.ends();
        }));
    }

    /// Begins a frame, as a panel does.
    pub(super) fn drain(&self) -> Frame<Item> {
        self.frame(false, &mut Vec::new())
    }

    /// Begins a frame with intents of the loop's own.
    pub(super) fn frame(&self, wanted: bool, local: &mut Vec<Local<Item>>) -> Frame<Item> {
        self.bell.begun.fetch_add(1, Ordering::SeqCst);
        let batch = self.queue.begin_frame(wanted);
        Frame::new(Arc::clone(&self.queue), batch, local, FrameBudget::default(), None)
    }

    /// The frame loop: sleeps until it is woken because there is something, and gives the frame to `read`. Ends when all
    /// actors are done and nothing was said since.
    pub(super) fn run(&self, mut read: impl FnMut(Frame<Item>)) {
        while self.bell.wait() {
            // A loop draws, or waits for the screen.
            thread::yield_now();
            let frame = self.drain();
            let held = frame.remaining() + self.queue.counts().queued;
            assert!(held <= self.bound, "{held} intents where {} is the bound", self.bound);
            read(frame);
        }
    }

    /// Reads a whole frame.
    pub(super) fn read(&self, frame: Frame<Item>) {
        if below(2) == 0 {
            return self.read_while(frame, || true);
        }
        let mut before = None;
        frame.for_each(|queued| self.see(&mut before, &queued));
    }

    /// Reads so many at most; the frame is dropped then.
    pub(super) fn read_some(&self, frame: Frame<Item>, most: u32) {
        let mut left = most;
        self.read_while(frame, || {
            let more = left > 0;
            left = left.saturating_sub(1);
            more
        });
    }

    /// Reads for as long as `go_on` says so, which is asked before each.
    pub(super) fn read_while(&self, mut frame: Frame<Item>, mut go_on: impl FnMut() -> bool) {
        let mut before = None;
        while go_on() {
            let Some(queued) = frame.next() else { return };
            self.see(&mut before, &queued);
        }
    }

    /// Reads a frame beside others.
    pub(super) fn read_out_of_order(&self, frame: Frame<Item>) {
        frame.for_each(|queued| self.account.seen(&queued, false));
    }

    fn see(&self, before: &mut Option<CausalityOrder<u8>>, queued: &QueuedIntent<Item>) {
        let order = Some(queued.causality_order());
        assert!(*before < order, "{order:?} after {before:?}");
        *before = order;
        self.account.seen(queued, true);
    }

    /// Everything was drained, and the queue knows it.
    pub(super) fn finish(mut self) {
        self.join();
        self.account.assert_all_seen();
        let counts = self.queue.counts();
        assert_eq!((counts.queued, counts.waiting), (0, 0), "{counts:?}");
        assert_eq!(counts.accepted, counts.drained, "{counts:?}");
        self.dismantle();
    }

    /// Waits for the actors.
    pub(super) fn join(&mut self) {
        for actor in self.actors.drain(..) {
            actor.join().unwrap();
        }
    }

    /// The panel goes, and every intent with it.
    pub(super) fn dismantle(mut self) {
        self.join();
        self.queue.discard();
        assert_eq!(Arc::strong_count(&self.queue), 1, "a producer or a frame has outlived the model");
        self.account.assert_none_unsent();
        self.account.assert_none_kept();
    }
}
