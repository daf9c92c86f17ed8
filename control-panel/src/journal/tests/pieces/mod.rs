//! A backlog is read in pieces: together they are what is lacked, and none is long.

mod gone;

use std::collections::BTreeSet;

use crate::{
    Peer, Replica, Version,
    journal::{
        record::{RunKey, RunRecord},
        store::{
            Disk, FORMAT, Item, Meta, Reader, Runs, Store,
            testing::{BLOCKS_READ, HERE, Memory, Words, received, runs, runs_of},
        },
    },
    replica::codec::{Limits, Postcard},
    testing::Rng,
};

const THERE: Peer = Peer([2; 32]);

fn replica(me: Peer) -> Replica<Words> {
    let builder = Replica::builder(me, Words::default()).members([HERE, THERE]);
    builder.codec(Postcard::new(), Limits::default()).build()
}

fn create() -> Store {
    let meta = Meta { format: FORMAT, ..Meta::default() };
    Store::create(Disk::staged(Memory::default()).unwrap(), meta).unwrap()
}

/// What is given to a replica of that version, piece by piece.
fn pieces(reader: &Reader, version: &Version, most: usize) -> Vec<Runs> {
    let mut place = reader.place(version).unwrap().expect("nothing is gone");
    let mut pieces = Vec::new();
    loop {
        let (runs, more) = reader.read_on(&mut place, most).unwrap().expect("nothing is gone");
        pieces.push(runs);
        if !more {
            return pieces;
        }
    }
}

/// How many blocks are read meanwhile.
fn blocks_read<T>(read: impl FnOnce() -> T) -> (u64, T) {
    let before = BLOCKS_READ.get();
    let read = read();
    (BLOCKS_READ.get() - before, read)
}

#[test]
fn the_pieces_of_a_backlog_are_all_of_it_each_behind_its_past_also_of_forked_authors() {
    let mut many = 0;
    for seed in 0..12 {
        let mut rng = Rng::new(seed);
        let (deltas, replicas) = received(&mut rng);
        let mut store = create();
        for mut runs in deltas {
            for run in &mut runs {
                run.admitted = true;
            }
            store.append(&[Item::Runs(runs)]).unwrap();
        }
        let reader = store.reader().unwrap();
        let mut versions: Vec<_> = replicas.iter().map(|replica| replica.version().clone()).collect();
        versions.push(Version::new());
        // Counts alone, as of a peer that names no ends.
        versions.push(replicas[0].version().iter().map(|(author, count)| (author, count / 2)).collect());
        for version in versions {
            let keys = |pieces: &[Runs]| -> Vec<RunKey> {
                pieces.iter().flatten().map(|run| RunKey::of(run)).collect()
            };
            let whole = keys(&pieces(&reader, &version, usize::MAX));
            for most in [1, 700, 3_000] {
                let pieces = pieces(&reader, &version, most);
                let given = keys(&pieces);
                assert_eq!(
                    given.iter().collect::<BTreeSet<_>>(),
                    whole.iter().collect(),
                    "seed {seed}, {most}"
                );
                assert_eq!(given.len(), whole.len(), "seed {seed}, {most}: each once");
                for piece in &pieces {
                    let bytes: usize = piece.iter().map(|run| run.bytes.len()).sum();
                    assert!(piece.len() <= 1 || bytes <= most, "seed {seed}: {bytes} of {most}");
                }
                let mut known: BTreeSet<_> = given.iter().map(|key| key.hash).collect();
                for run in pieces.iter().flatten().rev() {
                    known.remove(&run.hash);
                    let later = run.header.heads.iter().filter(|head| {
                        given.iter().any(|key| key.hash == head.hash) && !known.contains(&head.hash)
                    });
                    assert_eq!(later.count(), 0, "seed {seed}: a run is before its past");
                }
                many += usize::from(pieces.len() > 2);
            }
        }
    }
    assert!(many > 50, "{many}");
}

/// Memory is bounded by what is held, and not by what is lacked; and each block is read once, whatever the number of reads.
#[test]
fn a_peer_that_has_nothing_is_given_a_little_at_a_time_and_no_block_is_read_for_each() {
    let mut store = create();
    let runs = runs_of(HERE, 3_000, 60);
    runs.chunks(50).for_each(|runs| store.append(&[Item::Runs(runs.to_vec())]).unwrap());
    let reader = store.reader().unwrap();
    let (whole, all) = blocks_read(|| pieces(&reader, &Version::new(), usize::MAX));
    assert_eq!(all.len(), 1);
    let (read, pieces) = blocks_read(|| pieces(&reader, &Version::new(), 64 << 10));
    assert!(pieces.len() > 10 && pieces.iter().all(|piece| piece.len() < 256), "{}", pieces.len());
    assert!(pieces.iter().flatten().map(|run| run.header.seq).eq(0..3_000), "each once, in order");
    let reads = pieces.len() as u64;
    assert!(
        (50..500).contains(&whole) && reads < whole / 2 && read <= whole + reads,
        "{read} for {whole} in {reads} reads"
    );
}

