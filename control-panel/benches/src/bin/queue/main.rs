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
    bars, contestants,
    report::{Options, Report, Section},
};

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
        compared: contestants::CRATES,
        sections: SECTIONS,
        bars: "bar (× of the baseline)",
    };
    report.run()
}
