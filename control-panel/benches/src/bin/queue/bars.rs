//! What the queue has to reach, and whether it did in this run.

use control_panel_benches::table::{Table, short};

#[derive(Default)]
pub struct Bars {
    rows: Vec<[String; 4]>,
}

impl Bars {
    pub fn at_most(&mut self, what: impl Into<String>, limit: f64, measured: f64) {
        self.push(what.into(), format!("≤ {limit}"), measured, measured <= limit);
    }

    pub fn at_least(&mut self, what: impl Into<String>, limit: f64, measured: f64) {
        self.push(what.into(), format!("≥ {limit}"), measured, measured >= limit);
    }

    fn push(&mut self, what: String, limit: String, measured: f64, met: bool) {
        let verdict = if met { "met" } else { "**missed**" };
        self.rows.push([what, limit, short(measured), verdict.into()]);
    }

    /// Nothing, where no section with a bar was run.
    pub fn table(self) -> Option<Table> {
        let mut table = Table::new(&["bar (× of the baseline)", "limit", "measured", "verdict"]);
        let any = !self.rows.is_empty();
        self.rows.into_iter().for_each(|row| table.row(row));
        any.then_some(table)
    }
}
