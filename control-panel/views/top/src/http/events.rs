//! Server-sent events, one at a time.

use std::io::{ErrorKind, Read};

use super::{HttpError, body::Body};

/// The most bytes of one event.
pub(super) const EVENT: usize = super::WHOLE;

/// A stream of events that is followed.
#[derive(Debug)]
pub(crate) struct Events {
    body: Body,
    /// What was read and not taken yet.
    ahead: Vec<u8>,
    at: usize,
    line: Vec<u8>,
    event: Event,
    /// Bytes of the event so far, in all its lines.
    size: usize,
}

/// One event.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    /// Its name; empty where it has none.
    pub(crate) name: String,
    pub(crate) data: String,
}

/// What a look at the stream found.
#[derive(Debug)]
pub(crate) enum Next {
    Event(Event),
    /// A sign of life: bytes that are no event yet.
    Alive,
    /// Nothing for a quarter of a second.
    Silence,
    /// The server ended it.
    End,
}

impl Events {
    pub(super) fn new(body: Body) -> Self {
        Self { body, ahead: Vec::new(), at: 0, line: Vec::new(), event: Event::default(), size: 0 }
    }

    /// Waits for the next event for a quarter of a second.
    ///
    /// # Errors
    /// The connection failed, an event is too large, or it is no text.
    pub(crate) fn next(&mut self) -> Result<Next, HttpError> {
        if self.at == self.ahead.len() {
            self.ahead.resize(8 << 10, 0);
            self.at = 0;
            let count = match self.body.read(&mut self.ahead) {
                Ok(count) => count,
                Err(error) => {
                    self.ahead.clear();
                    return match error.kind() {
                        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => {
                            Ok(Next::Silence)
                        }
                        ErrorKind::InvalidData => Err(HttpError::NotHttp(error.to_string())),
                        _ => Err(HttpError::of(error, "the events")),
                    };
                }
            };
            self.ahead.truncate(count);
            if count == 0 {
                return Ok(Next::End);
            }
        }
        while self.at < self.ahead.len() {
            let byte = self.ahead[self.at];
            self.at += 1;
            self.size += 1;
            if self.size > EVENT {
                return Err(HttpError::TooLarge { what: "an event", most: EVENT });
            }
            if byte != b'\n' {
                self.line.push(byte);
                continue;
            }
            if let Some(event) = self.end_line()? {
                return Ok(Next::Event(event));
            }
        }
        Ok(Next::Alive)
    }

    /// Takes a line in; the event, where it was the empty line behind one.
    fn end_line(&mut self) -> Result<Option<Event>, HttpError> {
        let line = std::mem::take(&mut self.line);
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        if line.is_empty() {
            self.size = 0;
            let event = std::mem::take(&mut self.event);
            return Ok((!event.data.is_empty()).then_some(event));
        }
        let text = std::str::from_utf8(line)
            .map_err(|_| HttpError::NotADashboard("its events are not UTF-8".into()))?;
        let (field, value) = text.split_once(':').unwrap_or((text, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event.name),
            "data" => {
                if !self.event.data.is_empty() {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
            }
            // A comment keeps the connection alive, and is not kept: a server may send nothing else.
            "" if self.event == Event::default() => self.size = 0,
            _ => {}
        }
        Ok(None)
    }
}
