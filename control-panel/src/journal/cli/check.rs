//! `check`: whether files are whole.

use clap::{ArgMatches, Command};
use serde_json::{Value, json};

use super::{Done, Failed, files, output::Output, output::Verdict};
use crate::journal::{DeviationKind, Recorded, Recording};

pub(super) fn command() -> Command {
    Command::new("check")
        .about("Says whether files are whole, and all in them can be read")
        .long_about(
            "Reads each file as a whole: its pages, the chain of its frames, the hash of each run. Then the intents are read as this program's, and frames that \
             are missing are counted. A file that is not whole ends in exit code 3, one that holds what this program cannot read in 1.",
        )
        .arg(files())
}

pub(super) fn run<S: Recorded>(matches: &ArgMatches, output: &mut Output) -> Done {
    let (mut wrong, mut unreadable, mut listed) = (Vec::new(), false, Vec::new());
    for path in matches.get_many::<std::path::PathBuf>("files").into_iter().flatten() {
        let recording = match Recording::open(path) {
            Ok(recording) => recording,
            Err(error) => {
                listed.push(json!({ "file": path.display().to_string(), "error": error.to_string() }));
                wrong.push(error.to_string());
                continue;
            }
        };
        let replay = recording.replay::<S>(u64::MAX);
        let is_read =
            |kind: &DeviationKind| !matches!(kind, DeviationKind::Unreadable(_) | DeviationKind::Lost(_));
        let found = replay.deviations.iter().find(|deviation| !is_read(&deviation.kind));
        let (frames, intents, opaque) = (recording.frames(), recording.intents(), recording.opaque());
        let sessions = recording.sessions();
        let what = found.map_or_else(|| "whole".to_owned(), ToString::to_string);
        output.line(format_args!(
            "{}: {what}; {frames} frames, {intents} intents ({opaque} by name only), {sessions} session(s)",
            path.display()
        ));
        unreadable |= found.is_some();
        listed.push(json!({
            "file": path.display().to_string(),
            "frames": frames,
            "intents": intents,
            "opaque": opaque,
            "sessions": sessions,
            "found": found.map(ToString::to_string),
        }));
    }
    output.field("files", Value::Array(listed));
    if wrong.is_empty() { Ok(Verdict::of(!unreadable)) } else { Err(Failed::File(wrong.join("\n       "))) }
}
