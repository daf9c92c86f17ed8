//! A format that lasts: journals that are checked in, and that each later version opens, or refuses by name.
//!
//! `cargo test -p tests --test journal_format make_the_fixture -- --ignored` makes them anew: after a change of the format that is wanted, and
//! with a new number (`FORMAT` in `journal/store/meta.rs`); those of the formats before stay, and are opened or refused by name.

mod app;
mod compacted;

use std::{
    fs,
    path::{Path, PathBuf},
};

use app::{App, effect, make, replica, words};
use control_panel::{
    Delta, Version,
    journal::{EffectState, Fault, Journal, Recording},
    replica::codec::{Limits, Postcard},
};
use redb::{Database, TableDefinition};
use tempfile::TempDir;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/journal");
/// The journal, its export, and what is in them.
const JOURNAL: &str = "format-6.journal";
const EXPORT: &str = "format-6.recording";
const WORDS: &str = "format-6.txt";
/// The same of each format that is opened.
const OPENED: [[&str; 3]; 1] = [[JOURNAL, EXPORT, WORDS]];
/// Of formats that this version does not know: those that were, and one that may come.
const OLDER: [(&str, u64); 8] = [
    ("format-1.journal", 1),
    ("format-2.journal", 2),
    ("format-3.journal", 3),
    ("format-3-compacted.journal", 3),
    ("format-4.journal", 4),
    ("format-4-compacted.journal", 4),
    ("format-5.journal", 5),
    ("format-5-compacted.journal", 5),
];
const NEWER: (&str, u64) = ("newer.journal", 1_000);

/// A copy of what is checked in: a lock file would lie beside it.
fn copy(name: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::copy(Path::new(FOLDER).join(name), &path).unwrap();
    (folder, path)
}

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(FOLDER).join(name)).unwrap()
}

#[test]
fn the_checked_in_journal_opens_and_replays_as_it_is_written_down() {
    for [journal, export, text] in OPENED {
        let (_folder, path) = copy(journal);
        let before = fs::read(&path).unwrap();
        let recording = Recording::open(&path).unwrap();
        assert_eq!(words(&recording), read(text));
        let refolded = recording.refold::<App>();
        assert!(refolded.changed.is_none() && refolded.compared > 20, "{refolded:?}");
        let (_folder, export) = copy(export);
        assert_eq!(Recording::open(&export).unwrap(), recording, "the export that was made of it then");
        let (then, now) = (fs::read(export).unwrap(), recording.to_bytes());
        assert_eq!(Recording::from_bytes(&now).unwrap(), recording, "and the export that is made of it now");
        // Behind the name is the number of the export's own format.
        assert!(then[24] < now[24] || then == now, "equal recordings have equal bytes");
        assert!(fs::read(&path).unwrap() == before, "what is read is not written");
    }
}

#[test]
fn the_checked_in_journal_is_gone_on_with() {
    for [journal, ..] in OPENED {
        go_on(journal);
    }
}

fn go_on(journal: &str) {
    let (_folder, path) = copy(journal);
    let journal = Journal::open(&path).unwrap();
    assert_eq!(journal.session(), 4);
    let given = |seq| journal.begin_effect(effect(seq)).unwrap();
    assert_eq!(
        [given(0), given(1), given(2)],
        [EffectState::Done, EffectState::Interrupted, EffectState::Begun]
    );
    let mut peer = replica(app::THERE).build();
    for bytes in journal.since(&Version::new(), &Limits::default()).unwrap().deltas {
        peer.merge(Delta::decode(&bytes, &Postcard::new(), &Limits::default()).unwrap());
    }
    let _ = peer.settle();
    let mut app: App = journal.begin().unwrap();
    assert_eq!(app.words.state().0.len(), 24);
    assert_eq!(peer.state(), app.words.state(), "what a peer is given, which has nothing");
    assert_eq!(app.page, 9);
    let before = app.words.author();
    let stamp = app.words.commit("today".to_owned());
    assert!(stamp.author == before && stamp.seq == 0, "a copy is another life: {stamp:?}");
    let _ = app.words.settle();
    journal.close().unwrap();
    let journal = Journal::open(&path).unwrap();
    let again: App = journal.begin().unwrap();
    assert_eq!(again.words.state().0.last().map(String::as_str), Some("today"));
    assert_eq!((again.restored.given, again.restored.left_out), (21, 13));
}

#[test]
fn formats_that_this_version_does_not_know_are_refused_by_name_and_left_as_they_are() {
    for (name, format) in OLDER.into_iter().chain([NEWER]) {
        let (folder, path) = copy(name);
        let before = fs::read(&path).unwrap();
        let errors = [Journal::open(&path).unwrap_err(), Recording::open(&path).unwrap_err()];
        for error in errors {
            let text = error.to_string();
            assert!(text.contains(&format!("journal format {format}, and this program reads ")), "{text}");
            match error.fault() {
                Fault::NewerFormat { found, known } => assert!(*found == format && *found > *known),
                Fault::OlderFormat { found, oldest } => assert!(*found == format && *found < *oldest),
                other => panic!("{name}: {other:?}"),
            }
        }
        assert_eq!(fs::read(&path).unwrap(), before, "{name}");
        drop(folder);
    }
}

/// In them runs have other names, so a program of theirs opens them.
#[test]
fn exports_of_earlier_formats_are_refused_by_name() {
    for name in ["format-2.recording", "format-3.recording", "format-4.recording", "format-5.recording"] {
        let (_folder, path) = copy(name);
        let error = Recording::open(&path).unwrap_err().to_string();
        assert!(
            error.contains("a recording of an earlier format: open it with an earlier version"),
            "{error}"
        );
    }
}

/// What is written down is what the command makes: no one has to read the file to see what is in it.
#[test]
fn the_fixture_says_what_its_program_does() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(JOURNAL);
    make(&path);
    assert_eq!(words(&Recording::open(&path).unwrap()), read(WORDS));
}

#[test]
#[ignore = "it writes the files that the others read: see the top of this file"]
fn make_the_fixture() {
    let scratch = tempfile::tempdir().unwrap();
    let journal = scratch.path().join(JOURNAL);
    make(&journal);
    let recording = Recording::open(&journal).unwrap();
    fs::create_dir_all(FOLDER).unwrap();
    let put = |name: &str, bytes: &[u8]| fs::write(Path::new(FOLDER).join(name), bytes).unwrap();
    put(JOURNAL, &fs::read(&journal).unwrap());
    put(EXPORT, &recording.to_bytes());
    put(WORDS, words(&recording).as_bytes());
    let path = scratch.path().join(compacted::JOURNAL);
    compacted::make(&path);
    put(compacted::JOURNAL, &fs::read(&path).unwrap());
    let (name, format) = NEWER;
    let path = scratch.path().join(name);
    Journal::open(&path).unwrap().close().unwrap();
    set_format(&path, format);
    put(name, &fs::read(&path).unwrap());
}

/// The one row that every version reads.
fn set_format(path: &Path, format: u64) {
    let meta: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
    let db = Database::open(path).unwrap();
    let mut transaction = db.begin_write().unwrap();
    transaction.set_quick_repair(true);
    transaction.open_table(meta).unwrap().insert("format", &format.to_le_bytes()[..]).unwrap();
    transaction.commit().unwrap();
}
