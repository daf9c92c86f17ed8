//! Which reducer each member runs.

use std::collections::BTreeMap;

use super::Peer;

/// The fingerprint that each peer declared last.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "codec", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Reducers(BTreeMap<Peer, (u64, u64)>);

impl Reducers {
    /// A run of `peer` that begins at this Lamport time declares a fingerprint.
    pub(crate) fn declare(&mut self, peer: Peer, lamport: u64, fingerprint: u64) {
        let last = self.0.entry(peer).or_default();
        // Of two branches with one time the greater counts: the same everywhere.
        *last = (*last).max((lamport, fingerprint));
    }

    /// Whether all of these but `me` run the same reducer as it, as far as they said: one that was never heard may run another.
    pub(crate) fn agree<'a>(
        &self,
        me: Peer,
        mut members: impl Iterator<Item = &'a Peer>,
        fingerprint: u64,
    ) -> bool {
        members
            .all(|peer| *peer == me || self.0.get(peer).is_some_and(|(_, declared)| *declared == fingerprint))
    }
}
