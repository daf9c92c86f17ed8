//! Where part of a backlog is gone from the file.

use std::sync::Arc;

use super::{THERE, create, pieces};
use crate::{
    Version,
    journal::{
        record::RunKey,
        store::{
            Disk, FORMAT, Item, Meta, Store,
            testing::{HERE, Memory, runs_of},
        },
        tests::torn::{Upto, long_runs},
    },
    replica::{RunHash, version::End},
};

/// One that has just what is gone lacks what follows, and no more; one that has less needs the snapshot.
#[test]
fn where_the_file_begins_is_where_a_peer_goes_on() {
    let (mut store, runs) = (create(), long_runs()(42));
    let end = |count: usize| {
        let RunKey { author, hash, .. } = runs[count - 1].key;
        let next_seq = count as u64;
        let mut version = Version::from_iter([(author, next_seq)]);
        version.add_end(author, End { next_seq, hash });
        version
    };
    store.append(&[Item::Runs(runs.clone()), Item::Snapshot(1, Arc::new(Upto(30)))]).unwrap();
    while store.compact().unwrap() {}
    let reader = store.reader().unwrap();
    let left = reader.runs().unwrap().count();
    assert!((12..20).contains(&left), "{left} of 42 are left");
    for count in 30..=42 {
        let given = pieces(&reader, &end(count), usize::MAX);
        let seqs = given.iter().flatten().map(|run| run.header.seq);
        assert!(seqs.eq(count as u64..42), "{count}: {given:?}");
    }
    assert!(reader.place(&end(29)).unwrap().is_none());
    assert!(reader.place(&Version::new()).unwrap().is_none());
}

/// The ends of branches that the file let go of are not ends that are unknown here.
#[test]
fn an_end_at_what_is_gone_makes_no_fork() {
    let (mut store, runs) = (create(), long_runs()(42));
    let author = runs[0].key.author;
    store.append(&[Item::Runs(runs), Item::Snapshot(1, Arc::new(Upto(30)))]).unwrap();
    while store.compact().unwrap() {}
    let reader = store.reader().unwrap();
    // It is ahead, and has a branch that was forgotten.
    let mut version = Version::from_iter([(author, 50)]);
    for next_seq in [20, 50] {
        version.add_end(author, End { next_seq, hash: RunHash([9; 32]) });
    }
    let given = pieces(&reader, &version, usize::MAX);
    assert_eq!(given.iter().flatten().count(), 0, "{given:?}");
}

/// An author all of whose runs are gone goes on in the strand that it had.
#[test]
fn a_strand_whose_runs_are_gone_is_gone_on_with() {
    let memory = Memory::default();
    let disk = || Disk::staged(memory.clone()).unwrap();
    let mut store = Store::create(disk(), Meta { format: FORMAT, ..Meta::default() }).unwrap();
    let mut long = long_runs();
    let (first, rest) = (long(30), long(4));
    store.append(&[Item::Runs(first)]).unwrap();
    // Each in a block of its own.
    store.append(&[Item::Runs(runs_of(THERE, 2, 15_000)), Item::Snapshot(1, Arc::new(Upto(30)))]).unwrap();
    while store.compact().unwrap() {}
    for round in 0..3 {
        drop(store);
        store = Store::open(&disk()).unwrap();
        if round == 0 {
            let reader = store.reader().unwrap();
            let left = reader.runs().unwrap().map(Result::unwrap);
            assert_eq!(left.filter(|(_, run)| run.key.author.peer == HERE).count(), 0);
        }
        store.append(&[Item::Runs(rest[round..=round].to_vec())]).unwrap();
        assert_eq!(store.reader().unwrap().strand_count(), 2, "round {round}");
    }
}
