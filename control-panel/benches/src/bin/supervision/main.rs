//! Supervision beside what one would use instead: `cargo run --release --bin supervision -- --help`.

mod backoff;
mod cancel;
mod memory;
mod restart;
mod storm;
mod stuck;

use std::{
    env, panic,
    process::{Command, ExitCode},
    time::{Duration, Instant},
};

use control_panel_benches::{bars, bars::Bars, machine, machine::Quiet, readme, versions};
use tokio::runtime::{Builder, Runtime};

const HELP: &str = "\
Supervision beside what one would use instead.

    supervision [--quick] [--only SECTION]… [--write]

--quick         fewer, shorter rounds: under a minute, for trying things out
--only SECTION  only this section: restart, cancel, stuck, backoff, memory, status, storm
--write         also writes the tables into README.md
--help          this

What it prints is Markdown; progress goes to stderr. All figures called × are medians of the ratios to the
baseline in interleaved rounds of this very run; never compare absolute times of two runs.
";

/// Whose versions are told.
const COMPARED: [&str; 8] = [
    "control-panel",
    "tokio",
    "tokio-util",
    "taskvisor",
    "task-supervisor",
    "tokio-graceful-shutdown",
    "kameo",
    "ractor",
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
}

/// A section's name, its heading and what makes its text.
type Section = (&'static str, &'static str, fn(&Options, &mut Quiet, &mut Bars) -> String);

const SECTIONS: [Section; 7] = [
    ("restart", "Restart without a wait", restart::run),
    ("cancel", "Cancel to all joined", cancel::run),
    ("stuck", "Shutdown with workers that do not stop", stuck::run),
    ("backoff", "Waits after healthy runs", backoff::run),
    ("memory", "Memory", memory::memory),
    ("status", "Status", memory::status),
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
    if let Some(table) = bars.table("bar") {
        let section = format!("\n### The bars\n\n{table}");
        print!("{section}");
        text.push_str(&section);
    }
    let seconds = began.elapsed().as_secs();
    let after = format!("\nMachine after {seconds} s: {}; {}.\n", machine::note(), quiet.note());
    print!("{after}");
    text.push_str(&after);
    if options.write {
        readme::write("supervision", &text);
    }
    ExitCode::SUCCESS
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

fn options() -> Result<Options, String> {
    let mut options = Options { quick: false, only: Vec::new(), write: false };
    let mut arguments = env::args().skip(1);
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
