//! A session over bytes.

use std::time::Duration;

use super::{
    super::{
        end::{End, Event, Waited},
        options::{Local, Options},
        payload::Store,
        session::Session,
    },
    Wire,
    frame::encode,
    reader::FrameReader,
};
use crate::replica::{Peer, Version};

/// A [`Session`] whose messages arrive and leave as the bytes of one ordered stream, in each direction.
pub(crate) struct Connection {
    session: Session<Wire>,
    reader: FrameReader,
    options: Options,
}

impl Connection {
    pub(crate) fn new(local: Local, peer: Peer, options: Options) -> Self {
        Self { session: Session::new(local, peer, options), reader: FrameReader::default(), options }
    }

    /// Bytes that arrived: reads up to the first event, and leaves the rest in `bytes`. Call it until there is neither.
    ///
    /// # Errors
    /// As [`Session::receive`]'s.
    pub(crate) fn receive(
        &mut self,
        bytes: &mut &[u8],
        ours: &Version,
        now: Duration,
    ) -> Result<Option<Event<Wire>>, End> {
        loop {
            if self.session.is_over() {
                *bytes = &[];
                return Ok(None);
            }
            let read = self.reader.read(bytes, &self.options, self.session.is_ready(), now);
            let message = match read {
                Ok(Some(message)) => message,
                Ok(None) => return Ok(None),
                Err(breach) => return self.session.end(End::Misbehaved(breach)),
            };
            if let Some(event) = self.session.receive(message, ours, now)? {
                return Ok(Some(event));
            }
        }
    }

    /// Appends the next frame, if there is one to send now.
    ///
    /// # Errors
    /// As [`Session::send`]'s.
    pub(crate) fn send<S: Store<Wire>>(
        &mut self,
        out: &mut Vec<u8>,
        store: &mut S,
        now: Duration,
    ) -> Result<bool, S::Error> {
        let message = self.session.send(store, now)?;
        if let Some(message) = &message {
            encode(message, out);
        }
        Ok(message.is_some())
    }

    /// As [`Session::tick`], and a message must arrive whole in time.
    ///
    /// # Errors
    /// As [`Session::tick`]'s.
    pub(crate) fn tick(&mut self, now: Duration) -> Result<(), End> {
        let late = self.reader.deadline(&self.options).is_some_and(|at| now >= at);
        if late && !self.session.is_over() {
            return self.session.end(End::Stalled(Waited::Message));
        }
        self.session.tick(now)
    }

    /// When to call [`tick`](Self::tick), and then [`send`](Self::send), at the latest.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        let message = self.reader.deadline(&self.options).filter(|_| !self.session.is_over());
        [message, self.session.deadline()].into_iter().flatten().min()
    }

    pub(crate) fn session(&self) -> &Session<Wire> {
        &self.session
    }

    pub(crate) fn session_mut(&mut self) -> &mut Session<Wire> {
        &mut self.session
    }

    /// The bytes of the frame that arrives.
    #[cfg(test)]
    pub(in super::super) fn held(&self) -> usize {
        self.reader.held()
    }
}
