//! A replica that begins with a snapshot.
//!
//! It goes on as its giver would: with the giver's graph and what the giver's membership found out, under its own name. So its verdicts
//! and its order are those of a replica that has the whole history and forgot what a stable cut covers.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    Author, Delta, Peer, Replica, ReplicaBuilder, ReplicaNotice, RunHash, Snapshot, SnapshotError, State,
    admit::key,
    desync::Desync,
    graph::{ChainId, Graph},
    membership::Membership,
    own::Own,
    remember::life_after,
    run::{Operation, Run},
    signature::keep_covered,
};

/// What this replica began with, and on whose word.
#[derive(Clone, Copy, Debug)]
pub(super) struct Joined {
    from: Peer,
    level: u64,
}

impl<S: State> ReplicaBuilder<S> {
    /// A replica that goes on from a snapshot instead of the first state: it has all that the giver had, without its history. What is above the
    /// cut becomes part of the state with the first [`settle`](Replica::settle).
    ///
    /// The [members](Self::members) must be those that the group began with. Where the group knows this peer already, the replica is the next of its
    /// lives at least ([`incarnation`](Self::incarnation)): what an earlier one made and no one has yet may still come.
    ///
    /// **If this peer lost its log**, merge what every member has ([`Replica::since`]) before the first commit or acknowledgement: each run promises that its
    /// peer makes nothing earlier any more. Where a member that has more of the earlier life cannot be asked, let an owner retire the peer and
    /// invite it again, so that what is missing is void everywhere.
    ///
    /// # Errors
    /// [`SnapshotError`]: it is of another group, its giver does not know this peer, or it contradicts itself.
    pub fn join(mut self, snapshot: Snapshot<S>) -> Result<Replica<S>, SnapshotError> {
        let lives = snapshot.graph.chains.iter().map(|chain| chain.author);
        let own = lives.filter(|author| author.peer == self.me.peer).map(|author| author.incarnation);
        let own = own.collect::<BTreeSet<_>>();
        if own.last().is_some_and(|last| *last >= self.me.incarnation) {
            self.me.incarnation = life_after(&own);
        }
        let here = self.me.peer;
        let mut replica = self.build();
        replica.rejoin(snapshot)?;
        if replica.membership.was_invited(here) { Ok(replica) } else { Err(SnapshotError::NotInvited) }
    }
}

/// # Joining
impl<S: State> Replica<S> {
    /// Goes on from a snapshot, as this replica was away while the others [cut](Self::cut) the history that it lacks
    /// ([`reaches`](Self::reaches)). With one that brings no news but what is above its cut, it only [merges](Self::merge) that.
    ///
    /// What it has that the snapshot has not, its own operations included, it merges again. Of its own operations, those that are void or cannot
    /// be merged any more come back by [`take_void`](Self::take_void): none is lost silently. If the snapshot has other operations of this author
    /// than it made, it goes on as its next life ([`author`](Self::author)).
    ///
    /// The state is that of the cut until the next [`settle`](Self::settle).
    ///
    /// # Errors
    /// [`SnapshotError`], and nothing happens.
    pub fn rejoin(&mut self, snapshot: Snapshot<S>) -> Result<(), SnapshotError> {
        if snapshot.genesis != self.graph.genesis() {
            return Err(SnapshotError::OtherGroup);
        }
        // What no other takes up must not stay, whatever the snapshot brings.
        if self.graph.reaches_record(&snapshot.graph) && !self.has_cut_off() {
            self.merge_provable(snapshot.delta().runs.into_vec());
            return Ok(());
        }
        let (level, ours) = (snapshot.level(), self.graph.level());
        let limits = *self.graph.limits();
        let graph = Graph::restore(snapshot.genesis, self.me, limits, &snapshot.graph);
        let graph = graph.ok_or(SnapshotError::Contradictory)?;
        // What is forgotten here cannot be merged again: it must be there. A lower cut alone is no loss.
        if level < ours && !graph.reaches_record(&self.graph.to_record()) {
            return Err(SnapshotError::Older { level, ours });
        }
        let genesis = self.membership.genesis();
        let membership = Membership::restore(genesis, self.me, &snapshot.membership, &graph, level);
        let membership = membership.ok_or(SnapshotError::Contradictory)?;

        self.seal();
        let version = graph.version().clone();
        let before = Before {
            own: self.graph.own_chain().map(|id| self.graph.chain(id).tip().hash),
            graph: std::mem::replace(&mut self.graph, graph),
            membership: std::mem::replace(&mut self.membership, membership),
        };
        self.fold = self.fold.begin_again(S::clone(&snapshot.state), level);
        self.revocations.clone_from(&snapshot.revocations);
        self.reducers.clone_from(&snapshot.reducers);
        self.desync = Desync::default();
        self.stable = level;
        self.joined = Some(Joined { from: snapshot.from.peer, level });
        self.unsettled = true;
        self.unread.begin_again();
        self.stage_kept(level);
        self.go_on_from(&before);
        self.cut_off = self.has_cut_off();
        self.keep_snapshot(&snapshot, version);
        self.merge_provable(snapshot.waiting);
        if self.cut_off {
            // Its giver had not heard of the cut: another's is needed.
            self.notices.push(ReplicaNotice::NextLife { author: self.me, cut_off: true });
        }
        Ok(())
    }

