//! From the call of a shutdown to its return, with workers that wait and stop as soon as they are asked to.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use control_panel_benches::{
    machine::Quiet,
    rounds::{Compared, Probe, compare, percentile},
    supervisor::{Down, Job, Supervisor, Terms},
    supervisors::{Graceful, Joined, Kameo, Panel, Ractor, Raw, TaskSupervisor, Taskvisor},
    table::{Table, short},
};
use tokio::runtime::Handle;

use crate::{Options, bars::Bars, runtime};

/// A worker that has nothing to do.
#[derive(Clone)]
pub struct Idle(Arc<AtomicUsize>);

impl Job for Idle {
    async fn run(self) -> Result<(), Down> {
        self.0.fetch_add(1, Relaxed);
        pending().await
    }
}

/// So many idle workers, all of them waiting.
pub fn idle<S: Supervisor<Idle>>(runtime: &Handle, count: usize) -> S {
    let started = Arc::new(AtomicUsize::new(0));
    let workers = (0..count).map(|n| (format!("worker-{n}"), Idle(Arc::clone(&started)))).collect();
    let supervisor = S::open(runtime, Terms::PROMPT, workers);
    while started.load(Relaxed) < count {
        thread::sleep(Duration::from_millis(1));
    }
    thread::sleep(Duration::from_millis(2));
    supervisor
}

/// In µs: the median of so many shutdowns.
fn sample<S: Supervisor<Idle>>(count: usize, times: usize) -> Vec<f64> {
    let runtime = runtime();
    let mut took: Vec<f64> = (0..times)
        .map(|_| {
            let mut supervisor = idle::<S>(runtime.handle(), count);
            let began = Instant::now();
            let outcome = supervisor.shutdown();
            let took = began.elapsed();
            assert!(outcome.clean, "{}: {outcome:?}", S::NAME);
            1e6 * took.as_secs_f64()
        })
        .collect();
    runtime.shutdown_background();
    vec![percentile(&mut took, 0.5)]
}

fn probe<S: Supervisor<Idle> + 'static>(count: usize, times: usize) -> Probe {
    Probe::new(S::NAME, move || sample::<S>(count, times))
}

pub fn run(options: &Options, quiet: &mut Quiet, bars: &mut Bars) -> String {
    let mut columns: Vec<Vec<Compared>> = Vec::new();
    for (count, times) in [(4, 40), (1_000, 3), (10_000, 1)] {
        eprintln!("  {count} workers");
        let mut joined = probe::<Joined>(count, times);
        let mut others = [
            probe::<Panel>(count, times),
            probe::<Raw>(count, times),
            probe::<Taskvisor>(count, times),
            probe::<TaskSupervisor>(count, times),
            probe::<Graceful>(count, times),
            probe::<Kameo>(count, times),
            probe::<Ractor>(count, times),
        ];
        let all = compare(&mut joined, &mut others, options.pick(9, 3), quiet);
        bars.at_most(format!("cancel to joined, {count} workers, × raw"), 1.2, all[1].ratios[0].median);
        columns.push(all);
    }
    let mut table =
        Table::new(&["cancel to all joined", "4 ×", "1,000 ×", "10,000 ×", "4 µs", "1,000 µs", "10,000 µs"]);
    for row in 0..columns[0].len() {
        let name = columns[0][row].name.to_owned();
        let ratios = columns.iter().map(|all| short(all[row].ratios[0].median));
        let own = columns.iter().map(|all| short(all[row].own[0].median));
        table.row(std::iter::once(name).chain(ratios).chain(own));
    }
    format!(
        "{table}\nFrom the call of the shutdown, on a thread outside the runtime of two threads, to its return, with the \
         report that the supervisor makes. The baseline cancels a token and joins a `JoinSet` under a timeout.\n"
    )
}
