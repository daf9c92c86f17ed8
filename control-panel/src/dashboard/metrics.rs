//! Prometheus's text format, version 0.0.4.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fmt::{self, Write},
};

use super::{refusals::Refused, server::Shared};
use crate::console::{FrameState, PanelState, Quantiles, SourceRow, View, WorkerRow};

/// A family of one sample a row: its name, its type, its help, and the sample.
type Family<Row> = (&'static str, &'static str, &'static str, fn(&Row) -> f64);

/// A label and its value.
type Label<'a> = (&'static str, Cow<'a, str>);

/// Writes families of samples, each under its help and type.
struct Exposition<'a> {
    text: String,
    panel: &'a str,
}

impl Exposition<'_> {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a `String` never fails.
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        let _ = write!(self.text, "{name}{{panel=\"{}\"", Escaped(self.panel));
        for (label, value) in labels {
            let _ = write!(self.text, ",{label}=\"{}\"", Escaped(value));
        }
        let _ = writeln!(self.text, "}} {value}");
    }

    /// A family each, of a sample for each row.
    fn rows<Row>(&mut self, families: &[Family<Row>], rows: &[Row], labels: impl Fn(&Row) -> Vec<Label<'_>>) {
        for (name, kind, help, of) in families {
            self.family(name, kind, help);
            for row in rows {
                let labels = labels(row);
                let labels: Vec<_> = labels.iter().map(|(label, value)| (*label, &**value)).collect();
                self.sample(name, &labels, of(row));
            }
        }
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: f64) {
        self.family(name, kind, help);
        self.sample(name, &[], value);
    }
}

/// A label's value.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|letter| match letter {
            '\\' => f.write_str("\\\\"),
            '"' => f.write_str("\\\""),
            '\n' => f.write_str("\\n"),
            letter => f.write_char(letter),
        })
    }
}

pub(super) fn text(view: &View, shared: &Shared) -> String {
    let mut all = Exposition { text: String::with_capacity(4096), panel: &view.panel };
    panel(&mut all, view);
    workers(&mut all, view);
    queue(&mut all, view);
    frames(&mut all, view);
    above(&mut all, view);
    all.one(
        "control_panel_dashboard_viewers",
        "gauge",
        "Viewers of the dashboard",
        count(shared.refusals.viewers()),
    );
    let name = "control_panel_dashboard_refused_total";
    all.family(name, "counter", "Requests and connections that the dashboard refused or dropped");
    for (why, reason) in Refused::ALL {
        all.sample(name, &[("reason", reason)], total(shared.refusals.of(why)));
    }
    all.text
}

fn panel(all: &mut Exposition<'_>, view: &View) {
    let up = view.state == PanelState::Live;
    all.one("control_panel_up", "gauge", "Whether the panel lives and is not shutting down", f64::from(up));
    all.one(
        "control_panel_warning",
        "gauge",
        "Whether the panel warns of its loop or its workers",
        f64::from(view.warning.is_some()),
    );
    all.one(
        "control_panel_incidents_total",
        "counter",
        "Runs that did not end cleanly",
        total(view.incidents),
    );
}

fn workers(all: &mut Exposition<'_>, view: &View) {
    let mut states: BTreeMap<String, usize> = BTreeMap::new();
    for worker in &view.workers {
        *states.entry(worker.state.to_string()).or_default() += 1;
    }
    all.family(
        "control_panel_workers_seen",
        "gauge",
        "Living workers by state: `quiet` are not heard of for 5 s",
    );
    for (state, workers) in &states {
        all.sample("control_panel_workers_seen", &[("state", state)], count(*workers));
    }
    all.one(
        "control_panel_workers_left_out",
        "gauge",
        "Living workers that are in no series here",
        count(view.workers_left_out),
    );
    let families: [Family<WorkerRow>; 7] = [
        ("control_panel_worker_generation", "gauge", "The number of the worker's run", |worker| {
            total(worker.generation)
        }),
        (
            "control_panel_worker_restarts_in_window",
            "gauge",
            "Restarts that count towards the intensity",
            |worker| f64::from(worker.restarts),
        ),
        ("control_panel_worker_heard_seconds", "gauge", "How long ago the worker was heard of", |worker| {
            worker.heard.as_secs_f64()
        }),
        (
            "control_panel_worker_sent_total",
            "counter",
            "Intents of the worker that were accepted",
            |worker| total(worker.sent),
        ),
        (
            "control_panel_worker_refused_total",
            "counter",
            "Intents of the worker that were handed back",
            |worker| total(worker.refused),
        ),
        (
            "control_panel_worker_dropped_total",
            "counter",
            "Lossy intents of the worker that were dropped",
            |worker| total(worker.dropped),
        ),
        (
            "control_panel_worker_blocked_seconds_total",
            "counter",
            "How long sends of the worker waited",
            |worker| worker.blocked.as_secs_f64(),
        ),
    ];
    all.rows(&families, &view.workers, |worker| {
        let instance = worker.instance.to_string();
        vec![
            ("worker", (&worker.name).into()),
            ("instance_id", instance.into()),
            ("source", (&worker.source).into()),
        ]
    });
}

