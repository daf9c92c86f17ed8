//! What is done with a recording, where a replica merges what a real peer sends.

use control_panel::{
    Author, ControlPanel, Delta, IntentSource, QueuedIntent, Reducer, Replica,
    journal::{Edit, Journal, JournalError, Recorded, Recording, Start},
    replica::codec::{Limits, Postcard},
};

use super::{App, PEERS, Update, Words};

/// A program and its peer, which edit one list: each frame has what was typed here and what came from there.
struct Pair {
    _folder: tempfile::TempDir,
    recording: Recording,
    state: Vec<String>,
    author: Author,
}

fn other() -> Replica<Words> {
    let builder = Replica::builder(PEERS[1], Words::default()).members(PEERS);
    builder.codec(Postcard::new(), Limits::default()).build()
}

fn remote(delta: Delta<String>) -> (IntentSource, Update) {
    (IntentSource::P2pSync, Update::ApplyRemoteDelta { delta })
}

fn typed(word: impl Into<String>) -> (IntentSource, Update) {
    (IntentSource::LocalUI, Update::Typed(word.into()))
}

/// `there` is what the peer commits before each frame.
fn recorded(frames: u32, there: impl Fn(u32) -> Vec<String>) -> Pair {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("words.journal");
    let journal = Journal::open(&path).unwrap();
    let mut panel = ControlPanel::<Update>::builder().record(&journal).build();
    let (mut app, mut other): (App, _) = (journal.begin().unwrap(), other());
    for frame in 1..=frames {
        for word in there(frame) {
            other.commit(word);
        }
        let _ = other.settle();
        let mut intents = vec![typed(format!("here {frame}"))];
        intents.extend(other.outbox().map(remote));
        panel.run_frame(&mut app, &mut (), intents);
        journal.flush().unwrap();
        // So what it says next names what was typed here.
        other.merge(app.words.since(other.version()));
    }
    drop(panel);
    journal.close().unwrap();
    let (recording, state) = (Recording::open(&path).unwrap(), app.words.state().0.clone());
    let replay = recording.replay::<App>(u64::MAX);
    assert!(replay.is_same(), "{:?}", replay.deviations);
    assert_eq!(replay.state.unwrap().words.state().0, state);
    Pair { _folder: folder, recording, state, author: app.words.author() }
}

fn two(frame: u32) -> Vec<String> {
    vec![format!("there {frame} a"), format!("there {frame} b")]
}

fn there_7(frame: u32) -> Vec<String> {
    if frame == 7 { vec!["there 7 a".to_owned(), "there 7 other".to_owned()] } else { two(frame) }
}

#[test]
fn a_difference_is_named_by_the_operation_of_a_peer() {
    let (one, other) = (recorded(20, two), recorded(20, there_7));
    let found = one.recording.diff::<App>(&other.recording).unwrap();
    // What was typed in that frame is the same; the lives of the two are not, and that is no difference.
    assert_eq!((found.frame, found.intent), (7, Some(1)), "{found}");
    let part = found.part.as_ref().unwrap();
    assert_eq!(part.path, "delta[14@0202020202020202.0#13]", "{found}");
    assert_eq!((&*part.left, &*part.right), ("\"there 7 b\"", "\"there 7 other\""));
    assert!(found.left.contains("\"there 7 a\", ") && found.left != found.right, "{found}");
    let state = found.state.as_ref().unwrap();
    assert_eq!((&*state.path, &*state.right), ("words.state[20]", "\"there 7 other\""), "{found}");

    let again = recorded(20, two);
    let found = one.recording.diff::<App>(&again.recording);
    if one.author == again.author {
        assert!(found.is_none(), "of 65,536 lives it took the same");
    } else {
        assert!(found.unwrap().left.starts_with("session 1 begins as life "), "nothing else differs");
    }
    assert_eq!(one.recording.diff::<App>(&one.recording), None);
}

