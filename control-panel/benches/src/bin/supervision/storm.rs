//! What a storm of restarts adds to a frame.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use control_panel::{ControlPanel, IntentSource, QueuedIntent, Reducer};
use control_panel_benches::{
    intents::Update,
    machine::Quiet,
    rounds::{Probe, compare, percentile},
    supervisor::{Down, Job, Terms},
    supervisors::worker,
    table::{Table, short},
};
use tokio::runtime::Builder;

use crate::{Options, bars::Bars};

const WORKERS: usize = 64;
const INTENTS: u64 = 64;

#[derive(Debug, Clone, Copy)]
enum Weather {
    /// The workers wait.
    Calm,
    /// They are as busy as in a storm, and do not fail.
    Busy,
    Errors,
    Panics,
}

#[derive(Clone)]
struct Weathered {
    weather: Weather,
    runs: Arc<AtomicU64>,
}

impl Job for Weathered {
    async fn run(self) -> Result<(), Down> {
        self.runs.fetch_add(1, Relaxed);
        match self.weather {
            Weather::Calm => std::future::pending().await,
            Weather::Busy => loop {
                tokio::task::yield_now().await;
            },
            Weather::Errors => {
                tokio::task::yield_now().await;
                Err(Down)
            }
            Weather::Panics => {
                tokio::task::yield_now().await;
                panic!("down")
            }
        }
    }
}

struct Sum(u64);

impl Reducer for Sum {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        self.0 = self.0.wrapping_add(std::hint::black_box(&queued.intent) as *const _ as u64);
    }
}

/// p50 and p99 of a frame in µs, and restarts in thousands a second.
fn sample(weather: Weather, frames: usize) -> Vec<f64> {
    // The scheduler would put both on one core now and then, which is another benchmark.
    let cores = core_affinity::get_core_ids().unwrap_or_default();
    let (first, last) = (cores.first().copied(), cores.last().copied());
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .on_thread_start(move || {
            first.map(core_affinity::set_for_current);
        })
        .enable_all()
        .build()
        .expect("a runtime");
    let runs = Arc::new(AtomicU64::new(0));
    let mut panel = ControlPanel::<Update>::builder().runtime(runtime.handle().clone()).build();
    for n in 0..WORKERS {
        panel.spawn(worker(
            format!("worker-{n}"),
            Terms::PROMPT,
            Weathered { weather, runs: Arc::clone(&runs) },
        ));
    }
    let frames = thread::scope(|scope| {
        let panel = &mut panel;
        let frame_thread = scope.spawn(move || {
            last.map(core_affinity::set_for_current);
            let sender = panel.sender(IntentSource::LocalUI);
            let mut sum = Sum(0);
            let mut took = Vec::with_capacity(frames);
            for frame in 0..frames + 50 {
                (0..INTENTS).for_each(|n| assert!(sender.try_send(Update::local(n)).is_ok(), "no room"));
                let began = Instant::now();
                panel.run_frame(&mut sum, &mut (), []);
                let frame_took = began.elapsed();
                if frame >= 50 {
                    took.push(1e6 * frame_took.as_secs_f64());
                }
                let rest = Instant::now();
                while rest.elapsed() < Duration::from_micros(100) {
                    std::hint::spin_loop();
                }
            }
            took
        });
        let (began, before) = (Instant::now(), runs.load(Relaxed));
        let mut took = frame_thread.join().expect("a frame loop does not panic");
        let restarts = (runs.load(Relaxed) - before) as f64 / began.elapsed().as_secs_f64();
        vec![percentile(&mut took, 0.5), percentile(&mut took, 0.99), restarts / 1e3]
    });
    panel.shutdown_blocking();
    drop(panel);
    runtime.shutdown_background();
    frames
}

fn probe(name: &'static str, weather: Weather, frames: usize) -> Probe {
    Probe::new(name, move || sample(weather, frames))
}

pub fn run(options: &Options, quiet: &mut Quiet, bars: &mut Bars) -> String {
    let frames = options.pick(4_000, 1_000);
    let mut calm = probe("calm: the workers wait", Weather::Calm, frames);
    let mut others = [
        probe("busy: they yield forever", Weather::Busy, frames),
        probe("errors: each run yields once and fails", Weather::Errors, frames),
        probe("panics: each run yields once and panics", Weather::Panics, frames),
    ];
    let all = compare(&mut calm, &mut others, options.pick(9, 3), quiet);
    let head = format!("a frame of {INTENTS} intents");
    let mut table = Table::new(&[&head, "p50 µs", "p99 µs", "p50 ×", "p99 ×", "thousand restarts/s"]);
    for row in &all {
        table.row([
            row.name.to_owned(),
            short(row.own[0].median),
            short(row.own[1].median),
            short(row.ratios[0].median),
            short(row.ratios[1].median),
            short(row.own[2].median),
        ]);
    }
    for (at, name) in [(2, "errors"), (3, "panics")] {
        let added = all[at].own[1].median - all[0].own[1].median;
        bars.at_most(format!("a storm of {name} adds to a frame's p99, in µs"), 5.0, added);
    }
    format!(
        "{table}\n{WORKERS} workers on a runtime of one thread bound to one core, the frame loop bound to the other; a frame every \
         0.1 ms. Timed is `run_frame`.\n"
    )
}
