//! A state that does not come back from what serde writes of it: its operations stay, and it is said why.

use std::{
    collections::HashMap,
    fmt::Debug,
    hash::{DefaultHasher, Hash, Hasher},
};

use control_panel::{
    ControlPanel, GraphIntent, IntentSource, QueuedIntent, Reducer, Replica, Stamp, State,
    journal::{Fault, Journal, JournalEvent},
    replica::{
        ReplicaBuilder, Version,
        codec::{Limits, Postcard},
    },
};
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};

use crate::HERE;

#[derive(Debug, GraphIntent, Serialize, Deserialize)]
enum Update {
    #[intent(from, skip)]
    #[serde(skip)]
    Journal(JournalEvent),
}

/// The notices that its program gets.
#[derive(Debug, Default)]
struct Seen(Vec<String>);

impl Reducer for Seen {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        let Update::Journal(event) = queued.intent;
        let JournalEvent::NotCompacted { error } = &event else { panic!("{event}") };
        assert!(matches!(error.fault(), Fault::State(_)));
        self.0.push(event.to_string());
    }
}

/// What is reported while 600 operations are written of which 50 are kept; and whether the file was compacted. All of them are there at the next start.
fn written<S>(builder: impl Fn() -> ReplicaBuilder<S>, count: impl Fn(&S) -> u64) -> (Vec<String>, bool)
where
    S: State<Op = String> + Serialize + DeserializeOwned,
{
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.journal");
    let builder = || builder().history(50).codec(Postcard::new(), Limits::default());
    let journal = Journal::open(&path).unwrap();
    let mut replica = journal.replica(builder()).unwrap();
    let mut panel = ControlPanel::<Update>::new();
    panel.spawn(journal.writer(IntentSource::Restore));
    let mut seen = Seen::default();
    for number in 0..600 {
        replica.commit(format!("{number} ").repeat(300));
        let _ = replica.settle();
        let _ = replica.outbox();
        while journal.durable() < journal.handed_over() {
            std::thread::yield_now();
        }
        panel.run_frame(&mut seen, &mut (), []);
    }
    panel.shutdown_blocking();
    let missing = journal.since(&Version::new(), &Limits::default()).unwrap();
    journal.close().unwrap();
    drop(replica);
    let journal = Journal::open(&path).unwrap();
    assert_eq!(count(journal.replica(builder()).unwrap().state()), 600);
    (seen.0, missing.snapshot.is_some())
}

fn of<S: State + Default>() -> ReplicaBuilder<S> {
    Replica::builder(HERE, S::default())
}

/// `untagged` needs a format that says of which type a value is.
#[derive(Clone, Default, Debug, Serialize, Deserialize)]
struct Odd {
    count: u64,
    last: Option<Value>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Value {
    Word(String),
}

impl State for Odd {
    type Op = String;

    fn apply(&mut self, word: &String, _: &Stamp) {
        self.count += 1;
        self.last = Some(Value::Word(word.clone()));
    }
}

/// It is said, once, why a file grows.
#[test]
fn a_state_that_does_not_come_back_is_reported_as_not_compacted() {
    let (seen, compacted) = written(of::<Odd>, |odd| odd.count);
    assert_eq!((seen.len(), compacted), (1, false), "{seen:?}");
    for part in ["app.journal: not compacted (", "`Deserialize`", "untagged"] {
        assert!(seen[0].contains(part), "{}", seen[0]);
    }
}

/// It comes back as long as it was, and as something else.
#[derive(Clone, Default, Debug, Serialize, Deserialize)]
struct Changed {
    count: u64,
    #[serde(deserialize_with = "rounded")]
    share: f64,
}

fn rounded<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    f64::deserialize(deserializer).map(f64::round)
}

impl State for Changed {
    type Op = String;

    fn apply(&mut self, _: &String, _: &Stamp) {
        self.count += 1;
        self.share = 0.25;
    }
}

#[test]
fn a_state_that_comes_back_as_another_of_the_same_length_is_not_compacted() {
    let (seen, compacted) = written(of::<Changed>, |changed| changed.count);
    assert_eq!((seen.len(), compacted), (1, false), "{seen:?}");
    assert!(seen[0].contains("another when it is read back"), "{}", seen[0]);
}

/// It comes back, in another order and with the bits that it had.
#[derive(Clone, Default, Debug, Serialize, Deserialize)]
struct Counted {
    count: u64,
    words: HashMap<String, u64>,
    share: f64,
}

impl State for Counted {
    type Op = String;

    fn apply(&mut self, word: &String, _: &Stamp) {
        self.count += 1;
        self.words.insert(word.split(' ').next().unwrap_or_default().to_owned(), self.count);
        self.share = f64::NAN;
    }
}

#[test]
fn a_hash_map_and_what_is_no_number_come_back() {
    let (seen, compacted) = written(of::<Counted>, |counted| counted.count);
    assert_eq!((seen, compacted), (vec![], true));
}

/// Serde does not write all of it.
#[derive(Clone, Default, Debug, Serialize, Deserialize)]
struct Skipped {
    count: u64,
    #[serde(skip)]
    seen: u64,
}

impl State for Skipped {
    type Op = String;

    fn apply(&mut self, _: &String, _: &Stamp) {
        self.count += 1;
        self.seen += 1;
    }
}

/// Of what serde skips it has no bytes: a digest that counts it tells.
#[test]
fn a_skipped_field_is_missed_by_the_digest_that_has_it() {
    fn all(state: &Skipped) -> u64 {
        let mut hasher = DefaultHasher::new();
        (state.count, state.seen).hash(&mut hasher);
        hasher.finish()
    }
    fn broken(_: &Skipped) -> u64 {
        panic!("a digest that is broken")
    }
    let count = |skipped: &Skipped| skipped.count;
    let (seen, compacted) = written(|| of::<Skipped>().digest(all), count);
    assert_eq!((seen.len(), compacted), (1, false), "{seen:?}");
    assert!(seen[0].contains("another when it is read back"), "{}", seen[0]);
    // A cache, which is made anew.
    assert_eq!(written(|| of::<Skipped>().digest(|state| state.count), count), (vec![], true));
    assert_eq!(written(of::<Skipped>, count), (vec![], true), "no digest, nothing that says so");
    assert_eq!(
        written(|| of::<Skipped>().digest(broken), count),
        (vec![], true),
        "one that panics says nothing"
    );
}
