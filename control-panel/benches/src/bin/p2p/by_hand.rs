//! The same replicas over a plain stream, as one would carry deltas by hand: each frame's outbox is a message, and what arrives is proved and merged. No session, no panel, no acknowledgement that
//! is waited for, nothing that repairs what gets lost.

use std::{path::PathBuf, thread};

use control_panel::{
    Delta, Peer, Replica,
    replica::codec::{Limits, Postcard},
    workers::p2p_sync::PeerSignatures,
};
use iroh::{
    EndpointAddr, TransportAddr,
    endpoint::{Connection, VarInt},
};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::{
    node::{Count, replica},
    plain::{PROTOCOL, bind},
    spent::{Spent, Watch},
};

/// Deltas between a replica's thread and the stream.
const ON_THE_WAY: usize = 64;

fn settle(replica: &mut Replica<Count>) {
    if let Some(job) = replica.settle().job {
        let _ = replica.finish(job.run());
    }
}

async fn carry(connection: &Connection, mut deltas: Receiver<Vec<u8>>) {
    let (mut send, mut receive) = connection.accept_bi().await.expect("a stream");
    receive.read_exact(&mut [0]).await.expect("a byte");
    while let Some(delta) = deltas.recv().await {
        send.write_all(&(delta.len() as u32).to_le_bytes()).await.expect("room");
        send.write_all(&delta).await.expect("room");
    }
    send.finish().expect("an end");
    connection.closed().await;
}

async fn arrive(connection: &Connection, deltas: Sender<Vec<u8>>) {
    let (mut send, mut receive) = connection.open_bi().await.expect("a stream");
    send.write_all(&[1]).await.expect("room");
    let mut length = [0; 4];
    while receive.read_exact(&mut length).await.is_ok() {
        let mut delta = vec![0; u32::from_le_bytes(length) as usize];
        receive.read_exact(&mut delta).await.expect("the rest");
        deltas.send(delta).await.expect("a reader");
    }
}

/// Until the second replica has all that the first makes: so many frames of so many operations of so many bytes.
pub fn stream(folders: &[PathBuf], keys: &[Peer], ops: usize, bytes: usize, frames: usize) -> Spent {
    let (mut makes, mut takes) = (replica(&folders[0], keys), replica(&folders[1], keys));
    let limits = Limits::default().with_bytes(1 << 30);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let (to_wire, from_maker) = channel(ON_THE_WAY);
    let (to_taker, mut from_wire) = channel::<Vec<u8>>(ON_THE_WAY);
    let connections = runtime.block_on(async {
        let (writer, reader) = (bind().await, bind().await);
        let place =
            EndpointAddr::from_parts(writer.id(), writer.bound_sockets().into_iter().map(TransportAddr::Ip));
        let accepted = tokio::spawn(async move {
            let connection = writer.accept().await.expect("one").await.expect("a connection");
            (writer, connection)
        });
        let connection = reader.connect(place, PROTOCOL).await.expect("a connection");
        let (writer, accepted) = accepted.await.expect("no panic");
        // Settled, as a session is that runs already.
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        ((writer, accepted), (reader, connection))
    });
    let ((writer, accepted), (reader, connection)) = connections;
    let watch = Watch::start();
    let carried = runtime.spawn(async move { carry(&accepted, from_maker).await });
    let from = connection.clone();
    let arrived = runtime.spawn(async move { arrive(&from, to_taker).await });
    thread::scope(|scope| {
        scope.spawn(move || {
            for _ in 0..frames {
                for _ in 0..ops {
                    makes.commit("x".repeat(bytes));
                }
                settle(&mut makes);
                let delta = makes.outbox().expect("a frame's").encode().expect("bytes");
                to_wire.blocking_send(delta).expect("a stream");
            }
        });
        while takes.state().ops < (ops * frames) as u64 {
            let mut next = Some(from_wire.blocking_recv().expect("a delta"));
            // What is here counts as one frame.
            while let Some(delta) = next {
                let delta =
                    Delta::decode_signed(&delta, &Postcard::<String>::new(), &limits, &PeerSignatures)
                        .expect("a signed delta");
                takes.merge(delta);
                next = from_wire.try_recv().ok();
            }
            settle(&mut takes);
        }
    });
    let spent = watch.spent();
    runtime.block_on(async {
        connection.close(VarInt::from_u32(0), b"");
        arrived.await.expect("no panic");
        carried.await.expect("no panic");
        reader.close().await;
        writer.close().await;
    });
    spent
}
