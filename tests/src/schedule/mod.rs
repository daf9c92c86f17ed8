//! Random schedules of many producers and one frame loop, each step compared with the [`Model`].
//!
//! Nothing runs by itself here: every send is polled, woken and dropped by hand, so that a schedule visits
//! what threads reach once in a million runs, and reaches it again from the same seed.
//! `senders` is the producers' side of it, `frames` the frame loop's.

mod frames;
mod senders;

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use control_panel::{ControlPanel, Frame, FrameBudget, IntentSender, SendError, Worker, supervision::Cancel};
use tokio::runtime::Runtime;

use crate::{
    Mark, Wakes,
    model::{Gate, Model, Reading},
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
    /// A shutdown woke it: it has a slot, or is refused.
    released: bool,
}

struct Run {
    panel: ControlPanel<Mark>,
    model: Model,
    setting: Setting,
    producers: Vec<Producer>,
    pending: Vec<Pending>,
    live: Vec<(Frame<Mark>, Reading)>,
    credit: Credit,
    /// Whether a send found no slot meanwhile.
    refused_hidden: bool,
    ready_calls: Arc<AtomicU64>,
    /// Calls by the last drain, and whether slots may have been granted since to a send that waited.
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

/// Slots that the model knows nothing of: granted to senders that do not know it yet, or credited to some that did not ask.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Credit {
    None,
    Outstanding,
    /// A frame ended since: what is left of the credit expires as soon as a send finds no slot.
    Expiring,
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
            // The model knows of the queue alone.
            .wake_for_workers(false)
            .on_ready(move || {
                calls.fetch_add(1, Ordering::SeqCst);
            })
            .build();
        let mut model = Model::new(setting.capacity, setting.budget);
        // A worker for which a shutdown has to wait, so that the shutdown can be dropped half-way.
        panel.spawn(
            Worker::new("stubborn", u8::MAX, |_| std::future::pending::<()>()).cancel(Cancel::Cooperative),
        );
        // It runs: one that was stopped before would end immediately, and give its slot back.
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
            credit: Credit::None,
            refused_hidden: false,
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
                let _ = (0..count).all(|_| self.read(at));
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

    fn hidden(&self) -> bool {
        self.credit != Credit::None
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
        self.credit = Credit::None;
        for send in &mut self.pending {
            if std::mem::take(&mut send.granted) {
                self.model.release(self.producers[send.producer].source);
            }
            send.released = true;
        }
    }

    /// Every waiting send was woken.
    fn tell(&mut self) {
        for send in self.pending.iter_mut().filter(|send| !send.granted && !send.released) {
            assert!(send.wakes.take() > 0, "{:?} sleeps on", send.item);
            send.released = true;
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
        }
        self.compare();
        assert_eq!(self.panel.drain().count(), 0, "something was handed out twice");
        assert_eq!(self.model.drained, self.model.accepted);
        assert_eq!(Arc::strong_count(&self.witness), 1, "an intent is neither drained nor handed back");
    }
}
