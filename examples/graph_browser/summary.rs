//! The table at the end.

use std::{collections::BTreeMap, fmt::Display, time::Duration};

use comfy_table::{Attribute, Cell, CellAlignment, Color, ContentArrangement, Table, presets};
use control_panel::{
    PanelStatus, ShutdownReport, WorkerHandle, WorkerStatus, workers::memory_monitor::MemoryReading,
};

use crate::{
    app::GraphBrowserApp,
    frames::{Durations, FrameTimes},
    host::HostTally,
    lifecycle::Lifecycle,
    progress,
    visitor::Visitor,
};

/// Everything there is to tell.
#[derive(Debug)]
pub(crate) struct Summary<'a> {
    pub(crate) ending: &'a str,
    pub(crate) elapsed: Duration,
    pub(crate) app: &'a GraphBrowserApp,
    pub(crate) visitor: &'a Visitor,
    pub(crate) frames: &'a FrameTimes,
    /// Frames after which a limit or an invariant did not hold. There should be none.
    pub(crate) breaches: u64,
    pub(crate) host: HostTally,
    pub(crate) text_bytes: usize,
    /// What the gauges of memory showed last.
    pub(crate) memory: &'a [MemoryReading],
    pub(crate) panel: &'a PanelStatus,
    pub(crate) workers: &'a [WorkerHandle],
    pub(crate) shutdown: &'a ShutdownReport,
}

impl Summary<'_> {
    pub(crate) fn table(&self) -> Table {
        let mut rows = Rows::new();
        self.run(&mut rows);
        self.pages(&mut rows);
        self.nodes(&mut rows);
        self.workers_doings(&mut rows);
        #[cfg(feature = "mods")]
        self.mods(&mut rows);
        #[cfg(feature = "journal")]
        self.journal(&mut rows);
        self.intents(&mut rows);
        self.frame_times(&mut rows);
        self.how_workers_ended(&mut rows);
        rows.table
    }

    fn run(&self, rows: &mut Rows) {
        rows.section("run");
        rows.add("ended", self.ending, "");
        rows.add("took", format!("{:.1} s", self.elapsed.as_secs_f64()), "");
        let visits = format!("of {} planned", self.visitor.planned());
        rows.add("visits", self.visitor.made(), visits);
    }

    fn pages(&self, rows: &mut Rows) {
        let graph = self.app.graph();
        rows.section("pages");
        rows.add("folder", "", plain(self.app.folder().map_or("", |folder| folder)));
        let note = match self.app.walked() {
            None => "the walk was not finished",
            Some(true) => "the walk stopped at --max-pages: there is more",
            Some(false) => "",
        };
        rows.add("found", graph.len(), note);
        rows.add("read", graph.read, "");
        for (why, skipped) in self.app.skips().iter() {
            let examples = skipped.examples.iter().map(|path| plain(path)).collect::<Vec<_>>().join(", ");
            rows.add(format!("skipped: {why}"), skipped.count, examples);
        }
        let operations = self.app.operations();
        rows.add("operations", operations, format!("of the graph's replica, clock {}", self.app.clock()));
        rows.add("notes", graph.notes.len(), "");
        for (peer, reason) in self.app.contacts.offline() {
            rows.add(format!("offline: {peer}"), 1, plain(reason));
        }
        rows.section("links");
        let most_linked = graph.most_linked(1);
        let note = most_linked.first().map(|(path, count)| format!("most from {count} to {}", plain(path)));
        rows.add("internal", graph.links.internal, note.unwrap_or_default());
        rows.add("edges", graph.edges, "between two pages at most one each way");
        rows.add("external", graph.links.external, "");
        let broken = graph.broken.iter().map(|link| plain(link)).collect::<Vec<_>>().join(", ");
        rows.add("broken", graph.links.broken, broken);
        rows.add("other", graph.links.other, "to files that are no pages, or to none");
    }

    fn nodes(&self, rows: &mut Rows) {
        rows.section("nodes");
        let limits = self.app.limits();
        let mut wanted: BTreeMap<Lifecycle, Vec<(&str, usize)>> = BTreeMap::new();
        for ((lifecycle, observed), count) in self.app.census() {
            if count > 0 {
                wanted.entry(lifecycle).or_default().push((observed, count));
            }
        }
        for lifecycle in [Lifecycle::Active, Lifecycle::Warm, Lifecycle::Cold] {
            let observed = wanted.remove(&lifecycle).unwrap_or_default();
            let count: usize = observed.iter().map(|(_, count)| count).sum();
            let mut note: Vec<_> =
                observed.iter().map(|(observed, count)| format!("{count} {observed}")).collect();
            match lifecycle {
                Lifecycle::Active => note.push(format!("limit {}", limits.active)),
                Lifecycle::Warm => note.push(format!("limit {}", limits.warm)),
                Lifecycle::Cold => {}
            }
            rows.add(lifecycle, count, note.join(", "));
        }
        let alarm = if self.breaches == 0 { "held in every frame" } else { "NOT HELD" };
        rows.add("limits broken", self.breaches, alarm);
        rows.section("lifecycle");
        for (change, count) in self.app.lifecycles.changes() {
            rows.add(format!("{} to {}", change.from, change.to), count, change.cause);
        }
        rows.section("webviews");
        rows.add("mapped", self.host.mapped, format!("{} KiB of text held now", self.text_bytes >> 10));
        rows.add("unmapped", self.host.unmapped, "");
        rows.add("failed to load", self.host.failed, "retries included");
    }

    fn workers_doings(&self, rows: &mut Rows) {
        let policy = self.app.policy();
        rows.section("policy");
        rows.add("changed", self.app.commands.policies, "by commands");
        rows.add("active webview limit", policy.active_webview_limit, "");
        rows.add("warm cache limit", policy.warm_cache_limit, "");
        rows.section("memory");
        let changes = format!("{} change(s)", self.app.pressure_changes);
        rows.add("memory pressure", self.app.pressure(), changes);
        rows.add("threshold", policy.memory_pressure_threshold, "");
        for reading in self.memory {
            rows.add(reading.gauge, reading.level, progress::gauge(reading));
        }
        let prefetch = self.app.prefetch;
        rows.section("prefetch");
        rows.add("prefetched", prefetch.promoted, format!("{} visited in time", prefetch.visited));
        rows.add("declined", prefetch.declined, "no place any more, or no need");
    }

    #[cfg(feature = "mods")]
    fn mods(&self, rows: &mut Rows) {
        rows.section("mods");
        for (what, figure, note) in self.app.mods.rows() {
            rows.add(what, figure, plain(&note));
        }
    }

    #[cfg(feature = "journal")]
    fn journal(&self, rows: &mut Rows) {
        rows.section("journal");
        for (what, figure, note) in self.app.journal.rows() {
            rows.add(what, figure, plain(&note));
        }
    }

    fn intents(&self, rows: &mut Rows) {
        rows.section("intents");
        for (source, count) in &self.app.by_source {
            rows.add(format!("{source:?}"), count, "");
        }
        let panel = self.panel;
        rows.section("queue");
        rows.add("accepted", panel.accepted, format!("capacity {}", panel.capacity));
        rows.add("drained", panel.drained, "");
        rows.add("lost", panel.accepted.saturating_sub(panel.drained), "accepted and never applied");
        let later = format!("{} observation(s) reported in a later frame", self.host.reported_later);
        rows.add("refused", panel.refused, later);
        rows.add("signals", panel.signals.published, format!("{} missed", panel.signals.lagged));
    }

    fn frame_times(&self, rows: &mut Rows) {
        let frames = self.frames;
        rows.section("frames");
        let note =
            format!("at most {} intents; {} left some for the next", frames.most_applied, frames.left_some);
        rows.add("frames", frames.count, note);
        let line = |durations: &Durations| {
            let [p50, p99] = [50, 99].map(|percent| millis(durations.percentile(percent)));
            (format!("{p99} ms"), format!("p50 {p50} ms, longest {} ms", millis(durations.max())))
        };
        let (p99, rest) = line(&frames.apply);
        rows.add("drain and apply, p99", p99, rest);
        let (p99, rest) = line(&frames.whole);
        rows.add("whole frame, p99", p99, rest + ", reconcile included");
        let in_longest = |n| format!("{n} of them in the longest drain and apply");
        rows.add(
            "involuntary switches",
            frames.switches.map_or("not known".into(), |switches| switches.to_string()),
            frames.switches_in_longest.map_or_else(String::new, in_longest),
        );
    }

    fn how_workers_ended(&self, rows: &mut Rows) {
        rows.section("workers");
        for worker in self.workers {
            let status = worker.status();
            let bad = !matches!(&status, WorkerStatus::Ended(exit) if exit.is_clean());
            let ended = Cell::new(plain(&status.to_string()));
            let ended = if bad { ended.fg(Color::Red) } else { ended };
            rows.row(
                Cell::new(worker.name()),
                ended,
                Cell::new(format!("generation {}", worker.generation())),
            );
        }
        let clean = self.shutdown.is_clean();
        let verdict = if clean { "clean" } else { "NOT CLEAN" };
        let verdict = Cell::new(verdict).fg(if clean { Color::Green } else { Color::Red });
        let stopped = format!(
            "{} worker(s) stopped in {:.1} ms",
            self.shutdown.workers().len(),
            self.shutdown.elapsed().as_secs_f64() * 1_000.0
        );
        rows.row(Cell::new("shutdown"), verdict, Cell::new(stopped));
        for incident in self.shutdown.incidents() {
            let what = Cell::new(plain(&incident.to_string())).fg(Color::Red);
            rows.row(Cell::new("incident"), what, Cell::new(""));
        }
    }
}

