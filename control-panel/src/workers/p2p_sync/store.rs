//! What a session serves: the link's, as bytes.

use std::sync::Arc;

use super::snapshots::Given;
use crate::{
    anti_entropy::{PIECE, Payload, Piece, Store, Wire},
    link::{Backlog, Link, ServeError},
    replica::{State, Version, codec::Limits},
};

/// One session's view of the link.
pub(super) struct LinkStore<S: State> {
    link: Link<S>,
    version: Version,
    /// What was published and durable when the version was read.
    seen: (u64, u64),
    limits: Limits,
    backlog: Option<Backlog<S::Op>>,
    /// What was offered.
    given: Option<Arc<Given>>,
}

impl<S: State> LinkStore<S> {
    pub(super) fn new(link: Link<S>) -> Self {
        let limits = link.limits().with_bytes(PIECE);
        let seen = (link.published(), link.durable());
        Self { version: link.durable_version(), seen, link, limits, backlog: None, given: None }
    }

    /// It is offered from here on.
    pub(super) fn give(&mut self, given: Arc<Given>) {
        self.given = Some(given);
    }

    /// Whether what is sent next is read from a file.
    pub(super) fn blocks(&self) -> bool {
        self.link.is_journaled() || self.given.as_ref().is_some_and(|given| given.bytes.is_on_disk())
    }

    /// Brings the version up to what is durable now.
    pub(super) fn refresh(&mut self) {
        // Read before the version, which may be newer.
        let seen = (self.link.published(), self.link.durable());
        if self.seen != seen {
            (self.version, self.seen) = (self.link.durable_version(), seen);
        }
    }
}

impl<S: State> Store<Wire> for LinkStore<S> {
    type Error = ServeError;

    fn version(&self) -> &Version {
        &self.version
    }

    fn begin(&mut self, version: &Version) -> Result<bool, ServeError> {
        self.given = None;
        self.backlog = self.link.since(version, &self.limits)?;
        Ok(self.backlog.is_some())
    }

    fn next(&mut self) -> Result<Option<Piece<Wire>>, ServeError> {
        let Some(piece) = self.backlog.as_mut().and_then(Iterator::next).transpose()? else {
            self.backlog = None;
            return Ok(None);
        };
        Ok(Some(Piece { delta: piece.encode()?, extent: piece.extent() }))
    }

    fn chunk(&mut self, offset: u64, room: usize) -> Result<<Wire as Payload>::Chunk, ServeError> {
        let given = self.given.as_ref().expect("it was offered");
        given.bytes.read(offset, room).map_err(|error| ServeError::Journal(error.into()))
    }
}
