//! Which intents the worker makes beside deltas and contact.

use std::fmt;

use super::{PeerMisbehaved, PeerPresence};

/// The intents that a program may have of its peers beside [deltas](crate::Delta), [`PeerOnline`](super::PeerOnline) and [`PeerOffline`](super::PeerOffline), for
/// [`into_worker_with`](super::PeerSync::into_worker_with). What is not named here is counted, or dropped.
///
/// ```
/// use control_panel::{Delta, GraphIntent};
/// use control_panel::workers::p2p_sync::{PeerIntents, PeerMisbehaved, PeerPresence};
///
/// #[derive(Debug, GraphIntent)]
/// enum Update {
///     #[intent(latest = 0, from)]
///     PeerPresence(PeerPresence),
///     #[intent(from)]
///     PeerMisbehaved(PeerMisbehaved),
///     // And those of deltas and contact.
/// }
///
/// let intents = PeerIntents::<Update>::new().presence().misbehaved();
/// # let _ = intents;
/// ```
pub struct PeerIntents<I> {
    pub(super) misbehaved: Option<fn(PeerMisbehaved) -> I>,
    pub(super) presence: Option<fn(PeerPresence) -> I>,
}

impl<I> PeerIntents<I> {
    /// None of them.
    pub fn new() -> Self {
        Self { misbehaved: None, presence: None }
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
}

impl<I> Default for PeerIntents<I> {
    fn default() -> Self {
        Self::new()
    }
}

impl<I> Clone for PeerIntents<I> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<I> Copy for PeerIntents<I> {}

impl<I> fmt::Debug for PeerIntents<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerIntents")
            .field("misbehaved", &self.misbehaved.is_some())
            .field("presence", &self.presence.is_some())
            .finish()
    }
}
