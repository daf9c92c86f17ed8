//! What announcing a signal costs the thread that does, by how many listen and what they do meanwhile.

use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
};

use control_panel::{ControlPanel, IntentSource, SignalBus, bus::Subscription};
use control_panel_benches::{intents::Update, table::Table, versions};
use tokio::{
    runtime::{Builder, Runtime},
    sync::broadcast,
};

use super::{count, perhaps_measured};

/// How many listen.
const SUBSCRIBERS: [&str; 3] = ["0", "1", "64"];
const WARM: u64 = 200;
const SIGNALS: u64 = 1_000;
const CAPACITY: usize = 64;

type Signal = [u64; 8];
type Run = fn(usize);

const ROWS: [(&str, Run); 8] = [
    ("nothing", |_| measure(|_| ())),
    ("control-panel, they read in each frame", |n| Ours::new(n).run(Meanwhile::Reads)),
    ("control-panel, they never read", |n| Ours::new(n).run(Meanwhile::Lags)),
    ("control-panel, they await, and are woken", |n| Ours::new(n).run(Meanwhile::Awaits)),
    ("control-panel, views of a sleeping loop, which is woken", |n| Ours::views(n).run(Meanwhile::Reads)),
    ("tokio broadcast, they read in each frame", |n| Theirs::new(n).run(Meanwhile::Reads)),
    ("tokio broadcast, they never read", |n| Theirs::new(n).run(Meanwhile::Lags)),
    ("tokio broadcast, they await, and are woken", |n| Theirs::new(n).run(Meanwhile::Awaits)),
];

#[derive(Clone, Copy, PartialEq)]
enum Meanwhile {
    Reads,
    Lags,
    Awaits,
}

pub(super) fn report() {
    let mut table = Table::new(&["instructions to announce a signal", "0 listen", "1 listens", "64 listen"]);
    let nothing = count("announce", "0", "nothing");
    for (row, _) in &ROWS[1..] {
        eprintln!("{row} …");
        let counts =
            SUBSCRIBERS.iter().map(|subscribers| match (count("announce", subscribers, row), nothing) {
                (Some(all), Some(nothing)) => {
                    format!("{:.0}", all.saturating_sub(nothing) as f64 / SIGNALS as f64)
                }
                _ => "valgrind?".into(),
            });
        table.row([(*row).to_owned()].into_iter().chain(counts));
    }
    println!("Versions: {}.\n\n{table}", versions::line(&["control-panel", "tokio"]));
}

/// Under valgrind: one row with so many subscribers.
pub(super) fn one(subscribers: &str, row: &str) {
    let (_, run) = ROWS.iter().find(|(name, _)| *name == row).expect("a row's name");
    run(subscribers.parse().expect("a number"));
}

/// Counts `announce` alone.
fn measure(mut announce: impl FnMut(bool)) {
    for number in 0..WARM + SIGNALS {
        announce(number >= WARM);
    }
}

/// Polls once, as a task does that then sleeps until it is woken.
fn waits<F: Future>(future: F) -> Pin<Box<F>> {
    let mut future = Box::pin(future);
    assert!(matches!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Pending));
    future
}

struct Ours {
    _runtime: Runtime,
    _panel: ControlPanel<Update>,
    bus: SignalBus<Signal>,
    subscriptions: Vec<Subscription<Signal>>,
}

impl Ours {
    fn new(subscribers: usize) -> Self {
        Self::with(|panel| {
            let worker = panel.context(IntentSource::Restore);
            (0..subscribers).map(|_| worker.subscribe()).collect()
        })
    }

    fn views(subscribers: usize) -> Self {
        Self::with(|panel| (0..subscribers).map(|_| panel.subscribe()).collect())
    }

    fn with(subscribe: impl FnOnce(&ControlPanel<Update>) -> Vec<Subscription<Signal>>) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let panel =
            ControlPanel::builder().runtime(runtime.handle().clone()).signal_capacity(CAPACITY).build();
        let (bus, subscriptions) = (panel.bus(IntentSource::LocalUI), subscribe(&panel));
        Self { _runtime: runtime, _panel: panel, bus, subscriptions }
    }

    fn run(mut self, meanwhile: Meanwhile) {
        measure(|now| {
            let awaits = meanwhile == Meanwhile::Awaits;
            let waiting: Vec<_> = self
                .subscriptions
                .iter_mut()
                .filter(|_| awaits)
                .map(|listens| waits(listens.recv()))
                .collect();
            perhaps_measured(now, &mut || self.bus.publish([7; 8]));
            drop(waiting);
            if meanwhile != Meanwhile::Lags {
                for listens in &mut self.subscriptions {
                    assert_eq!(listens.drain().count(), 1);
                }
            }
        });
    }
}

struct Theirs {
    sender: broadcast::Sender<Signal>,
    receivers: Vec<broadcast::Receiver<Signal>>,
}

impl Theirs {
    fn new(subscribers: usize) -> Self {
        let sender = broadcast::Sender::new(CAPACITY);
        let receivers = (0..subscribers).map(|_| sender.subscribe()).collect();
        Self { sender, receivers }
    }

    fn run(mut self, meanwhile: Meanwhile) {
        measure(|now| {
            let awaits = meanwhile == Meanwhile::Awaits;
            let waiting: Vec<_> =
                self.receivers.iter_mut().filter(|_| awaits).map(|listens| waits(listens.recv())).collect();
            perhaps_measured(now, &mut || drop(self.sender.send([7; 8])));
            drop(waiting);
            if meanwhile != Meanwhile::Lags {
                for listens in &mut self.receivers {
                    assert!(listens.try_recv().is_ok());
                }
            }
        });
    }
}
