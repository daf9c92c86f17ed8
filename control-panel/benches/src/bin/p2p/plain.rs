//! A plain iroh stream: bound as a session's endpoint is, without anything of this crate.

use std::{net::SocketAddr, time::Duration};

use iroh::{
    Endpoint, EndpointAddr, RelayMode, TransportAddr,
    endpoint::{PortmapperConfig, VarInt, presets},
};

use crate::spent::{Spent, Watch};

pub const PROTOCOL: &[u8] = b"plain";

pub async fn bind() -> Endpoint {
    Endpoint::builder(presets::Minimal)
        .alpns(vec![PROTOCOL.to_vec()])
        .relay_mode(RelayMode::Disabled)
        .clear_address_lookup()
        .portmapper_config(PortmapperConfig::Disabled)
        .clear_ip_transports()
        .bind_addr(SocketAddr::from(([127, 0, 0, 1], 0)))
        .expect("loopback")
        .bind()
        .await
        .expect("a port")
}

/// Until what was written in such pieces is read to its end: with `connect`, from before the reader is bound.
pub fn stream(pieces: &[usize], connect: bool) -> Spent {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let (pieces, total): (Vec<_>, usize) = (pieces.to_vec(), pieces.iter().sum());
    runtime.block_on(async move {
        let writer = bind().await;
        let place =
            EndpointAddr::from_parts(writer.id(), writer.bound_sockets().into_iter().map(TransportAddr::Ip));
        let longest = pieces.iter().copied().max().unwrap_or_default();
        let written = tokio::spawn(async move {
            let connection = writer.accept().await.expect("one").await.expect("a connection");
            let (mut send, mut receive) = connection.accept_bi().await.expect("a stream");
            receive.read_exact(&mut [0]).await.expect("a byte");
            let bytes = vec![7; longest];
            for piece in pieces {
                send.write_all(&bytes[..piece]).await.expect("room");
            }
            send.finish().expect("an end");
            connection.closed().await;
            writer.close().await;
        });
        let mut watch = Watch::start();
        let reader = bind().await;
        let connection = reader.connect(place, PROTOCOL).await.expect("a connection");
        let (mut send, mut receive) = connection.open_bi().await.expect("a stream");
        if !connect {
            // Settled, as a session is that runs already.
            tokio::time::sleep(Duration::from_millis(50)).await;
            watch = Watch::start();
        }
        send.write_all(&[1]).await.expect("room");
        let mut read = 0;
        while let Some(chunk) = receive.read_chunk(64 << 10).await.expect("a stream") {
            read += chunk.len();
        }
        assert_eq!(read, total);
        let spent = watch.spent();
        connection.close(VarInt::from_u32(0), b"");
        reader.close().await;
        written.await.expect("no panic");
        spent
    })
}
