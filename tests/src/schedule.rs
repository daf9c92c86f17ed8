//! Random schedules of many producers and one frame loop, each step compared with the [`Model`].
//!
//! Nothing runs by itself here: every send is polled, woken and dropped by hand, so that a schedule visits
//! what threads reach once in a million runs, and reaches it again from the same seed.

use std::{
    future::Future,
    panic::{self, AssertUnwindSafe},
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::Poll,
    time::Duration,
};

use control_panel::{
    Cancel, ControlPanel, Frame, FrameBudget, IntentSender, QueuedIntent, SendError, TrySendError, Worker,
};
use tokio::runtime::Runtime;

use crate::{
    Mark, Notes, Wakes,
    model::{Gate, Item, Model, Reading},
    ops::{CLOCKS, Op, Setting, ZERO},
};

struct Producer {
    /// `None` once it was closed.
    sender: Option<IntentSender<Mark>>,
    source: u8,
    origin: u64,
    sends: usize,
    next_seq: u64,
}

struct Pending {
    item: (u64, u64),
    producer: usize,
    deadline: Option<u64>,
    future: Pin<Box<dyn Future<Output = Result<(), SendError<Mark>>>>>,
    wakes: Arc<Wakes>,
    /// It was woken, so it has a slot. One that was not woken may have one too: it is woken when its turn comes.
    granted: bool,
    /// A shutdown told it: it has a slot, or is sent away.
    told: bool,
}

struct Run {
    panel: ControlPanel<Mark>,
    model: Model,
    setting: Setting,
    producers: Vec<Producer>,
    pending: Vec<Pending>,
    live: Vec<(Frame<Mark>, Reading)>,
    /// Slots may be granted to senders that do not know it yet, or credited to some that did not ask: since the
    /// last frame that ended while nobody waited.
    hidden: bool,
    ready_calls: Arc<AtomicU64>,
    /// Calls by the last drain, and whether slots may have been granted since to somebody who waited.
    calls_drained: u64,
    hidden_end: bool,
    refused: u64,
    now: u64,
    next_id: u64,
    witness: Arc<()>,
    // Last: it outlives the panel.
    runtime: Runtime,
}

/// Runs one schedule.
///
/// # Panics
/// Where the queue does not do what the model says.
pub fn run(setting: Setting, ops: &[Op]) {
    let mut run = Run::new(setting);
    for op in ops {
        run.step(op);
        run.settle();
        run.compare();
    }
    run.finish();
}

impl Run {
    fn new(setting: Setting) -> Self {
        let runtime = crate::paused_runtime();
        let ready_calls = Arc::new(AtomicU64::new(0));
        let calls = Arc::clone(&ready_calls);
        let mut budget = FrameBudget::default();
        if let Some(most) = setting.budget {
            budget = budget.intents(most);
        }
        let panel = ControlPanel::builder()
            .capacity(setting.capacity)
            .frame_budget(budget)
            .runtime(runtime.handle().clone())
            .on_ready(move || {
                calls.fetch_add(1, Ordering::SeqCst);
            })
            .build();
        let mut model = Model::new(setting.capacity, setting.budget);
        // Somebody whom a shutdown has to wait for, so that it can be dropped half-way.
        panel.spawn(
            Worker::new("stubborn", u8::MAX, |_| std::future::pending::<()>()).cancel(Cancel::Cooperative),
        );
        // It runs: one that was stopped before would end at once, and give its slot back.
        runtime.block_on(tokio::task::yield_now());
        model.origin();
        model.attach(u8::MAX);
        Self {
            panel,
            model,
            setting,
            producers: Vec::new(),
            pending: Vec::new(),
            live: Vec::new(),
            hidden: false,
            ready_calls,
            calls_drained: 0,
            hidden_end: false,
            refused: 0,
            now: 0,
            next_id: 0,
            witness: Arc::new(()),
            runtime,
        }
    }

    fn mark(&mut self, clock: usize) -> (Mark, u64) {
        self.next_id += 1;
        let clock = CLOCKS[clock];
        let mark = Mark::new(self.next_id).seen_by(&self.witness);
        let shown = if clock == ZERO { Some(0) } else { Some(clock).filter(|&clock| clock > 0) };
        (Mark { clock: shown, ..mark }, clock)
    }

    /// An open producer.
    fn producer(&self, choice: usize) -> Option<usize> {
        let open: Vec<_> =
            (0..self.producers.len()).filter(|&at| self.producers[at].sender.is_some()).collect();
        (!open.is_empty()).then(|| open[choice % open.len()])
    }

