//! When this replica owes an acknowledgement, and which member holds back.

use super::{
    act::{ActId, Known},
    members::Counted,
    membership::Membership,
};
use crate::replica::{Peer, ReplicaNotice};

/// What was asked before.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// Calls since an acknowledgement became due.
    pub(super) waited: usize,
    /// Whether the bound was exceeded at the last call.
    over_bound: bool,
    /// When an acknowledgement was due last.
    due: Option<Progress>,
    /// When the last one was made.
    made: Option<Progress>,
}

/// What an acknowledgement can add to. All of it has an end while nothing but acknowledgements is made, so they have one too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Progress {
    last: u64,
    /// The sum of the members' clocks and lows, none above `last`.
    levels: u64,
    acts: usize,
    /// What retirements lack to be final: in the past of the run that this replica would make now, and of its last runs.
    missing: [usize; 2],
    unseen: usize,
    /// Retirements by this peer, for which all others have voted but not in its past.
    words: usize,
}

/// So many members share a turn.
const MEMBERS_A_TURN: usize = 16;

impl Asked {
    /// This replica made a run, which acknowledges too.
    pub(super) fn made(&mut self) {
        self.waited = 0;
        self.made = self.due.take().or(self.made);
    }
}

impl Membership {
    /// Whether this replica should make a run of one `Ack`, having nothing else to say. Asked once a frame.
    ///
    /// One is due where others wait for this replica's clock to pass the last operation, or for its word that it has all up to
    /// that from every member, and it has. After both there is nothing to add, whatever acknowledgements of others come, so the
    /// group falls silent. With many members one waits some calls, for what it could include too.
    pub(crate) fn ack_due(&mut self) -> bool {
        if !self.owes_ack() {
            self.asked.waited = 0;
            return false;
        }
        let turns = self.live.view.members.len() / MEMBERS_A_TURN;
        let due = self.asked.waited >= turns;
        self.asked.waited += usize::from(!due);
        if !due {
            return false;
        }
        // Where what this replica has is more than its runs can declare (its past counts a member that all do not), another
        // acknowledgement declares no more than the last.
        self.asked.due = Some(self.progress());
        self.asked.due != self.asked.made
    }

    fn progress(&self) -> Progress {
        let last = self.live.last_operation.max(self.live.awaited);
        let own = || self.peers.chains(self.live.me).iter().map(|chain| &self.chains[chain.index()]);
        let level = |counted: &Counted| {
            let level = self.live.level(counted.peer);
            level.clock.min(last) + level.low.min(last)
        };
        let next = self.live.next.as_deref();
        Progress {
            last,
            levels: self.live.view.counted.iter().map(level).sum(),
            acts: self.acts.len(),
            missing: [
                next.map_or(0, |next| next.missing.len()),
                own().map(|chain| chain.view.missing.len()).sum(),
            ],
            unseen: own().map(|chain| chain.known.unseen.len()).sum(),
            words: self.words_owed(),
        }
    }

    fn owes_ack(&self) -> bool {
        let (view, last) = (&self.live.view, self.live.last_operation.max(self.live.awaited));
        if last == 0 {
            return false;
        }
        if !view.members.contains_key(&self.me.peer) {
            return self.words_owed() > 0 || self.owes_refusal();
        }
        let declared = self.live.level(self.live.me);
        // A retirement becomes final by acknowledgements of it, also from those whose clock is past it.
        let heard_of_acts = || {
            let mut own = self.peers.chains(self.live.me).iter();
            self.acts.is_empty() || own.any(|chain| self.chains[chain.index()].known.unseen.is_empty())
        };
        declared.clock < last
            || (declared.low < last && self.live.low.level >= last)
            || !heard_of_acts()
            || self.words_owed() > 0
            || self.finds_final()
    }

    /// How many of this peer's retirements have all others' votes, and not its own.
    fn words_owed(&self) -> usize {
        self.wordless().filter(|id| self.is_voted(*id, &|_| u64::MAX)).count()
    }

    /// Whether this peer heard first of what retires it, and has not said so: no word of its own comes any more, and all others wait for either.
    fn owes_refusal(&self) -> bool {
        let scope = self.scope(&[], &|_| u64::MAX, Some(self.me.peer));
        let is_said = |of: ActId| self.own_known().any(|known| known.get(of).is_some());
        self.wordless().any(|id| (0..self.acts.len()).any(|of| scope.is_against(id, of) && !is_said(of)))
    }

    /// This peer's retirements that need its word, which none of its lives has given.
    fn wordless(&self) -> impl Iterator<Item = ActId> + '_ {
        let last = self.peers.chains(self.live.me).last().filter(|_| !self.acts.is_empty());
        let unvoted = last.into_iter().flat_map(|chain| self.unvoted(*chain));
        unvoted.filter(|id| self.own_known().all(|known| known.get_voted(*id).is_none()))
    }

    fn own_known(&self) -> impl Iterator<Item = &Known> {
        self.peers.chains(self.live.me).iter().map(|chain| &self.chains[chain.index()].known)
    }

    /// The member that the watermark waits for; of several the one with the lowest clock, as that holds the others' lows. `None` if this replica
    /// waits for no other.
    pub(crate) fn holds_back(&self) -> Option<Peer> {
        let others = self.live.view.counted.iter().filter(|counted| counted.peer != self.live.me);
        let behind = |counted: &&Counted| (self.live.low_of(counted), self.live.level(counted.peer).clock);
        others.min_by_key(behind).map(|counted| self.peers.name(counted.peer))
    }

    /// Reports a member that holds back when more operations than the bound are not stable: once for each time that they become so.
    #[inline]
    pub(crate) fn check_bound(&mut self, unstable_ops: usize, bound: usize) -> Option<ReplicaNotice> {
        if unstable_ops <= bound {
            self.asked.over_bound = false;
            return None;
        }
        self.hold_back(unstable_ops)
    }

    #[inline(never)]
    fn hold_back(&mut self, unstable_ops: usize) -> Option<ReplicaNotice> {
        if self.asked.over_bound {
            return None;
        }
        let peer = self.holds_back()?;
        self.asked.over_bound = true;
        Some(ReplicaNotice::PeerHoldsBack { peer, ops: unstable_ops })
    }
}
