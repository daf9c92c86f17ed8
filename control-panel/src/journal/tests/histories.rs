//! `salvage` of pages that are of more than one history: of crashes that took back what the next session wrote anew. Each file is the pages of
//! several, one behind the other, without what leads to them.

use std::path::PathBuf;

use tempfile::TempDir;

use crate::{
    Author, Delta, Peer, Replica, Stamp,
    journal::{
        EffectState, Fault, Journal, JournalError,
        files::open_to_read,
        intents::{Body, Entry, Head, frame_bytes},
        record::{FrameRecord, RunRecord},
        salvage::{Salvaged, salvage},
        store::{
            Disk, FORMAT, Item, Meta, Store,
            testing::{Memory, Words},
        },
    },
    replica::codec::{Limits, Postcard},
};

/// More than half of what a block takes: two are in two blocks.
const LONG: usize = 1_160;

fn meta(session: u64) -> Meta {
    Meta { format: FORMAT, session, ..Meta::default() }
}

fn file(meta: Meta, items: &[Item]) -> Vec<u8> {
    let memory = Memory::default();
    let mut store = Store::create(Disk::staged(memory.clone()).unwrap(), meta).unwrap();
    store.append(items).unwrap();
    drop(store);
    memory.lock().bytes.clone()
}

/// The runs of a peer that commits these words, one a frame.
fn runs(peer: u8, words: &[String]) -> Vec<RunRecord> {
    let builder = Replica::builder(Peer([peer; 32]), Words::default());
    let mut replica = builder.codec(Postcard::new(), Limits::default()).build();
    let mut record = |word: &String| {
        replica.commit(word.clone());
        let Delta { runs, .. } = replica.outbox().unwrap();
        RunRecord::new(&runs[0], true).unwrap()
    };
    words.iter().map(&mut record).collect()
}

fn run(peer: u8, word: &str) -> RunRecord {
    runs(peer, &[word.to_owned()]).remove(0)
}

fn admitted(run: &RunRecord) -> Item {
    Item::Runs(vec![run.clone()])
}

/// A frame of one intent, which has this name.
fn frame(session: u64, name: &str) -> Item {
    let body = Body::Opaque { variant: name.into(), skipped: true };
    let entry = Entry { source: [0].into(), origin: 0, seq: 0, clock: 0, body };
    Item::Frame(FrameRecord {
        session,
        intents: frame_bytes(Head::default(), &[entry]),
        ..FrameRecord::default()
    })
}

/// Nothing that has this word is whole any more.
fn spoil(mut bytes: Vec<u8>, word: &str) -> Vec<u8> {
    let places: Vec<_> =
        bytes.windows(word.len()).enumerate().filter(|(_, it)| *it == word.as_bytes()).collect();
    let places: Vec<_> = places.into_iter().map(|(at, _)| at).collect();
    assert!(!places.is_empty(), "{word}");
    for at in places {
        bytes[at] ^= 1;
    }
    bytes
}

struct Joined {
    folder: TempDir,
    salvaged: Result<Salvaged, JournalError>,
}

impl Joined {
    fn of(files: &[&[u8]]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut bytes = Vec::new();
        for file in files {
            let begin = bytes.len() + 16;
            bytes.extend_from_slice(file);
            bytes[begin..begin + 4080].fill(7);
        }
        let from = folder.path().join("damaged");
        std::fs::write(&from, bytes).unwrap();
        let salvaged = salvage(&from, &folder.path().join("saved"));
        Self { folder, salvaged }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("saved")
    }

    fn frames(&self) -> u64 {
        self.salvaged.as_ref().unwrap().frames
    }

    #[track_caller]
    fn has_lost(&self, what: &str) {
        let lost = &self.salvaged.as_ref().unwrap().lost;
        assert!(lost.iter().any(|lost| lost == what), "{lost:?}");
    }

    /// The runs, in the order of their numbers, as salvage counts them too.
    fn runs(&self) -> Vec<RunRecord> {
        let reader = open_to_read(&self.path()).unwrap();
        let runs: Vec<_> = reader.runs().unwrap().map(|run| run.unwrap().1).collect();
        assert_eq!(self.salvaged.as_ref().unwrap().runs, runs.len() as u64);
        runs
    }
}

#[test]
fn a_frame_is_given_with_its_own_runs_alone() {
    let own = file(meta(2), &[admitted(&run(1, "own")), frame(2, "names it")]);
    assert_eq!(Joined::of(&[&own]).frames(), 1);
    let lost = spoil(own, "own");
    let without = Joined::of(&[&lost]);
    assert_eq!(without.frames(), 0);
    without.has_lost("frame 1: its run of number 0 is not whole");
    // Another has its number.
    let other = file(meta(1), &[admitted(&run(2, "other"))]);
    let with_other = Joined::of(&[&lost, &other]);
    assert_eq!(with_other.frames(), 0);
    with_other.has_lost("frame 1: its runs are not those that were written");
    assert_eq!(with_other.runs(), [run(2, "other")]);
}

