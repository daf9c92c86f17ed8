//! What is shown while it works: a bar on a terminal, a plain line now and then elsewhere, on stderr.

use std::{
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

use crate::{app::GraphBrowserApp, visitor::Visitor};

/// Between two plain lines.
const LINE_EVERY: Duration = Duration::from_secs(2);
/// Frames between two updates of the bar.
const BAR_EVERY: u64 = 6;

/// How progress is shown.
#[derive(Debug)]
pub(crate) enum Progress {
    Silent,
    Lines { next: Instant },
    Bar(ProgressBar),
}

impl Progress {
    pub(crate) fn new(quiet: bool) -> Self {
        if quiet {
            return Self::Silent;
        }
        if !io::stderr().is_terminal() {
            return Self::Lines { next: Instant::now() };
        }
        let bar = ProgressBar::new(0);
        // The template is a constant; were it wrong, the standard style would do.
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} pages  {msg}") {
            bar.set_style(style);
        }
        Self::Bar(bar)
    }

    pub(crate) fn show(&mut self, frame: u64, app: &GraphBrowserApp, visitor: &Visitor) {
        match self {
            Self::Bar(bar) if frame.is_multiple_of(BAR_EVERY) => {
                bar.set_length(app.graph.len() as u64);
                bar.set_position((app.graph.read + app.graph.skipped) as u64);
                bar.set_message(words(app, visitor));
            }
            Self::Silent | Self::Bar(_) => {}
            Self::Lines { next } => {
                let now = Instant::now();
                if now >= *next {
                    *next = now + LINE_EVERY;
                    let done = app.graph.read + app.graph.skipped;
                    say(&format!("{done}/{} pages, {}", app.graph.len(), words(app, visitor)));
                }
            }
        }
    }

    /// Takes the bar away, so that the summary stands alone.
    pub(crate) fn finish(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

fn words(app: &GraphBrowserApp, visitor: &Visitor) -> String {
    let (active, warm) = (app.lifecycles.active().len(), app.lifecycles.warm().len());
    let (made, planned) = (visitor.made(), visitor.planned());
    let walking = if app.graph.walked.is_none() { "walking, " } else { "" };
    format!(
        "{walking}{} links, {active} active, {warm} warm, {made}/{planned} visits, memory {}",
        app.graph.edges,
        app.pressure()
    )
}

/// A line on stderr; that nobody reads it is no reason to stop.
pub(crate) fn say(line: &str) {
    writeln!(io::stderr(), "{line}").ok();
}
