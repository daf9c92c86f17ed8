//! How runs ended, newest first.

use control_panel::console::{EndKind, EndRow, View};

use super::{full, panicked};
use crate::{
    table::{Cell, Column, Row, Table, Tone},
    words::time,
};

const COLUMNS: [Column; 5] = [
    Column::figure("ago", 5, 3),
    Column::text("worker", 10, 28, 0),
    Column::text("end", 8, 8, 2),
    Column::text("how", 12, 120, 1).good(40),
    Column::figure("run", 4, 4),
];

pub(super) fn table(view: &View) -> Table {
    let rows = view.ends.iter().map(|end| {
        let bad = end.kind != EndKind::Clean;
        let how = end.panic.as_ref().map_or_else(|| Cell::text(end.text.clone()), panicked);
        #[expect(clippy::cast_precision_loss, reason = "it is sorted by")]
        let run = end.generation as f64;
        let cells = vec![
            Cell::figure(time(end.ago), end.ago.as_secs_f64()),
            Cell::text(end.name.clone()),
            Cell::text(word(end)).tone(if bad { Tone::Trouble } else { Tone::Dim }),
            how.tone(if bad { Tone::Text } else { Tone::Dim }),
            Cell::figure(end.generation.to_string(), run),
        ];
        // All that is here is over: the newest is first, whatever it was.
        Row { id: end.number, trouble: false, cells }
    });
    Table { columns: &COLUMNS, rows: rows.collect(), empty: "no run has ended", left_out: view.ends_left_out }
}

fn word(end: &EndRow) -> &'static str {
    match end.kind {
        EndKind::Clean => "clean",
        EndKind::Failed => "failed",
        EndKind::Panicked => "panicked",
        EndKind::Stopped => "stopped",
        EndKind::Refused => "refused",
        EndKind::GaveUp => "gave up",
        _ => "ended",
    }
}

pub(super) fn detail(view: &View, number: u64) -> Option<(String, String)> {
    let end = view.ends.iter().find(|end| end.number == number)?;
    let mut text = format!("{} ago, run {}: {}", time(end.ago), end.generation, end.text);
    if let Some(panic) = &end.panic {
        text = format!("{} ago, run {}\n\n{}", time(end.ago), end.generation, full(panic));
    }
    Some((format!("{} #{}", end.name, end.instance), text))
}
