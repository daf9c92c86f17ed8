//! What a session serves: the link's, as bytes.

use std::sync::Arc;

use super::snapshots::Given;
use crate::{
    anti_entropy::{PIECE, Payload, Piece, Store, Wire},
    link::{Backlog, Link, ServeError},
    replica::{
        State, Version,
        codec::{COVERED, Limits},
    },
};

/// A stretch that one signature covers is handed on whole.
const _: () = assert!(COVERED <= PIECE);

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
        let limits = link.limits().with_bytes(PIECE.min(link.limits().bytes));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Peer, Replica, Stamp, replica::codec::Postcard};

    #[derive(Clone, serde::Serialize, serde::Deserialize)]
    struct Nothing;

    impl State for Nothing {
        type Op = String;

        fn apply(&mut self, _: &String, _: &Stamp) {}
    }

    /// The lengths of the pieces in which a peer gets 200 runs of 8 KiB, where all replicas accept so many bytes.
    fn pieces(bytes: usize) -> Vec<usize> {
        let limits = Limits::default().with_bytes(bytes);
        let mut replica = Replica::builder(Peer([1; 32]), Nothing).codec(Postcard::new(), limits).build();
        let mut store = LinkStore::new(replica.link());
        for _ in 0..200 {
            replica.commit("x".repeat(8 << 10));
            let _ = (replica.settle(), replica.outbox());
        }
        store.refresh();
        assert!(store.begin(&Version::new()).unwrap());
        let pieces = std::iter::from_fn(|| store.next().unwrap());
        pieces.map(|piece| piece.delta.len()).collect()
    }

    #[test]
    fn no_piece_is_longer_than_the_limit_of_all() {
        for (limit, most) in [(16 << 20, PIECE), (100 << 10, 100 << 10)] {
            let pieces = pieces(limit);
            assert!(pieces.iter().all(|length| *length <= most), "{pieces:?}");
            assert!(pieces.iter().any(|length| *length > most - (10 << 10)), "{pieces:?}");
        }
    }
}
