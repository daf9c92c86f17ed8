//! What is written is read back, and nothing else.

mod peers;

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Disk, FORMAT, Item, Meta, Reader, Store,
    testing::{HERE, Memory, Words, frame, received, runs},
};
use crate::{
    Replica, Version,
    journal::{
        error::Fault,
        record::{FrameRecord, RunKey, RunRecord},
    },
    replica::codec::{Limits, Postcard},
    testing::Rng,
};

fn create(memory: &Memory) -> Store {
    let meta = Meta { format: FORMAT, ..Meta::default() };
    Store::create(Disk::staged(memory.clone()).unwrap(), meta).unwrap()
}

fn open(memory: &Memory) -> Result<Store, Fault> {
    Store::open(&Disk::staged(memory.clone()).unwrap())
}

/// The file of a journal that was left, without its store.
fn closed(store: Store, memory: &Memory) -> Vec<u8> {
    drop(store);
    memory.lock().bytes.clone()
}

#[test]
fn frames_and_runs_are_read_back_from_the_file() {
    let (memory, runs) = (Memory::default(), runs(3));
    let mut store = create(&memory);
    let frames: Vec<_> = runs.iter().zip(1..).map(|(run, number)| frame(number, run)).collect();
    store.append(&frames[..2].iter().cloned().map(Item::Frame).collect::<Vec<_>>()).unwrap();
    store.append(&[Item::Frame(frames[2].clone())]).unwrap();
    let bytes = closed(store, &memory);

    let reader = Reader::open(&Disk::staged(Memory::of(bytes)).unwrap()).unwrap();
    let rows: Vec<_> = reader.frames(..).unwrap().map(Result::unwrap).collect();
    assert_eq!(rows.iter().map(|row| row.number).collect::<Vec<_>>(), [1, 2, 3]);
    for (row, FrameRecord { session, panel_frame, intents, digest, .. }) in rows.iter().zip(&frames) {
        assert_eq!((row.session, row.panel_frame, row.digest), (*session, *panel_frame, *digest));
        assert_eq!(&row.intents, intents);
        assert_eq!(row.runs, [row.number - 1], "runs are numbered in the order in which they were written");
    }
    let read: Vec<_> = reader.runs().unwrap().map(Result::unwrap).collect();
    assert_eq!(read, (0..).zip(runs.clone()).collect::<Vec<_>>());
    assert_eq!(reader.last_frame().unwrap(), 3);
    assert_eq!(reader.frames(2..).unwrap().count(), 2);
    assert_eq!(reader.counts().unwrap(), (3, 3));
}

#[test]
fn a_journal_goes_on_where_it_was() {
    let (memory, runs) = (Memory::default(), runs(2));
    let mut store = create(&memory);
    store.append(&[Item::Frame(frame(1, &runs[0]))]).unwrap();
    drop(store);
    let mut store = open(&memory).unwrap();
    assert_eq!(store.last_frame(), 1);
    store.append(&[Item::Frame(frame(2, &runs[1]))]).unwrap();
    let reader = store.reader().unwrap();
    let numbers: Vec<_> = reader.frames(..).unwrap().map(|row| row.unwrap().number).collect();
    assert_eq!(numbers, [1, 2], "and the second follows from the first by its chain hash");
}

#[test]
fn what_the_replica_kept_is_named_by_the_next_frame() {
    let (memory, runs) = (Memory::default(), runs(3));
    let mut store = create(&memory);
    // The first is in the frame's intents too; the last comes after the frame.
    store
        .append(&[
            Item::Runs(runs[..2].to_vec()),
            Item::Frame(frame(1, &runs[0])),
            Item::Runs(runs[2..].to_vec()),
        ])
        .unwrap();
    store.append(&[Item::Frame(FrameRecord { panel_frame: 2, ..FrameRecord::default() })]).unwrap();
    let reader = store.reader().unwrap();
    let named: Vec<Vec<_>> = reader.frames(..).unwrap().map(|row| row.unwrap().runs).collect();
    assert_eq!(named, [vec![0, 1], vec![2]]);
}

#[test]
fn a_run_that_was_received_becomes_one_that_was_admitted() {
    let (memory, runs) = (Memory::default(), runs(1));
    let mut received = runs[0].clone();
    received.admitted = false;
    let mut store = create(&memory);
    store.append(&[Item::Frame(frame(1, &received))]).unwrap();
    let admitted =
        |store: &Store| store.reader().unwrap().runs().unwrap().next().unwrap().unwrap().1.admitted;
    assert!(!admitted(&store));
    store.append(&[Item::Runs(runs.clone())]).unwrap();
    assert!(admitted(&store));
    store.append(&[Item::Frame(frame(2, &received))]).unwrap();
    assert!(admitted(&store), "received once more");
}

#[test]
fn a_reader_sees_one_state_of_the_file() {
    let (memory, runs) = (Memory::default(), runs(2));
    let mut store = create(&memory);
    store.append(&[Item::Frame(frame(1, &runs[0]))]).unwrap();
    let before = store.reader().unwrap();
    store.append(&[Item::Frame(frame(2, &runs[1]))]).unwrap();
    assert_eq!(before.last_frame().unwrap(), 1);
    assert_eq!(store.reader().unwrap().last_frame().unwrap(), 2);
}

