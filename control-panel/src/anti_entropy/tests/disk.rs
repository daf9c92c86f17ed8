//! What is durable of a replica, as a session's store.

use std::{collections::VecDeque, convert::Infallible};

use super::{
    super::{Extent, PIECE, Piece, Store, Wire},
    group::Words,
};
use crate::replica::{Delta, Replica, Version, codec::Limits};

/// What is durable: a replica that takes all that another has.
pub(super) struct Disk {
    pub(super) replica: Replica<Words>,
    /// The bytes that were offered.
    pub(super) snapshot: Vec<u8>,
    /// How often it was asked what another lacks.
    pub(super) asked: u64,
}

impl Disk {
    pub(super) fn new(replica: Replica<Words>) -> Self {
        Self { replica, snapshot: Vec::new(), asked: 0 }
    }

    pub(super) fn version(&self) -> &Version {
        self.replica.version()
    }

    /// For one session.
    pub(super) fn view<'a>(&'a mut self, pieces: &'a mut VecDeque<Delta<String>>) -> View<'a> {
        View { disk: self, pieces }
    }
}

/// A disk as one session sees it.
pub(super) struct View<'a> {
    disk: &'a mut Disk,
    pieces: &'a mut VecDeque<Delta<String>>,
}

impl Store<Wire> for View<'_> {
    type Error = Infallible;

    fn version(&self) -> &Version {
        self.disk.version()
    }

    fn begin(&mut self, version: &Version) -> Result<bool, Infallible> {
        self.disk.asked += 1;
        let reaches = self.disk.replica.reaches(version);
        let missing =
            if reaches { self.disk.replica.since(version) } else { self.disk.replica.since(self.version()) };
        *self.pieces = missing.parts(&Limits::default().with_bytes(PIECE)).into();
        Ok(reaches)
    }

    fn next(&mut self) -> Result<Option<Piece<Wire>>, Infallible> {
        let piece =
            |delta: Delta<String>| Piece { extent: Extent::of(&delta), delta: delta.encode().unwrap() };
        Ok(self.pieces.pop_front().map(piece))
    }

    fn chunk(&mut self, offset: u64, room: usize) -> Result<Vec<u8>, Infallible> {
        let offset = usize::try_from(offset).unwrap();
        Ok(self.disk.snapshot[offset..][..room].to_vec())
    }
}