    /// Whether the state may be another than that of the group:
    ///
    /// - It lacks operations of a newer schema, which this program cannot read ([`NeedsUpgrade`](super::ReplicaNotice::NeedsUpgrade)). It has them after
    ///   the update. Until then nothing from the first of them on is stable here.
    /// - It began with a snapshot that only its giver vouches for: no other member's digest of the state
    ///   ([`ReplicaBuilder::digest`](super::ReplicaBuilder::digest)) was equal at or above the snapshot's level yet. A digest that differs is reported as
    ///   [`Desync`](super::ReplicaNotice::Desync). Without a digest function, and in a group of two, it stays so: there is nothing to compare with.
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
    /// assert!(!here.is_provisional()); // it began with the group
    /// ```
    pub fn is_provisional(&self) -> bool {
        if self.first_unread().is_some() {
            return true;
        }
        self.provisional().is_some()
    }

    /// Whose snapshot it began with, and up to where, while only that one vouches for it.
    pub(super) fn provisional(&self) -> Option<(Peer, u64)> {
        let Joined { from, level } = self.joined?;
        let others = self.membership.members().keys().filter(|peer| **peer != from && **peer != self.me.peer);
        let agrees = others.into_iter().any(|peer| self.desync.agreed_upto(*peer) >= level);
        (!agrees).then_some((from, level))
    }

    /// Begins with a snapshot that this replica made: where it was, as the same author or, if it is another life, as the giver would go on.
    #[cfg(feature = "journal")]
    pub(super) fn resume_from(
        &mut self,
        snapshot: Snapshot<S>,
        provisional: Option<(Peer, u64)>,
    ) -> Result<(), SnapshotError> {
        if snapshot.genesis != self.graph.genesis() {
            return Err(SnapshotError::OtherGroup);
        }
        let level = snapshot.level();
        let graph = Graph::restore(snapshot.genesis, self.me, *self.graph.limits(), &snapshot.graph);
        let graph = graph.ok_or(SnapshotError::Contradictory)?;
        let genesis = self.membership.genesis();
        let membership = Membership::restore(genesis, self.me, &snapshot.membership, &graph, level);
        self.membership = membership.ok_or(SnapshotError::Contradictory)?;
        self.graph = graph;
        self.fold = self.fold.begin_again(S::clone(&snapshot.state), level);
        self.revocations = snapshot.revocations;
        self.reducers = snapshot.reducers;
        self.stable = level;
        self.joined = provisional.map(|(from, level)| Joined { from, level });
        self.unsettled = true;
        // What it made is in the journal, so others may have it.
        self.own.sent = self.graph.own_next_seq();
        self.stage_kept(level);
        self.cut_off = self.has_cut_off();
        if self.graph.is_forked(self.me) {
            self.begin_next_life(BTreeSet::new());
        }
        self.merge(Delta::of(snapshot.waiting));
        Ok(())
    }

    /// Merges what this replica, or the giver, had: without what was not proved yet there either, which is no one's fault.
    fn merge_provable(&mut self, mut runs: Vec<Arc<Run<S::Op>>>) {
        if self.verifier.is_some() {
            keep_covered(&mut runs);
        }
        self.merge(Delta::of(runs));
    }

    /// What the snapshot has above its level becomes part of the state.
    fn stage_kept(&mut self, level: u64) {
        let mut unread = Vec::new();
        for (stamp, by) in self.revocations.left_out().filter(|(stamp, _)| stamp.lamport > level) {
            self.fold.revoke(stamp, by, true);
        }
        for (id, chain) in self.graph.chains() {
            let valid = chain.runs.iter().filter(|run| self.membership.verdict(id, run.header.seq).applies());
            for run in valid {
                self.fold.stage(Arc::clone(run));
                for (index, operation) in run.operations.iter().enumerate() {
                    match operation {
                        Operation::Ack { digest: Some(digest) } if chain.author.peer != self.me.peer => {
                            self.desync.hear(chain.author.peer, *digest);
                        }
                        Operation::Unknown(_) if run.header.schema > self.schema => {
                            unread.push((key(run, index), run.header.schema));
                        }
                        _ => {}
                    }
                }
            }
        }
        for (at, schema) in unread {
            self.miss(at, schema);
        }
    }

