//! What the owner does, what the member does that it retires, and what follows from it: by the protocol's rules, from the runs and
//! their pasts alone.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    faults::Retirement,
    ledger::{Ledger, Runs},
};
use crate::replica::{
    Grant, Peer, Replica, Stamp, State,
    run::{Operation, Run},
};

/// What became of the retirement: the places of what was done.
#[derive(Clone, Debug, Default)]
pub(super) struct Acts {
    /// The owner retired the member.
    retire: Option<Stamp>,
    /// It invited it again.
    invite: Option<Stamp>,
    /// The member retired its owner.
    counter: Option<Stamp>,
    /// The peers that were invited, which are no members from the beginning.
    invited: Vec<(Peer, Stamp)>,
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
        if self.retire.is_none() && frame >= retirement.at {
            // It is an owner of the group from the beginning.
            self.retire = owner.retire(victim).ok();
        } else if self.retire.is_some()
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
        if retirement.contested && self.counter.is_none() && frame >= retirement.at {
            self.counter = member.retire(owner).ok();
        }
    }

    /// Whether that one was invited of those that join.
    pub(super) fn is_invited(&self, joiner: usize) -> bool {
        joiner < self.invited.len()
    }

    /// The host's part: it invites the peers that are to join by now, the first ones to read. `joiner` is the peer of each.
    pub(super) fn host<S: State>(
        &mut self,
        frame: u64,
        (invitations, readers): (&[u64], usize),
        joiner: impl Fn(usize) -> Peer,
        host: &mut Replica<S>,
    ) {
        let index = self.invited.len();
        if invitations.get(index).is_some_and(|at| frame >= *at) {
            let peer = joiner(index);
            let grant = if index < readers { Grant::Read } else { Grant::Write };
            self.invited.extend(host.invite(peer, grant).ok().map(|stamp| (peer, stamp)));
        }
    }

    /// Runs that are void, as their peer was retired without them: of `parts`, the owner and the member.
    ///
    /// The owner is the senior of the two. But where all others have the member's word in a run before they have the owner's, it is the
    /// owner that is retired; of several others the member must have had all their words too before it has the owner's.
    pub(super) fn void<Op>(&self, ledger: &Ledger<Op>, genesis: &[Peer], parts: [Peer; 2]) -> Runs {
        let run_of = |stamp: Option<Stamp>| stamp.and_then(|stamp| ledger.run_of(&stamp));
        let later = |run: Option<&Run<Op>>| run.map_or_else(Runs::new, |run| ledger.from(run.hash));
        let (retire, counter) = (run_of(self.retire), run_of(self.counter));
        let (heard_owner, heard_member) = (later(retire), later(counter));
        let has_voted = |peer: &Peer| {
            ledger.of(*peer).any(|run| heard_member.contains(&run.hash) && !heard_owner.contains(&run.hash))
        };
        let before = counter.map_or_else(Runs::new, |counter| ledger.upto(counter.hash));
        let knew = |stamp: &Stamp| ledger.run_of(stamp).is_some_and(|run| before.contains(&run.hash));
        let invited = self.invited.iter().filter(|(_, stamp)| knew(stamp)).map(|(peer, _)| peer);
        let others: Vec<&Peer> = genesis.iter().chain(invited).filter(|peer| !parts.contains(peer)).collect();
        let has_all = |run: &Run<Op>| {
            let past = ledger.upto(run.hash);
            let is_vote = |run: &Run<Op>| past.contains(&run.hash) && heard_member.contains(&run.hash);
            !heard_owner.contains(&run.hash) && others.iter().all(|peer| ledger.of(**peer).any(is_vote))
        };
        let by_junior = match &others[..] {
            [] => false,
            [other] => has_voted(other),
            _ => ledger.of(parts[1]).any(has_all),
        };
        let (retired, by, invited) = if by_junior {
            (parts[0], counter, Runs::new())
        } else {
            (parts[1], retire, later(run_of(self.invite)))
        };
        let Some(by) = by else { return Runs::new() };
        let known = ledger.upto(by.hash);
        let void = |run: &&Run<Op>| !known.contains(&run.hash) && !invited.contains(&run.hash);
        ledger.of(retired).filter(void).map(|run| run.hash).collect()
    }
}

/// What is taken back in the end: an undo that is undone takes nothing back, nor does one in a void run, nor one that sorts after a cut that
/// covers what it is about in the end.
pub(super) fn taken_back<Op>(ledger: &Ledger<Op>, void: &Runs) -> BTreeSet<Stamp> {
    let (mut undos, mut cuts) = (BTreeMap::new(), Vec::new());
    for (at, operation) in ledger.acts(void) {
        match operation {
            Operation::Revoke { stamp } => _ = undos.insert(at, **stamp),
            Operation::Cut { upto } => cuts.push((at, *upto)),
            _ => {}
        }
    }
    let mut back = BTreeSet::new();
    for (at, target) in undos.iter().rev() {
        let mut about = *target;
        while let Some(next) = undos.get(&about) {
            about = *next;
        }
        let is_covered = cuts.iter().any(|(cut, upto)| cut < at && *upto >= about.lamport);
        if !back.contains(at) && !is_covered {
            back.insert(*target);
        }
    }
    back
}
