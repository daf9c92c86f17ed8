//! What a file says of frames that are gone, and which of it counts.

use std::{
    fs::{self, File},
    sync::Arc,
};

use tempfile::TempDir;

use crate::{
    journal::{
        files::open_to_read,
        keeping::AnySnapshot,
        record::{FrameRecord, RunKey, SnapshotNote},
        replay::Noted,
        salvage::salvage,
        store::{
            Begun, Disk, FIRST, FORMAT, Item, Meta, Scan, Store,
            testing::{Memory, runs},
        },
    },
    replica::{Forgotten, codec::EncodeError, keeper::Resume},
};

fn created(memory: &Memory, session: u64) -> Store {
    let meta = Meta { format: FORMAT, session, ..Meta::default() };
    Store::create(Disk::staged(memory.clone()).unwrap(), meta).unwrap()
}

fn frame(session: u64) -> Item {
    Item::Frame(FrameRecord { session, ..FrameRecord::default() })
}

fn note(hash: [u8; 32], state: u32) -> Vec<u8> {
    Noted::write(None, hash, (1, 0), &state).unwrap()
}

fn state(row: &[u8]) -> u32 {
    Noted::read(row).unwrap().restored().unwrap().state
}

/// The replica did not have what it had received and not admitted, also in what is saved of the file; and what it had is no frame's.
#[test]
fn where_a_recording_begins_is_noted_with_what_waits() {
    let mut all = runs(600);
    all[7].admitted = false;
    all[555].admitted = false;
    let later = all[555].clone();
    let memory = Memory::default();
    let mut store = created(&memory, 0);
    store.append(&[Item::Runs(all), frame(0)]).unwrap();
    let here = store.reader().unwrap().here().unwrap();
    assert_eq!(here, Begun { frame: 1, run: 600, received: [7, 555].into(), inside: None });
    assert!(here.had(6) && !here.had(7) && !here.had(600));
    let here = Begun { inside: Some(3), ..here };
    store.begin_anew(&here, None).unwrap();
    assert_eq!(store.reader().unwrap().begun(), Some(&here));
    // It is admitted in a frame that is there.
    let admitted = crate::journal::record::RunRecord::from_bytes(later.key, later.bytes(), true);
    store.append(&[Item::Runs(vec![admitted]), frame(0)]).unwrap();
    drop(store);

    let folder = TempDir::new().unwrap();
    let (damaged, saved) = (folder.path().join("damaged"), folder.path().join("saved"));
    let mut bytes = memory.lock().bytes.clone();
    bytes[16..4096].fill(7);
    fs::write(&damaged, bytes).unwrap();
    let salvaged = salvage(&damaged, &saved).unwrap();
    assert_eq!((salvaged.frames, salvaged.runs), (1, 600));
    let reader = open_to_read(&saved).unwrap();
    assert_eq!(reader.begun(), Some(&here));
    let named: Vec<_> = reader.frames(..).unwrap().map(|row| row.unwrap()).collect();
    assert_eq!(named.iter().map(|row| &row.runs[..]).collect::<Vec<_>>(), [[555]]);
}

/// The pages of one file and then those of another, none of which says that it is the last.
fn scanned(folder: &TempDir, one: &Memory, two: &Memory) -> Scan {
    let path = folder.path().join("pages");
    let (mut bytes, more) = (one.lock().bytes.clone(), two.lock().bytes.clone());
    bytes.extend_from_slice(&more[4096..]);
    fs::write(&path, bytes).unwrap();
    Scan::of(File::open(path).unwrap()).unwrap()
}

/// Pages that were freed still have what a crash took back, and what is gone.
#[test]
fn of_what_freed_pages_say_of_a_beginning_the_row_of_the_beginning_counts() {
    let (folder, stale, now) = (TempDir::new().unwrap(), Memory::default(), Memory::default());
    let mut store = created(&stale, 1);
    store.append(&[frame(1), frame(1), frame(1), Item::Restored(3, note([9; 32], 5))]).unwrap();
    drop(store);
    let mut store = created(&now, 1);
    store.append(&[frame(1), frame(1), frame(1)]).unwrap();
    let here = store.reader().unwrap().here().unwrap();
    store.begin_anew(&here, Some(&note(FIRST, 7))).unwrap();
    drop(store);
    for (one, two) in [(&stale, &now), (&now, &stale)] {
        let mut scan = scanned(&folder, one, two);
        assert_eq!(scan.begin(), 4, "frames of before do not come back");
        let (begun, noted) = scan.begun(4).unwrap();
        assert_eq!((begun.unwrap().frame, state(&noted.unwrap())), (3, 7));
    }
}

/// The writer may make one while a recording begins anew.
#[test]
fn a_note_of_frames_that_are_gone_comes_too_late() {
    let mut store = created(&Memory::default(), 1);
    store.append(&[frame(1), frame(1)]).unwrap();
    let here = store.reader().unwrap().here().unwrap();
    store.begin_anew(&here, Some(&note(FIRST, 7))).unwrap();
    store.append(&[Item::Restored(1, note([9; 32], 1)), Item::Restored(2, note([9; 32], 2))]).unwrap();
    let reader = store.reader().unwrap();
    let (frame, row) = reader.restored().unwrap().unwrap();
    assert_eq!((frame, state(&row)), (2, 7));
    assert_eq!(reader.restored_of_gone().unwrap().map(|(_, row)| state(&row)), Some(7));
}

/// It has all runs of that author up to a number.
#[derive(Debug)]
struct Has(RunKey, u64);

impl AnySnapshot for Has {
    fn encode(&self) -> Result<Vec<u8>, EncodeError> {
        Ok(vec![7; 100])
    }

    fn note(&self) -> Option<SnapshotNote> {
        let forgotten = [(self.0.author, Forgotten { least: self.1, most: self.1 })].into();
        let resume = Resume { is_own: true, ..Resume::default() };
        Some(SnapshotNote { forgotten, resume, ..SnapshotNote::default() })
    }
}

/// The session that begins goes on from a snapshot of those before it; the one after it from its own, too.
#[test]
fn runs_stay_that_a_snapshot_of_the_session_itself_has() {
    for (inside, left) in [(None, 600), (Some(3), 0)] {
        let mut store = created(&Memory::default(), 3);
        let all = runs(600);
        let snapshot = Item::Snapshot(3, Arc::new(Has(all[0].key, 10_000)));
        store.append(&[Item::Runs(all), frame(3), snapshot]).unwrap();
        // The block at the end grows, and stays.
        store.set_meta(store.meta().of_next_session().unwrap()).unwrap();
        store.set_meta(Meta { session: 3, ..*store.meta() }).unwrap();
        let here = store.reader().unwrap().here().unwrap();
        store.begin_anew(&Begun { inside, ..here }, None).unwrap();
        assert_eq!(store.reader().unwrap().runs().unwrap().count(), left, "{inside:?}");
    }
}
