//! As much HTTP/1.1 as a dashboard is read with, over one connection that closes: the answer's head, its body, the stream of events.
//!
//! Whatever the server does, what is kept of it is bounded, and so is how long it is waited for.
//!
//! | file | what it is |
//! |---|---|
//! | `wire` | the connection: each read ends in time |
//! | `body` | the bytes of an answer: by length, in chunks, or until the end |
//! | `events` | server-sent events, one at a time |
//! | `error` | what can go wrong, in words |

mod body;
mod error;
mod events;
mod wire;

#[cfg(test)]
mod tests;

use std::{
    io::{BufRead, BufReader, Read, Write},
    time::Duration,
};

use self::{body::Body, wire::Wire};
pub(crate) use self::{
    error::{HttpError, printable},
    events::{Event, Events, Next},
};
use crate::address::Address;

/// The most bytes of an answer's head.
const HEAD: usize = 16 << 10;
/// The most bytes of a whole answer.
pub(crate) const WHOLE: usize = 4 << 20;

/// The body of `path` of the dashboard at `address`, all of which has to be there in time, however slowly its bytes come.
///
/// # Errors
/// All of [`HttpError`].
pub(crate) fn get(address: &Address, path: &str, in_time: Duration) -> Result<Vec<u8>, HttpError> {
    let mut body = open(address, &Request::get(path, "application/json"), in_time)?;
    read_whole(&mut body)
}

/// As [`get`], for a viewer with the token.
///
/// # Errors
/// All of [`HttpError`].
pub(crate) fn get_with(
    address: &Address,
    path: &str,
    token: &str,
    in_time: Duration,
) -> Result<Vec<u8>, HttpError> {
    let request = Request { token: Some(token), ..Request::get(path, "application/json") };
    read_whole(&mut open(address, &request, in_time)?)
}

/// Has the program do something, and returns what it says.
///
/// # Errors
/// All of [`HttpError`]; [`HttpError::Refused`] has what it says why not.
pub(crate) fn post(
    address: &Address,
    path: &str,
    token: &str,
    body: &str,
    in_time: Duration,
) -> Result<String, HttpError> {
    let request = Request { method: "POST", path, accept: "text/plain", token: Some(token), body };
    let said = read_whole(&mut open(address, &request, in_time)?)?;
    Ok(printable(&said, 200))
}

/// The events of `path`, from now on.
///
/// # Errors
/// All of [`HttpError`], for the answer's head.
pub(crate) fn events(address: &Address, path: &str, in_time: Duration) -> Result<Events, HttpError> {
    let mut body = open(address, &Request::get(path, "text/event-stream"), in_time)?;
    body.wire().follow();
    Ok(Events::new(body))
}

fn read_whole(body: &mut Body) -> Result<Vec<u8>, HttpError> {
    let mut bytes = Vec::new();
    let mut piece = [0; 8 << 10];
    loop {
        match body.read(&mut piece) {
            Ok(0) => return Ok(bytes),
            Ok(count) if bytes.len() + count > WHOLE => {
                return Err(HttpError::TooLarge { what: "the answer", most: WHOLE });
            }
            Ok(count) => bytes.extend_from_slice(&piece[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                return Err(HttpError::NotHttp(error.to_string()));
            }
            Err(error) => return Err(HttpError::of(error, "the answer")),
        }
    }
}

/// What is asked for.
struct Request<'a> {
    method: &'a str,
    path: &'a str,
    accept: &'a str,
    /// One line of visible letters: it is checked where it is read.
    token: Option<&'a str>,
    body: &'a str,
}

impl<'a> Request<'a> {
    fn get(path: &'a str, accept: &'a str) -> Self {
        Self { method: "GET", path, accept, token: None, body: "" }
    }

    fn text(&self, address: &Address) -> String {
        let Self { method, path, accept, token, body } = self;
        let authorization =
            token.map_or_else(String::new, |token| format!("Authorization: Bearer {token}\r\n"));
        let length = match *method {
            "GET" => String::new(),
            _ => format!("Content-Length: {}\r\n", body.len()),
        };
        format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nAccept: {accept}\r\nUser-Agent: control-panel-top\r\n{authorization}{length}Connection: close\r\n\r\n{body}"
        )
    }
}

/// Sends the request and reads the answer's head.
fn open(address: &Address, request: &Request<'_>, in_time: Duration) -> Result<Body, HttpError> {
    let stream = address.connect().map_err(HttpError::Connect)?;
    let mut wire = Wire::new(stream, in_time).map_err(HttpError::Broken)?;
    let request = request.text(address);
    wire.write_all(request.as_bytes()).map_err(|error| HttpError::of(error, "the request"))?;

    let mut reader = BufReader::new(wire);
    let mut left = HEAD;
    let status = line(&mut reader, &mut left)?;
    let status = status_of(&status).ok_or_else(|| HttpError::NotHttp(printable(&status, 60)))?;
    let (mut length, mut chunked) = (None, false);
    loop {
        let header = line(&mut reader, &mut left)?;
        if header.is_empty() {
            break;
        }
        let header = String::from_utf8_lossy(&header);
        let Some((name, value)) = header.split_once(':') else {
            return Err(HttpError::NotHttp(printable(header.as_bytes(), 60)));
        };
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            let bytes: u64 =
                value.parse().map_err(|_| HttpError::NotHttp(printable(value.as_bytes(), 60)))?;
            length = Some(bytes);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            chunked = value.eq_ignore_ascii_case("chunked");
        }
    }
    let mut body = Body::new(reader, length, chunked);
    if status == 200 {
        return Ok(body);
    }
    // What it says is one line, for the person who asked: not worth an error of its own.
    let mut says = [0; 512];
    let count = body.read(&mut says).unwrap_or(0);
    Err(HttpError::Refused { status, says: printable(&says[..count], 200) })
}

fn status_of(line: &[u8]) -> Option<u16> {
    let rest = line.strip_prefix(b"HTTP/1.1 ").or_else(|| line.strip_prefix(b"HTTP/1.0 "))?;
    let digits = std::str::from_utf8(rest.get(..3)?).ok()?;
    digits.parse().ok().filter(|status| (200..600).contains(status))
}

/// A line of the head, without its end.
fn line(reader: &mut BufReader<Wire>, left: &mut usize) -> Result<Vec<u8>, HttpError> {
    let mut line = Vec::new();
    let most = u64::try_from(*left).unwrap_or(u64::MAX);
    let count = reader.by_ref().take(most).read_until(b'\n', &mut line);
    let count = count.map_err(|error| HttpError::of(error, "the answer"))?;
    *left -= count;
    if line.pop() != Some(b'\n') {
        return Err(match *left {
            0 => HttpError::TooLarge { what: "the answer's head", most: HEAD },
            _ if count == 0 => HttpError::Cut("the answer"),
            // Something else than HTTP often ends without a line's end.
            _ => HttpError::NotHttp(printable(&line, 60)),
        });
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(line)
}
