//! Two runs of one seed, under paused time: their exports are equal bytes, also where a replica begins new lives, and two seeds are not.

use std::{path::Path, time::Duration};

use control_panel::{
    Context, ControlPanel, IntentSource, Replica, Worker,
    journal::Recording,
    replica::codec::{Limits, Postcard},
    testing::{self, Rng},
};

use super::{App, PEERS, Update, Words};

/// Types what the seed says.
async fn types(cx: Context<Update>, seed: u64) {
    let mut rng = Rng::new(seed);
    loop {
        tokio::time::sleep(Duration::from_millis(1 + rng.below(40))).await;
        if cx.send(Update::Typed(format!("here {}", rng.next_u64()))).await.is_err() {
            return;
        }
    }
}

/// Three sessions, of which the second ends in a crash, so that the third is a new life. A worker types, and a peer sends what it makes of what it has.
fn exported(path: &Path, seed: u64) -> (Vec<u8>, Vec<u32>) {
    let mut lives = Vec::new();
    let peer = Replica::builder(PEERS[1], Words::default()).members(PEERS);
    let mut peer = peer.codec(Postcard::new(), Limits::default()).build();
    for session in 0..3_u64 {
        let journal = testing::journal(path, seed).unwrap();
        let mut app: App = journal.begin().unwrap();
        lives.push(app.words.author().incarnation);
        let builder = ControlPanel::<Update>::builder().record(&journal);
        testing::paused_with(builder, async |panel: &mut ControlPanel<Update>| {
            let seed = seed ^ session << 32;
            panel.spawn(Worker::new("types", IntentSource::LocalUI, move |cx| types(cx, seed)));
            for n in 0..40 {
                peer.commit(format!("there {session}.{n}"));
                let _ = peer.settle();
                let remote = peer.outbox().map(|delta| Update::ApplyRemoteDelta { delta });
                panel.run_frame(&mut app, &mut (), remote.map(|update| (IntentSource::P2pSync, update)));
                journal.flush().unwrap();
                peer.merge(app.words.since(peer.version()));
                testing::advance(Duration::from_millis(16)).await;
            }
        });
        journal.flush().unwrap();
        if session != 1 {
            journal.close().unwrap();
        }
    }
    (Recording::open(path).unwrap().to_bytes(), lives)
}

#[test]
fn two_runs_of_a_seed_with_a_replica_export_equal_bytes_and_two_seeds_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let run = |name: &str, seed| exported(&folder.path().join(name), seed);
    let (bytes, lives) = run("one", 7);
    assert!(lives[0] == lives[1] && lives[1] < lives[2], "{lives:?}: the third session is a new life");
    let (again, its_lives) = run("another", 7);
    assert_eq!(lives, its_lives);
    assert!(bytes == again, "the exports of one seed differ");
    assert!(bytes != run("third", 8).0, "the exports of two seeds are equal");
    let recording = Recording::from_bytes(&bytes).unwrap();
    let replay = recording.replay::<App>(u64::MAX);
    assert!(replay.is_same() && recording.intents() > 150, "{:?}", replay.deviations);
}
