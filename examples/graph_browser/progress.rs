//! What is shown while it works: a bar on a terminal, a plain line now and then elsewhere, on stderr.

use std::{
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

#[cfg(feature = "terminal")]
use control_panel::IntentSource;
use control_panel::workers::memory_monitor::{MemoryGauge, MemoryReading};
use indicatif::{ProgressBar, ProgressStyle};

#[cfg(feature = "terminal")]
use crate::intent::GraphIntent;
use crate::{app::GraphBrowserApp, summary::plain, visitor::Visitor};

/// Between two plain lines.
const LINE_EVERY: Duration = Duration::from_secs(2);
/// Frames between two updates of the bar.
const BAR_EVERY: u64 = 6;

/// How progress is shown.
pub(crate) enum Progress {
    Silent,
    Lines {
        next: Instant,
    },
    Bar(ProgressBar),
    /// The whole terminal.
    #[cfg(feature = "terminal")]
    Screen(Box<crate::terminal::Screen>),
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

    /// Takes in what was typed on the screen, if there is one, and draws it: what it comes to, and whether it is to end.
    #[cfg(feature = "terminal")]
    pub(crate) fn turn(&mut self) -> io::Result<(Vec<(IntentSource, GraphIntent)>, bool)> {
        match self {
            Self::Screen(screen) => screen.turn(),
            _ => Ok((Vec::new(), false)),
        }
    }

    pub(crate) fn show(&mut self, frame: u64, app: &GraphBrowserApp, visitor: &Visitor) {
        match self {
            Self::Bar(bar) if frame.is_multiple_of(BAR_EVERY) => {
                bar.set_length(app.graph().len() as u64);
                bar.set_position((app.graph().read + app.graph().skipped) as u64);
                bar.set_message(words(app, visitor));
            }
            #[cfg(feature = "terminal")]
            Self::Screen(screen) => screen.set_words(words(app, visitor)),
            Self::Silent | Self::Bar(_) => {}
            Self::Lines { next } => {
                let now = Instant::now();
                if now >= *next {
                    *next = now + LINE_EVERY;
                    let done = app.graph().read + app.graph().skipped;
                    say(&format!("{done}/{} pages, {}", app.graph().len(), words(app, visitor)));
                }
            }
        }
    }

    /// How things are, for whatever asked.
    pub(crate) fn tell(&mut self, app: &GraphBrowserApp, visitor: &Visitor, memory: &[MemoryReading]) {
        let policy = app.policy();
        let limits = app.limits();
        let mut lines = vec![
            words(app, visitor),
            format!(
                "policy: active {} (now {}), warm {} (now {}), memory {}",
                policy.active_webview_limit,
                limits.active,
                policy.warm_cache_limit,
                limits.warm,
                policy.memory_pressure_threshold
            ),
        ];
        lines.extend(memory.iter().map(|reading| format!("memory: {} {}", reading.gauge, gauge(reading))));
        lines.extend(
            app.graph()
                .notes
                .iter()
                .map(|(path, words)| format!("note on {}: {}", plain(path), plain(words))),
        );
        lines.extend(app.contacts.lines());
        self.answer(lines);
    }

    /// What happened, unless it is to be silent.
    pub(crate) fn note(&mut self, lines: Vec<String>) {
        if !matches!(self, Self::Silent) {
            self.answer(lines);
        }
    }

    /// What was asked for.
    pub(crate) fn answer(&mut self, lines: Vec<String>) {
        for line in lines {
            match self {
                Self::Bar(bar) => bar.println(line),
                #[cfg(feature = "terminal")]
                Self::Screen(screen) => screen.say(&line),
                Self::Silent | Self::Lines { .. } => say(&line),
            }
        }
    }

    /// Takes the bar away, so that the summary stands alone.
    pub(crate) fn finish(&mut self) {
        match self {
            Self::Bar(bar) => bar.finish_and_clear(),
            #[cfg(feature = "terminal")]
            Self::Screen(_) => *self = Self::Silent,
            Self::Silent | Self::Lines { .. } => {}
        }
    }
}

fn words(app: &GraphBrowserApp, visitor: &Visitor) -> String {
    let (active, warm) = (app.lifecycles.active().len(), app.lifecycles.warm().len());
    let (made, planned) = (visitor.made(), visitor.planned());
    let walking = if app.walked().is_none() { "walking, " } else { "" };
    #[cfg(feature = "mods")]
    let mods = crate::summary::plain(&app.mods.words());
    #[cfg(not(feature = "mods"))]
    let mods = "";
    #[cfg(feature = "journal")]
    let journal = app.journal.words();
    #[cfg(not(feature = "journal"))]
    let journal = "";
    format!(
        "{walking}{} links, {active} active, {warm} warm, {made}/{planned} visits, memory {}{mods}{journal}",
        app.graph().edges,
        app.pressure()
    )
}

/// What a gauge of memory shows.
pub(crate) fn gauge(reading: &MemoryReading) -> String {
    match (&reading.error, reading.sample) {
        (Some(error), _) => plain(&error.to_string()),
        (None, None) => "nothing to measure here".into(),
        (None, Some(sample)) => {
            let percent = sample.fraction() * 100.0;
            match reading.gauge {
                MemoryGauge::Stall => format!("{percent:.1}% of the time, {}", reading.level),
                _ => format!("{percent:.1}% of {} MiB, {}", sample.total >> 20, reading.level),
            }
        }
    }
}

/// A line on stderr; that it is not read is no reason to stop.
pub(crate) fn say(line: &str) {
    writeln!(io::stderr(), "{line}").ok();
}
