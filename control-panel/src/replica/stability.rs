//! What can no longer change: effects, compaction, comparison.

use super::{Peer, Replica, Stamp, State};

impl<S: State> Replica<S> {
    /// All operations up to this Lamport time are stable: every member has them, knows that every member has them, and none can sort
    /// before them any more. It never goes back. 0 at the beginning.
    ///
    /// What this replica says itself counts in a later frame than the one that made it: when its journal has it, or when the [`outbox`](Self::outbox) gave it out in an
    /// earlier frame. A replica that never had another member needs neither outbox nor wait.
    ///
    /// It stays below what the state has not got: operations that a [`Redo`](super::Redo) is still to apply, one whose `apply` panics and that is not void, and the first
    /// that this program cannot read ([`NeedsUpgrade`](super::ReplicaNotice::NeedsUpgrade)).
    pub fn watermark(&self) -> u64 {
        self.stable
    }

    /// What late work cost: for each peer of which operations came late, how many others were applied again above the lowest of those, over all frames and
    /// [jobs](super::Redo), since this replica began or was started. In the order of peers; none where it is 0. Costs nothing.
    ///
    /// Each is charged with what it would have caused alone, however late another's operations in the same frame are: several may be charged for one
    /// operation, so the sum may be more than [`Settled::redone`](super::Settled::redone) was. Lateness is no fault: a peer that was away has a high
    /// count once. One that grows with each frame, of a peer that is online, is of one that dates its operations as far back as it may; an
    /// owner may retire it. What a revocation or a retirement makes others redo is not charged.
    ///
    /// ```
    /// use control_panel::{Peer, Replica, Stamp, State};
    ///
    /// #[derive(Clone, Default)]
    /// struct Words(Vec<&'static str>);
    ///
    /// impl State for Words {
    ///     type Op = &'static str;
    ///
    ///     fn apply(&mut self, word: &&'static str, _: &Stamp) {
    ///         self.0.push(word);
    ///     }
    /// }
    ///
    /// let peers = [Peer([1; 32]), Peer([2; 32])];
    /// let [mut here, mut there] = peers.map(|peer| Replica::new(peer, peers, Words::default()));
    /// // Of one Lamport time that of the lower peer is the first.
    /// here.commit("first");
    /// there.commit("second");
    /// there.commit("third");
    /// there.merge(here.since(there.version()));
    /// let _ = there.settle();
    /// assert_eq!(there.redone_by_peer().collect::<Vec<_>>(), [(peers[0], 2)]);
    /// ```
    pub fn redone_by_peer(&self) -> impl Iterator<Item = (Peer, u64)> + '_ {
        self.fold.charged().iter().map(|(peer, redone)| (*peer, *redone))
    }

    /// How many of the state's operations are not stable yet. Costs a search in the log.
    pub fn unstable(&self) -> usize {
        self.fold.unstable(self.stable)
    }

    /// The operations of this replica's own peer that became stable since the last call, in order: for effects that cannot be taken
    /// back (a mail, a payment). Each is returned once, on its author's replica alone, and never if it is void.
    ///
    /// The watermark settles where an operation is in the order, and that it counts. Whether it is [left out](Self::revoke) is settled by a cut alone. So one that is
    /// left out when it becomes stable is kept aside: it is returned, before those that are new, once it is back in the state and what brought it back is stable too;
    /// and dropped when a cut covers it. One that is left out when the program stops is not returned by the next life: commit it anew.
    ///
    /// The stamp is the idempotency key. To perform an effect once across restarts too, note [`performed`](Self::performed) durably
    /// **before** performing, and start the next life with [`ReplicaBuilder::performed`](super::ReplicaBuilder::performed).
    ///
    /// Costs a look at each operation that became stable since the last call. What can be taken back belongs in [`Reconcile`](crate::Reconcile), which follows the state as it is. Call it from the first
    /// frame on, or never: what a cut covers is not kept for a first call.
    ///
    /// ```
    /// use control_panel::{Peer, Replica, Stamp, State};
    ///
    /// #[derive(Clone, Default)]
    /// struct Orders(Vec<&'static str>);
    ///
    /// impl State for Orders {
    ///     type Op = &'static str;
    ///
    ///     fn apply(&mut self, item: &&'static str, _: &Stamp) {
    ///         self.0.push(item);
    ///     }
    /// }
    ///
    /// let peers = [Peer([1; 32]), Peer([2; 32])];
    /// let [mut here, mut there] = peers.map(|peer| Replica::new(peer, peers, Orders::default()));
    /// here.commit("a lamp");
    /// assert!(here.settled_ops().is_empty(), "the other may still make it void");
    /// for _ in 0..3 {
    ///     let (out, back) = (here.outbox(), there.outbox());
    ///     out.into_iter().for_each(|delta| there.merge(delta));
    ///     back.into_iter().for_each(|delta| here.merge(delta));
    ///     let _ = (here.settle(), there.settle());
    /// }
    /// let mails: Vec<_> = here.settled_ops().into_iter().map(|(_, item)| item).collect();
    /// assert_eq!(mails, ["a lamp"]);
    /// assert!(here.settled_ops().is_empty() && there.settled_ops().is_empty());
    /// ```
    pub fn settled_ops(&mut self) -> Vec<(Stamp, S::Op)> {
        self.seal();
        let after = self.performed.unwrap_or(0);
        let upto = self.stable.max(after);
        self.performed = Some(upto);
        let mut settled = self.taken_back_in();
        let me = self.me.peer;
        let own = |stamp: &Stamp| stamp.author.peer == me;
        self.passed_over.extend(self.fold.revoked_entries(after, upto).filter(own));
        let stable = self.fold.entries(after, upto).filter(|(stamp, _)| own(stamp));
        settled.extend(stable.map(|(stamp, op)| (stamp, op.clone())));
        settled
    }

    /// What was left out when it became stable, and is not any more, by what is stable.
    fn taken_back_in(&mut self) -> Vec<(Stamp, S::Op)> {
        let Self { passed_over, fold, revocations, stable, .. } = self;
        let is_in = |stamp: &Stamp| fold.entries_at(*stamp).next().is_some();
        let mut back: Vec<_> = passed_over.iter().copied().filter(is_in).collect();
        if back.is_empty() {
            return Vec::new();
        }
        let disputed = revocations.disputed_above(*stable);
        back.retain(|stamp| !disputed.contains(stamp));
        let mut ops = Vec::new();
        for stamp in back {
            passed_over.remove(&stamp);
            ops.extend(fold.entries_at(stamp).map(|op| (stamp, op.clone())));
        }
        ops
    }

    /// The Lamport time up to which [`settled_ops`](Self::settled_ops) returned what there was.
    pub fn performed(&self) -> u64 {
        self.performed.unwrap_or(0)
    }

    /// Follows the watermark: the fold learns what is stable, a stable cut lets history go, digests are compared.
    pub(super) fn advance(&mut self) {
        let members = self.membership.watermark();
        let readable = self.readable(members);
        // Most often it is where it was.
        let stable = if readable > self.stable { self.fold.folded(readable) } else { self.stable };
        if stable > self.stable {
            self.stable = stable;
            self.fold.stable(stable);
            self.compact();
        }
        if self.desync.is_waiting() {
            let latest = self.fold.digest().map_or(0, |digest| digest.level);
            let fold = &self.fold;
            self.notices.extend(self.desync.compare(latest, |level| fold.digest_at(level)));
        }
        // What this replica itself does not follow is no member's fault.
        let most = self.fold.unstable_at_most();
        let unstable = if most <= self.unstable { most } else { self.fold.unstable(members) };
        debug_assert!(unstable >= self.fold.unstable(members));
        if let Some(notice) = self.membership.check_bound(unstable, self.unstable) {
            self.notices.push(notice);
        }
    }

    /// Lets go of what a stable cut covers.
    fn compact(&mut self) {
        let Some((upto, cut)) = self.revocations.stable_cut(self.stable) else { return };
        // Effects that were not handed out are not forgotten.
        let upto = upto.min(self.performed.unwrap_or(u64::MAX));
        let owed = self.passed_over.iter().find(|stamp| self.fold.entries_at(**stamp).next().is_some());
        let upto = owed.map_or(upto, |stamp| upto.min(stamp.lamport - 1));
        if upto <= self.fold.base().1 {
            return;
        }
        let Some(had) = self.graph.past_of(cut) else { return };
        self.fold.compact(upto);
        self.graph.forget_below(upto, had);
        self.revocations.forget_below(upto);
        self.passed_over.retain(|stamp| stamp.lamport > upto);
        let kept: Vec<_> = self.graph.chains().map(|(id, chain)| (id, chain.base().mark.next_seq)).collect();
        for (chain, next_seq) in kept {
            self.membership.forget(chain, next_seq);
        }
    }
}
