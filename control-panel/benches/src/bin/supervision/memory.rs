//! What a worker that waits costs: bytes, and what it takes to start it; and what it costs to ask how all are doing.

use std::time::Instant;

use control_panel_benches::{
    alloc::Count,
    machine::Quiet,
    rounds::{Probe, compare, percentile},
    supervisor::Supervisor,
    supervisors::{Graceful, Joined, Kameo, Panel, Ractor, Raw, TaskSupervisor, Taskvisor},
    table::{Table, short},
};

use crate::{
    Options,
    bars::Bars,
    cancel::{Idle, idle},
    runtime,
};

const WORKERS: usize = 1_000;

pub fn memory(_: &Options, _: &mut Quiet, _: &mut Bars) -> String {
    let mut table = Table::new(&["an idle worker", "bytes", "× raw", "allocations to start it"]);
    let raw = cost::<Joined>();
    let mut row = |name: &str, (bytes, calls): (f64, f64)| {
        table.row([name.to_owned(), short(bytes), short(bytes / raw.0), short(calls)]);
    };
    row(<Joined as Supervisor<Idle>>::NAME, raw);
    row(<Panel as Supervisor<Idle>>::NAME, cost::<Panel>());
    row(<Raw as Supervisor<Idle>>::NAME, cost::<Raw>());
    row(<Taskvisor as Supervisor<Idle>>::NAME, cost::<Taskvisor>());
    row(<TaskSupervisor as Supervisor<Idle>>::NAME, cost::<TaskSupervisor>());
    row(<Graceful as Supervisor<Idle>>::NAME, cost::<Graceful>());
    row(<Kameo as Supervisor<Idle>>::NAME, cost::<Kameo>());
    row(<Ractor as Supervisor<Idle>>::NAME, cost::<Ractor>());
    format!(
        "{table}\nBy a counting allocator: {WORKERS} workers that wait forever, less the same supervisor with one. Of \
         a worker's name, 8 to 10 bytes. The allocations are those of the supervisor and of the worker's name.\n"
    )
}

/// Bytes and allocations for each worker.
fn cost<S: Supervisor<Idle>>() -> (f64, f64) {
    let of = |workers| {
        let runtime = runtime();
        // What the runtime and the supervisor make lazily is there before it counts.
        drop(idle::<S>(runtime.handle(), 1));
        let count = Count::begin();
        let supervisor = idle::<S>(runtime.handle(), workers);
        let cost = (count.live() as f64, count.calls() as f64);
        drop((count, supervisor));
        cost
    };
    let (one, many) = (of(1), of(WORKERS));
    let more = (WORKERS - 1) as f64;
    ((many.0 - one.0) / more, (many.1 - one.1) / more)
}

pub fn status(options: &Options, quiet: &mut Quiet, bars: &mut Bars) -> String {
    let mut table = Table::new(&["status of all", "4, µs", "allocations", "1,000, µs", "allocations"]);
    let mut rows: Vec<Vec<String>> = Vec::new();
    for workers in [4, 1_000] {
        let times = options.pick(400, 50);
        let mut panel = asking::<Panel>(workers, times);
        let mut peers = [asking::<Taskvisor>(workers, times), asking::<TaskSupervisor>(workers, times)];
        let all = compare(&mut panel, &mut peers, options.pick(5, 2), quiet);
        for (at, row) in all.iter().enumerate() {
            if rows.len() <= at {
                rows.push(vec![row.name.to_owned()]);
            }
            rows[at].extend([short(row.own[0].median), short(row.own[1].median)]);
        }
        bars.at_most(format!("status of {workers} workers, allocations"), 0.0, all[0].own[1].median);
    }
    rows.into_iter().for_each(|row| table.row(row));
    format!(
        "{table}\n`panel.status()`, `alive_snapshot()` (names only), `task_statuses()`; the latter two ask a task. The \
         other peers have nothing to ask.\n"
    )
}

/// µs and allocations a question.
fn asking<S: Supervisor<Idle> + 'static>(workers: usize, times: usize) -> Probe {
    Probe::new(S::NAME, move || {
        let runtime = runtime();
        let mut supervisor = idle::<S>(runtime.handle(), workers);
        let mut took: Vec<f64> = (0..times)
            .map(|_| {
                let began = Instant::now();
                let counted = supervisor.status();
                let took = began.elapsed();
                assert_eq!(counted, Some(workers), "{}", S::NAME);
                1e6 * took.as_secs_f64()
            })
            .collect();
        let count = Count::begin();
        supervisor.status();
        let calls = count.calls() as f64;
        drop(count);
        supervisor.shutdown();
        runtime.shutdown_background();
        vec![percentile(&mut took, 0.5), calls]
    })
}
