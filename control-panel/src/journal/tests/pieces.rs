//! A backlog is read in pieces: together they are what is lacked, and none is long.

use std::{collections::BTreeSet, sync::Arc};

use super::torn::{Upto, long_runs};
use crate::{
    Version,
    journal::{
        record::RunKey,
        serve::lacked,
        store::{
            Disk, FORMAT, Item, Meta, Reader, Store,
            testing::{Memory, received, runs},
        },
    },
    replica::{keeper::Lacked, version::End},
    testing::Rng,
};

fn create() -> Store {
    let meta = Meta { format: FORMAT, ..Meta::default() };
    Store::create(Disk::staged(Memory::default()).unwrap(), meta).unwrap()
}

/// What is given to a replica of that version, piece by piece.
fn pieces(reader: &Reader, version: &Version, most: usize) -> Vec<Lacked> {
    let (mut pieces, mut version) = (Vec::new(), version.clone());
    loop {
        let piece = lacked(reader, &version, most).unwrap().expect("nothing is gone");
        version.clone_from(&piece.version);
        let more = piece.more;
        pieces.push(piece);
        if !more {
            return pieces;
        }
    }
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
            let keys = |pieces: &[Lacked]| -> Vec<RunKey> {
                pieces.iter().flat_map(|piece| &piece.runs).map(|run| RunKey::of(run)).collect()
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
                for piece in &pieces {
                    let bytes: usize = piece.runs.iter().map(|run| run.bytes.len()).sum();
                    assert!(piece.runs.len() <= 1 || bytes <= most, "seed {seed}: {bytes} of {most}");
                }
                many += usize::from(pieces.len() > 2);
            }
        }
    }
    assert!(many > 50, "{many}");
}

/// Memory is bounded by what is held, and not by what is lacked.
#[test]
fn a_peer_that_has_nothing_is_given_a_little_at_a_time() {
    let mut store = create();
    let runs = runs(3_000);
    runs.chunks(50).for_each(|runs| store.append(&[Item::Runs(runs.to_vec())]).unwrap());
    let reader = store.reader().unwrap();
    let pieces = pieces(&reader, &Version::new(), 64 << 10);
    assert!(pieces.len() > 10 && pieces.iter().all(|piece| piece.runs.len() < 256), "{}", pieces.len());
    let mut seqs = pieces.iter().flat_map(|piece| &piece.runs).map(|run| run.header.seq);
    assert!(seqs.by_ref().eq(0..3_000), "each once, in order");
}

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
        let given = lacked(&reader, &end(count), usize::MAX).unwrap().expect("it has what is gone");
        let seqs = given.runs.iter().map(|run| run.header.seq);
        assert!(seqs.eq(count as u64..42), "{count}: {:?}", given.version);
    }
    assert!(lacked(&reader, &end(29), usize::MAX).unwrap().is_none());
    assert!(lacked(&reader, &Version::new(), usize::MAX).unwrap().is_none());
}
