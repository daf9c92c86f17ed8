//! The bytes of an answer.

use std::io::{self, BufReader, ErrorKind, Read};

use super::wire::Wire;

/// The most bytes of the line before a chunk.
const CHUNK_LINE: usize = 256;

#[derive(Debug)]
pub(super) struct Body {
    reader: BufReader<Wire>,
    framing: Framing,
}

#[derive(Debug)]
enum Framing {
    /// Bytes left.
    Length(u64),
    /// Bytes left of this chunk; then its end, a line with the next one's length.
    Chunk(u64),
    /// Such a line, as far as it has come: a read may end in the middle of it.
    ChunkLine {
        line: Vec<u8>,
        first: bool,
    },
    UntilClose,
    Ended,
}

impl Body {
    pub(super) fn new(reader: BufReader<Wire>, length: Option<u64>, chunked: bool) -> Self {
        let framing = match length {
            _ if chunked => Framing::ChunkLine { line: Vec::new(), first: true },
            Some(length) => Framing::Length(length),
            None => Framing::UntilClose,
        };
        Self { reader, framing }
    }

    pub(super) fn wire(&mut self) -> &mut Wire {
        self.reader.get_mut()
    }

    /// Reads at most `left` bytes: none is the connection's end, before the body's.
    fn within(reader: &mut BufReader<Wire>, into: &mut [u8], left: &mut u64) -> io::Result<usize> {
        let most = usize::try_from(*left).unwrap_or(usize::MAX).min(into.len());
        let count = reader.read(&mut into[..most])?;
        if count == 0 && most > 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        *left -= count as u64;
        Ok(count)
    }
}

impl Read for Body {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match &mut self.framing {
                Framing::Ended | Framing::Length(0) => return Ok(0),
                Framing::UntilClose => return self.reader.read(into),
                Framing::Chunk(0) => self.framing = Framing::ChunkLine { line: Vec::new(), first: false },
                Framing::Length(left) | Framing::Chunk(left) => {
                    return Self::within(&mut self.reader, into, left);
                }
                Framing::ChunkLine { line, first } => {
                    let mut byte = [0];
                    if self.reader.read(&mut byte)? == 0 {
                        return Err(ErrorKind::UnexpectedEof.into());
                    }
                    if byte != *b"\n" {
                        line.push(byte[0]);
                        if line.len() > CHUNK_LINE {
                            return Err(io::Error::new(ErrorKind::InvalidData, "a chunk without a length"));
                        }
                        continue;
                    }
                    let text = String::from_utf8_lossy(line);
                    let text = text.split(';').next().unwrap_or_default().trim();
                    // The line's end behind a chunk.
                    if text.is_empty() && !*first {
                        line.clear();
                        *first = true;
                        continue;
                    }
                    let length = u64::from_str_radix(text, 16)
                        .map_err(|_| io::Error::new(ErrorKind::InvalidData, "a chunk without a length"))?;
                    self.framing = if length == 0 { Framing::Ended } else { Framing::Chunk(length) };
                }
            }
        }
    }
}
