//! A changed byte in a row of a small table is found, and the table is named.

use std::{collections::BTreeSet, sync::Arc};

use redb::{Database, ReadableTable, TableDefinition, TableHandle};

use crate::{
    journal::{
        error::Fault,
        keeping::AnySnapshot,
        record::SnapshotNote,
        salvage::salvage,
        store::{
            Disk, FORMAT, Item, Ledger, Meta, Reader, ReplicaMeta, STAMP_BYTES, Store,
            testing::{HERE, Memory, runs},
        },
    },
    replica::{RunHash, codec::EncodeError, keeper::Resume},
};

/// Bytes that are nowhere else.
const WHEREABOUTS: [u8; 32] = [0xC7; 32];
const VOID: RunHash = RunHash([0xD9; 32]);
const STAMP: [u8; STAMP_BYTES] = [0xE5; STAMP_BYTES];

#[derive(Debug)]
struct Nothing;

impl AnySnapshot for Nothing {
    fn encode(&self) -> Result<Vec<u8>, EncodeError> {
        Ok(Vec::new())
    }

    fn note(&self) -> Option<SnapshotNote> {
        let resume = Resume { void: BTreeSet::from([VOID]), ..Resume::default() };
        Some(SnapshotNote { resume, ..SnapshotNote::default() })
    }
}

/// A journal with a row in each, and what is in the row of `returned`.
fn written() -> (Vec<u8>, Vec<u8>) {
    let (memory, runs) = (Memory::default(), runs(2));
    let (peer, genesis) = (HERE, RunHash([3; 32]));
    let replica = Some(ReplicaMeta { peer, incarnation: 5, genesis, schema: 0 });
    let meta = Meta { format: FORMAT, whereabouts: WHEREABOUTS, replica, ..Meta::default() };
    let mut store = Store::create(Disk::staged(memory.clone()).unwrap(), meta).unwrap();
    let key = runs[1].key;
    store
        .append(&[Item::Runs(runs), Item::Returned(vec![key]), Item::Snapshot(1, Arc::new(Nothing))])
        .unwrap();
    store.change(|transaction| Ledger::open(transaction)?.put(&STAMP, 1)).unwrap();
    drop(store);
    let bytes = memory.lock().bytes.clone();
    (bytes, [&1_u64.to_be_bytes()[..], &key.hash.0[..8]].concat())
}

fn open(bytes: &[u8]) -> [Result<(), Fault>; 2] {
    let disk = || Disk::staged(Memory::of(bytes.to_vec())).unwrap();
    [Store::open(&disk()).map(drop), Reader::open(&disk()).map(drop)]
}

fn assert_named(bytes: &[u8], table: &str) {
    for opened in open(bytes) {
        let fault = opened.unwrap_err();
        assert!(matches!(fault, Fault::Damaged { .. }), "{fault:?}");
        assert!(fault.to_string().contains(&format!("`{table}`")), "{table}: {fault}");
    }
}

/// Changes a row so that redb takes it for what was written.
pub(super) fn rewrite(bytes: &[u8], change: impl FnOnce(&redb::WriteTransaction)) -> Vec<u8> {
    let memory = Memory::of(bytes.to_vec());
    let db: Database = redb::Builder::new().create_with_backend(memory.clone()).unwrap();
    let transaction = db.begin_write().unwrap();
    change(&transaction);
    transaction.commit().unwrap();
    drop(db);
    memory.lock().bytes.clone()
}

fn flip(mut row: Vec<u8>, at: usize) -> Vec<u8> {
    row[at] ^= 1;
    row
}

