//! What this replica cannot read, as its program is older than the author's.

use std::collections::BTreeMap;

use super::{Replica, ReplicaNotice, Stamp, State, revocations::Key};

/// The operations of newer schemas that are not void. A program has few of them, or is about to be updated; each costs some 100 bytes beside its run.
#[derive(Debug, Default)]
pub(super) struct Unread {
    /// With their schemas.
    ops: BTreeMap<Key, u32>,
    /// The newest schema that was reported.
    reported: u32,
}

impl Unread {
    /// Its run became void.
    pub(super) fn remove(&mut self, at: &Key) {
        self.ops.remove(at);
    }

    /// None was seen yet; what was reported is not reported again.
    pub(super) fn begin_again(&mut self) {
        self.ops.clear();
    }
}

impl<S: State> Replica<S> {
    /// The first operation that belongs in the state, and is not there as this program cannot read it.
    pub(super) fn first_unread(&self) -> Option<(Stamp, u32)> {
        let mut unread = self.unread.ops.iter().map(|((stamp, _), schema)| (*stamp, *schema));
        unread.find(|(stamp, _)| !self.revocations.leaves_out(stamp))
    }

    /// An operation of a newer schema became part of what the state is made of.
    pub(super) fn miss(&mut self, at: Key, schema: u32) {
        self.unread.ops.insert(at, schema);
        if schema > self.unread.reported {
            self.unread.reported = schema;
            self.notices.push(ReplicaNotice::NeedsUpgrade { schema });
        }
    }

    /// The last Lamport time up to which this program can read all, at most `upto`. Nothing above it is stable here, as the state is not what it will be
    /// after the update: no cut covers it, no history is forgotten, no effect handed out, no digest taken.
    #[inline]
    pub(super) fn readable(&self, upto: u64) -> u64 {
        if self.unread.ops.is_empty() {
            return upto;
        }
        self.first_unread().map_or(upto, |(first, _)| upto.min(first.lamport.saturating_sub(1)))
    }
}
