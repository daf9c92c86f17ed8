//! The waits before a restart after healthy runs: whether a supervisor forgives.

use std::{
    future::pending,
    sync::{Arc, Mutex, mpsc},
    time::{Duration, Instant},
};

use control_panel_benches::{
    machine::Quiet,
    supervisor::{Down, Job, Supervisor, Terms},
    supervisors::{Panel, TaskSupervisor, Taskvisor},
    table::{Table, short},
};
use tokio::{runtime::Handle, time::sleep};

use crate::{Options, bars::Bars, runtime};

const RUNS: usize = 6;
const FIRST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_millis(200);
/// Longer than any wait, so a worker that was up for so long is well.
const HEALTHY: Duration = Duration::from_millis(300);

#[derive(Clone)]
struct Healthy {
    waits: Arc<Mutex<Waits>>,
    done: mpsc::SyncSender<()>,
}

#[derive(Default)]
struct Waits {
    failed: Option<Instant>,
    ms: Vec<f64>,
}

impl Healthy {
    fn waits(&self) -> std::sync::MutexGuard<'_, Waits> {
        self.waits.lock().expect("no panic while it is locked")
    }

    /// Whether that was enough.
    fn began(&self) -> bool {
        let mut waits = self.waits();
        if let Some(failed) = waits.failed {
            waits.ms.push(1e3 * failed.elapsed().as_secs_f64());
        }
        waits.ms.len() == RUNS
    }
}

impl Job for Healthy {
    async fn run(self) -> Result<(), Down> {
        if self.began() {
            self.done.send(()).ok();
            pending::<()>().await;
        }
        sleep(HEALTHY).await;
        self.waits().failed = Some(Instant::now());
        Err(Down)
    }
}

/// A supervisor at work, and how to have what was measured.
fn begin<S: Supervisor<Healthy> + 'static>(
    runtime: &Handle,
) -> Box<dyn FnOnce() -> (&'static str, Vec<f64>)> {
    let (done, over) = mpsc::sync_channel(1);
    let job = Healthy { waits: Arc::default(), done };
    let waits = Arc::clone(&job.waits);
    let terms = Terms { backoff: (FIRST, LONGEST), ..Terms::PROMPT };
    let mut supervisor = S::open(runtime, terms, vec![("healthy".into(), job)]);
    Box::new(move || {
        over.recv().expect("the worker holds the other end");
        supervisor.shutdown();
        let ms = std::mem::take(&mut waits.lock().expect("no panic while it is locked").ms);
        (S::NAME, ms)
    })
}

pub fn run(_: &Options, quiet: &mut Quiet, bars: &mut Bars) -> String {
    let runtime = runtime();
    // They hardly use the machine, so they can be measured at once.
    let all = quiet.measure(|| {
        let handle = runtime.handle();
        let measured = [begin::<Panel>(handle), begin::<Taskvisor>(handle), begin::<TaskSupervisor>(handle)];
        measured.map(|measured| measured())
    });
    let mut table = Table::new(&["waits in ms, after healthy runs", "1", "2", "3", "4", "5", "6"]);
    for (name, ms) in &all {
        table.row(std::iter::once((*name).to_owned()).chain(ms.iter().map(|&ms| short(ms))));
    }
    bars.at_most("the sixth wait after healthy runs, × the first's greatest", 1.2, all[0].1[RUNS - 1] / 20.0);
    format!(
        "{table}\nFirst wait {FIRST:?}, longest {LONGEST:?}, jitter as each has it by default, each run {HEALTHY:?} long and then \
         an error. tokio's timers are late by 1 to 2 ms. task-supervisor counts restarts in a window, here its \
         default of 60 s; kameo and ractor have no waits.\n"
    )
}