fn millis(duration: Duration) -> String {
    format!("{:.2}", duration.as_secs_f64() * 1_000.0)
}

/// Names come from the folder and go to a terminal: control characters are shown, not obeyed.
pub(crate) fn plain(text: &str) -> String {
    let odd = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if odd(c) { c.escape_default().to_string() } else { c.to_string() }).collect()
}

/// Rows under section names.
struct Rows {
    table: Table,
    section: Option<&'static str>,
}

impl Rows {
    fn new() -> Self {
        let mut table = Table::new();
        // Colours and the terminal's width are used where there is a terminal.
        table.load_preset(presets::UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
        Self { table, section: None }
    }

    fn section(&mut self, name: &'static str) {
        self.section = Some(name);
    }

    fn add(&mut self, what: impl Display, figure: impl Display, note: impl Display) {
        self.row(Cell::new(what), Cell::new(figure), Cell::new(note));
    }

    fn row(&mut self, what: Cell, figure: Cell, note: Cell) {
        let section = Cell::new(self.section.take().unwrap_or_default()).add_attribute(Attribute::Bold);
        self.table.add_row([section, what, figure.set_alignment(CellAlignment::Right), note]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_command_the_terminal() {
        assert_eq!(plain("a\u{1b}[31mb\n\u{202e}c.html"), "a\\u{1b}[31mb\\n\\u{202e}c.html");
        assert_eq!(plain("café 🦀.html"), "café 🦀.html");
    }
}
