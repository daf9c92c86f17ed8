//! Replicas beside libraries of replicated documents: `cargo run --release --features replica --bin replica -- --help`.

mod author;
mod counted;
mod going_back;
mod handed_over;
mod joiner;
mod live;
mod offline;
mod settle;
mod text;
mod trace;
mod typed;
mod world;

use std::{env, process::ExitCode};

use control_panel_benches::report::{Report, Section};

/// Their versions are printed.
const COMPARED: &[&str] = &["control-panel", "loro", "yrs", "automerge"];

const SECTIONS: &[Section] = &[
    ("ordered", "Bytes in, state changed: one author, in order", live::ordered),
    ("peers", "Bytes in, state changed: three peers", live::peers),
    ("offline", "A peer back after 10,000 offline operations", offline::run),
    ("joiner", "A joiner of 1,000,000 operations, and what they keep in memory", joiner::run),
    ("back", "Going back: undo with footprints, undo alone, clones", going_back::run),
    ("text", "Text", text::run),
    ("counted", "Instructions", counted::run),
    ("settle", "`settle` in a frame without a remote operation", settle::run),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [measure, frame] = &arguments[..]
        && measure == "measure"
    {
        if !counted::measure(frame) {
            settle::measure(frame);
        }
        return ExitCode::SUCCESS;
    }
    let report = Report {
        name: "replica",
        about: "Replicas beside libraries of replicated documents.",
        also_writes: "",
        compared: COMPARED,
        sections: SECTIONS,
        bars: "bar",
    };
    report.run()
}
