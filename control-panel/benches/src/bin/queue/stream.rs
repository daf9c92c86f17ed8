//! End to end: a frame loop that never sleeps, and producers that never stop.

use std::{
    hint::black_box,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use control_panel_benches::{
    contestant::Contestant,
    contestants::*,
    intents::Sum,
    machine::{Quiet, context_switches},
    plot::Plot,
    rounds::{Compared, Probe, compare},
    table::{Table, short},
};

use core_affinity::CoreId;

use crate::{
    Options,
    bars::Bars,
    producers::{Producers, minimum_share},
};

const PRODUCERS: [usize; 5] = [1, 4, 16, 64, 256];

/// What shares which cores.
#[derive(Clone, Copy)]
struct Setting {
    name: &'static str,
    place: Place,
    /// Whether the frame loop yields its core after an empty frame. If not, it spins until it is preempted.
    yields: bool,
    /// Whether all contestants are measured, or a few of them.
    all: bool,
    /// Threads of the producers' runtime.
    workers: usize,
    /// Threads beside it that compute all the time, and take cores from the others.
    busy: usize,
}

/// The measuring thread binds itself (`sched_setaffinity`, through the crate core_affinity), and every thread that
/// it starts inherits that.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    OneCore,
    /// The frame loop on one core, all else on another.
    Apart,
    /// Where the scheduler puts them, which on two cores is now one way and now the other.
    Free,
}

const ONE_CORE: Setting = Setting {
    name: "one core, intents/s ×",
    place: Place::OneCore,
    yields: false,
    all: true,
    workers: 2,
    busy: 0,
};
const YIELDING: Setting =
    Setting { name: "one core, yielding, intents/s ×", yields: true, all: false, ..ONE_CORE };
const APART: Setting = Setting { name: "two cores, intents/s ×", place: Place::Apart, ..ONE_CORE };
const FREE: Setting =
    Setting { name: "two cores, not bound, intents/s ×", place: Place::Free, all: false, ..ONE_CORE };
const BUSY: Setting =
    Setting { name: "8 worker threads, 2 others, intents/s ×", yields: true, workers: 8, busy: 2, ..FREE };

pub fn oversubscribed(options: &Options, quiet: &mut Quiet, bars: &mut Bars) -> String {
    let (mut text, by_producers) = run(options, quiet, ONE_CORE);
    raise(bars, "one core", [75.0, 75.0, 75.0, 50.0, 0.0], &by_producers);
    text.push_str("\nThe same, with a frame loop that yields its core after an empty frame:\n\n");
    text + &run(options, quiet, YIELDING).0
}

pub fn quiet(options: &Options, quiet: &mut Quiet, bars: &mut Bars) -> String {
    let (mut text, by_producers) = run(options, quiet, APART);
    raise(bars, "two cores", [2.0; 5], &by_producers);
    let mut lines: Vec<(&str, Vec<(f64, f64)>)> = Vec::new();
    for (producers, rows) in PRODUCERS.iter().zip(&by_producers) {
        for (at, row) in rows.iter().enumerate() {
            if lines.len() == at {
                lines.push((row.name, Vec::new()));
            }
            lines[at].1.push((*producers as f64, row.own[0].median / 1e6));
        }
    }
    lines.swap(0, 1); // control-panel first
    let (title, across) = ("Intents through frames, two workers, a core for the frame", "producers");
    options.plot("throughput", &Plot { title, across, up: "M intents/s (one run)", lines }.svg());
    text.push_str("\nThe same, with all threads where the scheduler puts them:\n\n");
    text + &run(options, quiet, FREE).0
}

/// More threads than cores: a thread preempted in the middle of a send stays there for milliseconds.
pub fn busy(options: &Options, quiet: &mut Quiet, bars: &mut Bars) -> String {
    let (text, by_producers) = run(options, quiet, BUSY);
    raise(bars, "busy", [1.0; 5], &by_producers);
    text
}

/// The bars of throughput and of fairness.
fn raise(bars: &mut Bars, name: &str, limits: [f64; 5], by_producers: &[Vec<Compared>]) {
    for ((producers, limit), rows) in PRODUCERS.iter().zip(limits).zip(by_producers) {
        bars.at_least(format!("{name}, P={producers}: intents/s"), limit, rows[1].ratios[0].median);
    }
    for at in [1, 3, 4] {
        let share = by_producers[at][1].own[2].median;
        bars.at_least(format!("{name}, P={}: minimum share", PRODUCERS[at]), 0.5, share);
    }
}

