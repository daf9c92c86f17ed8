//! What a peer has of this program's own author, and this program does not.

use crate::{Peer, replica::Version};

/// A peer has operations that this replica's own author made and that are not here: the log was lost, a backup restored, or the machine set back. Give it to
/// [`Replica::remember`](crate::Replica::remember), so that what is committed before they arrive does not contradict them.
///
/// It comes as contact begins, before the first delta of the peer, and is only what that peer says: one that does not bring what it spoke of is not heard
/// a second time.
///
/// As an intent:
///
/// ```
/// use control_panel::{GraphIntent, workers::p2p_sync::PeerRemembers};
///
/// #[derive(Debug, GraphIntent)]
/// enum Update {
///     #[intent(from)]
///     PeerRemembers(PeerRemembers),
///     // And those of deltas and contact. In `apply`: `self.replica.remember(&it.version)`.
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerRemembers {
    /// Which peer says so.
    pub peer: Peer,
    /// What it has of the operations of this peer, in all its lives.
    pub version: Version,
}
