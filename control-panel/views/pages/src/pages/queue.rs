//! The sources of the queue.

use control_panel::console::View;

use crate::{
    table::{Cell, Column, Row, Table, Tone},
    words::{count, rate, some, time},
};

const COLUMNS: [Column; 8] = [
    Column::text("source", 10, 28, 0),
    Column::figure("slots", 5, 1),
    Column::figure("rate", 7, 2),
    Column::figure("accepted", 8, 6),
    Column::figure("refused", 7, 4),
    Column::figure("dropped", 7, 5),
    Column::figure("waits", 5, 3),
    Column::figure("blocked", 7, 7),
];

pub(super) fn table(view: &View) -> Table {
    let rows = view.queue.sources.iter().zip(0..).map(|(source, id)| {
        #[expect(clippy::cast_precision_loss, reason = "it is sorted by")]
        let number = |number: u64| Cell::figure(some(number), number as f64);
        #[expect(clippy::cast_precision_loss, reason = "it is sorted by")]
        let accepted = Cell::figure(count(source.accepted), source.accepted as f64);
        let blocked = if source.blocked.is_zero() { String::new() } else { time(source.blocked) };
        let cells = vec![
            Cell::text(source.source.clone()),
            number(source.slots as u64),
            Cell::figure(rate(source.rate), source.rate),
            accepted,
            number(source.refused).tone(Tone::Warn),
            number(source.dropped).tone(Tone::Warn),
            number(source.waiting as u64).tone(Tone::Warn),
            Cell::figure(blocked, source.blocked.as_secs_f64()),
        ];
        Row { id, trouble: false, cells }
    });
    Table {
        columns: &COLUMNS,
        rows: rows.collect(),
        empty: "nothing has sent yet",
        left_out: view.queue.sources_left_out as u64,
    }
}
