//! Frames out of bytes that come in any portions.

use std::time::Duration;

use super::{
    super::{
        end::Breach,
        message::Message,
        options::{Options, RATE},
    },
    Wire,
    frame::{HEADER, Kind, decode},
};

/// What is set aside for a body before it arrives.
const FIRST: usize = 4 << 10;

/// Puts frames together, one at a time. It holds no more than one, and of that no more than twice what arrived.
#[derive(Debug, Default)]
pub(in super::super) struct FrameReader {
    header: [u8; HEADER],
    /// Of the header.
    got: usize,
    /// Behind a whole header.
    frame: Option<(Kind, usize)>,
    body: Vec<u8>,
    /// When the first byte of the frame arrived.
    began: Option<Duration>,
}

impl FrameReader {
    /// The next message, from what is left of a frame and the front of `bytes`, which are consumed. `None`: that was all.
    ///
    /// `ready`: whether the hello is here.
    pub(in super::super) fn read(
        &mut self,
        bytes: &mut &[u8],
        options: &Options,
        ready: bool,
        now: Duration,
    ) -> Result<Option<Message<Wire>>, Breach> {
        if !bytes.is_empty() {
            self.began.get_or_insert(now);
        }
        let Some((kind, length)) =
            self.frame.map_or_else(|| self.header(bytes, options, ready), |it| Ok(Some(it)))?
        else {
            return Ok(None);
        };
        let take = (length - self.body.len()).min(bytes.len());
        self.make_room(take, length);
        let (now_here, rest) = bytes.split_at(take);
        self.body.extend_from_slice(now_here);
        *bytes = rest;
        if self.body.len() < length {
            return Ok(None);
        }
        (self.got, self.frame, self.began) = (0, None, None);
        decode(kind, std::mem::take(&mut self.body), options).map(Some)
    }

    fn header(
        &mut self,
        bytes: &mut &[u8],
        options: &Options,
        ready: bool,
    ) -> Result<Option<(Kind, usize)>, Breach> {
        let take = (HEADER - self.got).min(bytes.len());
        let (now_here, rest) = bytes.split_at(take);
        self.header[self.got..self.got + take].copy_from_slice(now_here);
        self.got += take;
        *bytes = rest;
        if self.got == 0 {
            return Ok(None);
        }
        // What cannot become anything is refused with its first byte.
        let kind = Kind::of(self.header[0])?;
        if !ready && !matches!(kind, Kind::Hello | Kind::Bye) {
            return Err(Breach::Order);
        }
        let [_, length @ ..] = self.header;
        if self.got < HEADER {
            return Ok(None);
        }
        let length = usize::try_from(u32::from_le_bytes(length)).map_err(|_| Breach::TooLong)?;
        if length > kind.limit(options) {
            return Err(Breach::TooLong);
        }
        self.frame = Some((kind, length));
        Ok(self.frame)
    }

    /// Never more than the frame's length, nor than twice what is here.
    fn make_room(&mut self, more: usize, length: usize) {
        let needed = self.body.len() + more;
        if needed > self.body.capacity() {
            let wanted = (2 * self.body.len()).max(needed).max(FIRST).min(length);
            self.body.reserve_exact(wanted - self.body.len());
        }
    }

    /// By when the frame that began must be whole.
    pub(in super::super) fn deadline(&self, options: &Options) -> Option<Duration> {
        let length = self.frame.map_or(0, |(_, length)| length);
        self.began.map(|began| began + options.message + Duration::from_secs((length / RATE) as u64))
    }

    /// The bytes that it holds.
    #[cfg(test)]
    pub(in super::super) fn held(&self) -> usize {
        self.body.capacity()
    }
}
