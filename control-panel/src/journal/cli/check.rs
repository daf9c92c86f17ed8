//! `check`: verifies that files are intact.

use std::path::Path;

use clap::{ArgMatches, Command};
use serde_json::{Value, json};

use super::{Done, Failed, files, output::Output, output::Verdict};
use crate::journal::{
    Deviation, DeviationKind, Fault, JournalError, Recorded, Recording,
    error::MEND_STATE,
    files::open_to_read,
    progress::{self, Progress},
    replay::{Player, is_export},
    store::Unkept,
};

pub(super) fn command() -> Command {
    Command::new("check")
        .about("Says whether files are whole, and all in them can be read")
        .long_about(
            "Reads each file as a whole: its pages, the chain of its frames, the hash of each run. Then\n\
             the intents are read as this program's, and frames that are missing are counted. Of a\n\
             journal that is compacted it says up to where, and of one that could not be why. A file that\n\
             is not whole ends in exit code 3, one that holds what this program cannot read in 1.",
        )
        .arg(files())
}

pub(super) fn run<S: Recorded>(matches: &ArgMatches, output: &mut Output) -> Done {
    let (mut wrong, mut unreadable, mut listed) = (Vec::new(), false, Vec::new());
    for path in matches.get_many::<std::path::PathBuf>("files").into_iter().flatten() {
        let opened = Recording::open(path).and_then(|recording| Ok((recording, compacted(path)?)));
        let (recording, (compacted, unkept)) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                listed.push(json!({ "file": path.display().to_string(), "error": error.to_string() }));
                wrong.push(error.to_string());
                continue;
            }
        };
        let Faults { first, unread, lost } = faults_of::<S>(&recording);
        let (frames, intents, opaque) = (recording.frames(), recording.intents(), recording.opaque());
        let sessions = recording.sessions();
        let what = first.as_ref().map_or_else(|| "whole".to_owned(), ToString::to_string);
        output.line(format_args!(
            "{}: {what}; {frames} frames, {intents} intents ({opaque} by name only), {sessions} session(s)",
            path.display()
        ));
        if let Some(level) = compacted {
            output.line(format_args!("  compacted: operations up to Lamport time {level} are in a snapshot"));
        }
        if recording.gone() > 0 {
            output.line(format_args!(
                "  begins with frame {}: those before it were let go of",
                recording.gone() + 1
            ));
        }
        if let Some(unkept) = unkept {
            output.line(format_args!("  not compacted ({unkept}): {MEND_STATE}"));
        }
        if first.is_some() {
            output.line(format_args!("  {unread} intents cannot be read, {lost} frames are missing"));
        }
        unreadable |= first.is_some();
        listed.push(json!({
            "file": path.display().to_string(),
            "frames": frames,
            "intents": intents,
            "opaque": opaque,
            "sessions": sessions,
            "compacted_upto": compacted,
            "not_compacted": unkept.map(|unkept| unkept.to_string()),
            "gone": recording.gone(),
            "found": first.map(|first| first.to_string()),
            "unreadable": unread,
            "lost": lost,
        }));
    }
    output.field("files", Value::Array(listed));
    if wrong.is_empty() { Ok(Verdict::of(!unreadable)) } else { Err(Failed::Files(wrong)) }
}

/// What a recording has that this program cannot read, or does not have.
#[derive(Default)]
struct Faults {
    first: Option<Deviation>,
    unread: u64,
    lost: u64,
}

/// A replay of all of it: an intent is read with what the frames before it made.
fn faults_of<S: Recorded>(recording: &Recording) -> Faults {
    let (mut player, mut faults) = (Player::<S>::new(), Faults::default());
    progress::say(Progress::Phase("replaying", recording.frames.len()));
    for frame in &recording.frames {
        for found in player.play(recording, frame).deviations {
            match found.kind {
                DeviationKind::Unreadable(_) => faults.unread += 1,
                DeviationKind::Lost(frames) => faults.lost += frames,
                _ => continue,
            }
            faults.first.get_or_insert(found);
        }
    }
    faults
}

/// The Lamport time up to which a journal has a snapshot instead of runs, if it does, and why not; all of the file that has a hash is read.
fn compacted(path: &Path) -> Result<(Option<u64>, Option<Unkept>), JournalError> {
    if is_export(path) {
        return Ok((None, None));
    }
    let reader = open_to_read(path)?;
    let read = || {
        reader.check_all()?;
        Ok((reader.note()?.map(|note| note.level), reader.meta()?.unkept))
    };
    read().map_err(|fault: Fault| fault.at(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        IntentSource, QueuedIntent, Reducer,
        intent::Intent,
        journal::{Journal, Start, store::Meta},
    };

    #[derive(Debug, serde::Serialize, serde::Deserialize)]
    enum Nothing {}

    impl Intent for Nothing {
        type Source = IntentSource;
    }

    #[derive(Debug)]
    struct Empty;

    impl Reducer for Empty {
        type Intent = Nothing;

        fn apply(&mut self, _: QueuedIntent<Nothing>) {}
    }

    impl Recorded for Empty {
        fn begin(_: &Start<'_>) -> Result<Self, JournalError> {
            Ok(Self)
        }
    }

    #[test]
    fn it_says_why_a_journal_is_not_compacted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.journal");
        let journal = Journal::open(&path).unwrap();
        if let Some(open) = &mut *journal.open_state() {
            let unkept = Some(Unkept::Unread);
            open.store.set_meta(Meta { unkept, ..*open.store.meta() }).unwrap();
        }
        journal.close().unwrap();
        let matches = command().try_get_matches_from(["check".as_ref(), path.as_os_str()]).unwrap();
        let mut output = Output::new(true);
        assert_eq!(run::<Empty>(&matches, &mut output).ok(), Some(Verdict::Well));
        let said = &output.json()["files"][0]["not_compacted"];
        assert_eq!(said, "the replica's state is written and cannot be read");
    }
}
