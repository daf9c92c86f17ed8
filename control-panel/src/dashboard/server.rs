//! The port, the connections and their bounds, and the worker that serves them.

use std::{
    convert::Infallible,
    error::Error,
    fmt, io,
    net::{SocketAddr, ToSocketAddrs},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::Builder,
    task::JoinSet,
};

use super::{
    Dashboard, DashboardError, FramePause, PolicyForm, feed,
    feed::Feed,
    guard::{self, Guard},
    patient::Patient,
    refusals::{Refusals, Refused},
    routes,
};
use crate::{
    Worker,
    console::Observer,
    context::{Raced, race},
    intent::Intent,
    supervision::Restart,
};

/// Connections beside those of viewers: each is for one request.
const OTHERS: usize = 16;

/// How often its worker is heard of at least.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// The longest patience: every clock can represent it.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// The largest head of a request, and the most headers in it.
const HEAD: usize = 16 * 1024;
const HEADERS: usize = 64;

/// A dashboard whose port is open. Spawn it as a [worker](Self::into_worker), or [run](Self::run) it.
pub struct Server {
    listener: std::net::TcpListener,
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// What all connections share.
pub(super) struct Shared {
    pub(super) observer: Observer,
    pub(super) feed: Feed,
    pub(super) guard: Guard,
    pub(super) refusals: Refusals,
    pub(super) viewers: usize,
    pub(super) patience: Duration,
    pub(super) pause: Option<FramePause>,
    pub(super) form: Option<Arc<dyn PolicyForm>>,
}

impl Server {
    pub(super) fn open(dashboard: Dashboard, address: impl ToSocketAddrs) -> Result<Self, DashboardError> {
        let Dashboard { observer, viewers, mut hosts, token, pause, form, patience } = dashboard;
        let address = address
            .to_socket_addrs()
            .and_then(|mut all| all.next().ok_or_else(|| io::ErrorKind::AddrNotAvailable.into()))
            .map_err(|error| DashboardError::Bind { address: None, error })?;
        if !address.ip().is_loopback() && hosts.is_empty() {
            return Err(DashboardError::NotLoopback(address));
        }
        let bind = || {
            let listener = std::net::TcpListener::bind(address)?;
            listener.set_nonblocking(true)?;
            Ok((listener.local_addr()?, listener))
        };
        let (address, listener) =
            bind().map_err(|error| DashboardError::Bind { address: Some(address), error })?;
        // A request that names the address itself was not led here by someone's DNS.
        if !address.ip().is_unspecified() {
            hosts.push(guard::host_of(address.ip()));
        }
        let shared = Shared {
            observer,
            feed: Feed::default(),
            guard: Guard { hosts, token },
            refusals: Refusals::default(),
            viewers,
            patience: patience.min(LONGEST),
            pause,
            form,
        };
        Ok(Self { listener, address, shared: Arc::new(shared) })
    }

    /// The address that it serves.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where to open it on this machine.
    pub fn url(&self) -> String {
        match self.address {
            address if address.ip().is_unspecified() => format!("http://localhost:{}/", address.port()),
            address => format!("http://{address}/"),
        }
    }

    /// Makes it a worker with a thread of its own, named `dashboard`. It serves until it is stopped, and is restarted after a failure.
    /// If it is never spawned, the port is closed when it is dropped.
    pub fn into_worker<I: Intent, P: Send + Sync + 'static>(self, source: I::Source) -> Worker<I, P> {
        let worker = Worker::thread("dashboard", source, move |cx| {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let served = runtime.block_on(race(cx.cancelled(), self.serve(|| cx.heartbeat())));
            match served {
                Raced::First(()) => Ok(()),
                Raced::Second(served) => served.map(|never| match never {}),
            }
        });
        worker.restart(Restart::OnFailure).heartbeat(HEARTBEAT)
    }

    /// Serves it here until the future is dropped, and with it all connections: for a program that has a runtime of its own for such
    /// things. The runtime needs its I/O and time drivers.
    ///
    /// # Errors
    /// The port cannot be served on this runtime.
    pub async fn run(self) -> io::Result<Infallible> {
        self.serve(|| ()).await
    }

    /// Calls `beat` once a second at least.
    async fn serve(&self, beat: impl Fn()) -> io::Result<Infallible> {
        let listener = TcpListener::from_std(self.listener.try_clone()?)?;
        let feed = pin!(feed::run(&self.shared, beat));
        match race(feed, accept(listener, &self.shared)).await {
            Raced::First(never) | Raced::Second(never) => match never {},
        }
    }
}

/// Accepts connections forever. They end with it.
async fn accept(listener: TcpListener, shared: &Arc<Shared>) -> Infallible {
    let router = routes::router(shared);
    let most = shared.viewers.saturating_add(OTHERS);
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, say: others may be given back meanwhile.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        while connections.try_join_next().is_some() {}
        if connections.len() < most {
            connections.spawn(connection(stream, router.clone(), Arc::clone(shared)));
        } else {
            shared.refusals.count(Refused::Connections);
            refuse(&stream);
        }
    }
}

/// Says why, as far as that takes no time.
fn refuse(stream: &TcpStream) {
    let answer = b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 5\r\ncontent-length: 21\r\n\r\ntoo many connections\n";
    let _ = stream.try_write(answer);
}

/// Answers one request.
async fn connection(stream: TcpStream, router: Router, shared: Arc<Shared>) {
    stream.set_nodelay(true).ok();
    let io = TokioIo::new(Patient::new(stream, shared.patience));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(shared.patience)
        .keep_alive(false)
        .max_buf_size(HEAD)
        .max_headers(HEADERS)
        .serve_connection(io, TowerToHyperService::new(router))
        .await;
    let Err(error) = served else { return };
    let timed_out = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    if error.is_timeout() || timed_out.is_some_and(|error| error.kind() == io::ErrorKind::TimedOut) {
        shared.refusals.count(Refused::Slow);
    } else if error.is_parse() {
        shared.refusals.count(Refused::Malformed);
    }
    // Any other error is a viewer that went away.
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}
