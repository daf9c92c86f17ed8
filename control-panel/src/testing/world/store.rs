//! What a session serves: what a node has stored.

use std::{collections::VecDeque, convert::Infallible};

use super::objects::{Chunk, Given, Objects, pieces};
use crate::{
    anti_entropy::{Extent, Piece, Store},
    replica::{Delta, Replica, State, Version},
};

/// One session's view of a node that has stored all that its replica has.
pub(super) struct View<'a, S: State> {
    /// `None` of one that waits for a snapshot to begin with.
    pub(super) replica: Option<&'a Replica<S>>,
    pub(super) stored: &'a Version,
    /// What is to be given next.
    pub(super) pieces: &'a mut VecDeque<Delta<S::Op>>,
    /// What was offered.
    pub(super) given: &'a mut Option<Given<S>>,
    /// Whether the other begins with a snapshot, whatever it lacks.
    pub(super) is_joining: bool,
}

impl<S: State> Store<Objects<S>> for View<'_, S> {
    type Error = Infallible;

    fn version(&self) -> &Version {
        self.stored
    }

    fn begin(&mut self, version: &Version) -> Result<bool, Infallible> {
        *self.given = None;
        self.pieces.clear();
        let Some(replica) = self.replica else { return Ok(true) };
        debug_assert_eq!(replica.version(), self.stored, "it sends what it has not stored");
        if self.is_joining || !replica.reaches(version) {
            return Ok(false);
        }
        *self.pieces = pieces(replica.since(version));
        Ok(true)
    }

    fn next(&mut self) -> Result<Option<Piece<Objects<S>>>, Infallible> {
        let piece = self.pieces.pop_front();
        Ok(piece.map(|delta| Piece { extent: Extent::of(&delta), delta }))
    }

    fn chunk(&mut self, offset: u64, room: usize) -> Result<Chunk<S>, Infallible> {
        Ok(self.given.as_ref().expect("it was offered").chunk(offset, room))
    }
}
