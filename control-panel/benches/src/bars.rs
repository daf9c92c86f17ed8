//! What is to be reached, and whether it was in this run.

use crate::table::{Table, short};

#[derive(Default)]
pub struct Bars {
    rows: Vec<[String; 4]>,
}

impl Bars {
    pub fn at_most(&mut self, what: impl Into<String>, limit: f64, measured: f64) {
        self.push(what.into(), format!("≤ {limit}"), short(measured), measured <= limit);
    }

    pub fn at_least(&mut self, what: impl Into<String>, limit: f64, measured: f64) {
        self.push(what.into(), format!("≥ {limit}"), short(measured), measured >= limit);
    }

    pub fn holds(&mut self, what: impl Into<String>, holds: bool) {
        self.push(what.into(), "yes".into(), if holds { "yes" } else { "no" }.into(), holds);
    }

    fn push(&mut self, what: String, limit: String, measured: String, met: bool) {
        let verdict = if met { "met" } else { "**missed**" };
        self.rows.push([what, limit, measured, verdict.into()]);
    }

    /// Nothing, where no section with a bar was run.
    pub fn table(self, head: &str) -> Option<Table> {
        let mut table = Table::new(&[head, "limit", "measured", "verdict"]);
        let any = !self.rows.is_empty();
        self.rows.into_iter().for_each(|row| table.row(row));
        any.then_some(table)
    }
}
