//! What peers share is recorded too: a replay comes to the same states, without a peer and without a key.

use std::{fs, path::Path};

use control_panel::{journal::Recording, replica::Grant};

use crate::{
    hex::bytes as bytes_of,
    node::{App, Seen, Setup, Words, folders, pair, until},
    snapshots::forgetful,
};

/// The words that a replay of that journal comes to, and how many frames it compared; also from an export.
pub(crate) fn replayed(folder: &Path) -> (Words, Vec<Seen>, usize) {
    let recording = Recording::open(folder.join("words.journal")).unwrap();
    let replay = recording.replay::<App>(u64::MAX);
    assert!(replay.is_same(), "{:?}", replay.deviations);
    let state = replay.state.unwrap();
    let exported = Recording::from_bytes(&recording.to_bytes()).unwrap();
    assert_eq!(exported, recording);
    assert!(exported.replay::<App>(u64::MAX).is_same());
    let seen = state.seen.into_iter().map(|(_, seen)| seen).collect();
    (state.replica.state().clone(), seen, recording.frames())
}

/// One begins, and one joins by its ticket, whose key is not the founder's: over two sessions each, one of them apart.
#[test]
fn what_peers_share_is_recorded_and_replays_frame_by_frame() {
    let (folders, keys) = folders(2);
    let setup =
        |me: usize| Setup { journal: true, record: true, ..Setup::new(folders[me].path(), &keys[..1]) };
    let (mut alice, mut bob) = (setup(0).start(), setup(1).start());
    pair(&mut alice, &mut bob, Grant::Write);
    alice.commit("of alice");
    bob.commit("of bob");
    until(&mut [&mut alice, &mut bob], "both have both", |nodes| {
        nodes.iter().all(|node| node.words().len() == 2)
    });
    bob.stop();
    until(&mut [&mut alice], "it is gone", |nodes| !nodes[0].is_online(keys[1]));
    alice.commit("meanwhile");
    alice.stop();
    let mut bob = setup(1).start();
    bob.commit("apart");
    let mut alice = setup(0).start();
    bob.knows(&mut alice);
    until(&mut [&mut alice, &mut bob], "both have all", |nodes| {
        nodes.iter().all(|node| node.words().len() == 4)
    });
    assert_eq!(alice.words(), bob.words());
    for (node, folder) in [alice, bob].into_iter().zip(&folders) {
        let app = node.stop();
        let recorded = Recording::open(folder.path().join("words.journal")).unwrap();
        assert_eq!((recorded.sessions(), recorded.opaque()), (2, 0));
        let (words, seen, frames) = replayed(folder.path());
        assert_eq!(&words, app.replica.state());
        assert_eq!(seen, app.seen.iter().cloned().map(|(_, seen)| seen).collect::<Vec<_>>());
        assert!(frames > 5, "{frames}");
        // Row 36: the key that signed all of it is in neither.
        let key = fs::read_to_string(folder.path().join("peer.key")).unwrap();
        let secret = key.lines().nth(1).unwrap();
        let journal = fs::read(folder.path().join("words.journal")).unwrap();
        for bytes in [journal, recorded.to_bytes()] {
            let has = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
            assert!(!has(&bytes_of(secret)) && !has(secret.as_bytes()) && has(&app.replica.author().peer.0));
        }
    }
}

/// It began with what others had let go of: the snapshot that came is in the record.
#[test]
fn a_snapshot_of_a_peer_is_recorded_and_replays() {
    let (folders, keys) = folders(3);
    let setups: Vec<_> = folders.iter().map(|folder| Setup::new(folder.path(), &keys[..2])).collect();
    let [mut alice, mut bob] = forgetful(&setups, &keys, 20);
    let carol = Setup { journal: true, record: true, ..setups[2].clone() };
    let mut node = carol.start();
    pair(&mut alice, &mut node, Grant::Write);
    let words = alice.words().len();
    node.commit("late");
    until(&mut [&mut alice, &mut bob, &mut node], "all have all words", |nodes| {
        nodes.iter().all(|node| node.words().len() == words + 1)
    });
    let app = node.stop();
    assert_eq!(app.rejoined, 1);
    assert_eq!(&replayed(folders[2].path()).0, app.replica.state());
}