    /// Merges what this replica had, finds out which of its own operations are lost to it, and under which author it goes on.
    fn go_on_from(&mut self, before: &Before<S::Op>) {
        let mut back = Vec::new();
        let (mut own, mut returned) = before.own_runs(self.me.peer);
        returned.retain(|run| self.maybe_void.iter().all(|void| void.hash != *run));
        own.append(&mut self.maybe_void);
        let (known, unknown): (Vec<_>, Vec<_>) = own.into_iter().partition(|run| self.graph.has_run(run));
        for run in known {
            // Of a forked author's chains it may be any: what is void on one of them comes back.
            let mut chains = self.graph.chains_of(self.me.peer);
            let of_author = |id: &ChainId| self.graph.chain(*id).author == run.header.author;
            if chains.any(|id| of_author(&id) && self.membership.would_void(id, &run)) {
                back.push(run);
            }
        }
        self.merge_provable(before.runs());
        // What the snapshot lacks is admitted again, and is void again.
        self.maybe_void.retain(|run| !returned.contains(&run.hash));
        back.extend(unknown.into_iter().filter(|run| !self.graph.has_run(run)));
        for run in &back {
            self.give_back(run);
        }

        let own = self.graph.own_chain().map(|id| self.graph.chain(id).tip().hash);
        if own != before.own || self.graph.is_forked(self.me) {
            self.begin_next_life(BTreeSet::new());
        }
    }

    /// Finds out whether another program writes as this author, and which of the two goes on as another.
    #[inline]
    pub(super) fn check_life(&mut self) {
        if self.graph.has_branches() {
            self.check_branches();
        } else {
            debug_assert!(!self.has_cut_off() && !self.graph.yields());
            self.cut_off = false;
        }
    }

    #[inline(never)]
    fn check_branches(&mut self) {
        let before = self.cut_off;
        self.cut_off = self.has_cut_off();
        if (self.cut_off && !before) || self.graph.yields() {
            self.begin_next_life(BTreeSet::new());
            self.notices.push(ReplicaNotice::NextLife { author: self.me, cut_off: self.cut_off });
        }
    }

    /// Whether it has a branch behind a cut that no other takes: one of its own author; or of any, where its own word comes too late, as it was retired
    /// when the others may have let go of what the cut covers.
    fn has_cut_off(&self) -> bool {
        let Self { graph, membership, me, .. } = self;
        let was_retired = membership.was_retired();
        graph.has_cut_off(|peer| peer == me.peer || was_retired, |chain, run| membership.can_name(chain, run))
    }

    /// Goes on as its next life, after those that are here and the ones that others know of.
    pub(super) fn begin_next_life(&mut self, mut known: BTreeSet<u32>) {
        known.extend(self.graph.lives(self.me.peer));
        known.insert(self.me.incarnation);
        self.go_on_as(Author { incarnation: life_after(&known), ..self.me });
    }

    /// Goes on as another life, which has made nothing yet.
    pub(super) fn go_on_as(&mut self, me: Author) {
        self.me = me;
        // That was of another author.
        self.missing = None;
        self.graph.go_on_as(me);
        self.membership.go_on_as(me);
        self.own = Own::new();
        self.keep_for_new_life();
    }
}

/// What a replica was before it went on from a snapshot.
struct Before<Op> {
    /// The last run of its own chain.
    own: Option<RunHash>,
    graph: Graph<Op>,
    membership: Membership,
}

impl<Op> Before<Op> {
    /// Each behind its past.
    fn runs(&self) -> Vec<Arc<Run<Op>>> {
        self.graph.since(&super::Version::new())
    }

    /// Those of a peer that counted, and those that were void: it has them back already, or will have.
    fn own_runs(&self, peer: Peer) -> (Vec<Arc<Run<Op>>>, BTreeSet<RunHash>) {
        let (mut valid, mut void) = (Vec::new(), BTreeSet::new());
        for id in self.graph.chains_of(peer) {
            for run in &self.graph.chain(id).runs {
                if self.membership.verdict(id, run.header.seq).applies() {
                    valid.push(Arc::clone(run));
                } else {
                    void.insert(run.hash);
                }
            }
        }
        (valid, void)
    }
}
