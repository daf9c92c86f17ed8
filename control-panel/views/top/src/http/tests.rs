//! Against servers that are dead, slow, garbled or endless.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use super::*;

const IN_TIME: Duration = Duration::from_secs(5);

/// A server that answers one request by `serve`, on a thread that ends with its connection.
fn server(serve: impl FnOnce(TcpStream) + Send + 'static) -> Address {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address").to_string();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut request = Vec::new();
        let mut byte = [0];
        while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|count| count == 1) {
            request.push(byte[0]);
        }
        serve(stream);
    });
    address.parse().expect("an address")
}

fn answers(answer: &'static [u8]) -> Address {
    server(move |mut stream| stream.write_all(answer).expect("written"))
}

fn asked(answer: &'static [u8]) -> Result<String, HttpError> {
    get(&answers(answer), "/status.json", IN_TIME).map(|body| String::from_utf8(body).expect("text"))
}

#[test]
fn bodies_come_by_length_in_chunks_and_until_the_end() {
    for answer in [
        &b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello and more"[..],
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\nServer: old\n\nhello",
    ] {
        assert_eq!(asked(answer).expect("a body"), "hello");
    }
}

#[test]
fn what_is_no_dashboard_is_named_for_what_it_is() {
    let code = |answer| asked(answer).expect_err("refused");
    for answer in [
        &b"SSH-2.0-OpenSSH_9.2\r\n"[..],
        b"\x16\x03\x01 garbage",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
    ] {
        let error = code(answer);
        assert!(matches!(error, HttpError::NotHttp(_)), "{error:?}");
        assert_eq!(error.exit_code(), 4);
    }
    let error = code(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 14\r\n\r\nwrong \x1b[2JHost");
    assert_eq!(error.to_string(), "the server answers 403: wrong  [2JHost", "nothing reaches the terminal");
    let error = code(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
    assert_eq!(
        (error.to_string().as_str(), error.exit_code()),
        ("the connection ended in the middle of the answer", 3)
    );
    assert!(matches!(code(b""), HttpError::Cut(_)));
    assert!(matches!(
        code(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        HttpError::NotHttp(_)
    ));
}

#[test]
fn nothing_listens() {
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address");
    let error = get(&port.to_string().parse().expect("an address"), "/", IN_TIME).expect_err("nothing");
    assert!(matches!(error, HttpError::Connect(_)), "{error:?}");
    assert_eq!(error.exit_code(), 3);
}

#[test]
fn heads_and_bodies_have_an_end() {
    let endless_head =
        server(
            |mut stream| {
                while stream.write_all(b"X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n").is_ok() {}
            },
        );
    let error = get(&endless_head, "/", IN_TIME).expect_err("endless");
    assert!(matches!(error, HttpError::NotHttp(_) | HttpError::TooLarge { .. }), "{error:?}");
    let endless_head = server(|mut stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\n").ok();
        while stream.write_all(&[b'y'; 1 << 10]).is_ok() {}
    });
    let error = get(&endless_head, "/", IN_TIME).expect_err("endless");
    assert!(matches!(error, HttpError::TooLarge { most: HEAD, .. }), "{error:?}");
    let endless_body = server(|mut stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").ok();
        while stream.write_all(&[b'y'; 8 << 10]).is_ok() {}
    });
    let error = get(&endless_body, "/", IN_TIME).expect_err("endless");
    assert!(matches!(error, HttpError::TooLarge { most: WHOLE, .. }), "{error:?}");
    let endless_line = server(|mut stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").ok();
        while stream.write_all(&[b'1'; 1 << 10]).is_ok() {}
    });
    let error = get(&endless_line, "/", IN_TIME).expect_err("endless");
    assert!(matches!(error, HttpError::NotHttp(_)), "{error:?}");
}

#[test]
fn a_server_that_trickles_is_given_up_in_time() {
    let trickles = server(|mut stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").ok();
        while stream.write_all(b" ").is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
    });
    let silent = server(|stream| {
        thread::sleep(Duration::from_secs(5));
        drop(stream);
    });
    for address in [trickles, silent] {
        let began = Instant::now();
        let error = get(&address, "/", Duration::from_millis(300)).expect_err("slow");
        assert!(matches!(error, HttpError::Slow(_)), "{error:?}");
        assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    }
}

fn next(events: &mut Events) -> Result<Option<(String, String)>, HttpError> {
    loop {
        match events.next()? {
            Next::Event(event) => return Ok(Some((event.name, event.data))),
            Next::End => return Ok(None),
            Next::Alive | Next::Silence => {}
        }
    }
}

#[test]
fn events_come_whole_however_they_are_cut() {
    let text = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n: hello\n\nevent: status\ndata: {\"a\":\ndata: 1}\n\nretry: 5\nid: 7\ndata:second\r\n\r\n: bye\n\n";
    for piece in [1, 7, 1_000] {
        let address = server(move |mut stream| {
            for piece in text.chunks(piece) {
                stream.write_all(piece).expect("written");
                stream.flush().expect("sent");
            }
        });
        let mut events = events(&address, "/events", IN_TIME).expect("a stream");
        assert_eq!(next(&mut events).expect("one"), Some(("status".into(), "{\"a\":\n1}".into())));
        assert_eq!(next(&mut events).expect("two"), Some((String::new(), "second".into())));
        assert_eq!(next(&mut events).expect("the end"), None);
    }
}

const COMMENT: [u8; 1 << 10] = {
    let mut comment = [b'x'; 1 << 10];
    comment[0] = b':';
    comment[(1 << 10) - 1] = b'\n';
    comment
};
const EVENT_COMMENTS: usize = 2 * super::events::EVENT / COMMENT.len();

#[test]
fn a_stream_that_only_comments_lasts_and_an_endless_event_does_not() {
    let comments = server(|mut stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").expect("a head");
        // More than is kept of any event.
        for _ in 0..(EVENT_COMMENTS) {
            stream.write_all(&COMMENT).expect("written");
        }
        stream.write_all(b"data: end\n\n").expect("written");
    });
    let mut stream = events(&comments, "/events", IN_TIME).expect("a stream");
    assert_eq!(next(&mut stream).expect("after all"), Some((String::new(), "end".into())));

    for endless in [&b"data: more and more\n"[..], b"more and more without an end", b"data:\n"] {
        let address = server(move |mut stream| {
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").ok();
            let many = endless.repeat(1_000);
            while stream.write_all(&many).is_ok() {}
        });
        let mut stream = events(&address, "/events", IN_TIME).expect("a stream");
        let error = next(&mut stream).expect_err("endless");
        assert!(matches!(error, HttpError::TooLarge { .. }), "{error:?}");
    }
    let binary = answers(b"HTTP/1.1 200 OK\r\n\r\ndata: \xff\n\n");
    let error = next(&mut events(&binary, "/events", IN_TIME).expect("a stream")).expect_err("no text");
    assert!(matches!(error, HttpError::NotADashboard(_)), "{error:?}");
}
