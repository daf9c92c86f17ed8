//! Named counters behind a line protocol on a loopback socket.
//!
//! ```text
//! add NAME N   ->  ok VALUE | err WHY
//! get NAME     ->  ok VALUE | err unknown
//! list         ->  ok NAME=VALUE NAME=VALUE …
//! quit         ->  bye, and the connection closes
//! ```
//!
//! One synchronous reducer owns the counters; each connection is a worker that asks it, one command at a time.

mod connection;
mod counters;

use control_panel::{ControlPanel, FrameBudget, ShutdownReport, signals};
use counters::{Command, Counters};
use std::{
    io,
    net::{SocketAddr, TcpListener},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

/// What a daemon may use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at a time; another is refused, and closed.
    pub connections: usize,
    /// How long a command waits for a place in the queue.
    pub queue_wait: Duration,
    /// How long a client may take to read its answer.
    pub write: Duration,
    /// How long a client may say nothing.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 64,
            queue_wait: Duration::from_millis(250),
            write: Duration::from_secs(2),
            idle: Duration::from_secs(300),
        }
    }
}

fn panel() -> ControlPanel<Command> {
    ControlPanel::builder()
        .name("daemon")
        .capacity(64)
        .frame_budget(FrameBudget::default().intents(64))
        .shutdown_timeout(Duration::from_secs(4))
        .build()
}

/// Serves until `stopped`, then answers what was accepted.
fn run(
    panel: &mut ControlPanel<Command>,
    listener: TcpListener,
    limits: Limits,
    counters: &mut Counters,
    stopped: impl Fn() -> bool,
) -> ShutdownReport {
    use connection::SpawnListen;
    let connections = panel.tasks().limit(limits.connections).backlog(0);
    panel.spawn_listen(Arc::new(listener), connections, limits);
    while !stopped() && !panel.is_shutting_down() {
        panel.run_frame(counters, &mut (), []);
        panel.wait_ready_timeout(Duration::from_secs(1));
    }
    panel.shutdown_draining_blocking(|panel| {
        panel.run_frame(counters, &mut (), []);
    })
}

fn main() -> io::Result<ExitCode> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:7979".into());
    let address: SocketAddr = address.parse().map_err(io::Error::other)?;
    if !address.ip().is_loopback() {
        return Err(io::Error::other("only loopback addresses"));
    }
    let stop = signals::listen()?;
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);

    let mut panel = panel();
    let waker = panel.waker();
    stop.on_request(move || waker.wake());
    let mut counters = Counters::default();
    let report = run(&mut panel, listener, Limits::default(), &mut counters, || {
        stop.is_requested()
    });
    println!("{report}");
    Ok(report.verdict().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        io::{BufRead, BufReader, Write},
        net::TcpStream,
        sync::atomic::{AtomicBool, Ordering},
        thread,
    };

    struct Client(BufReader<TcpStream>);

    impl Client {
        fn new(address: SocketAddr) -> Self {
            let stream = TcpStream::connect(address).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            Self(BufReader::new(stream))
        }

        fn say(&mut self, text: &str) {
            self.0.get_mut().write_all(text.as_bytes()).unwrap();
        }

        fn hear(&mut self) -> String {
            let mut line = String::new();
            self.0.read_line(&mut line).unwrap();
            line.trim_end().to_owned()
        }

        fn ask(&mut self, command: &str) -> String {
            self.say(&format!("{command}\n"));
            self.hear()
        }
    }

    /// Runs a daemon beside `client`, stops it after, and says how it ended.
    fn with_daemon(limits: Limits, client: impl FnOnce(SocketAddr)) -> (Counters, ShutdownReport) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let mut panel = panel();
        let waker = panel.waker();
        let daemon = thread::spawn(move || {
            let mut counters = Counters::default();
            let report = run(&mut panel, listener, limits, &mut counters, || {
                stopped.load(Ordering::Acquire)
            });
            (counters, report)
        });
        client(address);
        stop.store(true, Ordering::Release);
        waker.wake();
        daemon.join().unwrap()
    }

    #[test]
    fn each_connection_gets_its_own_answers() {
        let (counters, report) = with_daemon(Limits::default(), |address| {
            let (mut a, mut b) = (Client::new(address), Client::new(address));
            assert_eq!(a.ask("add x 2"), "ok 2");
            assert_eq!(b.ask("add x 3"), "ok 5");
            assert_eq!(a.ask("get x"), "ok 5");
            assert_eq!(b.ask("get y"), "err unknown");
            assert_eq!(b.ask("add y -1"), "ok -1");
            assert_eq!(a.ask("list"), "ok x=5 y=-1");
            assert_eq!(a.ask("frobnicate"), "err what?");
            assert_eq!(a.ask("quit"), "bye");
            assert_eq!(a.hear(), "", "closed");
        });
        assert_eq!(counters.get("x"), Some(5));
        assert!(report.is_clean(), "{report}");
    }

    #[test]
    fn one_connection_too_many_is_refused() {
        let limits = Limits {
            connections: 2,
            ..Limits::default()
        };
        let (_, report) = with_daemon(limits, |address| {
            let (mut a, mut b) = (Client::new(address), Client::new(address));
            assert_eq!(a.ask("add x 1"), "ok 1");
            assert_eq!(b.ask("add x 1"), "ok 2");
            assert_eq!(Client::new(address).hear(), "err too many connections");
            drop(a);
            // Until the daemon has seen that, the next is refused as well, and may be reset.
            let answer = (0..1_000).find_map(|_| {
                let (mut next, mut line) = (Client::new(address), String::new());
                _ = next.0.get_mut().write_all(b"get x\n");
                let served = next.0.read_line(&mut line).is_ok() && !line.starts_with("err");
                served.then_some(line).or_else(|| {
                    thread::sleep(Duration::from_millis(10));
                    None
                })
            });
            assert_eq!(answer.as_deref(), Some("ok 2\n"));
        });
        assert!(report.is_clean(), "{report}");
    }

    #[test]
    fn a_client_that_reads_nothing_holds_up_nobody() {
        let limits = Limits {
            write: Duration::from_millis(300),
            ..Limits::default()
        };
        with_daemon(limits, |address| {
            let mut slow = Client::new(address);
            for name in 0..500 {
                slow.say(&format!("add {name}{} 1\n", "x".repeat(40)));
            }
            // It asks for much, and takes nothing.
            let mut flood = slow.0.get_ref().try_clone().unwrap();
            flood.set_write_timeout(Some(Duration::from_secs(2))).unwrap();
            let flooding = thread::spawn(move || {
                for _ in 0..5_000 {
                    if flood.write_all(b"list\n").is_err() {
                        return;
                    }
                }
            });
            let mut quick = Client::new(address);
            for n in 1..200 {
                assert_eq!(quick.ask("add quick 1"), format!("ok {n}"));
            }
            flooding.join().unwrap();
        });
    }

    #[test]
    fn what_was_accepted_is_answered_at_the_end() {
        let mut last = None;
        let (counters, report) = with_daemon(Limits::default(), |address| {
            let mut client = Client::new(address);
            client.say(&"add x 1\n".repeat(1_000));
            assert_eq!(client.hear(), "ok 1");
            last = Some(client); // and now the daemon is stopped
        });
        let mut client = last.unwrap();
        let mut heard = 1;
        loop {
            match client.hear().as_str() {
                "err shutting down" | "" => break,
                answer => {
                    heard += 1;
                    assert_eq!(answer, format!("ok {heard}"));
                }
            }
        }
        assert_eq!(counters.get("x"), Some(heard), "applied and answered");
        assert!(report.is_clean(), "{report}");
    }
}
