//! `refold`: today's reducer on yesterday's journals.

use clap::{ArgMatches, Command};
use serde_json::{Value, json};

use super::{Done, Failed, files, output::Output, output::Verdict};
use crate::journal::{Recorded, Recording};

pub(super) fn command() -> Command {
    Command::new("refold")
        .about("Says whether today's reducer comes to other states on yesterday's journals")
        .long_about(
            "Replays journals that another version of the reducer made, and says for each whether a state\n\
             changed, and where first. For CI: keep some journals, exported with --states by the version\n\
             that recorded them, and let a release refold them. A frame is compared where its record has\n\
             a digest (`Reducer::digest`) or a state's note; panics and the invariant are looked at in\n\
             any case. A file in which nothing can be compared ends in exit code 3.",
        )
        .arg(files())
}

pub(super) fn run<S: Recorded>(matches: &ArgMatches, output: &mut Output) -> Done {
    let (mut changed, mut listed) = (false, Vec::new());
    let (mut wrong, mut nothing) = (Vec::new(), Vec::new());
    for path in matches.get_many::<std::path::PathBuf>("files").into_iter().flatten() {
        let refolded = match Recording::open(path) {
            Ok(recording) => recording.refold::<S>(),
            // The others are looked at all the same.
            Err(error) => {
                listed.push(json!({ "file": path.display().to_string(), "error": error.to_string() }));
                wrong.push(error.to_string());
                continue;
            }
        };
        let what = match &refolded.changed {
            Some(deviation) => {
                let same = refolded
                    .same_at
                    .map_or_else(String::new, |same| format!(", the same up to frame {same}"));
                format!("changed at {deviation}{same}")
            }
            None if refolded.compared == 0 => "no panic, and no state to compare".to_owned(),
            None => format!("the same, {} of {} frames compared", refolded.compared, refolded.frames),
        };
        output.line(format_args!("{}: {what}", path.display()));
        if refolded.compared == 0 && refolded.changed.is_none() {
            nothing.push(format!(
                "{}: nothing in it to compare with, neither a digest nor a state: `export --states` makes one, with the version that recorded it",
                path.display()
            ));
        }
        changed |= refolded.changed.is_some();
        listed.push(json!({
            "file": path.display().to_string(),
            "frames": refolded.frames,
            "compared": refolded.compared,
            "changed": refolded.changed.map(|deviation| deviation.to_string()),
            "recorded": refolded.recorded,
            "same_at": refolded.same_at,
            "now": refolded.now,
        }));
    }
    output.field("files", Value::Array(listed));
    if wrong.is_empty() && (changed || nothing.is_empty()) {
        Ok(Verdict::of(!changed))
    } else {
        wrong.append(&mut nothing);
        Err(Failed::Files(wrong))
    }
}
