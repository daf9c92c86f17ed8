//! Rows 4, 34: more than any peer should send.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use control_panel::{Version, workers::p2p_sync::OfflineReason::Misbehaved};
use iroh::SecretKey;

use super::{Against, MALLORY};
use crate::{
    forge::varint,
    node::{Setup, folders, for_a_while, until},
    process::{Process, free_port},
    raw::{CHUNK, DELTA, HAVE, Line, OFFER, REQUEST, Raw, TOOK, WANT, frame},
    relay::{Relay, Way, near_side},
};

/// Strangers are refused for their key and counted: no intent of theirs reaches the frame, and members get through.
#[test]
fn row_04_a_flood_of_unpaired_keys_is_counted_and_reaches_no_frame() {
    let mut against = Against::new();
    let at = against.alice.address();
    let strangers: Vec<_> = (0..4).map(|_| Raw::new(SecretKey::generate())).collect();
    let ended: Vec<_> =
        strangers.iter().map(|stranger| stranger.dial_many(against.members[0], at, 50)).collect();
    let before = against.alice.app.seen.len();
    let mut carol = against.carol();
    carol.commit("through");
    let peer = against.members[super::CAROL];
    until(&mut [&mut against.alice, &mut carol], "a member is through", |nodes| {
        nodes[0].words() == ["through"] && nodes[0].is_online(peer)
    });
    // Some for their key, and where there are too many at a time before that.
    against.until("all are refused", |alice| {
        let all: u64 = ended.iter().map(|ended| ended.load(Ordering::SeqCst)).sum();
        all == 200 && alice.peers.status().refused >= 4
    });
    let seen = &against.alice.app.seen[before..];
    assert!(seen.iter().all(|(of, _)| against.members.contains(of)), "{seen:?}");
    assert!(against.alice.app.misbehaved.is_empty());
}

/// Handshakes that do not go on: eight of an address are half open at most, so others get through.
#[cfg(target_os = "linux")]
#[test]
fn row_04_half_open_handshakes_keep_no_other_out() {
    let Some(bind) = near_side() else { return };
    let mut against = Against::new();
    let relay = Relay::from_to([127, 0, 0, 2].into(), against.alice.address(), 1);
    // What alice answers does not come back.
    relay.cut(Way::Back);
    let strangers: Vec<_> = (0..8).map(|_| Raw::at(SecretKey::generate(), bind)).collect();
    for stranger in &strangers {
        stranger.dial_many(against.members[0], relay.address, 8);
    }
    against.until("many are begun", |_| relay.figures().cut >= 20);
    let mut carol = against.carol();
    carol.commit("through");
    until(&mut [&mut against.alice, &mut carol], "a member is through", |nodes| {
        nodes[0].words() == ["through"]
    });
    assert!(against.alice.app.misbehaved.is_empty());
}

/// Twenty a second at most are delivered; another length is reported once; deltas go on beside it.
#[test]
fn row_34_a_flood_of_presence_is_thinned_and_holds_up_nothing() {
    let mut against = Against::new();
    let line = against.greet(MALLORY);
    let mut carol = against.carol();
    carol.commit("beside");
    let (began, mut number) = (Instant::now(), 0_u64);
    let flood = Duration::from_secs(3);
    line.connection.send_datagram(vec![7; 5].into()).unwrap();
    line.connection.send_datagram(vec![7; 8 + 1_025].into()).unwrap();
    against.until("it is reported", |alice| !alice.app.misbehaved.is_empty());
    until(&mut [&mut against.alice, &mut carol], "the word is here", |nodes| {
        // Few enough for many more frames than there are to be deliveries.
        for _ in 0..40 {
            number += 1;
            let shown = [&number.to_le_bytes(), &number.to_le_bytes(), &[7; 1_016][..]].concat();
            line.connection.send_datagram(shown.into()).ok();
        }
        nodes[0].words() == ["beside"] && began.elapsed() > flood
    });
    let (shown, most) = (against.alice.app.presence.len(), 20 * began.elapsed().as_secs() + 40);
    assert!(number > 2_000 && shown > 0 && (shown as u64) < most, "{shown} of {number}, at most {most}");
    assert_eq!(against.reported(MALLORY), ["a presence of another length than there are"]);
    assert!(against.alice.is_online(against.members[MALLORY]));
}

