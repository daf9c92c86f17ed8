//! A disk that is full, one that does not keep what it has, and files of other programs.

use std::path::Path;

use redb::{StorageBackend, TableDefinition};

use crate::{
    Peer, Replica,
    journal::{
        Journal,
        error::Fault,
        store::{
            Disk, FORMAT, Item, Meta, Reader, Store,
            testing::{HERE, Memory, Words, frame, runs},
        },
    },
    replica::codec::{Limits, Postcard, read_postcard},
};

fn replica(journal: &Journal) -> Replica<Words> {
    let builder = Replica::builder(HERE, Words::default()).codec(Postcard::new(), Limits::default());
    journal.replica(builder).unwrap()
}

fn words(count: usize) -> Words {
    Words((0..count).map(|word| format!("{word} {}", "x".repeat(2000))).collect())
}

#[test]
fn a_full_disk_refuses_commits_and_loses_none() {
    let memory = Memory::default();
    let journal = Journal::on(&memory).unwrap();
    let mut replica = replica(&journal);
    let room = memory.lock().bytes.len() as u64 + (64 << 10);
    memory.lock().room = Some(room);

    let (all, mut taken) = (words(200).0, 0);
    let fault = loop {
        replica.commit(all[taken].clone());
        taken += 1;
        let _ = replica.settle();
        if let Err(error) = journal.flush() {
            break error;
        }
    };
    assert!(matches!(fault.fault(), Fault::Full), "{fault:?}");
    // What was committed before is in the state, and waits. What comes now is given back.
    let stamp = replica.commit(all[taken].clone());
    assert_eq!(replica.take_void(), [(stamp, all[taken].clone())]);
    assert_eq!(replica.state().0, all[..taken]);
    assert!(journal.flush().is_err(), "still full");
    let sent: usize = replica.outbox().map_or(0, |delta| delta.len());
    assert_eq!(sent, taken - 1, "what is not durable is not sent");

    memory.lock().room = None;
    journal.flush().unwrap();
    for word in &all[taken..] {
        replica.commit(word.clone());
    }
    let _ = replica.settle();
    journal.flush().unwrap();
    assert_eq!(replica.state().0, all);
    assert_eq!(replica.outbox().unwrap().len(), all.len() - sent);
    drop((journal, replica));

    let journal = Journal::on(&memory).unwrap();
    assert_eq!(self::replica(&journal).state().0, all);
}

#[test]
fn a_full_disk_at_any_step_of_a_transaction_loses_nothing_and_writes_nothing_twice() {
    let runs = runs(40);
    for spare in (0..200_000).step_by(4096) {
        let memory = Memory::default();
        let meta = Meta { format: FORMAT, ..Meta::default() };
        let mut store = Store::create(Disk::staged(memory.clone()).unwrap(), meta).unwrap();
        let mut held: Vec<Item> = Vec::new();
        let used = memory.lock().bytes.len() as u64;
        memory.lock().room = Some(used + spare);
        let write = |store: &mut Store, held: &mut Vec<Item>| {
            store.append(held)?;
            held.clear();
            Ok::<(), Fault>(())
        };
        for (run, number) in runs.iter().zip(1..) {
            let mut record = frame(number, run);
            record.intents = vec![7; 3000];
            held.push(Item::Frame(record));
            if write(&mut store, &mut held).is_err() && number % 3 == 0 {
                memory.lock().room = None;
            }
        }
        memory.lock().room = None;
        write(&mut store, &mut held).unwrap();
        let reader = store.reader().unwrap();
        let numbers: Vec<_> = reader.frames(..).unwrap().map(|row| row.unwrap().panel_frame).collect();
        assert_eq!(numbers, (1..=40).collect::<Vec<_>>());
    }
}

#[test]
fn a_sync_that_failed_once_is_never_tried_again() {
    let memory = Memory::default();
    let journal = Journal::on(&memory).unwrap();
    let mut replica = replica(&journal);
    replica.commit("kept".to_owned());
    let _ = replica.settle();
    journal.flush().unwrap();

    replica.commit("lost?".to_owned());
    let _ = replica.settle();
    memory.lock().failing_syncs = 1;
    for _ in 0..3 {
        let error = journal.flush().unwrap_err();
        assert!(matches!(error.fault(), Fault::SyncFailed), "{error:?}");
    }
    let stamp = replica.commit("not now".to_owned());
    assert_eq!(replica.take_void(), [(stamp, "not now".to_owned())]);
    assert_eq!(replica.outbox().unwrap().operations().count(), 1, "the first alone was ever durable");
    assert!(journal.close().is_err());
    drop((journal, replica));

    // Opened anew, it has what the disk has.
    let journal = Journal::on(&memory).unwrap();
    let state = self::replica(&journal).state().clone();
    assert!(state.0 == ["kept"] || state.0 == ["kept", "lost?"], "{state:?}");
}

