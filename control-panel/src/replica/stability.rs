//! What can no longer change: effects, compaction, comparison.

use super::{Author, Peer, Replica, Stamp, State, fold::Entry, graph::Graph, run::Run};

/// # What is stable
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
    /// let [mut here, mut there] =
    ///     peers.map(|peer| Replica::new(peer, peers, Words::default()));
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
    ///
    /// ```
    /// # use control_panel::{Peer, Replica, Stamp, State};
    /// # #[derive(Clone, Default)] struct Words(Vec<&'static str>);
    /// # impl State for Words {
    /// #     type Op = &'static str;
    /// #     fn apply(&mut self, word: &&'static str, _: &Stamp) { self.0.push(*word) }
    /// # }
    /// # let peers = [Peer([1; 32]), Peer([2; 32])];
    /// # let mut here = Replica::new(peers[0], peers, Words::default());
    /// here.commit("first");
    /// let _ = here.settle();
    /// assert_eq!(here.unstable(), 1); // the other member has not seen it
    /// ```
    pub fn unstable(&self) -> usize {
        self.fold.unstable(self.stable)
    }

    /// The operations of this replica's own peer that became stable since the last call, in order: for effects that cannot be taken
    /// back (a mail, a payment). Each is returned once, on its author's replica alone, and never if it is void.
    ///
    /// The watermark settles where an operation is in the order, and that it counts. Whether it is [left out](Self::revoke), and whether it panics after others that may be, is settled
    /// by a cut alone. So one that is left out when it becomes stable is kept aside: it is returned, before those that are new, once it is back in the state and what brought it back is stable too;
    /// and dropped when a cut covers it. One that is left out when the program stops is not returned by the next life: commit it anew.
    ///
    /// **Two programs that write as one peer** (a copied folder, a restored backup that runs beside the original) are handed, once they have heard of each other, each the operations of its own
    /// branch; those of before by the one that goes on as it was, and not by the one that goes on as its [next life](super::ReplicaNotice::NextLife). What either was handed
    /// before they met, the other may be handed too: an operation of before the copy was made, if it becomes stable at both first; and a copy that only listens is never found.
    /// Only the idempotency key is safe from that. An operation of a branch whose program stopped is handed to no one.
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
    /// let [mut here, mut there] =
    ///     peers.map(|peer| Replica::new(peer, peers, Orders::default()));
    /// here.commit("a lamp");
    /// assert!(here.settled_ops().is_empty(), "the other may still make it void");
    /// for _ in 0..3 {
    ///     let (out, back) = (here.outbox(), there.outbox());
    ///     out.into_iter().for_each(|delta| there.merge(delta));
    ///     back.into_iter().for_each(|delta| here.merge(delta));
    ///     let _ = (here.settle(), there.settle());
    /// }
    /// let mails: Vec<_> =
    ///     here.settled_ops().into_iter().map(|(_, item)| item).collect();
    /// assert_eq!(mails, ["a lamp"]);
    /// assert!(here.settled_ops().is_empty() && there.settled_ops().is_empty());
    /// ```
    pub fn settled_ops(&mut self) -> Vec<(Stamp, S::Op)> {
        self.seal();
        let after = self.performed.unwrap_or(0);
        let upto = self.stable.max(after);
        self.performed = Some(upto);
        let mut settled = self.taken_back_in();
        let Self { passed_over, fold, graph, me, .. } = self;
        let performs = |run: &Run<S::Op>| performs(graph, *me, run);
        let left_out = fold.left_out(after, upto).filter(|entry| performs(entry.run()));
        passed_over.extend(left_out.map(|entry| (entry.stamp(), entry.panicked())));
        let stable = fold.entries(after, upto).filter(|entry| performs(entry.run()));
        settled.extend(stable.map(|entry| (entry.stamp(), entry.op().clone())));
        settled
    }

    /// What was left out when it became stable, and is not any more, by what is stable.
    fn taken_back_in(&mut self) -> Vec<(Stamp, S::Op)> {
        let Self { passed_over, fold, graph, me, revocations, stable, .. } = self;
        let performs = |entry: &&Entry<S::Op>| performs(graph, *me, entry.run());
        let is_in = |stamp: &Stamp| fold.entries_at(*stamp).any(|entry| performs(&entry));
        let mut back: Vec<_> = passed_over
            .iter()
            .filter(|(stamp, _)| is_in(stamp))
            .map(|(stamp, panicked)| (*stamp, *panicked))
            .collect();
        if back.is_empty() {
            return Vec::new();
        }
        let disputed = revocations.disputed_above(*stable);
        // One that panicked does not if what is below it changes: it is in for good when that is.
        let is_settled = |stamp: &Stamp| disputed.first().is_none_or(|first| first > stamp);
        back.retain(|(stamp, panicked)| !disputed.contains(stamp) && (!panicked || is_settled(stamp)));
        let mut ops = Vec::new();
        for (stamp, _) in back {
            passed_over.remove(&stamp);
            ops.extend(fold.entries_at(stamp).filter(performs).map(|entry| (stamp, entry.op().clone())));
        }
        ops
    }

    /// The Lamport time up to which [`settled_ops`](Self::settled_ops) returned what there was.
    ///
    /// ```
    /// # use control_panel::{Peer, Replica, Stamp, State};
    /// # #[derive(Clone, Default)] struct Words(Vec<&'static str>);
    /// # impl State for Words {
    /// #     type Op = &'static str;
    /// #     fn apply(&mut self, word: &&'static str, _: &Stamp) { self.0.push(*word) }
    /// # }
    /// # let peers = [Peer([1; 32]), Peer([2; 32])];
    /// # let mut here = Replica::new(peers[0], peers, Words::default());
    /// assert_eq!(here.performed(), 0); // no effect was handed out yet
    /// # here.commit("first");
    /// ```
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
            let found = self.desync.compare(
                latest,
                |level| fold.digest_at(level),
                |after, upto| fold.ends(after, upto),
            );
            self.notices.extend(found);
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
        let owed = self.passed_over.keys().find(|stamp| self.fold.entries_at(**stamp).next().is_some());
        let upto = owed.map_or(upto, |stamp| upto.min(stamp.lamport - 1));
        if upto <= self.fold.base().1 {
            return;
        }
        let Some(had) = self.graph.past_of(cut) else { return };
        self.fold.compact(upto);
        self.graph.forget_below(upto, had);
        self.revocations.forget_below(upto);
        self.passed_over.retain(|stamp, _| stamp.lamport > upto);
        let kept: Vec<u64> = self.graph.chains().map(|(_, chain)| chain.base().mark.next_seq).collect();
        self.membership.forget(&kept);
    }
}

/// Whether the effects of a run are performed here, of two programs that write as one peer by one of them at most. A life that follows this one is another
/// program's. Of one that forked, each has its own branch, and the one that still writes as it the part before: the other went on as its next life.
fn performs<Op>(graph: &Graph<Op>, me: Author, run: &Run<Op>) -> bool {
    let author = run.header.author;
    let own = author.peer == me.peer && author.incarnation <= me.incarnation;
    own && (!graph.is_forked(author) || graph.is_own(run))
}
