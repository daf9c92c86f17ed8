//! `refold`: today's reducer on yesterday's journals.

use clap::{ArgMatches, Command};
use serde_json::{Value, json};

use super::{Done, files, output::Output, output::Verdict};
use crate::journal::{Recorded, Recording};

pub(super) fn command() -> Command {
    Command::new("refold")
        .about("Says whether today's reducer comes to other states on yesterday's journals")
        .long_about(
            "Replays journals that another version of the reducer made, and says for each whether a state changed, and where first. For CI: keep some \
             journals, and let a release refold them. A frame is compared where its record has a digest (`Reducer::digest`); panics and the invariant are \
             looked at in any case.",
        )
        .arg(files())
}

pub(super) fn run<S: Recorded>(matches: &ArgMatches, output: &mut Output) -> Done {
    let (mut changed, mut listed) = (false, Vec::new());
    for path in matches.get_many::<std::path::PathBuf>("files").into_iter().flatten() {
        let refolded = Recording::open(path)?.refold::<S>();
        let what = match &refolded.changed {
            Some(deviation) => format!("changed at {deviation}"),
            None if refolded.compared == 0 => "no panic, and no digest to compare".to_owned(),
            None => format!("the same, {} of {} frames compared", refolded.compared, refolded.frames),
        };
        output.line(format_args!("{}: {what}", path.display()));
        changed |= refolded.changed.is_some();
        listed.push(json!({
            "file": path.display().to_string(),
            "frames": refolded.frames,
            "compared": refolded.compared,
            "changed": refolded.changed.map(|deviation| deviation.to_string()),
            "recorded": refolded.recorded,
            "now": refolded.now,
        }));
    }
    output.field("files", Value::Array(listed));
    Ok(Verdict::of(!changed))
}
