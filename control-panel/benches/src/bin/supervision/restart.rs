//! From a failure to the worker's next run, without a wait in between.

use std::{
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc,
    },
    time::{Duration, Instant},
};

use control_panel_benches::{
    machine::Quiet,
    rounds::{Probe, compare, percentile},
    supervisor::{Down, Job, Supervisor, Terms},
    supervisors::{Kameo, Panel, Ractor, Raw, TaskSupervisor, Taskvisor},
    table::{Table, short},
};

use crate::{Options, bars::Bars, runtime};

/// How a worker fails, and how long it runs before.
#[derive(Debug, Clone, Copy)]
struct Fault {
    panics: bool,
    after: Option<Duration>,
}

const FAULTS: [(&str, Fault); 3] = [
    ("panic", Fault { panics: true, after: None }),
    ("error", Fault { panics: false, after: None }),
    ("panic after 1 ms at rest", Fault { panics: true, after: Some(Duration::from_millis(1)) }),
];

/// The first restarts warm up and are not counted.
const WARM: usize = 50;

#[derive(Clone)]
struct Failing {
    fault: Fault,
    log: Arc<Log>,
}

struct Log {
    base: Instant,
    /// When it failed last, in ns since `base`; 0 before.
    failed: AtomicU64,
    latencies: Mutex<Vec<f64>>,
    enough: usize,
    patience: Duration,
    done: mpsc::SyncSender<()>,
}

impl Log {
    fn now(&self) -> u64 {
        u64::try_from(self.base.elapsed().as_nanos()).expect("a short benchmark")
    }

    /// A run began. Whether there shall be another.
    fn began(&self) -> bool {
        let (now, failed) = (self.now(), self.failed.load(Relaxed));
        let mut latencies = self.latencies.lock().expect("no panic while it is locked");
        if failed > 0 {
            latencies.push((now - failed) as f64);
        }
        let late = self.base.elapsed() > self.patience && latencies.len() > 2 * WARM;
        latencies.len() < WARM + self.enough && !late
    }
}

impl Job for Failing {
    async fn run(self) -> Result<(), Down> {
        let Self { fault, log } = self;
        if !log.began() {
            log.done.try_send(()).ok();
            pending::<()>().await;
        }
        if let Some(after) = fault.after {
            tokio::time::sleep(after).await;
        }
        log.failed.store(log.now(), Relaxed);
        if fault.panics { panic!("down") } else { Err(Down) }
    }
}

/// p50 and p99 in µs.
fn sample<S: Supervisor<Failing>>(fault: Fault, enough: usize) -> Vec<f64> {
    let runtime = runtime();
    let (done, over) = mpsc::sync_channel(1);
    let log = Arc::new(Log {
        base: Instant::now(),
        failed: AtomicU64::new(0),
        latencies: Mutex::new(Vec::with_capacity(WARM + enough)),
        enough,
        patience: Duration::from_millis(400),
        done,
    });
    let job = Failing { fault, log: Arc::clone(&log) };
    let mut supervisor = S::open(runtime.handle(), Terms::PROMPT, vec![("worker".into(), job)]);
    over.recv().expect("the worker holds the other end");
    supervisor.shutdown();
    drop(supervisor);
    runtime.shutdown_background();
    let mut latencies = std::mem::take(&mut *log.latencies.lock().expect("no panic while it is locked"));
    let counted = &mut latencies[WARM..];
    counted.iter_mut().for_each(|latency| *latency /= 1e3);
    vec![percentile(counted, 0.5), percentile(counted, 0.99)]
}

fn probe<S: Supervisor<Failing> + 'static>(fault: Fault, enough: usize) -> Probe {
    Probe::new(S::NAME, move || sample::<S>(fault, enough))
}

pub fn run(options: &Options, quiet: &mut Quiet, bars: &mut Bars) -> String {
    let mut text = String::new();
    for (name, fault) in FAULTS {
        eprintln!("  {name}");
        let enough = options.pick(2_000, 500) / if fault.after.is_some() { 8 } else { 1 };
        let mut raw = probe::<Raw>(fault, enough);
        let mut others = [
            probe::<Panel>(fault, enough),
            probe::<Taskvisor>(fault, enough),
            probe::<TaskSupervisor>(fault, enough),
            probe::<Kameo>(fault, enough),
            probe::<Ractor>(fault, enough),
        ];
        let all = compare(&mut raw, &mut others, options.pick(9, 3), quiet);
        let head = format!("restart after {name}");
        let mut table =
            Table::new(&[&head, "p50 ×", "p99 ×", "p50 µs", "p99 µs", "p50 µs, least", "greatest"]);
        for row in &all {
            table.row([
                row.name.to_owned(),
                short(row.ratios[0].median),
                short(row.ratios[1].median),
                short(row.own[0].median),
                short(row.own[1].median),
                short(row.own[0].low),
                short(row.own[0].high),
            ]);
        }
        text.push_str(&format!("{table}\n"));
        let (panel, peers) = (&all[1], &all[2..]);
        bars.at_most(format!("{name} to next run, p50, × raw"), 3.0, panel.ratios[0].median);
        bars.at_most(format!("{name} to next run, p50 in µs"), 25.0, panel.own[0].median);
        bars.at_most(format!("{name} to next run, p99 in µs"), 200.0, panel.own[1].median);
        let best = peers.iter().min_by(|a, b| a.own[0].median.total_cmp(&b.own[0].median));
        if let Some(best) = best {
            let bar = format!("{name} to next run, p50, × the best peer's ({})", best.name);
            bars.at_most(bar, 1.0, panel.own[0].median / best.own[0].median);
        }
    }
    text.push_str(
        "A runtime of two threads, one worker, no wait before a restart where the supervisor can be set so. From just \
         before the panic, or the return of the error, to the first instruction of the next run. The panic hook prints \
         nothing.\n",
    );
    text
}
