//! Hints over a connection.

use std::{net::SocketAddr, sync::Arc};

use iroh::{Endpoint, SecretKey, endpoint::SendStream};

use super::*;
use crate::{
    replica::{Grant, RunHash},
    workers::p2p_sync::{
        PeerKey, PeerSyncOptions,
        endpoint::{self, SYNC},
        rendezvous::Rendezvous,
        trust_store::TrustStore,
    },
};

#[test]
fn a_neighbour_that_floods_is_read_at_its_pace() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(async {
        let (mut pace, began) = (Pace::new(), Instant::now());
        for _ in 0..BURST {
            pace.take().await;
        }
        assert_eq!(began.elapsed(), Duration::ZERO);
        for _ in 0..40 {
            pace.take().await;
        }
        assert_eq!(began.elapsed(), GAP * 40);
        tokio::time::sleep(GAP * 10).await;
        let began = Instant::now();
        for _ in 0..11 {
            pace.take().await;
        }
        assert_eq!(began.elapsed(), GAP);
    });
}

struct Side {
    _folder: tempfile::TempDir,
    shared: Arc<Shared>,
    endpoint: Endpoint,
}

impl Side {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = PeerKey::open(folder.path().join("peer.key")).unwrap();
        let options = PeerSyncOptions::new(key, folder.path().join("peers"));
        let trust = TrustStore::open(&folder.path().join("peers")).unwrap();
        let shared = Arc::new(Shared::new(&options, RunHash([5; 32]), trust));
        let endpoint = endpoint::bind(&options, &shared).await.unwrap();
        Self { _folder: folder, shared, endpoint }
    }

    fn trusts(&self, peer: Peer) {
        self.shared.trust.change(|peers| peers.pair(peer, Grant::Write, &[])).unwrap();
    }
}

/// A connection from a peer that writes what it likes to one that listens.
async fn connected() -> (Side, Side, Connection, Connection) {
    let (writes, listens) = (Side::new().await, Side::new().await);
    writes.trusts(listens.shared.me);
    listens.trusts(writes.shared.me);
    let at = endpoint::own_addresses(&listens.endpoint);
    let place = endpoint::place(&writes.shared, &listens.shared.me, &at).unwrap();
    let accepts = listens.endpoint.clone();
    let accepted = tokio::spawn(async move { accepts.accept().await.unwrap().await.unwrap() });
    let from = writes.endpoint.connect(place, SYNC).await.unwrap();
    (writes, listens, from, accepted.await.unwrap())
}

fn announcement(key: &SecretKey, port: u16) -> Announcement {
    let at = [SocketAddr::from(([127, 0, 0, 1], port))];
    Announcement::sign(key, &crate::anti_entropy::group(RunHash([5; 32])), 1, &at)
}

async fn write(stream: &mut SendStream, kind: u8, body: &[u8]) {
    let length = u16::try_from(body.len()).unwrap().to_le_bytes();
    stream.write_all(&[&[kind], &length[..], body].concat()).await.unwrap();
}

#[test]
fn what_a_neighbour_may_say_and_what_not() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let third = SecretKey::from_bytes(&[7; 32]);
        let name = Peer(*third.public().as_bytes());
        let genuine = announcement(&third, 30);
        let mut forged = announcement(&SecretKey::from_bytes(&[8; 32]), 31);
        forged.peer = name;
        let long = [9; MOST_BYTES + 1];
        let breaches: [(u8, &[u8], &str); 5] = [
            (ANNOUNCEMENT, &forged.bytes(), "did not write"),
            (ANNOUNCEMENT, b"short", "that is none"),
            (ANNOUNCEMENT, &[1; announcement::MOST_BYTES + 1], "that is none"),
            (WANT, b"no key", "for a peer that is none"),
            (9, &long, "longer than any"),
        ];
        for (kind, body, what) in breaches {
            let (writes, listens, from, to) = connected().await;
            let (asks_for, mut asked_for) = mpsc::channel(ASKED_FOR);
            let neighbour = listens.shared.rendezvous(Rendezvous::neighbour);
            let mut hints = Hints::new(&listens.shared, writes.shared.me, neighbour, asks_for);
            let mut stream = from.open_uni().await.unwrap();

            // Of one that is not trusted nothing is kept; of one that is, what its peer wrote. A later version's kind is skipped.
            write(&mut stream, ANNOUNCEMENT, &genuine.bytes()).await;
            write(&mut stream, 77, b"of a later version").await;
            write(&mut stream, WANT, &name.0).await;
            write(&mut stream, ANNOUNCEMENT, &announcement(&SecretKey::from_bytes(&[6; 32]), 1).bytes())
                .await;
            listens.trusts(name);
            assert_eq!(hints.next(&to).await, Some(Found::Peer(name)));
            assert_eq!(asked_for.try_recv().ok(), None, "it is behind what was read");
            assert_eq!(listens.shared.addresses(&name), genuine.addresses);

            // A forged one is looked at where it would be news.
            listens.shared.rendezvous(|rendezvous| rendezvous.forget(&name));
            write(&mut stream, kind, body).await;
            let Some(Found::Breach(said)) = hints.next(&to).await else { panic!("{what}") };
            assert!(said.contains(what), "{said}");
            assert_eq!(asked_for.try_recv(), Ok(name));
            assert!(listens.shared.addresses(&name).is_empty());
            // The stream is not read any more, and the connection is there.
            assert!(stream.stopped().await.unwrap().is_some());
            assert!(to.close_reason().is_none());
        }
    });
}