/// Many authors whose runs are in the file in turn, or one behind the other: what one read gives is what it reads.
#[test]
fn what_many_authors_wrote_is_read_once() {
    for in_turn in [false, true] {
        let mut store = create();
        let mut all: Vec<Vec<RunRecord>> = (0..40).map(|peer| runs_of(Peer([peer; 32]), 100, 40)).collect();
        while all.iter().any(|runs| !runs.is_empty()) {
            for runs in &mut all {
                let count = if in_turn { 1 } else { runs.len() };
                store.append(&[Item::Runs(runs.drain(..count.min(runs.len())).collect())]).unwrap();
            }
        }
        let reader = store.reader().unwrap();
        let blocks = reader.blocks().unwrap();
        assert!(blocks > 20, "{blocks}");
        let (place, begun) = blocks_read(|| reader.place(&Version::new()).unwrap().unwrap());
        assert!(place == 0, "nothing is known, so nothing is compared: {place}");
        let (mut place, mut given, mut reads) = (begun, 0, 0);
        let (read, ()) = blocks_read(|| {
            loop {
                let (runs, more) = reader.read_on(&mut place, 64 << 10).unwrap().unwrap();
                (given, reads) = (given + runs.len(), reads + 1);
                if !more {
                    break;
                }
            }
        });
        assert_eq!(given, 4_000);
        assert!(read <= blocks + reads, "{read} for {blocks} in {reads} reads, in turn: {in_turn}");
        // One that has all but one author's reads that author's.
        let mut version = place.version;
        version = version.iter().filter(|(author, _)| author.peer != Peer([7; 32])).collect();
        let (read, pieces) = blocks_read(|| pieces(&reader, &version, usize::MAX));
        assert_eq!(pieces.iter().flatten().count(), 100);
        assert!(read <= blocks, "{read}");
    }
}

/// What becomes durable between two reads comes along, also of an author that no one knew.
#[test]
fn what_is_written_meanwhile_is_given_too() {
    let mut store = create();
    let (mine, mut others) = (runs(200), runs_of(Peer([9; 32]), 100, 1));
    let (first, rest) = mine.split_at(100);
    store.append(&[Item::Runs(first.to_vec())]).unwrap();
    let mut place = store.reader().unwrap().place(&Version::new()).unwrap().unwrap();
    let mut given = Vec::new();
    let mut read = |store: &Store, most| {
        let (runs, more) = store.reader().unwrap().read_on(&mut place, most).unwrap().unwrap();
        given.extend(runs.iter().map(|run| RunKey::of(run)));
        more
    };
    assert!(read(&store, 5_000));
    let later = others.split_off(50);
    store.append(&[Item::Runs(rest.to_vec()), Item::Runs(others.clone())]).unwrap();
    assert!(read(&store, 5_000));
    store.append(&[Item::Runs(later.clone())]).unwrap();
    while read(&store, 5_000) {}
    given.sort_unstable();
    let mut all: Vec<_> = mine.iter().chain(&others).chain(&later).map(|run| run.key).collect();
    all.sort_unstable();
    assert_eq!(given, all, "each once");
}

/// What a replica had received, and admitted later: it is given then, and what follows it is not given before.
#[test]
fn a_run_that_was_admitted_late_is_not_left_out() {
    let mut store = create();
    let mut all = runs(60);
    for run in &mut all[20..] {
        run.admitted = false;
    }
    store.append(&[Item::Runs(all.clone())]).unwrap();
    let mut place = store.reader().unwrap().place(&Version::new()).unwrap().unwrap();
    let (runs, more) = store.reader().unwrap().read_on(&mut place, 1 << 20).unwrap().unwrap();
    assert_eq!((runs.len(), more), (20, false));
    for run in &mut all {
        run.admitted = true;
    }
    store.append(&[Item::Runs(all.clone())]).unwrap();
    let (runs, more) = store.reader().unwrap().read_on(&mut place, 1 << 20).unwrap().unwrap();
    assert!(runs.iter().map(|run| run.header.seq).eq(20..60) && !more, "{}", runs.len());
}

/// A file may have runs before what they depend on, as what waited for that: they are given behind it.
#[test]
fn runs_that_are_before_their_past_in_the_file_are_given_behind_it() {
    let (mut here, mut there) = (replica(HERE), replica(THERE));
    let mut runs = Vec::new();
    for round in 0..60 {
        for turn in [true, false] {
            let (from, to) = if turn { (&mut here, &mut there) } else { (&mut there, &mut here) };
            from.commit(format!("{round} ").repeat(20));
            let delta = from.outbox().unwrap();
            runs.extend(delta.runs.iter().map(|run| RunRecord::new(run, true).unwrap()));
            to.merge(delta);
            let _ = to.settle();
        }
    }
    let (mine, others): (Vec<_>, Vec<_>) = runs.into_iter().partition(|run| run.key.author.peer == HERE);
    let mut store = create();
    // All of one author's before all of the other's, twice: within a piece, and over more than that.
    for (mine, others) in mine.chunks(20).zip(others.chunks(20)) {
        store.append(&[Item::Runs(others.to_vec()), Item::Runs(mine.to_vec())]).unwrap();
    }
    let reader = store.reader().unwrap();
    let pieces = pieces(&reader, &Version::new(), 30_000);
    assert!(pieces.len() > 1);
    let given: Vec<_> = pieces.iter().flatten().map(|run| run.header.lamport).collect();
    assert_eq!(given.len(), 120);
    assert!(given.is_sorted(), "{given:?}");
}
