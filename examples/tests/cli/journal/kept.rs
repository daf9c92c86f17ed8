//! What is said of a journal that let go of something, or cannot.

use std::fs;

use control_panel::{
    Peer, Replica, Stamp, State,
    journal::Journal,
    replica::codec::{Limits, Postcard},
};
use serde::{Deserialize, Serialize};

use super::{expect, folder, json};

/// Frames keep their numbers, and what is gone is said wherever it would be missed.
#[test]
fn a_recording_whose_beginning_is_gone_says_where_it_begins() {
    let folder = folder(&[]);
    let at = folder.path();
    expect(at, &["record", "a.journal", "--seed", "1", "--frames", "20"], 0, &["edits"]);
    let whole = json(at, &["check", "a.journal"], 0);
    let whole_said = expect(at, &["check", "a.journal"], 0, &["1 session(s)"]);
    assert!(!whole_said.contains("let go of"), "{whole_said}");
    assert_eq!(whole["files"][0]["gone"], 0);
    let gone = whole["files"][0]["frames"].as_u64().unwrap();
    fs::copy(at.join("a.journal"), at.join("before.journal")).unwrap();

    let again = ["record", "a.journal", "--seed", "2", "--frames", "20", "--keep", "0"];
    expect(at, &again, 0, &["edits"]);
    let begins = format!("begins with frame {}: those before it were let go of", gone + 1);
    expect(at, &["check", "a.journal"], 0, &["whole; ", "1 session(s)", &begins]);
    let check = json(at, &["check", "a.journal", "before.journal"], 0);
    assert_eq!((&check["files"][0]["gone"], &check["files"][1]["gone"]), (&gone.into(), &0.into()));

    let from = format!("from frame {} on: those before it were let go of", gone + 1);
    let list = ["replay", "a.journal", "--intents"];
    let replayed = expect(at, &list, 0, &["as it was recorded", &from, &format!("{}:0 ", gone + 1)]);
    assert!(!replayed.contains("\n1:0 "), "{replayed}");
    assert_eq!(json(at, &["replay", "a.journal"], 0)["gone"], gone);
    assert_eq!(json(at, &["replay", "before.journal"], 0)["gone"], 0);
    let last_gone = gone.to_string();
    let print = ["replay", "a.journal", "--to-frame", &last_gone, "--print", "pages"];
    expect(at, &print, 2, &["no frame was replayed"]);

    // An export begins there, too, and so does what is saved of the file.
    expect(at, &["export", "a.journal", "--out", "a.recording"], 0, &["intents: "]);
    expect(at, &["salvage", "a.journal", "--out", "b.journal"], 0, &["frames: "]);
    for copy in ["a.recording", "b.journal"] {
        expect(at, &["check", copy], 0, &["whole; ", &begins]);
        expect(at, &["replay", copy], 0, &["as it was recorded", &from]);
        expect(at, &["diff", "a.journal", copy], 0, &["equal: "]);
    }
}

/// It is written, and not read back: the field is left out where it is `None`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Unread {
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<u32>,
    words: u64,
}

impl State for Unread {
    type Op = String;

    fn apply(&mut self, _: &String, _: &Stamp) {
        self.words += 1;
    }
}

#[test]
fn a_journal_that_cannot_be_compacted_is_reported_with_what_mends_it() {
    let folder = folder(&[]);
    let at = folder.path();
    let journal = Journal::open(at.join("a.journal")).unwrap();
    let builder = Replica::builder(Peer([1; 32]), Unread::default()).history(20);
    let mut words = journal.replica(builder.codec(Postcard::new(), Limits::default())).unwrap();
    for number in 0..400 {
        words.commit(format!("{number} ").repeat(200));
        let _ = (words.settle(), words.outbox());
        if number % 8 == 0 {
            journal.flush().unwrap();
        }
    }
    journal.close().unwrap();
    let why = "the replica's state is written and cannot be read";
    let said =
        format!("not compacted ({why}): make the state's `Serialize` and `Deserialize` fit each other");
    let check = expect(at, &["check", "a.journal"], 0, &["whole; ", &said]);
    assert!(!check.contains(" compacted: "), "{check}");
    assert_eq!(json(at, &["check", "a.journal"], 0)["files"][0]["not_compacted"], why);
}
