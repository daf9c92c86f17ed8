//! Frames on their way to a stream.

use std::collections::VecDeque;

use tokio_util::bytes::Bytes;

use super::{
    super::message::Message,
    Wire,
    frame::{HEADER, Kind, encode, put_header},
};

/// From how many bytes on a body is a part of its own: below, one more part costs more than a copy.
const LONG: usize = 16 << 10;

/// Frames that are to be written. Short ones are copied together; a long body is given to the stream as it is.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    parts: VecDeque<Bytes>,
    /// Behind the parts.
    last: Vec<u8>,
    len: usize,
}

impl Outgoing {
    /// How many bytes are not written.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) fn push(&mut self, message: Message<Wire>) {
        let before = self.last.len();
        match message {
            Message::Delta(body) if body.len() >= LONG => {
                put_header(Kind::Delta, body.len(), &mut self.last);
                self.len += HEADER + body.len();
                for part in body.into_parts() {
                    self.put(part);
                }
            }
            Message::Chunk(chunk) if chunk.len() >= LONG => {
                put_header(Kind::Chunk, chunk.len(), &mut self.last);
                self.len += HEADER + chunk.len();
                self.put(chunk.into());
            }
            message => {
                encode(&message, &mut self.last);
                self.len += self.last.len() - before;
            }
        }
    }

    fn put(&mut self, part: Bytes) {
        if part.len() < LONG {
            self.last.extend_from_slice(&part);
            return;
        }
        self.seal();
        self.parts.push_back(part);
    }

    fn seal(&mut self) {
        if !self.last.is_empty() {
            self.parts.push_back(std::mem::take(&mut self.last).into());
        }
    }

    /// All of it, to be written from the front: of what was written [`wrote`](Self::wrote) is told.
    pub(crate) fn parts(&mut self) -> &mut [Bytes] {
        self.seal();
        self.parts.make_contiguous()
    }

    /// So many bytes were taken out of the [`parts`](Self::parts).
    pub(crate) fn wrote(&mut self, bytes: usize) {
        self.len -= bytes;
        while self.parts.front().is_some_and(Bytes::is_empty) {
            self.parts.pop_front();
        }
        debug_assert_eq!(self.len, self.parts.iter().map(Bytes::len).sum::<usize>() + self.last.len());
    }

    /// The bytes of all of it.
    #[cfg(test)]
    pub(in super::super) fn into_vec(mut self) -> Vec<u8> {
        self.parts().concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Messages in turn, and all their bytes.
    fn some() -> (Outgoing, Vec<u8>) {
        let (mut outgoing, mut bytes) = (Outgoing::default(), Vec::new());
        let parts = [vec![1; 100], vec![2; LONG], vec![3; 3 * LONG], vec![4; 7]].map(Bytes::from).to_vec();
        let messages = || {
            let parted = Message::Delta(parts.clone().into());
            let whole = Message::Delta(vec![5; 2 * LONG].into());
            [
                parted,
                Message::Took(9),
                whole,
                Message::Chunk(vec![6; LONG]),
                Message::Delta(vec![7; 20].into()),
            ]
        };
        for (message, again) in messages().into_iter().zip(messages()) {
            outgoing.push(message);
            encode(&again, &mut bytes);
        }
        (outgoing, bytes)
    }

    #[test]
    fn all_frames_are_written_in_their_order() {
        let (outgoing, bytes) = some();
        assert_eq!(outgoing.len(), bytes.len());
        assert_eq!(outgoing.into_vec(), bytes);
    }

    #[test]
    fn long_bodies_are_not_copied() {
        let (mut outgoing, mut body) = (Outgoing::default(), vec![7; LONG]);
        body.shrink_to_fit();
        let at = body.as_ptr();
        outgoing.push(Message::Delta(body.into()));
        assert!(outgoing.parts().iter().any(|part| part.as_ptr() == at));
    }

    /// As a stream takes them: whole parts, and of the last one a piece.
    #[test]
    fn what_is_written_in_portions_is_written_once() {
        for most in [1, 3, HEADER, 100, LONG, 2 * LONG + 1, 1 << 20] {
            let (mut outgoing, bytes) = some();
            let mut written = Vec::new();
            while !outgoing.is_empty() {
                let mut left = most;
                for part in outgoing.parts() {
                    let taken = if part.len() <= left { std::mem::take(part) } else { part.split_to(left) };
                    left -= taken.len();
                    written.extend_from_slice(&taken);
                }
                outgoing.wrote(most - left);
                if written.len() < 200 {
                    // What comes meanwhile is behind all that is there.
                    assert_eq!(outgoing.len(), bytes.len() - written.len());
                }
            }
            assert_eq!(written, bytes, "{most} at a time");
        }
    }
}
