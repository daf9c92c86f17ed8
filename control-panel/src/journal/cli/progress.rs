//! Progress on a terminal.

use indicatif::{ProgressBar, ProgressStyle};

use super::output::Output;

/// A bar over so many steps, on stderr and only where that is a terminal.
pub(super) fn bar(output: &Output, steps: usize, what: &'static str) -> ProgressBar {
    if output.is_json() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(steps as u64).with_message(what);
    match ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
