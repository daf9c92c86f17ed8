//! The intent queue beside what one would use instead: `cargo run --release --bin queue -- --help`.

mod flooded;
mod memory;
mod origins;
mod paced;
mod producers;
mod single;
mod stream;
mod swap;

use std::{
    fs,
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

use control_panel_benches::{bars, bars::Bars, machine, machine::Quiet, readme, versions};

const HELP: &str = "\
The intent queue beside what one would use instead.

    queue [--quick] [--only SECTION]… [--write]

--quick         fewer, shorter rounds: under a minute, for trying things out
--only SECTION  only this section: single, origins, memory, oversubscribed, quiet, paced, swap
--write         also writes the tables into README.md and the plots into plots/
--help          this

What it prints is Markdown; progress goes to stderr. All figures called × are medians of the ratios to the
baseline in interleaved rounds of this very run; never compare absolute times of two runs.
";

/// Whose versions are told.
const COMPARED: [&str; 13] = [
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

pub struct Options {
    pub quick: bool,
    only: Vec<String>,
    write: bool,
}

impl Options {
    /// One of two numbers.
    pub fn pick<T>(&self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }

    /// Writes a plot, where that is wanted.
    pub fn plot(&self, name: &str, svg: &str) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("plots");
        if self.write
            && let Err(error) =
                fs::create_dir_all(&folder).and_then(|()| fs::write(folder.join(format!("{name}.svg")), svg))
        {
            eprintln!("{name}.svg: {error}");
        }
    }
}

/// A section's name, its heading and what makes its text.
type Section = (&'static str, &'static str, fn(&Options, &mut Quiet, &mut Bars) -> String);

const SECTIONS: [Section; 7] = [
    ("single", "One thread", single::run),
    ("origins", "Order by origin", origins::run),
    ("memory", "Memory and allocations", memory::run),
    ("oversubscribed", "Oversubscribed: everything on one core", stream::oversubscribed),
    ("quiet", "Two cores, a frame loop that never sleeps", stream::quiet),
    ("paced", "120 Hz under flood", paced::run),
    ("swap", "The swap under 8 flooding threads", swap::run),
];

fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(message) => {
            print!("{message}");
            return if message == HELP { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        }
    };
    let began = Instant::now();
    let mut quiet =
        Quiet::new(Duration::from_secs(options.pick(60, 5)), Duration::from_secs(options.pick(9, 2)));
    let mut text =
        format!("Versions: {}.\n\nMachine before: {}.\n", versions::line(&COMPARED), machine::note());
    print!("{text}");
    let mut bars = Bars::default();
    for (name, title, run) in SECTIONS {
        if !options.only.is_empty() && !options.only.iter().any(|only| only == name) {
            continue;
        }
        eprintln!("{name} …");
        let section = format!("\n### {title}\n\n{}", run(&options, &mut quiet, &mut bars));
        print!("{section}");
        text.push_str(&section);
    }
    if let Some(table) = bars.table("bar (× of the baseline)") {
        let section = format!("\n### The bars\n\n{table}");
        print!("{section}");
        text.push_str(&section);
    }
    let seconds = began.elapsed().as_secs();
    let after = format!("\nMachine after {seconds} s: {}; {}.\n", machine::note(), quiet.note());
    print!("{after}");
    text.push_str(&after);
    if options.write {
        readme::write("queue", &text);
    }
    ExitCode::SUCCESS
}

fn options() -> Result<Options, String> {
    let mut options = Options { quick: false, only: Vec::new(), write: false };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--quick" => options.quick = true,
            "--write" => options.write = true,
            "--only" => {
                let name = arguments.next().unwrap_or_default();
                if !SECTIONS.iter().any(|section| section.0 == name) {
                    return Err(format!("there is no section `{name}`\n\n{HELP}"));
                }
                options.only.push(name);
            }
            "--help" | "-h" => return Err(HELP.into()),
            other => return Err(format!("what is `{other}`?\n\n{HELP}")),
        }
    }
    Ok(options)
}