fn run(options: &Options, quiet: &mut Quiet, setting: Setting) -> (String, Vec<Vec<Compared>>) {
    let by_producers: Vec<_> = PRODUCERS
        .iter()
        .map(|&producers| {
            eprintln!("  {producers} producers");
            measure(producers, setting, options, quiet)
        })
        .collect();
    let mut head = vec![setting.name.to_owned()];
    head.extend(PRODUCERS.iter().map(|producers| format!("P={producers}")));
    head.extend(
        ["switches an intent, P=64", "minimum share, P=4", "P=64", "P=256", "M/s, P=16"].map(str::to_owned),
    );
    let mut table = Table::new(&head.iter().map(String::as_str).collect::<Vec<_>>());
    for (at, row) in by_producers[0].iter().enumerate() {
        let mut cells = vec![row.name.to_owned()];
        cells.extend(by_producers.iter().map(|rows| short(rows[at].ratios[0].median)));
        cells.push(short(by_producers[3][at].own[1].median));
        cells.push(short(by_producers[1][at].own[2].median));
        cells.push(short(by_producers[3][at].own[2].median));
        cells.push(short(by_producers[4][at].own[2].median));
        cells.push(short(by_producers[2][at].own[0].median / 1e6));
        table.row(cells);
    }
    (table.to_string(), by_producers)
}

fn measure(producers: usize, setting: Setting, options: &Options, quiet: &mut Quiet) -> Vec<Compared> {
    let window = Duration::from_millis(options.pick(150, 30));
    let mut panel = [probe::<Panel<Whole>>(producers, setting, window)];
    let mut baseline = probe::<Baseline>(producers, setting, window);
    let mut rows = compare(&mut baseline, &mut panel, options.pick(7, 1), quiet);
    let window = Duration::from_millis(options.pick(60, 20));
    let mut others = vec![
        probe::<TokioMany>(producers, setting, window),
        probe::<Flume>(producers, setting, window),
        probe::<Kanal>(producers, setting, window),
    ];
    if setting.all {
        others.extend([
            probe::<Crossbeam>(producers, setting, window),
            probe::<Crossfire>(producers, setting, window),
            probe::<AsyncChannel>(producers, setting, window),
            probe::<Rtrb>(producers, setting, window),
            probe::<Kameo>(producers, setting, window),
            probe::<Ractor>(producers, setting, window),
            probe::<Actix>(producers, setting, window),
            probe::<Bevy>(producers, setting, window),
            probe::<EguiInbox>(producers, setting, window),
            probe::<Bevy<EQUAL_ROOM>>(producers, setting, window),
            probe::<EguiInbox<EQUAL_ROOM>>(producers, setting, window),
        ]);
    }
    let mut baseline = probe::<Baseline>(producers, setting, window);
    rows.extend(compare(&mut baseline, &mut others, options.pick(3, 1), quiet).into_iter().skip(1));
    rows
}

fn probe<C: Contestant + 'static>(producers: usize, setting: Setting, window: Duration) -> Probe {
    Probe::new(C::NAME, move || {
        let measuring = thread::spawn(move || {
            if setting.place != Place::Free {
                bind(false);
            }
            sample::<C>(producers, setting, window)
        });
        measuring.join().expect("a measurement does not panic")
    })
}

/// Binds the calling thread to the first core, or to the last.
fn bind(first: bool) {
    // Asked once: later, a bound thread would only see its own.
    static CORES: OnceLock<Vec<CoreId>> = OnceLock::new();
    let cores = CORES.get_or_init(|| core_affinity::get_core_ids().unwrap_or_default());
    let core = if first { cores.first() } else { cores.last() };
    assert!(core.is_some_and(|core| core_affinity::set_for_current(*core)), "cannot bind to a core");
}

/// Intents a second, context switches an intent, the minimum share.
fn sample<C: Contestant>(producers: usize, setting: Setting, window: Duration) -> Vec<f64> {
    let (mut queue, producers) = Producers::start_on::<C>(producers, setting.workers);
    let busy = Busy::start(setting.busy);
    if setting.place == Place::Apart {
        bind(true);
    }
    spin(&mut queue, setting, window / 4);
    let (sent, switches, began) = (producers.sent(), context_switches(), Instant::now());
    let consumed = spin(&mut queue, setting, window);
    let seconds = began.elapsed().as_secs_f64();
    let switches = (context_switches() - switches) as f64;
    let share = minimum_share(&sent, &producers.sent());
    drop((producers, busy));
    vec![consumed as f64 / seconds, switches / consumed.max(1) as f64, share]
}

/// Threads that compute until it is dropped.
struct Busy(Arc<AtomicBool>, Vec<JoinHandle<()>>);

impl Busy {
    fn start(threads: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let thread = |_| {
            let stop = Arc::clone(&stop);
            thread::spawn(move || {
                while !stop.load(Relaxed) {
                    (0..64).for_each(|n| _ = black_box(n));
                }
            })
        };
        let threads = (0..threads).map(thread).collect();
        Self(stop, threads)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
        self.1.drain(..).for_each(|thread| thread.join().expect("it only computes"));
    }
}

fn spin<C: Contestant>(queue: &mut C, setting: Setting, window: Duration) -> u64 {
    let mut sum = Sum::default();
    let began = Instant::now();
    while began.elapsed() < window {
        let before = sum.count;
        sum = queue.frame(sum);
        queue.release();
        if setting.yields && sum.count == before {
            thread::yield_now();
        }
    }
    black_box(sum).count
}
