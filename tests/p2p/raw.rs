//! A peer whose bytes are the test's: it has a key, and says what it likes.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use control_panel::{Peer, Version};
use iroh::{
    Endpoint, EndpointAddr, PublicKey, RelayMode, SecretKey, TransportAddr,
    endpoint::{
        ConnectError, Connection, ConnectionError, PortmapperConfig, RecvStream, SendStream, presets,
    },
};
use tokio::{
    runtime::{Builder, Runtime},
    sync::mpsc,
    time::timeout,
};

use crate::{
    hex::bytes,
    node::{LONG, Setup},
};

/// Kinds of frames.
pub(crate) const HELLO: u8 = 1;
pub(crate) const HAVE: u8 = 2;
pub(crate) const DELTA: u8 = 3;
pub(crate) const TOOK: u8 = 4;
pub(crate) const WANT: u8 = 5;
pub(crate) const OFFER: u8 = 6;
pub(crate) const REQUEST: u8 = 7;
pub(crate) const CHUNK: u8 = 8;
pub(crate) const BYE: u8 = 9;

const SYNC: &[u8] = b"control-panel/sync/1";

pub(crate) type Frame = (u8, Vec<u8>);

/// The bytes of a frame.
pub(crate) fn frame(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap();
    [&[kind], &length.to_le_bytes()[..], body].concat()
}

/// The secret key of a setup's folder.
pub(crate) fn secret(setup: &Setup) -> SecretKey {
    let text = std::fs::read_to_string(setup.key().path()).unwrap();
    SecretKey::from_bytes(&bytes(text.lines().nth(1).unwrap()).try_into().unwrap())
}

pub(crate) struct Raw {
    runtime: Runtime,
    endpoint: Endpoint,
}

