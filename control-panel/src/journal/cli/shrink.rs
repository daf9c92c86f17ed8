//! `shrink`: the few intents that make it fail.

use clap::{Arg, ArgMatches, Command, value_parser};
use serde_json::{Value, json};

use super::{Done, file, is_free, open, output::Output, output::Verdict, write_new};
use crate::journal::Recorded;

pub(super) fn command() -> Command {
    let path = value_parser!(std::path::PathBuf);
    Command::new("shrink")
        .about("Finds the few intents with which a journal fails, and writes a test of them")
        .long_about(
            "Finds the first panic, or the first frame after which the reducer's invariant does not hold,\n\
             and leaves intents out as long as it fails for the same reason (delta debugging). Prints\n\
             those that are left and a #[test] of them, which fails now and passes once the reducer is\n\
             mended.",
        )
        .arg(file("file", "A journal, or an export of one"))
        .arg(
            Arg::new("replays")
                .long("replays")
                .value_name("N")
                .default_value("2000")
                .value_parser(value_parser!(u64))
                .help("Replays at most so often"),
        )
        .arg(
            Arg::new("out")
                .long("out")
                .value_name("FILE")
                .value_parser(path.clone())
                .help("Writes the recording of them"),
        )
        .arg(
            Arg::new("test")
                .long("test")
                .value_name("FILE")
                .value_parser(path)
                .help("Writes the test, instead of printing it"),
        )
        .arg(
            Arg::new("name")
                .long("name")
                .value_name("NAME")
                .default_value("shrunk")
                .value_parser(function_name)
                .help("The test's name"),
        )
        .arg(
            Arg::new("type").long("type").value_name("PATH").help(
                "The path of the reducer's type where the test will be [default: as this program has it]",
            ),
        )
}

pub(super) fn run<S: Recorded>(matches: &ArgMatches, output: &mut Output) -> Done {
    for made in ["out", "test"] {
        matches.get_one::<std::path::PathBuf>(made).map_or(Ok(()), |path| is_free(path))?;
    }
    let recording = open(matches, "file")?;
    let most = matches.get_one::<u64>("replays").copied().unwrap_or(2000);
    let shrunk = recording.shrink::<S>(usize::try_from(most).unwrap_or(usize::MAX), |_| ());
    let Some(shrunk) = shrunk else {
        output.line("it does not fail: no panic, and the invariant holds after each frame");
        output.field("fails", false);
        return Ok(Verdict::Well);
    };
    let whole = if shrunk.minimal { "" } else { "; more replays may find fewer" };
    output.line(format_args!("{}", shrunk.failure));
    output.line(format_args!(
        "{} of {} intents, after {} replays{whole}:",
        shrunk.intents.len(),
        recording.intents(),
        shrunk.replays
    ));
    for intent in &shrunk.intents {
        output.line(format_args!("  {intent}"));
    }
    let name = matches.get_one::<String>("name").map_or("shrunk", String::as_str);
    let state = matches.get_one::<String>("type").cloned().unwrap_or_else(path_of::<S>);
    let source = shrunk.test_source(name, &state);
    if let Some(path) = matches.get_one::<std::path::PathBuf>("out") {
        write_new(path, &shrunk.recording.to_bytes())?;
    }
    match matches.get_one::<std::path::PathBuf>("test") {
        Some(path) => write_new(path, source.as_bytes())?,
        None => output.line(format_args!("\n{source}")),
    }
    output.field("fails", true);
    output.field("failure", shrunk.failure.to_string());
    output.field("intents", Value::from(shrunk.intents.clone()));
    output.field("replays", shrunk.replays);
    output.field("minimal", shrunk.minimal);
    output.field("test", json!(source));
    Ok(Verdict::Found)
}

fn function_name(name: &str) -> Result<String, String> {
    let is_letter = |letter: char| letter.is_ascii_lowercase() || letter == '_';
    let is_name = name.starts_with(is_letter)
        && name.chars().all(|letter| is_letter(letter) || letter.is_ascii_digit())
        && name != "_";
    if is_name {
        Ok(name.to_owned())
    } else {
        Err("not the name of a function: `a_name_like_this`".to_owned())
    }
}

/// As a test inside its crate would name it.
fn path_of<S>() -> String {
    let name = std::any::type_name::<S>();
    name.split_once("::").map_or_else(|| name.to_owned(), |(_, path)| format!("crate::{path}"))
}
