//! Peers show themselves in a console.

use std::sync::{Arc, Weak};

use super::{PeerSyncHandle, shared::Shared};
use crate::{
    console::{Board, Exhibit, PeerRow},
    link::Link,
    replica::{State, Version},
};

/// What the worker shows: as a handle does, with how far each peer lags, and what its late operations cost. It keeps neither the worker's
/// state nor its files.
pub(super) struct Shown<S: State> {
    shared: Weak<Shared>,
    link: Link<S>,
}

impl<S: State> Shown<S> {
    pub(super) fn new(shared: &Arc<Shared>, link: Link<S>) -> Self {
        Self { shared: Arc::downgrade(shared), link }
    }
}

impl<S: State> Exhibit for Shown<S> {
    fn show(&self, board: &mut Board) {
        let Some(shared) = self.shared.upgrade() else { return };
        let (ours, depths) = (self.link.version(), self.link.redo_depths());
        PeerSyncHandle { shared: Arc::clone(&shared) }.rows(|peer, row| {
            let depth = depths.iter().find(|(late, _)| late == peer).map_or(0, |(_, depth)| *depth);
            board.peer(PeerRow {
                lag: shared.state().had.get(peer).map(|had| lacks(had, &ours)),
                redo_depth: Some(depth),
                ..row
            });
        });
    }
}

/// How many operations of `ours` that version does not have.
fn lacks(had: &Version, ours: &Version) -> u64 {
    ours.iter().map(|(author, count)| count.saturating_sub(had.get(author))).sum()
}

/// Each peer, its state, and the bytes of its connection. How far it lags only the worker's own exhibit knows.
impl Exhibit for PeerSyncHandle {
    fn show(&self, board: &mut Board) {
        self.rows(|_, row| board.peer(row));
    }
}

impl PeerSyncHandle {
    fn rows(&self, mut show: impl FnMut(&crate::Peer, PeerRow)) {
        for peer in &self.status().peers {
            let state = match (peer.trusted, peer.grant) {
                (None, _) => "revoked".to_owned(),
                (Some(_), Some(grant)) => format!("{grant:?}").to_lowercase(),
                (Some(_), None) => "trusted".to_owned(),
            };
            let row = PeerRow {
                name: peer.peer.to_string(),
                online: peer.online,
                state,
                bytes: self.shared.bytes(&peer.peer),
                ..PeerRow::default()
            };
            show(&peer.peer, row);
        }
    }
}