/// All of it again and again: what it takes is the same at the end.
#[cfg(target_os = "linux")]
#[test]
fn floods_of_a_peer_and_of_strangers_leave_memory_flat() {
    let (folders, members) = folders(2);
    let setups: Vec<_> = folders.iter().map(|folder| Setup::new(folder.path(), &members)).collect();
    let at = free_port();
    let alice = Process::start(&Setup { bind: at, ..setups[0].clone() });
    let raw = Raw::of(&setups[1]);
    let nothing = Version::new().encode();
    let flood = || {
        // At another address than the member: of one address eight are half open at most, whatever is behind it.
        let strangers = Raw::at(SecretKey::generate(), SocketAddr::from(([127, 0, 0, 2], 0)));
        let ended = strangers.dial_many(members[0], at, 20);
        let line = raw.dial(members[0], at);
        line.greet();
        line.wait_for(HAVE);
        for number in 1..5_000_u64 {
            line.connection.send_datagram([&number.to_le_bytes()[..], &[7; 1_000]].concat().into()).ok();
            line.send(WANT, &nothing);
            // Beyond the quota.
            line.send(OFFER, &[&[0xff; 8][..], &[1, 1], &[7; 32]].concat());
        }
        for _ in 0..1_000 {
            line.send(DELTA, &[0xff; 1 << 10]);
        }
        alice.wait_for("it is over", |_| line.closed().is_some() && ended.load(Ordering::SeqCst) == 20);
    };
    // What an allocator keeps it has by then.
    (0..3).for_each(|_| flood());
    let before = alice.memory();
    (0..6).for_each(|_| flood());
    let after = alice.memory();
    println!("{before} KiB, and {after} KiB after six more");
    assert!(after < before + (8 << 10), "{before} KiB, and {after} KiB after six more");
}

/// A snapshot of 48 MiB arrives, as slowly as its sender likes: it is not in memory, and leaves nothing on disk.
#[cfg(target_os = "linux")]
#[test]
fn row_07_a_snapshot_on_its_way_takes_no_memory() {
    let (folders, members) = folders(2);
    let setups: Vec<_> = folders.iter().map(|folder| Setup::new(folder.path(), &members)).collect();
    let at = free_port();
    let alice = Process::start(&Setup { bind: at, ..setups[0].clone() });
    let raw = Raw::of(&setups[1]);
    let line = raw.dial(members[0], at);
    line.greet();
    line.wait_for(HAVE);
    let snapshot = vec![7; 48 << 20];
    let hash = blake3::hash(&snapshot);
    line.send(OFFER, &[&varint(48 << 20)[..], &varint(1), hash.as_bytes()].concat());
    line.wait_for(REQUEST);
    let taken = |line: &Line| line.frames().iter().filter(|(kind, _)| *kind == TOOK).count();
    let before = alice.memory();
    let (mut most, mut files) = (before, BTreeSet::new());
    let (last, chunks) =
        snapshot.split_last_chunk::<{ 64 << 10 }>().map(|(chunks, last)| (last, chunks)).unwrap();
    for chunk in chunks.chunks(1 << 20) {
        let known = taken(&line);
        for part in chunk.chunks(64 << 10) {
            line.send(CHUNK, part);
        }
        alice.wait_for("it goes on", |_| taken(&line) > known);
        most = most.max(alice.memory());
        let names = std::fs::read_dir(folders[0].path()).unwrap().map(|file| file.unwrap().file_name());
        files.extend(names.map(|name| name.into_string().unwrap()));
    }
    println!("{before} KiB, and {most} KiB at most with 48 MiB on their way");
    assert!(most < before + (12 << 10), "{before} KiB, and {most} KiB");
    assert!(line.closed().is_none());
    // It is none.
    line.send(CHUNK, last);
    alice.wait_for("it is over", |_| line.closed().is_some());
    // The trust store is written under another name first.
    files.retain(|name| name != "peer.key" && !name.starts_with("peers"));
    assert!(files.is_empty(), "{files:?}");
}

/// Eight may come in a row; then it is over.
#[test]
fn a_flood_of_deltas_that_cannot_be_read_ends_the_session() {
    let mut against = Against::new();
    let line = against.greet(MALLORY);
    let garbage = frame(DELTA, &[0xff; 1 << 10]);
    for _ in 0..1_000 {
        line.write(&garbage);
    }
    against.assert_lost(MALLORY, Misbehaved);
    assert_eq!(against.reported(MALLORY), ["a delta that cannot be read"]);
    for_a_while(&mut [&mut against.alice], Duration::from_millis(100));
    assert!(against.alice.words().is_empty());
}