#[test]
fn runs_behind_the_last_frame_are_in_a_session_of_their_own() {
    let words = runs(1, &["one", "two"].map(str::to_owned));
    let joined = Joined::of(&[&file(meta(3), &[admitted(&words[0]), frame(3, "last"), admitted(&words[1])])]);
    assert_eq!(joined.frames(), 1);
    let reader = open_to_read(&joined.path()).unwrap();
    let rows: Vec<_> = reader.frames(..).unwrap().map(|row| row.unwrap()).collect();
    let rows: Vec<_> = rows.iter().map(|row| (row.session, &row.runs[..])).collect();
    assert_eq!(rows, [(3, &[0][..]), (4, &[1])]);
    assert_eq!(reader.meta().unwrap().session, 4);
}

/// Frames go on from those that were before them, not from others of that number.
#[test]
fn frames_of_two_histories_are_not_mixed() {
    let [first, second, other, others] =
        ["first ", "second", "other ", "others"].map(|name| name.repeat(LONG));
    let own = spoil(file(meta(1), &[frame(1, &first), frame(1, &second)]), "second");
    let another = spoil(file(meta(2), &[frame(2, &other), frame(2, &others)]), "other ");
    let joined = Joined::of(&[&own, &another]);
    assert_eq!(joined.frames(), 1);
    joined.has_lost("frames 2 to 2: frame 2 is not whole");
}

/// What counts is how far frames go on from a block, not which session wrote the block itself.
#[test]
fn of_two_histories_that_counts_which_a_later_session_went_on_from() {
    let [first, last, other] = ["first ", "last  ", "other "].map(|name| name.repeat(LONG));
    let went_on = file(meta(3), &[frame(1, &first), frame(3, &last)]);
    let taken_back = file(meta(2), &[frame(2, &other)]);
    for files in [[&went_on[..], &taken_back], [&taken_back, &went_on]] {
        assert_eq!(Joined::of(&files).frames(), 2);
    }
}

/// Where blocks of runs overlap, what the later session wrote counts.
#[test]
fn of_runs_that_overlap_the_later_count() {
    let short = runs(1, &["a", "b", "c", "d", "e"].map(str::to_owned));
    // The first two are in a block of their own.
    let long = runs(2, &["long  ", "longer", "last  "].map(|word| word.repeat(550)));
    let files = |short_session, long_session| {
        let one = file(meta(short_session), &[Item::Runs(short.clone())]);
        let two = file(meta(long_session), &[Item::Runs(long.clone())]);
        Joined::of(&[&one, &spoil(two, "longer")]).runs()
    };
    assert_eq!(files(1, 2), [short[0].clone(), short[1].clone(), long[2].clone()]);
    assert_eq!(files(2, 1), short);
}

#[test]
fn a_run_that_the_program_has_back_is_known_by_its_hash() {
    let (own, other) = (run(1, "own"), run(2, "other"));
    let returned = file(meta(1), &[admitted(&own), Item::Returned(vec![own.key])]);
    let is_returned = |files: &[&[u8]]| {
        let joined = Joined::of(files);
        open_to_read(&joined.path()).unwrap().returned().unwrap().len()
    };
    assert_eq!(is_returned(&[&returned]), 1);
    assert_eq!(is_returned(&[&spoil(returned, "own"), &file(meta(2), &[admitted(&other)])]), 0);
}

#[test]
fn what_the_last_session_says_of_the_file_counts() {
    let [first, last] = [1, 2].map(|session| file(Meta { reducer: Some(session), ..meta(session) }, &[]));
    for files in [[&first[..], &last], [&last, &first]] {
        let joined = Joined::of(&files);
        assert_eq!(open_to_read(&joined.path()).unwrap().meta().unwrap().reducer, Some(2));
    }
    let newer = file(Meta { format: FORMAT + 1, ..meta(1) }, &[frame(1, "one")]);
    let refused = Joined::of(&[&newer]);
    assert!(
        matches!(refused.salvaged.as_ref().unwrap_err().fault(), Fault::NewerFormat { .. }),
        "{:?}",
        refused.salvaged
    );
    assert!(!refused.path().exists());
}

#[test]
fn of_an_effect_the_latest_that_was_noted_counts() {
    let effect = Stamp { lamport: 1, author: Author { peer: Peer([1; 32]), incarnation: 0 }, seq: 0 };
    let noted = |is_done: bool| {
        let memory = Memory::default();
        let journal = Journal::on(&memory).unwrap();
        journal.begin_effect(effect).unwrap();
        if is_done {
            journal.effect_done(effect).unwrap();
        }
        journal.close().unwrap();
        memory.lock().bytes.clone()
    };
    let (begun, done) = (noted(false), noted(true));
    for (files, expected) in [
        (vec![&begun[..]], EffectState::Interrupted),
        (vec![&begun, &done], EffectState::Done),
        (vec![&done, &begun], EffectState::Done),
    ] {
        let joined = Joined::of(&files);
        assert_eq!(Journal::open(joined.path()).unwrap().begin_effect(effect).unwrap(), expected);
    }
}
