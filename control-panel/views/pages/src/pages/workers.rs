//! The living workers.

use std::collections::BTreeMap;

use control_panel::console::{View, WorkerRow, WorkerState};

use super::{full, panicked};
use crate::{
    table::{Cell, Column, Row, Table, Tone},
    words::{count, rate, some, time},
};

const COLUMNS: [Column; 14] = [
    Column::text("worker", 10, 28, 0).good(12),
    Column::text("state", 9, 9, 1),
    Column::text("last panic or error", 12, 100, 2).good(36),
    Column::figure("since", 6, 4),
    Column::figure("heard", 6, 6),
    Column::figure("rst", 5, 3),
    Column::figure("rate", 7, 5),
    Column::figure("sent", 6, 7),
    Column::figure("drop", 5, 8),
    Column::figure("refus", 5, 9),
    Column::figure("waits", 5, 10),
    Column::figure("blocked", 7, 11),
    Column::text("source", 8, 20, 12),
    Column::text("kind", 8, 8, 13),
];

pub(super) fn table(view: &View) -> Table {
    let mut of_name = BTreeMap::new();
    for worker in &view.workers {
        *of_name.entry(worker.name.as_str()).or_insert(0_u32) += 1;
    }
    let rows = view.workers.iter().map(|worker| {
        let alone = of_name.get(worker.name.as_str()) == Some(&1);
        let name = if alone { worker.name.clone() } else { format!("{}#{}", worker.name, worker.instance) };
        let restarts = match worker.restarts_allowed {
            _ if worker.restarts == 0 => String::new(),
            Some(allowed) => format!("{}/{allowed}", worker.restarts),
            None => worker.restarts.to_string(),
        };
        #[expect(clippy::cast_precision_loss, reason = "it is sorted by")]
        let number = |number: u64| Cell::figure(some(number), number as f64);
        let cells = vec![
            Cell::text(name),
            Cell::text(state(worker)).tone(tone(worker.state)),
            last(worker),
            Cell::figure(time(worker.since), worker.since.as_secs_f64()),
            Cell::figure(time(worker.heard), worker.heard.as_secs_f64()),
            Cell::figure(restarts, f64::from(worker.restarts)),
            Cell::figure(rate(worker.rate), worker.rate),
            number(worker.sent),
            number(worker.dropped).tone(Tone::Warn),
            number(worker.refused).tone(Tone::Warn),
            number(worker.waiting as u64).tone(Tone::Warn),
            Cell::figure(
                if worker.blocked.is_zero() { String::new() } else { time(worker.blocked) },
                worker.blocked.as_secs_f64(),
            ),
            Cell::text(worker.source.clone()),
            Cell::text(worker.kind.to_string()),
        ];
        Row { id: worker.instance, trouble: worker.state.is_trouble(), cells }
    });
    Table {
        columns: &COLUMNS,
        rows: rows.collect(),
        empty: "no worker lives",
        left_out: view.workers_left_out as u64,
    }
}

/// In a word, and for one that waits to be restarted, how long.
fn state(worker: &WorkerRow) -> String {
    match (worker.state, worker.backoff_left) {
        (WorkerState::Backoff, Some(left)) => format!("in {}", time(left)),
        (state, _) => state.to_string(),
    }
}

/// The last panic, its place first; or the last error; or what its state says beyond the word.
fn last(worker: &WorkerRow) -> Cell {
    let tone = if worker.state.is_trouble() { Tone::Trouble } else { Tone::Text };
    match (&worker.last_panic, &worker.last_error) {
        (Some(panic), _) => panicked(panic).tone(tone),
        (None, Some(error)) => Cell::text(error.clone()).tone(tone),
        (None, None) if worker.text == worker.state.to_string() => Cell::default(),
        (None, None) => Cell::text(worker.text.clone()).tone(Tone::Dim),
    }
}

fn tone(state: WorkerState) -> Tone {
    match state {
        WorkerState::Running => Tone::Good,
        WorkerState::Stuck | WorkerState::Backoff | WorkerState::Gone => Tone::Trouble,
        WorkerState::Quiet | WorkerState::Stopping => Tone::Warn,
        _ => Tone::Dim,
    }
}

fn group(worker: &WorkerRow) -> String {
    worker.group.map_or_else(String::new, |group| format!(", group {group}"))
}

pub(super) fn detail(view: &View, instance: u64) -> Option<(String, String)> {
    let worker = view.workers.iter().find(|worker| worker.instance == instance)?;
    let some = |time_of: Option<std::time::Duration>| time_of.map_or_else(|| "none".to_owned(), time);
    let restarts = match (worker.restarts_allowed, worker.restarts_within) {
        (Some(allowed), Some(within)) => {
            format!("{} of {allowed} allowed within {}", worker.restarts, time(within))
        }
        _ => worker.restarts.to_string(),
    };
    let backoff =
        worker.backoff_left.map_or_else(String::new, |left| format!(" (restarts in {})", time(left)));
    let mut lines = vec![
        format!("state      {}{}, for {}", worker.state, backoff, time(worker.since)),
        format!("heard of   {} ago, last heartbeat {}", time(worker.heard), some(worker.heartbeat)),
        format!("run        {}, restarts {restarts}", worker.generation),
        format!("source     {}, {}{}", worker.source, worker.kind, group(worker)),
        format!(
            "intents    {} sent ({}), {} dropped, {} refused",
            count(worker.sent),
            if worker.rate < 0.05 { "none now".to_owned() } else { rate(worker.rate) },
            count(worker.dropped),
            count(worker.refused)
        ),
        format!("blocked    {} in all, {} sends wait now", time(worker.blocked), worker.waiting),
    ];
    match (&worker.last_panic, &worker.last_error) {
        (Some(panic), _) => lines.extend([String::new(), full(panic)]),
        (None, Some(error)) => lines.extend([String::new(), error.clone()]),
        (None, None) => {}
    }
    Some((format!("{} #{}", worker.name, worker.instance), lines.join("\n")))
}
