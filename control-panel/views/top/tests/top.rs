//! The program itself: against a served dashboard, and against what is none.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::{Command, Output},
    thread,
};

const STATUS: &str = include_str!("../../fixtures/status.json");

/// Serves each connection by `serve`, which gets the path that is asked for, until the test ends. Its address.
fn server(serve: impl Fn(&str, TcpStream) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address").to_string();
    let serve = std::sync::Arc::new(serve);
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let serve = std::sync::Arc::clone(&serve);
            thread::spawn(move || {
                let (mut request, mut byte) = (Vec::new(), [0]);
                while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|count| count == 1)
                {
                    request.push(byte[0]);
                }
                let request = String::from_utf8_lossy(&request).into_owned();
                serve(request.split(' ').nth(1).unwrap_or_default(), stream);
            });
        }
    });
    address
}

/// A dashboard that says one thing, and then is silent but for a sign of life.
fn dashboard() -> String {
    server(|path, mut stream| match path {
        "/status.json" => {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", STATUS.len());
            stream.write_all((head + STATUS).as_bytes()).ok();
        }
        "/events" => {
            let event = format!("event: status\ndata: {}\n\n", STATUS.replace('\n', " "));
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
            if stream.write_all((head.to_owned() + &event).as_bytes()).is_ok() {
                while stream.write_all(b": alive\n\n").is_ok() {
                    thread::sleep(std::time::Duration::from_millis(200));
                }
            }
        }
        _ => _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
    })
}

/// Runs it in little memory: what a server sends is not what it keeps.
fn top(args: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_control-panel");
    let mut command = Command::new(if cfg!(unix) { "sh" } else { program });
    if cfg!(unix) {
        command.args(["-c", "ulimit -v 400000; exec \"$@\"", "sh", program]);
    }
    command.arg("top").args(args).output().expect("it runs")
}

fn failed(args: &[&str], code: i32) -> String {
    let output = top(args);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{error}");
    assert!(output.stdout.is_empty());
    assert_eq!(error.lines().count(), 1, "one line: {error}");
    error
}

#[test]
fn once_it_prints_all_pages_as_text() {
    let output = top(&[&dashboard(), "--once", "--width", "110"]);
    let text = String::from_utf8(output.stdout).expect("text");
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
    for line in [
        "graph_browser  live  7 workers  2 in trouble  4 incidents",
        "! fetch_feeds",
        "src/feeds/fetch.rs:88:17: index",
        "failed: no route to host (os error 113)",
        "ModLoader",
        "apply and settle",
        "/tmp/browser.journal",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert!(!text.contains('\x1b') && text.lines().all(|line| line.chars().count() <= 110), "{text}");
    // So it does by itself where the output is no terminal.
    let output = top(&[&dashboard()]);
    assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).contains("fetch_feeds"));
}

#[test]
fn where_nothing_answers_it_says_so() {
    let address = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("its address").to_string()
    };
    let error = failed(&[&address], 3);
    assert!(error.starts_with(&address) && error.contains("nothing answers there"), "{error}");
    assert!(error.contains("dashboard on?"), "what to look for: {error}");
    let silent = server(|_, stream| {
        thread::sleep(std::time::Duration::from_secs(20));
        drop(stream);
    });
    assert!(failed(&[&silent, "--patience", "200"], 3).contains("did not come in time"));
    let cut = server(|_, mut stream| _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"));
    assert!(failed(&[&cut], 3).contains("ended in the middle"));
}

#[test]
fn what_answers_and_is_no_dashboard_is_refused_in_little_memory() {
    let garbage = server(|_, mut stream| _ = stream.write_all(b"SSH-2.0-OpenSSH_9.2 \x1b[2J\r\n"));
    let error = failed(&[&garbage], 4);
    assert!(error.contains("not a dashboard") && !error.contains('\x1b'), "{error}");
    let other = server(|_, mut stream| _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n<html>a page</html>"));
    assert!(failed(&[&other], 4).contains("not a dashboard of this version"));
    let refuses = server(|_, mut stream| _ = stream.write_all(b"HTTP/1.1 421 Misdirected\r\n\r\nwrong Host"));
    assert!(failed(&[&refuses], 4).contains("421: wrong Host"));
    for endless in [&b"[[[[[[[["[..], b"{\"view\":{\"workers\":[{},{},{},{},{},{},{},", b"                "] {
        let address = server(move |_, mut stream| {
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").ok();
            let many = endless.repeat(1_000);
            while stream.write_all(&many).is_ok() {}
        });
        assert!(failed(&[&address], 4).contains("larger than 4194304 bytes"));
    }
}

#[cfg(unix)]
mod pty;

/// In a terminal of its own.
#[cfg(unix)]
mod interactive {
    use rustix::process::{Pid, Signal, kill_process};

    use super::{pty::Session, *};

    #[test]
    fn keys_move_open_and_end() {
        let mut session = Session::start(&dashboard());
        session.until("fetch_feeds");
        assert!(session.is_raw() && session.text.contains("\x1b[?1049h"));
        session.keys(b"j\r");
        // Only what changes is drawn: a word that is drawn whole.
        session.until("https://example.org/feed.xml");
        session.keys(b"\r5");
        session.until("/tmp/browser.journal");
        session.keys(b"q");
        assert_eq!(session.ended(), Some(0));
    }

    #[test]
    fn ctrl_c_and_sigterm_give_the_terminal_back() {
        let mut session = Session::start(&dashboard());
        session.until("fetch_feeds");
        session.keys(b"\x03");
        assert_eq!(session.ended(), Some(130));
        let mut session = Session::start(&dashboard());
        session.until("fetch_feeds");
        let pid = Pid::from_child(&session.child);
        kill_process(pid, Signal::TERM).expect("a signal");
        assert_eq!(session.ended(), Some(143));
    }

    #[test]
    fn a_connection_that_is_lost_is_said_and_found_again() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        // The second request for the events is refused, and so is all that follows but the last.
        let asked = AtomicUsize::new(0);
        let address = server(move |path, mut stream| {
            let number = asked.fetch_add(1, Ordering::Relaxed);
            let renamed = STATUS.replace("fetch_feeds", "back_again");
            let status = if number < 4 { STATUS } else { &renamed };
            match (path, number) {
                // Also for the first connection's events.
                ("/status.json", 0 | 1 | 4..) => {
                    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", status.len());
                    stream.write_all((head + status).as_bytes()).ok();
                }
                _ => _ = stream.write_all(b"HTTP/1.1 503 Busy\r\n\r\ntoo many viewers"),
            }
        });
        let mut session = Session::start(&address);
        session.until("fetch_feeds");
        session.until("connection lost");
        session.until("503");
        session.until("back_again");
        session.keys(b"q");
        assert_eq!(session.ended(), Some(0));
    }
}
