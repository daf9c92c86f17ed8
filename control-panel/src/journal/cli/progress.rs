//! Progress on a terminal: one bar for the current work of a command.

use std::{cell::Cell, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};

use crate::journal::progress::{Progress, watched};

/// So often the bar moves where the steps are not counted: a file's pages are checked in one.
const MOVES: Duration = Duration::from_millis(100);

/// On stderr, and only where that is a terminal.
pub(super) fn bar() -> ProgressBar {
    let bar = ProgressBar::new(0).with_message("reading");
    let bar = match ProgressStyle::with_template("{spinner} {msg} {wide_bar} {pos}/{len} {eta}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    };
    if !bar.is_hidden() {
        bar.enable_steady_tick(MOVES);
    }
    bar
}

/// Does this work, and shows how far it is.
pub(super) fn shown<T>(bar: &ProgressBar, work: impl FnOnce() -> T) -> T {
    let (bar, counts) = (bar.clone(), Cell::new(true));
    let watch = move |progress| match progress {
        Progress::Phase(what, steps) => {
            counts.set(true);
            bar.set_length(steps as u64);
            bar.set_position(0);
            bar.set_message(what);
            bar.reset_eta();
        }
        Progress::Step if counts.get() => bar.inc(1),
        Progress::Step => {}
        Progress::Left(left) => {
            counts.set(false);
            bar.set_position(left as u64);
        }
    };
    watched(watch, work)
}
