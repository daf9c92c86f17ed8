//! `check`: whether files are whole.

use std::path::Path;

use clap::{ArgMatches, Command};
use serde_json::{Value, json};

use super::{Done, Failed, files, output::Output, output::Verdict};
use crate::journal::{
    DeviationKind, JournalError, Recorded, Recording, files::open_to_read, replay::is_export,
};

pub(super) fn command() -> Command {
    Command::new("check")
        .about("Says whether files are whole, and all in them can be read")
        .long_about(
            "Reads each file as a whole: its pages, the chain of its frames, the hash of each run. Then the intents are read as this program's, and frames that \
             are missing are counted. Of a journal that is compacted it says up to where. A file that is not whole ends in exit code 3, one that holds what this program cannot read in 1.",
        )
        .arg(files())
}

pub(super) fn run<S: Recorded>(matches: &ArgMatches, output: &mut Output) -> Done {
    let (mut wrong, mut unreadable, mut listed) = (Vec::new(), false, Vec::new());
    for path in matches.get_many::<std::path::PathBuf>("files").into_iter().flatten() {
        let opened = Recording::open(path).and_then(|recording| Ok((recording, compacted(path)?)));
        let (recording, compacted) = match opened {
            Ok(opened) => opened,
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
        if let Some(level) = compacted {
            output.line(format_args!("  compacted: operations up to Lamport time {level} are in a snapshot"));
        }
        unreadable |= found.is_some();
        listed.push(json!({
            "file": path.display().to_string(),
            "frames": frames,
            "intents": intents,
            "opaque": opaque,
            "sessions": sessions,
            "compacted_upto": compacted,
            "found": found.map(ToString::to_string),
        }));
    }
    output.field("files", Value::Array(listed));
    if wrong.is_empty() { Ok(Verdict::of(!unreadable)) } else { Err(Failed::File(wrong.join("\n       "))) }
}

/// The Lamport time up to which a journal has a snapshot instead of runs, if it does; all of the file that has a hash is read.
fn compacted(path: &Path) -> Result<Option<u64>, JournalError> {
    if is_export(path) {
        return Ok(None);
    }
    let reader = open_to_read(path)?;
    let note = reader.check_all().and_then(|()| reader.note()).map_err(|fault| fault.at(path))?;
    Ok(note.map(|note| note.level))
}