    fn step(&mut self, op: &Op) {
        match *op {
            Op::Open(source) => {
                let sender = Some(self.panel.sender(source));
                let origin = self.model.origin();
                self.model.attach(source);
                self.producers.push(Producer { sender, source, origin, sends: 0, next_seq: 0 });
                self.regranted();
            }
            Op::Close(choice) => {
                if let Some(at) = self.producer(choice) {
                    self.producers[at].sender = None;
                    self.forget(at);
                    self.regranted();
                }
            }
            Op::TrySend(choice, clock) => {
                let Some(at) = self.producer(choice) else { return };
                self.try_send(at, clock);
            }
            Op::Send(choice, clock, timeout) => {
                let Some(at) = self.producer(choice) else { return };
                self.send(at, clock, timeout);
            }
            Op::Poll(choice) if !self.pending.is_empty() => self.poll(choice % self.pending.len()),
            Op::Cancel(choice) if !self.pending.is_empty() => {
                let at = choice % self.pending.len();
                self.gone(at, true);
            }
            Op::Advance(time) => {
                self.now += time;
                self.runtime.block_on(async {
                    tokio::time::advance(Duration::from_millis(time)).await;
                    tokio::task::yield_now().await;
                });
                // These were timers.
                self.pending.iter().filter(|send| !send.granted).for_each(|send| _ = send.wakes.take());
            }
            Op::Drain if self.live.len() < self.setting.frames => {
                let reading = self.drained(Vec::new());
                self.live.push((self.panel.drain(), reading));
            }
            Op::Read(choice, count) if !self.live.is_empty() => {
                let at = choice % self.live.len();
                (0..count).for_each(|_| _ = self.read(at));
            }
            Op::End(choice) if !self.live.is_empty() => {
                let (frame, reading) = self.live.remove(choice % self.live.len());
                drop(frame);
                if self.ended(reading) && choice % 2 == 0 {
                    self.run_senders();
                }
            }
            Op::RunFrame(ref locals, panic_after) => self.run_frame(locals, panic_after),
            Op::Stop => self.stop(),
            Op::Shutdown => self.shutdown(),
            Op::Poll(_) | Op::Cancel(_) | Op::Drain | Op::Read(..) | Op::End(_) => {}
        }
    }

    fn try_send(&mut self, at: usize, clock: usize) {
        let (mark, clock) = self.mark(clock);
        let (id, source) = (mark.id, self.producers[at].source);
        let sender = self.producers[at].sender.clone().unwrap();
        let sent = sender.try_send(mark);
        if let Err(error) = &sent {
            let counted = !matches!(error, TrySendError::ZeroClock(_));
            self.refused += u64::from(counted);
        }
        let closed = self.model.gate == Gate::Closed;
        match sent {
            Ok(()) => {
                assert!(
                    clock != ZERO && !closed && (self.hidden || self.model.admits(source)),
                    "accepted {id}"
                );
                self.accept(at, clock, id, false);
            }
            Err(TrySendError::Full(back)) => {
                assert!(!closed && clock != ZERO && back.id == id);
                assert!(self.hidden || !self.model.admits(source), "source {source} has room");
            }
            Err(TrySendError::Closed(back)) => assert!(closed && clock != ZERO && back.id == id),
            Err(TrySendError::ZeroClock(back)) => assert!(clock == ZERO && back.id == id),
            Err(other) => panic!("{other:?}"),
        }
    }

    fn accept(&mut self, at: usize, clock: u64, id: u64, held: bool) {
        let producer = &mut self.producers[at];
        let (source, origin, seq) = (producer.source, producer.origin, producer.next_seq);
        producer.next_seq += 1;
        if !held {
            self.model.hold(source);
        }
        self.model.accept(Item { clock, source, origin, seq, id, local: false });
    }

    fn send(&mut self, at: usize, clock: usize, timeout: Option<u64>) {
        let (mark, clock) = self.mark(clock);
        let item = (clock, mark.id);
        let sender = self.producers[at].sender.clone().unwrap();
        let future: Pin<Box<dyn Future<Output = _>>> = match timeout.map(Duration::from_millis) {
            None => Box::pin(async move { sender.send(mark).await }),
            Some(timeout) => Box::pin(async move { sender.send_timeout(mark, timeout).await }),
        };
        let deadline = timeout.map(|timeout| self.now + timeout);
        let wakes = Wakes::new();
        self.producers[at].sends += 1;
        let send = Pending { item, producer: at, deadline, future, wakes, granted: false, told: false };
        let source = self.producers[at].source;
        self.pending.push(send);
        let at = self.pending.len() - 1;
        // The first poll: as a `try_send`, but that it may wait.
        let fits = clock != ZERO && self.model.gate != Gate::Closed && self.model.admits(source);
        self.pending[at].told = self.model.gate != Gate::Open && (!fits || self.hidden);
        let before = self.pending.len();
        self.poll(at);
        assert!(self.pending.len() < before || self.hidden || !fits, "it waits though there is room");
    }

