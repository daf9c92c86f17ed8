//! Workers that a shutdown cannot stop, planted just before it: the report has to name exactly them.

use std::{
    future::pending,
    hint, iter,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use control_panel::{Context, ControlPanel, Exit, ShutdownReport, Worker, supervision::Cancel};

use crate::worker::{Kind, Update};

/// They are let go so much later than the shutdown's deadline, should it not come back.
const AT_MOST: Duration = Duration::from_secs(10);

/// The planted workers.
#[derive(Debug)]
pub(crate) struct Offenders(Chain);

/// Whether they are to go on.
#[derive(Debug, Clone)]
struct Chain {
    free: Arc<AtomicBool>,
    /// How many have begun and not ended; one that is dropped instead of ending still counts.
    at_it: Arc<AtomicUsize>,
}

impl Chain {
    fn holds(&self, since: Instant) -> bool {
        !self.free.load(Relaxed) && since.elapsed() < AT_MOST
    }

    fn block(&self) {
        self.at_it.fetch_add(1, Relaxed);
        let since = Instant::now();
        while self.holds(since) {
            thread::sleep(Duration::from_millis(1));
        }
        self.at_it.fetch_sub(1, Relaxed);
    }

    fn compute(&self) {
        self.at_it.fetch_add(1, Relaxed);
        let since = Instant::now();
        while self.holds(since) {
            hint::spin_loop();
        }
        self.at_it.fetch_sub(1, Relaxed);
    }
}

impl Offenders {
    /// Those that still run when the shutdown is back: it can only name them.
    const ABANDONED: [&str; 3] = ["planted-busy", "planted-blocking", "planted-thread"];
    /// That which awaits and does not listen: it is dropped late in the shutdown.
    const ABORTED: &str = "planted-pending";

    /// Comes back when all of them are at it.
    pub(crate) fn plant(panel: &ControlPanel<Update>) -> Self {
        let chain = Chain { free: Arc::default(), at_it: Arc::default() };
        let [busy, blocking, thread] = Self::ABANDONED;
        let [for_busy, for_blocking, for_thread, for_pending] = iter::repeat_with(|| chain.clone())
            .take(4)
            .collect::<Vec<_>>()
            .try_into()
            .expect("four were taken");
        panel.spawn(Worker::once(busy, Kind::Deaf, |_: Context<Update>| async move { for_busy.compute() }));
        panel.spawn(Worker::blocking(blocking, Kind::Blocking, move |_| for_blocking.block()));
        panel.spawn(Worker::thread(thread, Kind::Thread, move |_| for_thread.block()));
        let waiting = Worker::once(Self::ABORTED, Kind::Deaf, |_: Context<Update>| async move {
            for_pending.at_it.fetch_add(1, Relaxed);
            pending::<()>().await;
        });
        panel.spawn(waiting.cancel(Cancel::Cooperative).grace(Duration::MAX));
        let since = Instant::now();
        while chain.at_it.load(Relaxed) < 4 && since.elapsed() < AT_MOST {
            thread::sleep(Duration::from_millis(1));
        }
        Self(chain)
    }

    /// Whether all are at it still.
    pub(crate) fn are_at_it(&self) -> bool {
        self.0.at_it.load(Relaxed) == 4
    }

    /// Lets them go.
    pub(crate) fn free(&self) {
        self.0.free.store(true, Relaxed);
    }

    pub(crate) fn abandoned() -> usize {
        Self::ABANDONED.len()
    }

    /// What is wrong with the report's names; nothing, if they are those of the planted workers. A deaf worker may have
    /// been aborted too.
    pub(crate) fn misnamed(report: &ShutdownReport) -> Vec<String> {
        let mut wrong = Vec::new();
        let workers = report.workers();
        for worker in workers {
            let name: &str = &worker.name;
            let planted = Self::ABANDONED.contains(&name);
            let abandoned = report.abandoned().any(|abandoned| abandoned.origin == worker.origin);
            if planted != abandoned {
                wrong.push(worker.to_string());
            }
            let may_be_aborted = name == Self::ABORTED || name.starts_with("deaf-");
            if !may_be_aborted && matches!(worker.exit, Exit::Aborted) {
                wrong.push(worker.to_string());
            }
        }
        for planted in Self::ABANDONED.into_iter().chain([Self::ABORTED]) {
            if !workers.iter().any(|worker| *worker.name == *planted) {
                wrong.push(format!("{planted} is not in the report"));
            }
        }
        wrong
    }
}