#[test]
fn what_a_peer_built_on_what_is_changed_is_counted() {
    let pair = recorded(20, two);
    let what_if = |edit| pair.recording.what_if::<App>(edit).unwrap();
    let heard = what_if(Edit::Drop { frame: 7, intent: 1 });
    assert_eq!((heard.first, heard.waiting), (Some(7), 13), "{heard:?}");
    assert_eq!(heard.difference.unwrap().path, "words.state[19]");
    // A run of the peer's names what was typed here two frames before: that is durable then.
    let typed = what_if(Edit::Drop { frame: 7, intent: 0 });
    assert_eq!((typed.first, typed.waiting), (Some(7), 12), "{typed:?}");
    let last = what_if(Edit::Drop { frame: 20, intent: 0 });
    assert_eq!((last.first, last.waiting), (Some(20), 0), "{last:?}");
    // It comes later, and all that waits for it then.
    let late = what_if(Edit::Move { frame: 20, intent: 1, to: 20, place: 0 });
    assert_eq!((late.waiting, late.at_end.is_some()), (0, true), "{late:?}");
}

/// The program, of which something is to hold.
#[derive(Debug)]
struct Checked(App);

impl Reducer for Checked {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        self.0.apply(queued);
    }

    fn settle(&mut self) {
        self.0.settle();
    }
}

impl Recorded for Checked {
    fn begin(start: &Start<'_>) -> Result<Self, JournalError> {
        App::begin(start).map(Self)
    }

    fn invariant(&self) -> Result<(), String> {
        let words = &self.0.words.state().0;
        let has = |word: &str| words.iter().any(|other| other == word);
        if has("there 5 b") && has("here 2") {
            Err("two words that must not meet".to_owned())
        } else {
            Ok(())
        }
    }
}

#[test]
fn a_failure_that_a_peer_brings_shrinks_to_what_it_builds_on() {
    let pair = recorded(20, two);
    let shrunk = pair.recording.shrink::<Checked>(500, |_| ()).unwrap();
    assert!(shrunk.minimal, "{shrunk:?}");
    // What was typed up to the frame before, which the peer's runs name, and its own runs.
    assert!(shrunk.intents.len() <= 10, "{:#?}", shrunk.intents);
    assert!(shrunk.intents.last().unwrap().contains("0202.0#9: \"there 5 b\""), "{:#?}", shrunk.intents);
    let read = Recording::from_bytes(&shrunk.recording.to_bytes()).unwrap();
    assert_eq!(read.failure::<Checked>().unwrap().kind, shrunk.failure.kind);
    let source = shrunk.test_source("they_meet", "crate::Checked");
    assert!(source.contains("Typed(\"here 2\")") && source.contains("\"there 5 b\""), "{source}");
}

#[test]
fn what_a_peer_sent_is_refolded_and_exported_and_not_shown_where_it_is_private() {
    let pair = recorded(20, two);
    let refolded = pair.recording.refold::<App>();
    assert!(refolded.changed.is_none() && refolded.frames == 20, "{refolded:?}");
    let mut seen = Vec::new();
    pair.recording.each_intent::<App>(2, |frame, place, text| seen.push(format!("{frame}:{place} {text}")));
    assert_eq!(
        seen[3],
        "2:1 P2pSync #2.1 ApplyRemoteDelta { delta: {3@0202020202020202.0#2: \"there 2 a\", 4@0202020202020202.0#3: \"there 2 b\"} }"
    );
    let bytes = pair.recording.to_bytes();
    let holds = |bytes: &[u8], text: &[u8]| bytes.windows(text.len()).any(|part| part == text);
    assert!(holds(&bytes, b"there 3 a") && holds(&bytes, b"here 3"));
    assert_eq!(Recording::from_bytes(&bytes).unwrap(), pair.recording);
    let redacted = pair.recording.redacted::<App>();
    let bytes = redacted.to_bytes();
    assert!(!holds(&bytes, b"there") && !holds(&bytes, b"here"));
    assert_eq!((redacted.intents(), redacted.opaque()), (40, 40));
    assert_eq!(pair.state.len(), 60);
}