#[test]
fn a_row_that_is_another_is_refused_with_its_table() {
    let (good, _) = written();
    assert!(open(&good).iter().all(Result::is_ok));

    let meta: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
    for name in
        ["session", "token", "clean", "whereabouts", "peer", "incarnation", "genesis", "schema", "check"]
    {
        let bytes = rewrite(&good, |transaction| {
            let mut table = transaction.open_table(meta).unwrap();
            let row = flip(table.get(name).unwrap().unwrap().value().to_vec(), 0);
            table.insert(name, &row[..]).unwrap();
        });
        assert_named(&bytes, meta.name());
    }
    // A row that is gone is missed, too.
    assert_named(
        &rewrite(&good, |transaction| drop(transaction.open_table(meta).unwrap().remove("peer"))),
        "meta",
    );

    let ledger: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("ledger");
    for at in 0..9 {
        let bytes = rewrite(&good, |transaction| {
            let mut table = transaction.open_table(ledger).unwrap();
            let row = flip(table.get(&STAMP[..]).unwrap().unwrap().value().to_vec(), at);
            table.insert(&STAMP[..], &row[..]).unwrap();
        });
        assert_named(&bytes, ledger.name());
    }

    let returned: TableDefinition<'_, &[u8], ()> = TableDefinition::new("returned");
    for at in 0..24 {
        let bytes = rewrite(&good, |transaction| {
            let mut table = transaction.open_table(returned).unwrap();
            let row = table.first().unwrap().unwrap().0.value().to_vec();
            table.remove(&row[..]).unwrap();
            table.insert(&flip(row, at)[..], ()).unwrap();
        });
        assert_named(&bytes, returned.name());
    }

    let strands: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("strands");
    for at in 0..36 + 8 {
        let bytes = rewrite(&good, |transaction| {
            let mut table = transaction.open_table(strands).unwrap();
            let row = flip(table.get(0).unwrap().unwrap().value().to_vec(), at);
            table.insert(0, &row[..]).unwrap();
        });
        assert_named(&bytes, strands.name());
    }

    let places: TableDefinition<'_, [u8; 12], [u8; 16]> = TableDefinition::new("places");
    for at in 0..12 + 16 {
        let bytes = rewrite(&good, |transaction| {
            let mut table = transaction.open_table(places).unwrap();
            let (mut place, mut row) = (place_of(&table), table.first().unwrap().unwrap().1.value());
            table.remove(place).unwrap();
            if at < 12 {
                place[at] ^= 1;
            } else {
                row[at - 12] ^= 1;
            }
            table.insert(place, row).unwrap();
        });
        assert_named(&bytes, places.name());
    }

    let cuts: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("cuts");
    let length = 1 + 32 + 1 + 3 + 1 + 1 + 32 + 32;
    for at in (0..length).step_by(5) {
        let bytes = rewrite(&good, |transaction| {
            let mut table = transaction.open_table(cuts).unwrap();
            let row = flip(table.get(1).unwrap().unwrap().value().to_vec(), at);
            table.insert(1, &row[..]).unwrap();
        });
        assert_named(&bytes, cuts.name());
    }
}

fn place_of(table: &impl ReadableTable<[u8; 12], [u8; 16]>) -> [u8; 12] {
    table.first().unwrap().unwrap().0.value()
}

/// The first rows of `strands` and of `places`.
pub(super) fn strand_and_place(bytes: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (mut strand, mut number) = (Vec::new(), Vec::new());
    rewrite(bytes, |transaction| {
        let strands: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("strands");
        let table = transaction.open_table(strands).unwrap();
        strand.extend(table.get(0).unwrap().unwrap().value());
        let places: TableDefinition<'_, [u8; 12], [u8; 16]> = TableDefinition::new("places");
        let table = transaction.open_table(places).unwrap();
        number.extend(table.first().unwrap().unwrap().1.value());
    });
    (strand, number)
}

/// Changes what the disk has, wherever it has it.
pub(super) fn flip_all(good: &[u8], needle: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = good.to_vec();
    let found: Vec<_> = good.windows(needle.len()).enumerate().filter(|(_, it)| *it == needle).collect();
    assert!(!found.is_empty());
    for (place, _) in found {
        bytes[place + at] ^= 1;
    }
    bytes
}

#[test]
fn a_byte_that_the_disk_changed_is_found_with_its_table_and_salvage_takes_no_such_row() {
    let (good, returned) = written();
    let (strand, place) = strand_and_place(&good);
    let cases = [
        ("strands", flip_all(&good, &strand, 7)),
        ("strands", flip_all(&good, &strand, 40)),
        ("places", flip_all(&good, &place, 3)),
        ("places", flip_all(&good, &place, 12)),
        ("meta", flip_all(&good, &WHEREABOUTS, 9)),
        ("ledger", flip_all(&good, &STAMP, STAMP_BYTES)),
        ("returned", flip_all(&good, &returned, 8)),
        ("cuts", flip_all(&good, &VOID.0, 3)),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (case, (table, bytes)) in cases.into_iter().enumerate() {
        assert_named(&bytes, table);
        let (from, to) = (folder.path().join(case.to_string()), folder.path().join(format!("{case}.saved")));
        std::fs::write(&from, bytes).unwrap();
        let salvaged = salvage(&from, &to).unwrap();
        assert_eq!(salvaged.runs, 2);
        assert!(salvaged.lost.iter().any(|lost| lost.contains(&format!("`{table}`"))), "{:?}", salvaged.lost);
        let disk = Disk::staged(Memory::of(std::fs::read(&to).unwrap())).unwrap();
        let mut store = Store::open(&disk).unwrap();
        let is = |known: &str| known != table;
        assert_eq!(store.meta().replica.is_some(), is("meta"));
        assert_eq!(store.reader().unwrap().returned().unwrap().len(), usize::from(is("returned")));
        let effect = store.change(|transaction| Ledger::open(transaction)?.get(&STAMP)).unwrap();
        assert_eq!(effect, is("ledger").then_some(1));
    }
}