#[test]
fn a_database_of_another_program_is_no_journal() {
    let memory = Memory::default();
    let db = redb::Builder::new().create_with_backend(memory.clone()).unwrap();
    let transaction = db.begin_write().unwrap();
    let table: TableDefinition<'_, u64, u64> = TableDefinition::new("prices");
    transaction.open_table(table).unwrap().insert(1, 2).unwrap();
    transaction.commit().unwrap();
    drop(db);
    let before = memory.lock().bytes.clone();
    assert!(matches!(Store::open(&Disk::staged(memory.clone()).unwrap()), Err(Fault::NotAJournal)));
    assert!(memory.lock().bytes == before);
}

#[test]
fn a_journal_of_a_later_version_is_refused_by_both_numbers() {
    let memory = Memory::default();
    let meta = Meta { format: FORMAT + 1, ..Meta::default() };
    drop(Store::create(Disk::staged(memory.clone()).unwrap(), meta).unwrap());
    let before = memory.lock().bytes.clone();
    let fault = Store::open(&Disk::staged(memory.clone()).unwrap()).unwrap_err();
    assert!(matches!(fault, Fault::NewerFormat { found, known } if found == known + 1), "{fault:?}");
    assert!(memory.lock().bytes == before);
    assert!(fault.at(Path::new("j")).to_string().ends_with("update the program"));
}

#[test]
fn a_file_that_grows_while_it_is_read_is_an_error_by_name() {
    let (memory, runs) = (Memory::default(), runs(2));
    let meta = Meta { format: FORMAT, ..Meta::default() };
    let mut store = Store::create(Disk::staged(memory.clone()).unwrap(), meta).unwrap();
    for number in 0..200 {
        let mut record = frame(number, &runs[0]);
        record.intents = vec![7; 50_000];
        store.append(&[Item::Frame(record)]).unwrap();
    }
    drop(store);
    let disk = Disk::staged(memory.clone()).unwrap();
    let length = memory.len().unwrap();
    memory.set_len(length + 4096).unwrap();
    assert!(matches!(Reader::open(&disk), Err(Fault::Changed)));
    memory.set_len(length).unwrap();

    // Or later: what is in memory still is read.
    let reader = Reader::open(&Disk::staged(memory.clone()).unwrap()).unwrap();
    memory.set_len(length + 4096).unwrap();
    let rows: Result<Vec<_>, _> = reader.frames(..).and_then(Iterator::collect);
    assert!(matches!(rows, Ok(_) | Err(Fault::Changed)), "{rows:?}");
}

#[test]
fn another_peer_group_reducer_or_schema_is_refused_by_name() {
    let memory = Memory::default();
    let builder = || Replica::builder(HERE, Words::default()).codec(Postcard::new(), Limits::default());
    let journal = Journal::on(&memory).unwrap();
    let without = Replica::builder(HERE, Words::default());
    assert!(matches!(journal.replica(without).unwrap_err().fault(), Fault::NoCodec));
    journal.replica(builder().fingerprint(1)).unwrap();
    assert!(matches!(journal.replica(builder().fingerprint(1)).unwrap_err().fault(), Fault::HasReplica));
    drop(journal);

    let journal = Journal::on(&memory).unwrap();
    let there = Peer([2; 32]);
    let other = Replica::builder(there, Words::default()).codec(Postcard::new(), Limits::default());
    let error = journal.replica(other).unwrap_err();
    assert!(
        matches!(error.fault(), Fault::OtherPeer { journal: HERE, program } if *program == there),
        "{error:?}"
    );
    let error = journal.replica(builder().members([HERE, there]).fingerprint(1)).unwrap_err();
    assert!(matches!(error.fault(), Fault::OtherGroup), "{error:?}");
    let error = journal.replica(builder().fingerprint(2)).unwrap_err();
    assert!(matches!(error.fault(), Fault::OtherReducer { journal: 1, program: 2 }), "{error:?}");
    journal.adopt_reducer().unwrap();
    let newer = Postcard::migrating(1, |_, bytes| read_postcard(bytes));
    let newer = Replica::builder(HERE, Words::default()).codec(newer, Limits::default()).fingerprint(2);
    journal.replica(newer).unwrap();
    drop(journal);

    let journal = Journal::on(&memory).unwrap();
    let error = journal.replica(builder().fingerprint(2)).unwrap_err();
    assert!(matches!(error.fault(), Fault::NewerSchema { journal: 1, program: 0 }), "{error:?}");
}
