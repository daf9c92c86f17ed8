//! Supervision beside what one would use instead: `cargo run --release --bin supervision -- --help`.

mod backoff;
mod cancel;
mod heartbeat;
mod memory;
mod restart;
mod storm;
mod stuck;

use std::{
    env, panic,
    process::{Command, ExitCode},
};

use control_panel_benches::{
    bars,
    report::{Options, Report, Section},
};
use tokio::runtime::{Builder, Runtime};

/// The crates whose versions are printed.
const COMPARED: &[&str] = &[
    "control-panel",
    "tokio",
    "tokio-util",
    "taskvisor",
    "task-supervisor",
    "tokio-graceful-shutdown",
    "kameo",
    "ractor",
];

const SECTIONS: &[Section] = &[
    ("restart", "Restart without a wait", restart::run),
    ("cancel", "Cancel to all joined", cancel::run),
    ("stuck", "Shutdown with workers that do not stop", stuck::run),
    ("backoff", "Waits after healthy runs", backoff::run),
    ("memory", "Memory", memory::memory),
    ("status", "Status", memory::status),
    ("heartbeat", "A heartbeat", heartbeat::run),
    ("storm", "A frame beside a storm of restarts", storm::run),
];

/// What the workers run on.
fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

fn main() -> ExitCode {
    if let Some(ended) = without_backtraces() {
        return ended;
    }
    panic::set_hook(Box::new(|_| ()));
    let report = Report {
        name: "supervision",
        about: "Supervision beside what one would use instead.",
        also_writes: "",
        compared: COMPARED,
        sections: SECTIONS,
        bars: "bar",
    };
    report.run()
}

/// A backtrace costs many times what a restart does, and most of these panics are wanted: where the environment asks for
/// backtraces, this program runs again without.
fn without_backtraces() -> Option<ExitCode> {
    const ASKING: [&str; 2] = ["RUST_BACKTRACE", "RUST_LIB_BACKTRACE"];
    if ASKING.iter().all(|name| env::var_os(name).is_none_or(|value| value == "0")) {
        return None;
    }
    let mut again = Command::new(env::current_exe().ok()?);
    ASKING.iter().for_each(|name| {
        again.env(name, "0");
    });
    let ended = again.args(env::args_os().skip(1)).status().ok()?;
    Some(if ended.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
