//! A tracing subscriber and a metrics recorder, and what a panel gives them.
//!
//!     cargo run --manifest-path examples/neighbours/Cargo.toml --example observed
//!
//! What to look for: a worker's own log line is inside the span of its run, with name, source, origin and generation; its
//! failure is one warning; metrics carry the names of panel and worker. Both are installed before the panel is made.
//!
//! A service exports metrics instead of printing them: `metrics-exporter-prometheus` is another recorder, installed at the same
//! place. tokio-console has another layer in place of `fmt`: see `examples/tokio_console`.

use std::time::Duration;

use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, Spawn, worker};
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use tracing::Level;

#[derive(GraphIntent)]
enum Update {
    Line(u32),
}

#[worker(source = IntentSource::Restore, restart = on_failure, backoff = "1ms")]
async fn follow(cx: Context<Update>) -> Result<(), &'static str> {
    tracing::info!("opened");
    for line in 0..3 {
        cx.send(Update::Line(line)).await.ok();
    }
    if cx.generation() == 1 { Err("the file was rotated") } else { Ok(()) }
}

/// A program of its own: two runs of a worker, of which the first fails.
fn run() {
    let mut panel = ControlPanel::<Update>::builder().name("viewer").build();
    let follow = panel.configure(|worker| worker.name("follow auth.log")).spawn_follow();
    while !follow.status().is_final() || panel.queued() > 0 {
        for queued in panel.drain() {
            let Update::Line(line) = queued.intent;
            tracing::debug!(line, "drawn");
        }
        panel.wait_ready_timeout(Duration::from_secs(1));
    }
    panel.shutdown_blocking();
}

/// The metrics as lines, sorted.
fn lines(metrics: &Snapshotter) -> Vec<String> {
    let mut lines = Vec::new();
    for (key, _, _, value) in metrics.snapshot().into_vec() {
        let (_, key) = key.into_parts();
        let labels: Vec<_> = key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        let value = match value {
            DebugValue::Counter(count) => count.to_string(),
            DebugValue::Gauge(level) => level.to_string(),
            DebugValue::Histogram(values) => format!("{} values", values.len()),
        };
        lines.push(format!("{} {{{}}} {value}", key.name(), labels.join(", ")));
    }
    lines.sort();
    lines
}

fn main() {
    tracing_subscriber::fmt().with_max_level(Level::INFO).without_time().init();
    let recorder = DebuggingRecorder::new();
    let metrics = recorder.snapshotter();
    recorder.install().expect("no other recorder is installed");
    run();
    println!("{}", lines(&metrics).join("\n"));
}

#[test]
fn a_recorder_gets_names_and_counts() {
    let recorder = DebuggingRecorder::new();
    let metrics = recorder.snapshotter();
    recorder.install().unwrap();
    run();
    let lines = lines(&metrics);
    let has = |parts: [&str; 3]| lines.iter().any(|line| parts.iter().all(|part| line.contains(part)));
    assert!(has(["control_panel_intents_total", "source=Restore", "} 6"]), "{lines:#?}");
    assert!(has(["control_panel_worker_errors_total", "worker=follow auth.log", "} 1"]), "{lines:#?}");
    assert!(has(["control_panel_worker_restarts_total", "panel=viewer", "} 1"]), "{lines:#?}");
}
