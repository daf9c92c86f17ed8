//! What frames take.

use control_panel::console::{Quantiles, View};

use crate::{
    table::{Cell, Column, Row, Table},
    words::time,
};

const COLUMNS: [Column; 4] = [
    Column::text("of a frame", 10, 24, 0),
    Column::figure("p50", 7, 2),
    Column::figure("p99", 7, 1),
    Column::figure("max", 7, 3),
];

pub(super) fn table(view: &View) -> Table {
    let frames = &view.frames;
    let parts = [
        ("drain and order", &frames.drain),
        ("apply and settle", &frames.apply),
        ("reconcile", &frames.reconcile),
        ("together", &frames.total),
    ];
    let mut rows: Vec<_> =
        parts.into_iter().zip(0..).map(|((name, times), id)| row(id, name, times)).collect();
    let intents = |number: u32| Cell::figure(number.to_string(), f64::from(number));
    rows.push(Row {
        id: 4,
        trouble: false,
        cells: vec![
            Cell::text("intents applied"),
            intents(frames.intents_p50),
            intents(frames.intents_p99),
            Cell::default(),
        ],
    });
    if frames.measured == 0 {
        rows.clear();
    }
    Table { columns: &COLUMNS, rows, empty: "no frame in the last 10 s", left_out: 0 }
}

fn row(id: u64, name: &str, times: &Quantiles) -> Row {
    let shown = |of: std::time::Duration| Cell::figure(time(of), of.as_secs_f64());
    let cells = vec![Cell::text(name), shown(times.p50), shown(times.p99), shown(times.max)];
    Row { id, trouble: false, cells }
}
