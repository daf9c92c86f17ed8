//! Clients that mean harm, or that are merely slow: each is refused or dropped with a reason, and counted.

use std::{
    collections::{BTreeMap, VecDeque},
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use control_panel::{
    Context, Worker,
    dashboard::{PolicyField, PolicyForm},
};
use tokio::net::TcpSocket;

use super::{Count, IntentSource, MS, Panel, Served, TOKEN, Update, body, code, read, soon};

#[test]
fn another_host_or_origin_gets_nothing() {
    let served = Served::new(|dashboard| dashboard.answer_to("panel.lan"));
    for host in ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "", "10.0.0.1"] {
        let answer = served.say(&format!("GET /status.json HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        assert_eq!((code(&answer), body(&answer).contains("workers")), ("403", false), "{host}");
    }
    assert_eq!(code(&served.say("GET / HTTP/1.1\r\n\r\n")), "403", "no host at all");
    assert_eq!(code(&served.say("GET / HTTP/1.1\r\nHost: panel.lan:1\r\n\r\n")), "200");
    for (origin, expected) in [
        ("http://evil.example".to_owned(), "403"),
        ("null".to_owned(), "403"),
        ("http://127.0.0.1:1".to_owned(), "403"),
        (format!("http://{}", served.address), "200"),
    ] {
        let answer = served.request("GET /status.json", &format!("Origin: {origin}\r\n"), "");
        assert_eq!(code(&answer), expected, "{origin}");
    }
    assert_eq!((served.refused("host"), served.refused("origin")), (6, 3));
}

#[test]
fn a_head_that_is_too_large_or_no_request_is_refused() {
    let served = Served::new(|dashboard| dashboard);
    let long = format!("GET / HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "x".repeat(100_000));
    assert!(matches!(code(&served.say(&long)), "431" | "none"), "refused, or cut off while it still sends");
    let many: String = ["X-Many: x\r\n"; 1000].concat();
    assert!(matches!(
        code(&served.say(&format!("GET / HTTP/1.1\r\nHost: localhost\r\n{many}\r\n"))),
        "431" | "none"
    ));
    assert!(
        matches!(code(&served.say("\x16\x03\x01\x02\x00\x01\x00\x01\x7c\x03\x03")), "400" | "none"),
        "TLS"
    );
    assert!(matches!(code(&served.say("NONSENSE\r\n\r\n")), "400" | "none"));
    let some: String = ["X-Many: x\r\n"; 80].concat();
    let some = served.say(&format!("GET / HTTP/1.1\r\nHost: localhost\r\n{some}\r\n"));
    assert!(matches!(code(&some), "431" | "none"), "64 headers are enough for a browser");
    soon("all five are counted", || served.refused("malformed") == 5);
    assert_eq!(code(&served.get("/")), "200");
}

#[test]
fn a_client_that_sends_slowly_is_dropped() {
    let served = Served::new(|dashboard| dashboard.patience(400 * MS));
    let mut stream = served.connect();
    // A byte now and then: each would keep a connection that only looks at the last one.
    let mut head = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        .iter()
        .cycle();
    soon("it is cut off while it still sends", || stream.write_all(&[*head.next().unwrap()]).is_err());
    // One that says nothing at all.
    let mut silent = served.connect();
    read(&mut silent);
    soon("both are counted", || served.refused("slow") == 2);
}

#[test]
fn a_thousand_viewers_are_refused_beyond_the_cap_and_the_frames_go_on() {
    let mut served = Served::new(|dashboard| dashboard.viewers(4));
    let mut viewers = Vec::new();
    for _ in 0..1000 {
        let mut stream = served.connect();
        let _ = stream.write_all(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
        viewers.push(stream);
        served.panel.run_frame(&mut Count::default(), &mut (), []);
    }
    soon("four are let in", || {
        viewers.iter().filter(|stream| peek(stream).starts_with("HTTP/1.1 200")).count() == 4
    });
    // One that leaves before it was looked at is not refused.
    soon("each has an answer, or was cut off", || viewers.iter().all(is_answered));
    let refused = viewers.iter().filter(|stream| peek(stream).starts_with("HTTP/1.1 503")).count();
    drop(viewers);
    soon("there is room again", || served.get("/status.json").contains(" 200 "));
    let counted = served.refused("viewers") + served.refused("connections");
    assert_eq!(counted, 996, "each is refused with a reason");
    assert!(refused > 900, "and most hear it: {refused} (a reset may overtake the answer)");
    soon("they left", || served.status()["dashboard"]["left"] == 4);
}

/// Each kind of harm at once, until it is dropped.
pub(super) struct Harm {
    ends: Arc<AtomicBool>,
    clients: Vec<JoinHandle<()>>,
}

const HARM: [&[u8]; 6] = [
    b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /status.json HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n\r\n",
    b"POST /control/frames/pause HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer wrong\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: loc",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\x7c\x03\x03",
];

impl Harm {
    pub(super) fn to(address: SocketAddr) -> Self {
        let ends = Arc::new(AtomicBool::new(false));
        let clients = HARM.map(|request| {
            let ends = Arc::clone(&ends);
            thread::spawn(move || {
                let mut held = VecDeque::new();
                while !ends.load(Ordering::Relaxed) {
                    if let Ok(mut stream) = TcpStream::connect(address) {
                        stream.write_all(request).ok();
                        held.push_back(stream);
                    }
                    // None of them reads, and some go away.
                    held.drain(..held.len().saturating_sub(8));
                    thread::sleep(5 * MS);
                }
            })
        });
        Self { ends, clients: clients.into() }
    }
}

impl Drop for Harm {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        self.clients.drain(..).for_each(|client| client.join().unwrap());
    }
}

/// How long frames take meanwhile is measured by `cost::frames_under_harm`.
#[test]
fn frames_run_whatever_viewers_do_and_each_harm_is_counted() {
    let mut served = Served::new(|dashboard| dashboard.viewers(4).patience(500 * MS).token(TOKEN));
    let sender = served.panel.sender(IntentSource::Restore);
    let harm = Harm::to(served.address);
    let mut count = Count::default();
    for _ in 0..1_000 {
        (0..50).for_each(|_| sender.try_send(Update::Step).unwrap());
        served.panel.run_frame(&mut count, &mut (), []);
        thread::sleep(MS / 2);
    }
    drop(harm);
    assert_eq!(count.0, 50_000);
    // How far each client came beside the others is up to the machine: each kind once more, alone.
    soon("there is room", || served.get("/status.json").contains(" 200 "));
    for (request, expected) in HARM[1..4].iter().zip(["403", "403", "401"]) {
        assert_eq!(code(&served.say(std::str::from_utf8(request).unwrap())), expected);
    }
    // Four viewers and sixteen others: the next one is too many.
    soon("a connection is refused", || {
        let held: Vec<_> = (0..20).map(|_| served.connect()).collect();
        let answer = served.get("/");
        drop(held);
        answer.starts_with("HTTP/1.1 503")
    });
    soon("there is room again", || served.get("/status.json").contains(" 200 "));
    for kind in ["host", "origin", "token", "connections"] {
        assert!(served.refused(kind) > 0, "{kind} is counted");
    }
}

/// A form that a viewer asks for, and that does not come back until the program says so.
struct Stuck {
    entered: mpsc::SyncSender<()>,
    released: Mutex<mpsc::Receiver<()>>,
}

impl PolicyForm for Stuck {
    fn fields(&self) -> Vec<PolicyField> {
        self.entered.send(()).unwrap();
        self.released.lock().unwrap().recv().ok();
        Vec::new()
    }

    fn submit(&self, _: &BTreeMap<String, String>) -> Result<(), String> {
        Ok(())
    }
}

#[test]
fn no_frame_waits_for_a_dashboard_that_stands_still() {
    let (entered, enters) = mpsc::sync_channel(0);
    let (release, released) = mpsc::sync_channel(1);
    let mut served = Served::new(|dashboard| {
        dashboard.token(TOKEN).policy_form(Stuck { entered, released: Mutex::new(released) })
    });
    let sender = served.panel.sender(IntentSource::Restore);
    let mut stream = served.connect();
    write!(stream, "GET /control HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n")
        .unwrap();
    enters.recv_timeout(Duration::from_secs(20)).expect("the form is asked for");
    // Its only thread is inside the form: what waited for the dashboard would wait forever.
    let mut count = Count::default();
    for _ in 0..1_000 {
        (0..50).for_each(|_| sender.try_send(Update::Step).unwrap());
        served.panel.run_frame(&mut count, &mut (), []);
    }
    assert_eq!(count.0, 50_000);
    release.send(()).unwrap();
    assert_eq!(code(&read(&mut stream)), "200");
}

fn is_answered(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    !matches!(stream.peek(&mut [0]), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
}

/// What has arrived, without waiting for more.
fn peek(stream: &TcpStream) -> String {
    stream.set_nonblocking(true).unwrap();
    let mut bytes = [0; 16];
    let read = stream.peek(&mut bytes).unwrap_or(0);
    String::from_utf8_lossy(&bytes[..read]).into_owned()
}

#[test]
fn a_viewer_that_never_reads_is_dropped_and_holds_up_no_other() {
    let panel = Panel::new();
    for number in 0..400 {
        let name =
            format!("a worker with a name that is long enough to fill what a connection holds {number}");
        panel.spawn(Worker::new(name, IntentSource::Restore, |cx: Context<Update, u32>| async move {
            cx.cancelled().await;
        }));
    }
    let served = Served::of(panel, |dashboard| dashboard.patience(500 * MS));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let stuck = runtime.block_on(async {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let stream = socket.connect(served.address).await.unwrap();
        stream.writable().await.unwrap();
        stream.try_write(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        stream
    });
    soon("it is there", || served.status()["dashboard"]["viewers"] == 1);
    soon("it is dropped", || served.refused("slow") == 1);
    let about = &served.status()["dashboard"];
    assert_eq!((&about["viewers"], &about["left"]), (&0.into(), &1.into()));
    drop(stuck);
}

#[test]
fn a_browser_that_goes_away_is_no_viewer_any_more() {
    let served = Served::new(|dashboard| dashboard);
    for round in 1..=3 {
        let mut stream = served.connect();
        write!(stream, "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let mut some = [0; 64];
        stream.read_exact(&mut some).unwrap();
        assert_eq!(served.status()["dashboard"]["viewers"], 1);
        drop(stream);
        soon("it left", || served.status()["dashboard"]["left"] == round);
    }
    let about = &served.status()["dashboard"];
    assert_eq!((&about["viewers"], &about["refused"]["slow"]), (&0.into(), &0.into()));
}
