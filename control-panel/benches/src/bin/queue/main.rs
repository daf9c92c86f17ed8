//! The intent queue beside what one would use instead: `cargo run --release --bin queue -- --help`.

mod flooded;
mod memory;
mod origins;
mod paced;
mod producers;
mod single;
mod stream;
mod swap;

use std::process::ExitCode;

use control_panel_benches::{
    bars,
    report::{Options, Report, Section},
};

/// The crates whose versions are printed.
const COMPARED: &[&str] = &[
    "control-panel",
    "tokio",
    "flume",
    "kanal",
    "crossbeam-channel",
    "crossfire",
    "async-channel",
    "rtrb",
    "ractor",
    "kameo",
    "actix",
    "bevy_ecs",
    "egui_inbox",
];

const SECTIONS: &[Section] = &[
    ("single", "One thread", single::run),
    ("origins", "Order by origin", origins::run),
    ("memory", "Memory and allocations", memory::run),
    ("oversubscribed", "Oversubscribed: everything on one core", stream::oversubscribed),
    ("quiet", "Two cores, a frame loop that never sleeps", stream::quiet),
    ("busy", "More threads than cores", stream::busy),
    ("paced", "120 Hz under flood", paced::run),
    ("swap", "The swap under 8 flooding threads", swap::run),
];

fn main() -> ExitCode {
    let report = Report {
        name: "queue",
        about: "The intent queue beside what one would use instead.",
        also_writes: " and the plots into plots/",
        compared: COMPARED,
        sections: SECTIONS,
        bars: "bar (× of the baseline)",
    };
    report.run()
}
