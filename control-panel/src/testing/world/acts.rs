//! What the owner does, what the member does that it retires, and users who undo.

use std::collections::BTreeSet;

use super::faults::Retirement;
use crate::replica::{Grant, Peer, Replica, Stamp, State, Version};

/// What became of the retirement.
#[derive(Clone, Debug, Default)]
pub(super) struct Acts {
    /// What the owner had when it retired the member.
    pub(super) known: Option<Version>,
    /// The place of the invitation that followed.
    pub(super) invite: Option<Stamp>,
    /// Whether the member retired its owner.
    contested: bool,
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
    /// The retired member's part: it retires the owner while it cannot know that it is retired itself.
    pub(super) fn member<S: State>(
        &mut self,
        frame: u64,
        retirement: &Retirement,
        owner: Peer,
        member: &mut Replica<S>,
    ) {
        if retirement.contested && !self.contested && frame >= retirement.at {
            self.contested = true;
            let _ = member.retire(owner);
        }
    }
}

/// A revocation, and what it takes back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Undo {
    pub(super) at: Stamp,
    pub(super) target: Stamp,
}

/// What is taken back in the end, by all that was: an undo that is undone takes nothing back.
pub(super) fn taken_back(mut undos: Vec<Undo>) -> BTreeSet<Stamp> {
    undos.sort_unstable_by_key(|undo| undo.at);
    let mut back = BTreeSet::new();
    for undo in undos.iter().rev() {
        if !back.contains(&undo.at) {
            back.insert(undo.target);
        }
    }
    back
}
