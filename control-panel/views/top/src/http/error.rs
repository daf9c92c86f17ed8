//! Why there is nothing to show.

use std::{error::Error, fmt, io};

/// What went wrong between here and the dashboard.
#[derive(Debug)]
pub(crate) enum HttpError {
    /// Nothing listens there, or nothing that lets us in.
    Connect(io::Error),
    /// It took longer than it may.
    Slow(&'static str),
    /// The connection ended in the middle.
    Cut(&'static str),
    /// It is not HTTP, and how it begins.
    NotHttp(String),
    /// The server refuses, and what it says.
    Refused { status: u16, says: String },
    /// More than is read of anything.
    TooLarge { what: &'static str, most: usize },
    /// It is HTTP, and not what a dashboard says.
    NotADashboard(String),
    /// The connection failed.
    Broken(io::Error),
}

impl HttpError {
    /// The program's exit code: 3 where nothing answers, 4 where something else does.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Connect(_) | Self::Slow(_) | Self::Cut(_) | Self::Broken(_) => 3,
            Self::NotHttp(_) | Self::Refused { .. } | Self::TooLarge { .. } | Self::NotADashboard(_) => 4,
        }
    }

    pub(super) fn of(error: io::Error, what: &'static str) -> Self {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Self::Slow(what),
            io::ErrorKind::UnexpectedEof => Self::Cut(what),
            _ => Self::Broken(error),
        }
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(error) => {
                write!(f, "nothing answers there: {error}. Does the program run, with its dashboard on?")
            }
            Self::Slow(what) => write!(f, "{what} did not come in time"),
            Self::Cut(what) => write!(f, "the connection ended in the middle of {what}"),
            Self::NotHttp(begins) => {
                write!(f, "what answers there is not a dashboard: it begins with {begins:?}")
            }
            Self::Refused { status, says } if says.is_empty() => write!(f, "the server answers {status}"),
            Self::Refused { status, says } => write!(f, "the server answers {status}: {says}"),
            Self::TooLarge { what, most } => {
                write!(f, "{what} is larger than {most} bytes, which no dashboard sends")
            }
            Self::NotADashboard(why) => {
                write!(f, "what answers there is not a dashboard of this version: {why}")
            }
            Self::Broken(error) => write!(f, "the connection failed: {error}"),
        }
    }
}

impl Error for HttpError {}

/// Text of a server's on one line of ours: what controls a terminal does not reach it.
pub(crate) fn printable(bytes: &[u8], most: usize) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * most)]);
    text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(most).collect()
}
