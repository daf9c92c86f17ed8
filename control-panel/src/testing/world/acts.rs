//! What the owner does, and users who undo.

use super::faults::Retirement;
use crate::replica::{Grant, Peer, Replica, Stamp, State, Version};

/// What became of the retirement.
#[derive(Clone, Debug, Default)]
pub(super) struct Acts {
    /// What the owner had when it retired the member.
    pub(super) known: Option<Version>,
    /// The place of the invitation that followed.
    pub(super) invite: Option<Stamp>,
}

impl Acts {
    /// The owner's part in this frame.
    pub(super) fn owner<S: State>(
        &mut self,
        frame: u64,
        retirement: &Retirement,
        victim: Peer,
        owner: &mut Replica<S>,
    ) {
        if self.known.is_none() && frame >= retirement.at {
            self.known = Some(owner.version().clone());
            // It is an owner of the group from the beginning.
            let _ = owner.retire(victim);
        } else if self.known.is_some()
            && self.invite.is_none()
            && retirement.invited_at.is_some_and(|at| frame >= at)
        {
            self.invite = owner.invite(victim, Grant::Owner).ok();
        }
    }
}
