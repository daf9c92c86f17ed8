//! What the macros cost a build: `cargo run --release --bin compile_time`.
//!
//! Clean builds of the macros crate beside others, what an expansion takes, how much it generates. Instructions
//! are counted where valgrind is installed. `--rounds N` says how often each crate is built (5), `--only builds` or
//! `--only expansions` leaves the other half out.

mod builds;
mod expansions;
mod instructions;
mod lines;
mod samples;

// The macros themselves, as a library: what a proc macro exports can be called by the compiler only.
#[path = "../../../../../control-panel-macros/src/args/mod.rs"]
mod args;
#[path = "../../../../../control-panel-macros/src/duration.rs"]
mod duration;
#[path = "../../../../../control-panel-macros/src/editor.rs"]
mod editor;
#[path = "../../../../../control-panel-macros/src/errors.rs"]
mod errors;
#[path = "../../../../../control-panel-macros/src/facade.rs"]
mod facade;
#[path = "../../../../../control-panel-macros/src/intent/mod.rs"]
mod intent;
#[path = "../../../../../control-panel-macros/src/support.rs"]
mod support;
#[path = "../../../../../control-panel-macros/src/worker/mod.rs"]
mod worker;

use std::{env, io, process::ExitCode};

use control_panel_benches::machine;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (rounds, only) = match arguments[..] {
        [] => (Some(5), None),
        ["--rounds", rounds] => (rounds.parse().ok().filter(|&rounds| rounds > 0), None),
        ["--only", only @ ("builds" | "expansions")] => (Some(5), Some(only)),
        ["--only", "builds", "--rounds", rounds] => {
            (rounds.parse().ok().filter(|&rounds| rounds > 0), Some("builds"))
        }
        // Under valgrind.
        ["measure", case, size] => {
            instructions::measure(case, size.parse().unwrap_or(1));
            return ExitCode::SUCCESS;
        }
        _ => (None, None),
    };
    let Some(rounds) = rounds else {
        eprintln!("compile_time [--rounds N | --only builds [--rounds N] | --only expansions]");
        return ExitCode::FAILURE;
    };
    match report(rounds, only) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("compile_time: {error}");
            ExitCode::FAILURE
        }
    }
}

fn report(rounds: usize, only: Option<&str>) -> io::Result<()> {
    println!("{}; {}.\n", machine::note(), env!("BENCHES_RUSTC"));
    if only != Some("expansions") {
        builds::report(rounds)?;
    }
    if only != Some("builds") {
        expansions::report();
        lines::report()?;
    }
    Ok(())
}
