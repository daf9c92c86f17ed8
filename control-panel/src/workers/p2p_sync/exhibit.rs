//! Peers show themselves in a console.

use super::PeerSyncHandle;
use crate::console::{Board, Exhibit, PeerRow};

/// Who is trusted and who is online. How far a peer lags is a matter of the replica's versions, which a program adds by a row of its
/// own where it knows them.
impl Exhibit for PeerSyncHandle {
    fn show(&self, board: &mut Board) {
        let status = self.status();
        for peer in &status.peers {
            let state = match (peer.trusted, peer.grant) {
                (None, _) => "revoked".to_owned(),
                (Some(_), Some(grant)) => format!("{grant:?}").to_lowercase(),
                (Some(_), None) => "trusted".to_owned(),
            };
            board.peer(PeerRow {
                name: peer.peer.to_string(),
                online: peer.online,
                state,
                bytes: self.shared.bytes(&peer.peer),
                ..PeerRow::default()
            });
        }
    }
}