    fn poll(&mut self, at: usize) {
        let send = &mut self.pending[at];
        let (clock, id) = send.item;
        let polled = {
            let _context = self.runtime.enter();
            send.wakes.poll(send.future.as_mut())
        };
        let Poll::Ready(result) = polled else {
            assert!(!send.granted && !send.told && clock != ZERO, "{id} could have gone on");
            assert!(send.deadline.is_none_or(|at| self.now < at), "{id} waits beyond its deadline");
            return;
        };
        match result {
            Ok(()) => {
                let producer = send.producer;
                let held = std::mem::take(&mut send.granted);
                let source = self.producers[producer].source;
                assert!(held || self.hidden || self.model.admits(source), "{id} was accepted without a slot");
                assert!(self.model.gate != Gate::Closed);
                self.accept(producer, clock, id, held);
            }
            Err(SendError::ZeroClock(back)) => assert!(clock == ZERO && back.id == id),
            Err(SendError::Timeout(back)) => {
                assert!(!send.granted && send.deadline.is_some_and(|at| self.now >= at) && back.id == id);
            }
            Err(SendError::Stopping(back)) => {
                self.refused += 1;
                assert!(send.told && self.model.gate == Gate::Stopping && back.id == id);
            }
            Err(SendError::Closed(back)) => {
                self.refused += 1;
                assert!(!send.granted && self.model.gate == Gate::Closed && back.id == id);
            }
            Err(other) => panic!("{other:?}"),
        }
        self.gone(at, false);
    }

    /// A send is over, or dropped.
    fn gone(&mut self, at: usize, cancelled: bool) {
        let send = self.pending.remove(at);
        let Pending { producer, granted, future, .. } = send;
        drop(future);
        if granted {
            assert!(cancelled);
            self.model.release(self.producers[producer].source);
        }
        self.producers[producer].sends -= 1;
        self.forget(producer);
        self.regranted();
    }

    /// What was somebody's may be somebody else's now.
    fn regranted(&mut self) {
        let waits = self.model.gate == Gate::Open && !self.pending.is_empty();
        self.hidden |= waits;
        self.hidden_end |= waits;
    }

    fn forget(&mut self, at: usize) {
        let producer = &self.producers[at];
        if producer.sender.is_none() && producer.sends == 0 {
            self.model.detach(producer.source);
        }
    }

    fn read(&mut self, at: usize) -> bool {
        let (frame, reading) = &mut self.live[at];
        let (found, expected) = (frame.next(), self.model.next(reading));
        same(found.as_ref(), expected);
        expected.is_some()
    }

    fn run_frame(&mut self, locals: &[(u8, usize)], panic_after: Option<usize>) {
        let mut marks = Vec::new();
        let mut items = Vec::new();
        for &(source, clock) in locals {
            let (mark, clock) = self.mark(clock);
            items.push(self.model.local(if clock == ZERO { 0 } else { clock }, source, mark.id));
            marks.push((source, mark));
        }
        let local = items.len();
        let mut reading = self.drained(items);
        let most = panic_after.map_or(usize::MAX, |after| after + 1);
        let ids: Vec<_> =
            std::iter::from_fn(|| self.model.next(&mut reading)).take(most).map(|item| item.id).collect();
        let panics = ids.len() == most;
        let mut notes = Notes { ids: Vec::new(), panic_on: ids.last().copied().filter(|_| panics) };
        let frame =
            panic::catch_unwind(AssertUnwindSafe(|| self.panel.run_frame(&mut notes, &mut (), marks)));
        self.ended(reading);
        assert_eq!(notes.ids, ids);
        match frame {
            Err(_) => assert!(panics),
            Ok(report) => {
                let left = self.model.waiting_to_be_read();
                assert_eq!((report.applied, report.local, report.left), (ids.len(), local, left));
                assert_eq!(report.frame, self.model.frames);
                assert!(!panics);
            }
        }
    }

    fn stop(&mut self) {
        if self.model.gate == Gate::Open {
            let polled = Wakes::new().poll(pin!(self.panel.shutdown()));
            assert!(polled.is_pending(), "a worker still lives");
            self.model.gate = Gate::Stopping;
            self.tell();
        }
    }

    fn shutdown(&mut self) {
        let report = crate::drive(&self.runtime, self.panel.shutdown());
        assert_eq!(report.workers().len(), 1);
        self.tell();
        self.model.gate = Gate::Closed;
        self.hidden = false;
        for send in &mut self.pending {
            if std::mem::take(&mut send.granted) {
                self.model.release(self.producers[send.producer].source);
            }
            send.told = true;
        }
    }

