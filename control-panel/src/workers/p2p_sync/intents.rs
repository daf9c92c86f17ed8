//! Which intents the worker makes beside deltas and contact.

use std::fmt;

use super::{PeerMisbehaved, PeerPresence, PeerRemembers, PeerSnapshot};
use crate::State;

/// The intents that a program may have of its peers beside [deltas](crate::Delta), [`PeerOnline`](super::PeerOnline) and [`PeerOffline`](super::PeerOffline), for
/// [`into_worker_with`](super::PeerSync::into_worker_with). What is not named here is counted, or dropped.
///
/// ```
/// use control_panel::workers::p2p_sync::{
///     PeerIntents, PeerMisbehaved, PeerPresence, PeerRemembers, PeerSnapshot,
/// };
/// use control_panel::{Delta, GraphIntent};
///
/// #[derive(GraphIntent)]
/// enum Update {
///     #[intent(latest = 0, from)]
///     PeerPresence(PeerPresence),
///     #[intent(from)]
///     PeerMisbehaved(PeerMisbehaved),
///     #[intent(from)]
///     PeerSnapshot(PeerSnapshot<Document>),
///     #[intent(from)]
///     PeerRemembers(PeerRemembers),
///     // And those of deltas and contact.
/// }
///
/// # #[derive(Clone)]
/// # struct Document;
/// # impl control_panel::State for Document {
/// #     type Op = String;
/// #     fn apply(&mut self, _: &String, _: &control_panel::Stamp) {}
/// # }
/// let intents = PeerIntents::<Update, Document>::new()
///     .presence()
///     .misbehaved()
///     .snapshots() // where history was let go
///     .remembers();
/// # let _ = intents;
/// ```
pub struct PeerIntents<I, S: State> {
    pub(super) misbehaved: Option<fn(PeerMisbehaved) -> I>,
    pub(super) presence: Option<fn(PeerPresence) -> I>,
    pub(super) snapshot: Option<fn(PeerSnapshot<S>) -> I>,
    pub(super) remembers: Option<fn(PeerRemembers) -> I>,
}

impl<I, S: State> PeerIntents<I, S> {
    /// None of them.
    pub fn new() -> Self {
        Self { misbehaved: None, presence: None, snapshot: None, remembers: None }
    }

    /// Peers that break the protocol are reported, once a peer and kind.
    pub fn misbehaved(self) -> Self
    where
        I: From<PeerMisbehaved>,
    {
        Self { misbehaved: Some(I::from), ..self }
    }

    /// What peers [show](super::PeerSyncHandle::set_presence) of themselves, at most 20 times a second each.
    pub fn presence(self) -> Self
    where
        I: From<PeerPresence>,
    {
        Self { presence: Some(I::from), ..self }
    }

    /// What a peer gives where others have let go what this replica lacks. Without it the replica waits for a peer that has the history.
    pub fn snapshots(self) -> Self
    where
        I: From<PeerSnapshot<S>>,
    {
        Self { snapshot: Some(I::from), ..self }
    }

    /// A peer has of this replica's own author what is not here. Without it that is found out when the two are merged
    /// ([`NextLife`](crate::replica::ReplicaNotice::NextLife)), and what was committed meanwhile contradicts what is lost.
    pub fn remembers(self) -> Self
    where
        I: From<PeerRemembers>,
    {
        Self { remembers: Some(I::from), ..self }
    }
}

impl<I, S: State> Default for PeerIntents<I, S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<I, S: State> Clone for PeerIntents<I, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<I, S: State> Copy for PeerIntents<I, S> {}

impl<I, S: State> fmt::Debug for PeerIntents<I, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerIntents")
            .field("misbehaved", &self.misbehaved.is_some())
            .field("presence", &self.presence.is_some())
            .field("snapshots", &self.snapshot.is_some())
            .field("remembers", &self.remembers.is_some())
            .finish()
    }
}
