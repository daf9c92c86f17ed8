//! Clients that mean harm, or that are merely slow: each is refused or dropped with a reason, and counted.

use std::{
    io::{Read, Write},
    time::{Duration, Instant},
};

use control_panel::{Context, Worker};
use tokio::net::TcpSocket;

use super::{Count, IntentSource, MS, Panel, Served, Update, body, code, read, soon};

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
    let began = Instant::now();
    // A byte now and then: each would keep a connection that only looks at the last one.
    for byte in b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        .iter()
        .cycle()
    {
        if stream.write_all(&[*byte]).is_err() || began.elapsed() > Duration::from_secs(10) {
            break;
        }
        std::thread::sleep(20 * MS);
    }
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    // One that says nothing at all.
    let mut silent = served.connect();
    read(&mut silent);
    assert!(began.elapsed() < Duration::from_secs(8));
    soon("both are counted", || served.refused("slow") == 2);
}

#[test]
fn a_thousand_viewers_are_refused_beyond_the_cap_and_the_frames_go_on() {
    let mut served = Served::new(|dashboard| dashboard.viewers(4));
    let mut viewers = Vec::new();
    let mut longest = Duration::ZERO;
    for _ in 0..1000 {
        let mut stream = served.connect();
        let _ = stream.write_all(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
        viewers.push(stream);
        let began = Instant::now();
        served.panel.run_frame(&mut Count::default(), &mut (), []);
        longest = longest.max(began.elapsed());
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
    assert!(longest < Duration::from_secs(1), "no frame waited for viewers: {longest:?}");
}

/// Each kind of harm at once, while frames run: what the frames take is what they take without it.
#[test]
fn the_frames_take_no_longer_whatever_viewers_do() {
    let mut served = Served::of(Panel::builder().capacity(256).build(), |dashboard| {
        dashboard.viewers(4).patience(500 * MS).token(super::TOKEN)
    });
    let sender = served.panel.sender(IntentSource::Restore);
    let p99 = |served: &mut Served| {
        let mut times: Vec<_> = (0..1_000)
            .map(|_| {
                (0..50).for_each(|_| sender.try_send(Update::Step).unwrap());
                let began = Instant::now();
                served.panel.run_frame(&mut Count::default(), &mut (), []);
                let took = began.elapsed();
                std::thread::sleep(MS / 2);
                took
            })
            .collect();
        times.sort_unstable();
        (times[500], times[990])
    };
    p99(&mut served);
    let before = p99(&mut served);
    let (address, ends) = (served.address, std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false)));
    let requests: [&[u8]; 6] = [
        b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /status.json HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n\r\n",
        b"POST /control/frames/pause HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer wrong\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: loc",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\x7c\x03\x03",
    ];
    let harm = requests.map(|request| {
        let ends = std::sync::Arc::clone(&ends);
        std::thread::spawn(move || {
            let mut held = std::collections::VecDeque::new();
            while !ends.load(std::sync::atomic::Ordering::Relaxed) {
                if let Ok(mut stream) = std::net::TcpStream::connect(address) {
                    stream.write_all(request).ok();
                    held.push_back(stream);
                }
                // None of them reads, and some go away.
                held.drain(..held.len().saturating_sub(8));
                std::thread::sleep(5 * MS);
            }
        })
    });
    std::thread::sleep(200 * MS);
    let during = p99(&mut served);
    ends.store(true, std::sync::atomic::Ordering::Relaxed);
    for one in harm {
        one.join().unwrap();
    }
    println!("a frame of 50 intents, p50 and p99: {before:?} without harm, {during:?} with it");
    // The machine's other threads have their share; a frame that waited for a viewer would wait for its patience.
    assert!(during.1 < before.1 * 4 + 5 * MS, "{before:?}, then {during:?}");
    let kinds = ["host", "origin", "token", "connections"];
    soon("each is counted", || {
        let status = served.get("/status.json");
        status.contains(" 200 ") && kinds.iter().all(|kind| served.refused(kind) > 0)
    });
}

fn is_answered(stream: &std::net::TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    !matches!(stream.peek(&mut [0]), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
}

/// What has arrived, without waiting for more.
fn peek(stream: &std::net::TcpStream) -> String {
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
