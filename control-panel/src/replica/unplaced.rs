//! What a replica commits before its peer is invited, or while its journal fails.
//!
//! Before an invitation, all others refuse a first run that has no invitation in its past, and with it whatever follows: so there must be none. What is
//! not durable is not promised. The operations get no place in the order, and come back.

use super::{Author, Replica, ReplicaNotice, Stamp, State};

/// Operations that are in no run, and never will be.
pub(super) struct Unplaced<Op> {
    /// Those that were not taken yet.
    ops: Vec<(Stamp, Op)>,
    /// How many there were.
    count: u64,
}

impl<Op> Unplaced<Op> {
    pub(super) fn new() -> Self {
        Self { ops: Vec::new(), count: 0 }
    }

    /// Keeps an operation until it is taken. No operation in a run has the Lamport time 0, so the stamp is no other's.
    fn keep(&mut self, author: Author, op: Op) -> Stamp {
        let stamp = Stamp { lamport: 0, author, seq: self.count };
        self.count += 1;
        self.ops.push((stamp, op));
        stamp
    }

    pub(super) fn take(&mut self) -> Vec<(Stamp, Op)> {
        std::mem::take(&mut self.ops)
    }
}

impl<S: State> Replica<S> {
    /// Whether no invitation of this peer is merged here: a run of its own would be refused everywhere.
    pub(super) fn is_uninvited(&self) -> bool {
        !self.membership.was_invited(self.me.peer)
    }

    /// A local operation that is not made.
    pub(super) fn commit_unplaced(&mut self, op: S::Op) -> Stamp {
        self.notices.push(ReplicaNotice::OwnVoid { ops: 1 });
        self.unsettled = true;
        self.unplaced.keep(self.me, op)
    }
}
