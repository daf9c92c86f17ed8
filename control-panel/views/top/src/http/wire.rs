//! The connection. Each read ends in time.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

/// How long a read of a followed stream waits before its reader looks around.
const PATIENCE: Duration = Duration::from_millis(250);

#[derive(Debug)]
pub(super) struct Wire {
    stream: TcpStream,
    /// Until when all is to be here; `None` once the stream is followed.
    deadline: Option<Instant>,
}

impl Wire {
    pub(super) fn new(stream: TcpStream, in_time: Duration) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(in_time))?;
        Ok(Self { stream, deadline: Some(Instant::now() + in_time) })
    }

    /// From now on there is no end, and a read returns every now and then with `WouldBlock`.
    pub(super) fn follow(&mut self) {
        self.deadline = None;
    }
}

impl Read for Wire {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let patience = match self.deadline {
            None => PATIENCE,
            Some(deadline) => deadline
                .checked_duration_since(Instant::now())
                .filter(|left| !left.is_zero())
                .ok_or(io::ErrorKind::TimedOut)?,
        };
        self.stream.set_read_timeout(Some(patience))?;
        self.stream.read(into)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