#[test]
fn reading_changes_no_byte_also_where_the_file_needs_repair() {
    let (memory, runs) = (Memory::default(), runs(1));
    let mut store = create(&memory);
    store.append(&[Item::Frame(frame(1, &runs[0]))]).unwrap();
    // As after a crash: the store is still open.
    let crashed = Memory::of(memory.lock().bytes.clone());
    let before = crashed.lock().bytes.clone();
    let reader = Reader::open(&Disk::staged(crashed.clone()).unwrap()).unwrap();
    assert_eq!(reader.last_frame().unwrap(), 1);
    drop(reader);
    assert_eq!(crashed.lock().bytes, before);
}

#[test]
fn no_flipped_bit_is_taken_for_the_journal_and_none_is_written_over() {
    let (memory, runs) = (Memory::default(), runs(3));
    let mut store = create(&memory);
    for (run, number) in runs.iter().zip(1..) {
        store.append(&[Item::Frame(frame(number, run))]).unwrap();
    }
    let bytes = closed(store, &memory);
    let intact: Vec<_> = {
        let reader = Reader::open(&Disk::staged(Memory::of(bytes.clone())).unwrap()).unwrap();
        reader.frames(..).unwrap().map(Result::unwrap).collect()
    };
    let mut found = 0;
    // Every byte of the header, and one in 61 of the rest.
    for at in (0..320).chain((320..bytes.len()).step_by(61)) {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (at % 8);
        let memory = Memory::of(flipped.clone());
        match open(&memory) {
            Err(_) => {
                found += 1;
                assert!(memory.lock().bytes == flipped, "byte {at} was refused, and the file changed");
            }
            // In a page that is free, or in what a repair derives: all is there.
            Ok(store) => {
                let reader = store.reader().unwrap();
                let rows: Vec<_> = reader.frames(..).unwrap().map(Result::unwrap).collect();
                assert_eq!(rows, intact, "byte {at} was not found");
            }
        }
    }
    assert!(found > 20, "only {found} were found");
}

#[test]
fn runs_of_any_authors_in_any_order_are_there_once_and_verbatim() {
    for seed in 0..12 {
        let mut rng = Rng::new(seed);
        let (mut deltas, _) = received(&mut rng);
        // They come in any order, and some again.
        for index in 0..deltas.len() {
            let other = rng.index(deltas.len());
            deltas.swap(index, (index + other % 4).min(other.max(index)));
            if rng.chance(20) {
                deltas.push(deltas[other].clone());
            }
        }
        let memory = Memory::default();
        let mut store = create(&memory);
        let mut expected = BTreeMap::<RunKey, RunRecord>::new();
        let mut items = Vec::new();
        for (mut runs, number) in deltas.into_iter().zip(1..) {
            let admitted = rng.chance(60);
            for run in &mut runs {
                run.admitted = admitted;
                expected.entry(run.key).or_insert_with(|| run.clone()).admitted |= admitted;
            }
            items.push(if admitted {
                Item::Runs(runs)
            } else {
                Item::Frame(FrameRecord { session: 1, panel_frame: number, runs, ..FrameRecord::default() })
            });
            if rng.chance(30) {
                store.append(&std::mem::take(&mut items)).unwrap();
            }
            if rng.chance(10) {
                drop(store);
                store = open(&memory).unwrap();
            }
        }
        store.append(&items).unwrap();
        let reader = store.reader().unwrap();
        let read: Vec<_> = reader.runs().unwrap().map(Result::unwrap).collect();
        assert_eq!(read.len(), expected.len(), "seed {seed}: each is there once");
        for (number, run) in read {
            assert_eq!(Some(&run), expected.get(&run.key), "seed {seed}: run {number}");
        }
        reader.recorded().unwrap();
        let since = peers::since(&reader, &Version::new());
        let given: BTreeSet<_> = since.iter().map(|run| RunKey::of(run)).collect();
        let admitted: BTreeSet<_> = expected.values().filter(|run| run.admitted).map(|run| run.key).collect();
        assert!(given == admitted && since.len() == admitted.len(), "seed {seed}");
    }
}

#[test]
fn blocks_fill_their_pages() {
    for size in [100, 700, 1_500, 2_500, 5_000, 12_000] {
        let memory = Memory::default();
        let mut store = create(&memory);
        let count = 1_000_000 / size;
        for numbers in (0..count as u64).collect::<Vec<_>>().chunks(40) {
            let record = |panel_frame: &u64| FrameRecord {
                session: 1,
                panel_frame: *panel_frame,
                intents: vec![7; size],
                ..FrameRecord::default()
            };
            store
                .append(&numbers.iter().map(|number| Item::Frame(record(number))).collect::<Vec<_>>())
                .unwrap();
            memory.lock().steps.clear();
        }
        let len = closed(store, &memory).len();
        assert!(len < 1_700_000, "{count} frames of {size} bytes take {len}");
    }
}

#[test]
fn operations_of_44_bytes_one_a_run_take_less_than_one_and_a_half_times_as_much() {
    let builder = Replica::builder(HERE, Words::default()).codec(Postcard::new(), Limits::default());
    let mut replica = builder.build();
    let memory = Memory::default();
    let mut store = create(&memory);
    for group in 0..1_250 {
        let runs = (0..16).map(|number| {
            replica.commit(format!("{:.>43}", group * 16 + number));
            RunRecord::new(&replica.outbox().unwrap().runs[0], true).unwrap()
        });
        store.append(&[Item::Runs(runs.collect())]).unwrap();
        memory.lock().steps.clear();
    }
    let len = closed(store, &memory).len();
    assert!(len < 880_000 * 3 / 2, "{len}");
}