fn queue(all: &mut Exposition<'_>, view: &View) {
    let queue = &view.queue;
    all.one("control_panel_queue_capacity", "gauge", "The queue's capacity", count(queue.capacity));
    all.one("control_panel_queue_depth", "gauge", "Intents accepted and in no frame yet", count(queue.depth));
    let oldest = queue.oldest.unwrap_or_default().as_secs_f64();
    all.one("control_panel_queue_oldest_seconds", "gauge", "How long the oldest of them has waited", oldest);
    all.one("control_panel_senders_waiting", "gauge", "Sends that wait for a slot", count(queue.waiting));
    all.one("control_panel_accepted_total", "counter", "Intents accepted", total(queue.accepted));
    all.one("control_panel_drained_total", "counter", "Intents handed out by frames", total(queue.drained));
    all.one("control_panel_refused_total", "counter", "Intents handed back", total(queue.refused));
    all.one("control_panel_dropped_total", "counter", "Lossy intents dropped", total(queue.dropped));
    let families: [Family<SourceRow>; 5] = [
        ("control_panel_source_slots", "gauge", "Slots that the source occupies", |source| {
            count(source.slots)
        }),
        (
            "control_panel_source_accepted_total",
            "counter",
            "Intents of the source that were accepted",
            |source| total(source.accepted),
        ),
        (
            "control_panel_source_refused_total",
            "counter",
            "Intents of the source that were handed back",
            |source| total(source.refused),
        ),
        (
            "control_panel_source_dropped_total",
            "counter",
            "Lossy intents of the source that were dropped",
            |source| total(source.dropped),
        ),
        (
            "control_panel_source_blocked_seconds_total",
            "counter",
            "How long sends of the source waited",
            |source| source.blocked.as_secs_f64(),
        ),
    ];
    all.rows(&families, &queue.sources, |source| vec![("source", (&source.source).into())]);
}

fn frames(all: &mut Exposition<'_>, view: &View) {
    let frames = &view.frames;
    all.one("control_panel_frames_total", "counter", "Frames drained", total(frames.count));
    let stalled = f64::from(frames.state == FrameState::Stalled);
    all.one(
        "control_panel_frames_stalled",
        "gauge",
        "Whether work waits and no frame has ended for 5 s",
        stalled,
    );
    if let Some(last) = frames.last {
        all.one(
            "control_panel_frame_last_seconds",
            "gauge",
            "How long ago the last frame ended",
            last.as_secs_f64(),
        );
    }
    let name = "control_panel_frame_phase_seconds";
    all.family(name, "gauge", "What the phases of the frames of the last 10 s took");
    for (phase, of) in [
        ("drain", frames.drain),
        ("apply", frames.apply),
        ("reconcile", frames.reconcile),
        ("total", frames.total),
    ] {
        let Quantiles { p50, p99, max } = of;
        for (quantile, time) in [("0.5", p50), ("0.99", p99), ("1", max)] {
            all.sample(name, &[("phase", phase), ("quantile", quantile)], time.as_secs_f64());
        }
    }
}

fn above(all: &mut Exposition<'_>, view: &View) {
    if !view.peers.is_empty() {
        all.family("control_panel_peer_online", "gauge", "Whether the peer is connected");
        for peer in &view.peers {
            all.sample("control_panel_peer_online", &[("peer", &peer.name)], f64::from(peer.online));
        }
        all.family("control_panel_peer_lag", "gauge", "Operations that the peer lacks");
        for (peer, lag) in view.peers.iter().filter_map(|peer| Some((peer, peer.lag?))) {
            all.sample("control_panel_peer_lag", &[("peer", &peer.name)], total(lag));
        }
    }
    if !view.journals.is_empty() {
        all.family("control_panel_journal_bytes", "gauge", "The size of the journal's file");
        for (journal, bytes) in view.journals.iter().filter_map(|journal| Some((journal, journal.bytes?))) {
            all.sample("control_panel_journal_bytes", &[("path", &journal.path)], total(bytes));
        }
        all.family(
            "control_panel_journal_pending",
            "gauge",
            "What was handed over to the journal and is not durable",
        );
        for journal in &view.journals {
            all.sample("control_panel_journal_pending", &[("path", &journal.path)], total(journal.pending));
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a sample is an f64")]
fn count(of: usize) -> f64 {
    of as f64
}

#[expect(clippy::cast_precision_loss, reason = "a sample is an f64")]
fn total(of: u64) -> f64 {
    of as f64
}
