//! What is left of a compacted journal that the disk damaged.

use std::{fs, path::Path, sync::Arc};

use tempfile::TempDir;

use super::torn::long_runs;
use crate::{
    Replica,
    journal::{
        Journal,
        files::open_to_read,
        keeping::AnySnapshot,
        record::SnapshotNote,
        salvage::salvage,
        store::{
            Disk, FORMAT, Item, Meta, Store, Unkept,
            testing::{HERE, Memory, Words},
        },
    },
    replica::{
        codec::{EncodeError, Limits, Postcard},
        keeper::Resume,
    },
};

const COVERED: usize = 120;

fn replica(journal: &Journal) -> Replica<Words> {
    let builder = Replica::builder(HERE, Words::default()).codec(Postcard::new(), Limits::default());
    journal.replica(builder).unwrap()
}

fn word(number: usize) -> String {
    format!("word {number} ").repeat(200)
}

/// A journal that let go of the first words.
fn written(path: &Path) -> Vec<u8> {
    let journal = Journal::open(path).unwrap();
    let mut replica = replica(&journal);
    for number in 0..COVERED + 8 {
        replica.commit(word(number));
        let _ = replica.settle();
        journal.flush().unwrap();
        if number + 1 == COVERED {
            replica.cut().unwrap();
        }
    }
    journal.close().unwrap();
    fs::read(path).unwrap()
}

fn flip(bytes: &[u8], needle: &[u8]) -> Vec<u8> {
    let mut flipped = bytes.to_vec();
    let found: Vec<_> = bytes.windows(needle.len()).enumerate().filter(|(_, it)| *it == needle).collect();
    assert!(!found.is_empty());
    for (at, _) in found {
        flipped[at + needle.len() / 2] ^= 1;
    }
    flipped
}

/// What was lost, and the words that are left.
fn salvaged(folder: &TempDir, name: &str, bytes: Vec<u8>) -> (Vec<String>, Vec<String>) {
    let (from, to) = (folder.path().join(name), folder.path().join(format!("{name}.saved")));
    fs::write(&from, bytes).unwrap();
    assert!(Journal::open(&from).is_err(), "{name}");
    let lost = salvage(&from, &to).unwrap().lost;
    let journal = Journal::open(&to).unwrap();
    let words = replica(&journal).state().0.clone();
    (lost, words)
}

#[test]
fn the_snapshot_comes_along_or_is_said_to_be_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("good");
    let good = written(&path);
    let reader = open_to_read(&path).unwrap();
    reader.check_all().unwrap();
    let snapshot = reader.snapshot().unwrap().unwrap();

    // A word behind the cut, in the runs alone.
    let (lost, words) = salvaged(&folder, "runs", flip(&good, word(COVERED + 6).as_bytes()));
    assert!(lost.iter().all(|lost| !lost.contains("snapshot")), "{lost:?}");
    assert!((COVERED..COVERED + 7).contains(&words.len()), "{}", words.len());
    assert_eq!(words, (0..words.len()).map(word).collect::<Vec<_>>());

    let (lost, words) = salvaged(&folder, "snapshot", flip(&good, &snapshot[..64]));
    assert!(lost.iter().any(|lost| lost.contains("the snapshot that has all operations up to")), "{lost:?}");
    // Freed pages may have the runs still. What follows is not put where it does not belong.
    assert_eq!(words, (0..words.len()).map(word).collect::<Vec<_>>());
}

/// A snapshot of the replica's own that cannot be made, or that can.
#[derive(Debug)]
struct Own(Result<Vec<u8>, EncodeError>);

impl AnySnapshot for Own {
    fn encode(&self) -> Result<Vec<u8>, EncodeError> {
        self.0.clone()
    }

    fn note(&self) -> Option<SnapshotNote> {
        let resume = Resume { is_own: true, ..Resume::default() };
        Some(SnapshotNote { resume, ..SnapshotNote::default() })
    }
}

/// A state of which no snapshot can be kept is reported once, and the file says so until one is.
#[test]
fn a_snapshot_that_cannot_be_kept_is_reported_once_and_noted() {
    let memory = Memory::default();
    let disk = || Disk::staged(memory.clone()).unwrap();
    let mut store = Store::create(disk(), Meta { format: FORMAT, ..Meta::default() }).unwrap();
    let mut long = long_runs();
    let own = |made| Item::Snapshot(1, Arc::new(Own(made)));
    let mut reported = Vec::new();
    for blocks in [40, 40, 200] {
        store.append(&[Item::Runs(long(4 * blocks))]).unwrap();
        assert_eq!(
            store.wants_snapshot(),
            blocks != 40 || reported.is_empty(),
            "when there is twice as much"
        );
        store.append(&[own(Err(EncodeError::StateDiffers))]).unwrap();
        reported.extend(store.take_unkept());
        assert!(!store.wants_snapshot());
        assert_eq!(store.meta().unkept, Some(Unkept::Differs));
    }
    assert_eq!(reported, [EncodeError::StateDiffers]);
    drop(store);
    let mut store = Store::open(&disk()).unwrap();
    assert_eq!((store.meta().unkept, store.wants_snapshot()), (Some(Unkept::Differs), true));
    store.append(&[own(Ok(vec![7; 100]))]).unwrap();
    drop(store);
    let store = Store::open(&disk()).unwrap();
    assert_eq!(store.meta().unkept, None);
}