    /// Everybody who waits was told.
    fn tell(&mut self) {
        for send in self.pending.iter_mut().filter(|send| !send.granted && !send.told) {
            assert!(send.wakes.take() > 0, "{:?} sleeps on", send.item);
            send.told = true;
        }
    }

    fn drained(&mut self, locals: Vec<Item>) -> Reading {
        self.calls_drained = self.ready_calls.load(Ordering::SeqCst);
        let for_senders = std::mem::take(&mut self.hidden_end);
        let mut reading = self.model.drain(locals);
        reading.for_senders = for_senders;
        reading
    }

    /// Says whether slots were freed, so that credit expired and was given anew.
    fn ended(&mut self, reading: Reading) -> bool {
        let for_senders = reading.for_senders;
        let freed = self.model.end(reading);
        let waits = self.model.gate == Gate::Open && !self.pending.is_empty();
        // Those whom a shutdown told may have been granted a slot before.
        let told = self.pending.iter().any(|send| send.told);
        self.hidden = waits || told || (self.hidden && !freed);
        // A frame that was made to wake senders asks for the next where something is left, even if it was empty.
        self.hidden_end |= waits || (for_senders && self.model.waiting_to_be_read() > 0);
        freed
    }

    /// Lets those that were woken go on, and whom they wake. Right after a frame: then everybody has a slot for whom
    /// there is one.
    fn run_senders(&mut self) {
        self.settle();
        while let Some(at) = self.pending.iter().position(|send| send.granted) {
            self.poll(at);
            self.settle();
        }
        if self.model.gate == Gate::Open {
            for send in &self.pending {
                let source = self.producers[send.producer].source;
                assert!(!self.model.admits(source), "source {source} waits for a slot that is free");
            }
            // Whoever waits still: nothing was left to be credited.
            self.hidden &= self.pending.is_empty();
        }
    }

    /// Finds out who was granted a slot: those who were woken.
    fn settle(&mut self) {
        for at in 0..self.pending.len() {
            let send = &mut self.pending[at];
            if !send.granted && !send.told && send.wakes.take() > 0 {
                let source = self.producers[send.producer].source;
                assert!(
                    self.hidden || self.model.admits(source),
                    "a slot was granted that the rule does not give"
                );
                self.model.hold(source);
                self.pending[at].granted = true;
                let overtaken = self.pending[..at].iter().any(|earlier| {
                    !earlier.granted && !earlier.told && self.producers[earlier.producer].source == source
                });
                assert!(!overtaken, "first come, first served");
            }
        }
    }

    fn compare(&self) {
        let status = self.panel.status();
        assert_eq!(status.accepted, self.model.accepted);
        assert_eq!(status.drained, self.model.drained);
        assert_eq!(status.refused, self.refused);
        assert_eq!(status.frames, self.model.frames);
        assert_eq!(status.waiting, self.pending.len());
        if self.live.is_empty() {
            assert_eq!(status.queued, self.model.waiting_to_be_read());
        }
        let calls = self.ready_calls.load(Ordering::SeqCst) - self.calls_drained;
        if self.model.signalled() {
            assert_eq!(calls, 1, "called once since the last drain");
        } else {
            // For senders that are to be woken one by one, should one of them stall.
            assert!(calls <= u64::from(self.hidden_end), "called for nothing");
        }
    }

    /// Ends everything and drains what is left, also after a shutdown.
    fn finish(mut self) {
        while !self.pending.is_empty() {
            self.gone(0, true);
        }
        while !self.live.is_empty() {
            let (frame, reading) = self.live.remove(0);
            drop(frame);
            self.ended(reading);
        }
        while self.model.waiting_to_be_read() > 0 {
            let reading = self.drained(Vec::new());
            self.live.push((self.panel.drain(), reading));
            while self.read(0) {}
            let (frame, reading) = self.live.remove(0);
            drop(frame);
            self.ended(reading);
        }
        self.compare();
        assert_eq!(self.panel.drain().count(), 0, "something was handed out twice");
        assert_eq!(self.model.drained, self.model.accepted);
        assert_eq!(Arc::strong_count(&self.witness), 1, "an intent is neither drained nor handed back");
    }
}

fn same(found: Option<&QueuedIntent<Mark>>, expected: Option<Item>) {
    let found = found.map(|queued| {
        let order = queued.causality_order();
        assert_eq!(order.source, queued.source);
        (order.clock, order.source, order.seq, queued.intent.id)
    });
    assert_eq!(found, expected.map(|item| (item.clock, item.source, item.seq, item.id)));
}
