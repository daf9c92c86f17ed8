//! The dashboard over real connections on loopback, by clients that say what they like.

mod answers;
mod control;
#[cfg(target_os = "linux")]
mod cost;
mod hostile;
#[cfg(unix)]
mod page;
mod scraped;

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use control_panel::{
    ControlPanel, GraphIntent, IntentSource, QueuedIntent, Reducer, WorkerHandle, dashboard::Dashboard,
};
use serde_json::Value;

#[derive(Debug, GraphIntent)]
enum Update {
    Step,
}

type Panel = ControlPanel<Update, u32>;

#[derive(Default)]
struct Count(u64);

impl Reducer for Count {
    type Intent = Update;

    fn apply(&mut self, _: QueuedIntent<Update>) {
        self.0 += 1;
    }
}

const MS: Duration = Duration::from_millis(1);
const TOKEN: &str = "0123456789abcdef-token";

/// A panel whose dashboard is served.
struct Served {
    panel: Panel,
    address: SocketAddr,
    worker: WorkerHandle,
}

impl Served {
    fn new(dashboard: impl FnOnce(Dashboard) -> Dashboard) -> Self {
        let panel = Panel::builder().name("under test").build();
        Self::of(panel, dashboard)
    }

    fn of(panel: Panel, dashboard: impl FnOnce(Dashboard) -> Dashboard) -> Self {
        let server = dashboard(Dashboard::new(panel.observer())).serve("127.0.0.1:0").unwrap();
        let address = server.address();
        let worker = panel.spawn(server.into_worker(IntentSource::LocalUI));
        Self { panel, address, worker }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// Sends this, and returns all that is answered.
    fn say(&self, request: &str) -> String {
        let mut stream = self.connect();
        // A server that refuses early may have closed it by now.
        let _ = stream.write_all(request.as_bytes());
        read(&mut stream)
    }

    fn request(&self, line: &str, headers: &str, body: &str) -> String {
        self.say(&format!(
            "{line} HTTP/1.1\r\nHost: {}\r\n{headers}Content-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        ))
    }

    fn get(&self, path: &str) -> String {
        self.request(&format!("GET {path}"), "", "")
    }

    fn post(&self, path: &str, token: &str, body: &str) -> String {
        self.request(&format!("POST {path}"), &format!("Authorization: Bearer {token}\r\n"), body)
    }

    fn status(&self) -> Value {
        serde_json::from_str(body(&self.get("/status.json"))).unwrap()
    }

    fn refused(&self, why: &str) -> u64 {
        self.status()["dashboard"]["refused"][why].as_u64().unwrap()
    }
}

fn read(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset ends it as well.
    let _ = stream.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

fn code(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("none")
}

/// Waits for what another thread does soon.
fn soon(what: &str, mut is: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is() {
        assert!(began.elapsed() < Duration::from_secs(20), "not in time: {what}");
        std::thread::sleep(10 * MS);
    }
}
