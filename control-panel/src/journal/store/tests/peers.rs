//! What peers are given of a file.

use std::collections::BTreeSet;

use super::create;
use crate::{
    Version,
    journal::{
        record::RunKey,
        store::{
            Item, Reader, Runs,
            testing::{Memory, received, runs},
        },
    },
    replica::{RunHash, version::End},
    testing::Rng,
};

#[test]
fn peers_are_given_each_branch_that_they_lack_and_nothing_that_they_have() {
    let mut forked = 0;
    for seed in 0..12 {
        let mut rng = Rng::new(seed);
        let (deltas, replicas) = received(&mut rng);
        let mut store = create(&Memory::default());
        let mut all = BTreeSet::new();
        for mut runs in deltas {
            for run in &mut runs {
                run.admitted = true;
            }
            all.extend(runs.iter().map(|run| run.key));
            store.append(&[Item::Runs(runs)]).unwrap();
        }
        let reader = store.reader().unwrap();
        forked += usize::from(reader.strands().len() > 2);
        for (index, replica) in replicas.iter().enumerate() {
            let had = replica.since(&Version::new());
            let had: BTreeSet<_> = had.runs.iter().map(|run| RunKey::of(run)).collect();
            let given = since(&reader, replica.version());
            let given: BTreeSet<_> = given.iter().map(|run| RunKey::of(run)).collect();
            let lacked: BTreeSet<_> = all.difference(&had).copied().collect();
            assert_eq!(given, lacked, "seed {seed}, replica {index}");
        }
    }
    assert!(forked > 0);
}

/// All that a replica of that version lacks.
pub(super) fn since(reader: &Reader, version: &Version) -> Runs {
    let mut place = reader.place(version).unwrap().unwrap();
    let (runs, more) = reader.read_on(&mut place, usize::MAX).unwrap().unwrap();
    assert!(!more);
    runs
}

/// Of two ends, one that is here and one that is not: it gets what is behind the first.
#[test]
fn a_peer_whose_chain_forks_behind_an_end_that_is_here_is_given_what_is_behind_that() {
    let runs = runs(100);
    let mut store = create(&Memory::default());
    store.append(&[Item::Runs(runs.clone())]).unwrap();
    let reader = store.reader().unwrap();
    let mut version = Version::from_iter([(runs[0].key.author, 70)]);
    version.add_end(runs[0].key.author, End { next_seq: 50, hash: runs[49].key.hash });
    version.add_end(runs[0].key.author, End { next_seq: 70, hash: RunHash([7; 32]) });
    assert!(since(&reader, &version).iter().map(|run| run.header.seq).eq(50..100));
}

#[test]
fn a_peer_is_given_what_it_lacks_and_all_of_a_chain_whose_end_is_unknown() {
    let runs = runs(2_000);
    let mut store = create(&Memory::default());
    runs.chunks(7).for_each(|runs| store.append(&[Item::Runs(runs.to_vec())]).unwrap());
    let reader = store.reader().unwrap();
    let author = runs[0].key.author;
    for count in [1, 2, 499, 500, 1_777, 1_999, 2_000] {
        let version = |hash| {
            let mut version = Version::from_iter([(author, count)]);
            version.add_end(author, End { next_seq: count, hash });
            version
        };
        let hash = runs[usize::try_from(count).unwrap() - 1].key.hash;
        let since = |hash| since(&reader, &version(hash));
        let given: Vec<_> = since(hash).iter().map(|run| run.header.seq).collect();
        assert_eq!(given, (count..2_000).collect::<Vec<_>>());
        assert_eq!(since(RunHash([7; 32])).len(), 2_000, "a fork");
    }
}
