//! What is printed while it runs: plain text, one line a frame.

use control_panel::frame::RedoFigures;

use crate::list::List;

/// As wide as a cell.
const TITLES: &str = "  merged redone items";

pub(crate) fn head(names: &[&str]) -> String {
    let titles = vec![TITLES; names.len()].join(" | ");
    let names: Vec<_> = names.iter().map(|name| format!("{name:<width$}", width = TITLES.len())).collect();
    format!("\nframe | {} | packets\n      | {titles} | sent lost", names.join(" | "))
}

/// One replica in one frame; what is zero is left out.
pub(crate) fn cell(typed: bool, redo: &RedoFigures, list: &List) -> String {
    let figure = |count: usize| if count == 0 { String::new() } else { count.to_string() };
    let typed = if typed { '+' } else { ' ' };
    format!("{typed} {:>6} {:>6} {:>5}", figure(redo.merged), figure(redo.redone), list.len())
}

pub(crate) fn row(frame: u64, cells: &[String], (sent, lost): (u64, u64)) -> String {
    format!("{frame:>5} | {} | {sent:>4} {lost:>4}", cells.join(" | "))
}