impl Raw {
    pub(crate) fn new(secret: SecretKey) -> Self {
        Self::at(secret, SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    #[expect(clippy::needless_pass_by_value, reason = "a key that is made for this alone is handed over")]
    pub(crate) fn at(secret: SecretKey, bind: SocketAddr) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let bind = async || {
            Endpoint::builder(presets::Minimal)
                .secret_key(secret.clone())
                .alpns(vec![SYNC.to_vec()])
                .relay_mode(RelayMode::Disabled)
                .clear_address_lookup()
                .portmapper_config(PortmapperConfig::Disabled)
                .clear_ip_transports()
                .bind_addr(bind)
                .unwrap()
                .bind()
                .await
        };
        let began = Instant::now();
        let endpoint = runtime.block_on(async {
            loop {
                match bind().await {
                    Ok(endpoint) => break endpoint,
                    // A port that was another's a moment ago may be one of a test beside this for a while.
                    Err(error) => assert!(began.elapsed() < LONG, "{error}"),
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        Self { runtime, endpoint }
    }

    pub(crate) fn of(setup: &Setup) -> Self {
        Self::new(secret(setup))
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.endpoint.bound_sockets()[0]
    }

    pub(crate) fn connect(&self, peer: Peer, at: SocketAddr) -> Result<Connection, ConnectError> {
        let id = PublicKey::from_bytes(&peer.0).unwrap();
        let place = EndpointAddr::from_parts(id, [TransportAddr::Ip(at)]);
        self.runtime.block_on(async { timeout(LONG, self.endpoint.connect(place, SYNC)).await.unwrap() })
    }

    /// A session that this side dials. Nothing is written to it.
    pub(crate) fn dial(&self, peer: Peer, at: SocketAddr) -> Line {
        self.line(self.connect(peer, at).unwrap()).unwrap()
    }

    /// # Errors
    /// It is closed.
    pub(crate) fn line(&self, connection: Connection) -> Result<Line, ConnectionError> {
        let (send, receive) = self.runtime.block_on(connection.open_bi())?;
        Ok(Line::new(&self.runtime, connection, send, receive))
    }

    /// A session that the other dials.
    pub(crate) fn accept(&self) -> Line {
        let (connection, (send, receive)) = self.runtime.block_on(async {
            let came = async {
                let connection = self.endpoint.accept().await.unwrap().await.unwrap();
                let streams = connection.accept_bi().await.unwrap();
                (connection, streams)
            };
            timeout(LONG, came).await.unwrap()
        });
        Line::new(&self.runtime, connection, send, receive)
    }

    /// Dials so often at the same time, and never goes on where nothing answers. Ends with the value.
    pub(crate) fn dial_many(&self, peer: Peer, at: SocketAddr, count: usize) -> Arc<AtomicU64> {
        let refused = Arc::<AtomicU64>::default();
        for _ in 0..count {
            let (endpoint, refused) = (self.endpoint.clone(), Arc::clone(&refused));
            let id = PublicKey::from_bytes(&peer.0).unwrap();
            let place = EndpointAddr::from_parts(id, [TransportAddr::Ip(at)]);
            self.runtime.spawn(async move {
                if let Ok(connection) = endpoint.connect(place, SYNC).await {
                    connection.closed().await;
                }
                refused.fetch_add(1, Ordering::SeqCst);
            });
        }
        refused
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.runtime.block_on(async { timeout(Duration::from_secs(1), self.endpoint.close()).await }).ok();
    }
}

#[derive(Debug, Default)]
struct Heard {
    frames: Vec<Frame>,
    rest: Vec<u8>,
}

/// One session's stream.
pub(crate) struct Line {
    pub(crate) connection: Connection,
    heard: Arc<Mutex<Heard>>,
    out: mpsc::UnboundedSender<Vec<u8>>,
    reads: tokio::sync::watch::Sender<bool>,
}

impl Line {
    fn new(runtime: &Runtime, connection: Connection, mut send: SendStream, mut receive: RecvStream) -> Self {
        let heard = Arc::<Mutex<Heard>>::default();
        let (out, mut to_write) = mpsc::unbounded_channel::<Vec<u8>>();
        let (reads, mut may_read) = tokio::sync::watch::channel(true);
        runtime.spawn(async move {
            while let Some(bytes) = to_write.recv().await {
                if bytes.is_empty() {
                    send.reset(7_u8.into()).ok();
                    return;
                }
                if send.write_all(&bytes).await.is_err() {
                    return;
                }
            }
        });
        let shared = Arc::clone(&heard);
        runtime.spawn(async move {
            let mut buffer = vec![0; 1 << 16];
            while may_read.wait_for(|reads| *reads).await.is_ok() {
                let Ok(Some(length)) = receive.read(&mut buffer).await else { return };
                let mut heard = shared.lock().unwrap();
                heard.rest.extend_from_slice(&buffer[..length]);
                while heard.rest.len() >= 5 {
                    let [kind, length @ ..] = *heard.rest.first_chunk::<5>().unwrap();
                    let end = 5 + usize::try_from(u32::from_le_bytes(length)).unwrap();
                    if heard.rest.len() < end {
                        break;
                    }
                    let body = heard.rest[5..end].to_vec();
                    heard.rest.drain(..end);
                    heard.frames.push((kind, body));
                }
            }
        });
        Self { connection, heard, out, reads }
    }

    /// Written as it is, when there is room.
    pub(crate) fn write(&self, bytes: &[u8]) {
        self.out.send(bytes.to_vec()).ok();
    }

    pub(crate) fn send(&self, kind: u8, body: &[u8]) {
        self.write(&frame(kind, body));
    }

    /// Gives its stream up, and keeps the connection.
    pub(crate) fn reset(&self) {
        self.out.send(Vec::new()).ok();
    }

    /// Reads no more from now on.
    pub(crate) fn stop_reading(&self) {
        self.reads.send(false).unwrap();
    }

    pub(crate) fn read_again(&self) {
        self.reads.send(true).unwrap();
    }

    pub(crate) fn frames(&self) -> Vec<Frame> {
        self.heard.lock().unwrap().frames.clone()
    }

    pub(crate) fn bytes_heard(&self) -> usize {
        let heard = self.heard.lock().unwrap();
        heard.rest.len() + heard.frames.iter().map(|(_, body)| 5 + body.len()).sum::<usize>()
    }

    pub(crate) fn has(&self, kind: u8) -> bool {
        self.heard.lock().unwrap().frames.iter().any(|(of, _)| *of == kind)
    }

    /// The first of that kind. The other needs no frame for it.
    pub(crate) fn wait_for(&self, kind: u8) -> Vec<u8> {
        let began = Instant::now();
        loop {
            let frames = self.frames();
            if let Some((_, body)) = frames.iter().find(|(of, _)| *of == kind) {
                return body.clone();
            }
            assert!(
                began.elapsed() < LONG,
                "no frame {kind}: {frames:?}, {:?}",
                self.connection.close_reason()
            );
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Says of the group and of versions what the other says, and what is changed of it; and has nothing of its author's.
    pub(crate) fn greet_with(&self, change: impl FnOnce(&mut Vec<u8>)) {
        // The one that dials begins, and the other hears of the stream with its first byte.
        self.write(&[HELLO]);
        let mut hello = self.wait_for(HELLO);
        hello.truncate(VERSION_AT);
        hello.extend(Version::new().encode());
        change(&mut hello);
        self.write(&frame(HELLO, &hello)[1..]);
    }

    /// Is a peer that has nothing.
    pub(crate) fn greet(&self) {
        self.greet_with(|_| ());
        self.send(HAVE, &Version::new().encode());
    }

    /// With which code and words the other closed the connection.
    pub(crate) fn closed(&self) -> Option<ConnectionError> {
        self.connection.close_reason()
    }
}

/// Where in a hello the version of the other's author begins.
const VERSION_AT: usize = 2 * 2 + 2 * 4 + 32;
