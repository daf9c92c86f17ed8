//! A member of which the program is newer joins with the state of an older one.

use control_panel::{
    Delta, Peer, Replica, Stamp, State, Version,
    replica::{
        Grant, Snapshot,
        codec::{Codec, Limits, Postcard, Refused, read_postcard},
    },
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Of schema 0.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Words(Vec<String>);

impl State for Words {
    type Op = String;

    fn apply(&mut self, word: &String, _: &Stamp) {
        self.0.push(word.clone());
    }
}

/// Of schema 1: a line has a mark.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Lines {
    marked: usize,
    lines: Vec<Line>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Line {
    text: String,
    mark: Option<char>,
}

impl State for Lines {
    type Op = Line;

    fn apply(&mut self, line: &Line, _: &Stamp) {
        self.marked += usize::from(line.mark.is_some());
        self.lines.push(line.clone());
    }
}

fn unmarked(text: String) -> Line {
    Line { text, mark: None }
}

fn operations() -> Postcard<Line> {
    Postcard::migrating(1, |_, bytes| read_postcard(bytes).map(unmarked))
}

fn codec() -> Postcard<Line> {
    operations().migrating_state(|schema, bytes| {
        assert_eq!(schema, 0);
        let Words(words) = read_postcard(bytes)?;
        Ok(Lines { marked: 0, lines: words.into_iter().map(unmarked).collect() })
    })
}

const OLD: Peer = Peer([1; 32]);
const NEW: Peer = Peer([2; 32]);

fn builder<S>(peer: Peer, codec: Postcard<S::Op>) -> control_panel::replica::ReplicaBuilder<S>
where
    S: State + Default,
    S::Op: Serialize + DeserializeOwned,
{
    Replica::builder(peer, S::default()).members([OLD]).codec(codec, Limits::default())
}

/// It has a state as of a cut, and operations above it.
fn giver() -> (Replica<Words>, Vec<u8>) {
    let mut old = builder::<Words>(OLD, Postcard::new()).build();
    for word in ["a", "b"] {
        old.commit(word.to_owned());
    }
    let _ = old.settle();
    let history = old.since(&Version::new()).encode().unwrap();
    old.cut().unwrap();
    old.invite(NEW, Grant::Write).unwrap();
    old.commit("c".to_owned());
    let _ = old.settle();
    assert!(!old.reaches(&Version::new()));
    (old, history)
}

#[test]
fn a_newer_program_joins_with_the_state_of_an_older_one() {
    let (mut old, history) = giver();
    let snapshot = old.snapshot().unwrap();
    assert!(snapshot.level() > 0);
    let bytes = snapshot.encode().unwrap();
    let snapshot = Snapshot::<Lines>::decode(&bytes, &codec(), &Limits::default()).unwrap();
    let mut new = builder::<Lines>(NEW, codec()).join(snapshot).unwrap();
    let _ = new.settle();
    let text = |lines: &Lines| lines.lines.iter().map(|line| line.text.clone()).collect::<String>();
    assert_eq!((text(new.state()).as_str(), new.state().marked), ("abc", 0));
    new.commit(Line { text: "d".to_owned(), mark: Some('*') });
    let _ = new.settle();

    // The older member is updated: with the history, the new reducer makes the same of it.
    let mut updated = builder::<Lines>(Peer([3; 32]), codec()).build();
    let above = old.since(&Version::new()).encode().unwrap();
    for bytes in [history, above, new.since(old.version()).encode().unwrap()] {
        updated.merge(Delta::decode(&bytes, &codec(), &Limits::default()).unwrap());
    }
    let _ = updated.settle();
    assert_eq!(updated.state(), new.state());
    assert_eq!(new.state().marked, 1);

    // What it gives is of its own schema, which the older program does not read.
    let bytes = new.snapshot().unwrap().encode().unwrap();
    assert!(Snapshot::<Lines>::decode(&bytes, &operations(), &Limits::default()).is_ok());
    let error = Snapshot::<Words>::decode(&bytes, &Postcard::new(), &Limits::default()).unwrap_err();
    assert_eq!(error.refused(), &Refused::Schema { found: 1, known: 0 });
}

#[test]
fn without_a_migration_of_states_it_is_refused() {
    let (mut old, _) = giver();
    let bytes = old.snapshot().unwrap().encode().unwrap();
    let error = Snapshot::<Lines>::decode(&bytes, &operations(), &Limits::default()).unwrap_err();
    assert_eq!(error.refused(), &Refused::Schema { found: 0, known: 1 });
    // Bytes that are no such state are an error of the value, not a panic.
    let mut out = Vec::new();
    let error = codec().migrate_state(0, b"\x05\xff", &mut out).unwrap_err();
    assert!(matches!(error.refused(), Refused::Value(_)), "{error}");
}
