//! What a peer has of this program's own author, and this program does not.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use crate::{
    Peer,
    replica::{Version, codec::Limits},
};

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
///     // And those of deltas and contact. In `apply`:
///     // `self.replica.remember(&it.version)`.
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

/// With its version as [`Version::encode`] writes it, so that it can be recorded.
impl Serialize for PeerRemembers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.peer, self.version.encode()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PeerRemembers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (peer, version) = <(Peer, Vec<u8>)>::deserialize(deserializer)?;
        let version = Version::decode(&version, &Limits::default()).map_err(D::Error::custom)?;
        Ok(Self { peer, version })
    }
}
