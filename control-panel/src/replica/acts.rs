//! What a replica does beside editing: members, undo, cuts, the outbox.

use super::{
    CutError, Delta, Grant, NotOwner, Peer, Replica, RevokeError, Stamp, State, Version, membership::Right,
    run::Operation, signature::keep_covered,
};

/// # Members, undo, history, and what is sent
impl<S: State> Replica<S> {
    /// Invites a peer, or changes what a member may do. It counts from when it is merged: the peer's operations have it in their past.
    ///
    /// A new member starts with the group's genesis members ([`ReplicaBuilder::members`](super::ReplicaBuilder::members)) and all history
    /// ([`since`](Self::since)), or with a [`snapshot`](Self::snapshot). Until it is heard of, nothing later than its invitation becomes stable.
    ///
    /// Costs a run, as [`retire`](Self::retire), [`revoke`](Self::revoke) and [`cut`](Self::cut) do: it is hashed, and signed if runs are.
    ///
    /// # Errors
    /// [`NotOwner`], and nothing happens.
    pub fn invite(&mut self, peer: Peer, grant: Grant) -> Result<Stamp, NotOwner> {
        self.owner()?;
        Ok(self.act(Operation::Invite { peer, grant }))
    }

    /// Retires a member, all its incarnations. What this replica has of it stays; what it made beside that is void everywhere, and
    /// comes back to it by its own [`take_void`](Self::take_void).
    ///
    /// Of two owners that retire each other at the same time, the one that is an owner longer stays (genesis members by their peers'
    /// order).
    ///
    /// # Errors
    /// [`NotOwner`], and nothing happens.
    pub fn retire(&mut self, peer: Peer) -> Result<Stamp, NotOwner> {
        self.owner()?;
        Ok(self.act(Operation::Retire { peer }))
    }

    /// Leaves an operation out, as if it had never been: a user's undo, under concurrent edits too, with one meaning on all
    /// replicas. The stamp returned is the undo's own: revoking that takes the operation back in (a redo).
    ///
    /// Effects that were performed for it ([`settled_ops`](Self::settled_ops)) are not taken back. The state changes with the next [`settle`](Self::settle), which goes
    /// back to the operation. Costs a pass over the revocations that no cut covers.
    ///
    /// # Errors
    /// If a cut covers the operation, it is not here, it is another peer's and this one is no owner, or it is neither the state's nor a
    /// revocation: an invitation is taken back by [`retire`](Self::retire), a retirement by [`invite`](Self::invite), a cut by nothing.
    pub fn revoke(&mut self, stamp: Stamp) -> Result<Stamp, RevokeError> {
        self.seal();
        let upto = self.revocations.cut_before(None);
        if self.revocations.root(stamp).lamport <= upto {
            return Err(RevokeError::Cut { stamp, upto });
        }
        let needed = if stamp.author.peer == self.me.peer { Right::Write } else { Right::Own };
        if self.cut_off || !self.membership.may(self.me.peer, needed) {
            return Err(RevokeError::NotGranted { stamp });
        }
        if !self.graph.has_revocable(&stamp) {
            return Err(RevokeError::Unknown { stamp });
        }
        Ok(self.act(Operation::Revoke { stamp: Box::new(stamp) }))
    }

    /// Ends the window of [`revoke`](Self::revoke) for everything that is stable here; once the cut is stable itself, every replica
    /// forgets the history below it. Made automatically too, see [`ReplicaBuilder::history`](super::ReplicaBuilder::history).
    ///
    /// # Errors
    /// [`CutError`], and nothing happens: this peer is no owner; or all that is new since the last cut needs an operation that this program cannot read.
    pub fn cut(&mut self) -> Result<Stamp, CutError> {
        self.owner()?;
        self.seal();
        let upto = self.stable;
        if let Some((first, schema)) = self.first_unread()
            && first.lamport <= self.membership.watermark()
            && upto <= self.revocations.cut_before(None)
        {
            return Err(CutError::NeedsUpgrade { first, schema });
        }
        Ok(self.act(Operation::Cut { upto }))
    }

    /// This peer's own operations that became void, each once: those it made before it was invited, while it was retired or could only read, those of a copy of it that
    /// went on from an old state, and those that its journal could not keep. In no particular order between frames' operations; kept until they are taken. Commit them
    /// anew, or give them up; nothing is merged silently.
    ///
    /// They come once it is certain that they stay void: of a retirement, once all members have acknowledged it. Before that another
    /// owner's act may take precedence over it, and they count again.
    pub fn take_void(&mut self) -> Vec<(Stamp, S::Op)> {
        self.seal();
        self.release_void();
        self.unsettled |= !self.notices.is_empty();
        let void = std::mem::take(&mut self.void);
        self.note_given_back(&void);
        let mut ops = self.unplaced.take();
        ops.extend(void.iter().flat_map(|run| run.applied()).map(|(stamp, op)| (stamp, op.clone())));
        ops
    }

    /// What this replica has to send to all others since the last call: its own operations, or an acknowledgement where one is due. `None` if
    /// nothing. Once a frame, behind [`settle`](Self::settle). It may make an acknowledgement, or a [`cut`](Self::cut) where
    /// [`history`](super::ReplicaBuilder::history) asks for one.
    ///
    /// A delta that gets lost is repaired by [`since`](Self::since). With a journal, what it has is durable: a frame's operations come out of a
    /// later one. A program that stores by itself stores what this replica has, what is merged included, before it sends this and before its next frame: from that on what is
    /// given out here counts for the [`watermark`](Self::watermark).
    pub fn outbox(&mut self) -> Option<Delta<S::Op>> {
        // One that has made a run was invited.
        if self.cut_off || (self.graph.own_chain().is_none() && self.is_uninvited()) {
            return None;
        }
        let may_act = self.accepts() && !self.waits_for_own();
        if may_act {
            self.cut_history();
        }
        self.seal();
        // A digest travels with an acknowledgement, also where there is more to say.
        let digest = self.fold.digest().filter(|digest| digest.level > self.compared);
        let alone = self.membership.members().len() == 1;
        let quiet = self.own.sent >= self.graph.own_next_seq();
        // Until the others know what this program runs, operations that panic stop it alone.
        let unsaid = quiet && !alone && self.reducers.has_changed(&self.me.peer, self.fingerprint);
        let due = (digest.is_some() && !alone) || unsaid || (quiet && self.membership.ack_due());
        if due && may_act {
            self.compared = digest.map_or(self.compared, |digest| digest.level);
            self.act(Operation::Ack { digest });
        }
        self.flush();
        self.publish();
        let (chain, sendable) = (self.graph.own_chain()?, self.sendable());
        let mut runs = self.graph.runs_from(chain, self.own.sent);
        if runs.last().is_some_and(|run| run.next_seq() > sendable) {
            runs = runs.into_iter().filter(|run| run.next_seq() <= sendable).collect();
        }
        self.own.sent = self.own.sent.max(sendable);
        // What it says counts in the next frame.
        self.unsettled |= self.kept.is_none() && self.membership.is_unconfirmed(&self.graph);
        (!runs.is_empty()).then(|| Delta::of(runs))
    }

    /// What a replica of that version lacks, acknowledgements included: for a peer that was away, that lost a delta, or that joins. It can be
    /// merged twice, and by a replica that has some of it meanwhile. Each run comes behind its past.
    ///
    /// Costs a look at each author and a reference for each run that is sent, and a sort of them. With the codec, what may exceed a receiver's limits is sent
    /// in pieces (`Delta::parts`).
    ///
    /// What a cut has let go is not in it: a replica that is further behind needs a [`snapshot`](Self::snapshot), see
    /// [`reaches`](Self::reaches).
    pub fn since(&self, version: &Version) -> Delta<S::Op> {
        let mut runs = self.graph.since(version);
        let (me, sendable) = (self.me, self.sendable());
        runs.retain(|run| run.header.author != me || run.next_seq() <= sendable);
        let program = (self.schema, self.fingerprint);
        let make = |operations, encoded| self.graph.prepare(operations, encoded, program, &*self.identify);
        let pending = if self.kept.is_none() { self.own.peek(make) } else { None };
        let pending = pending.filter(|run| run.next_seq() > version.get(self.me));
        runs.extend(pending.cloned());
        if self.verifier.is_some() {
            keep_covered(&mut runs);
        }
        Delta::of(runs)
    }

    /// Whether [`since`](Self::since) has all that a replica of that version lacks. If not, history below a cut is gone here, and the
    /// other replica needs a [`snapshot`](Self::snapshot).
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
    /// let before = here.version().clone();
    /// here.commit("first");
    /// assert!(here.reaches(&before)); // nothing was cut: a delta will do
    /// ```
    pub fn reaches(&self, version: &Version) -> bool {
        self.graph.reaches(version)
    }

    fn owner(&self) -> Result<(), NotOwner> {
        if self.membership.may(self.me.peer, Right::Own) && !self.cut_off { Ok(()) } else { Err(NotOwner) }
    }

    /// An operation of the replica's own, in a run of its own: a run counts as a whole.
    pub(super) fn act(&mut self, operation: Operation<S::Op>) -> Stamp {
        self.seal();
        self.encode(&operation);
        let stamp = self.place();
        self.push(operation, &stamp);
        self.seal();
        stamp
    }

    /// Makes a cut where more stable operations are kept than `history`: on one owner's replica, so that not all do at once.
    fn cut_history(&mut self) {
        let owner = self.membership.members().iter().find(|(_, grant)| **grant == Grant::Owner);
        if owner.is_none_or(|(peer, _)| *peer != self.me.peer) {
            return;
        }
        let cut = self.revocations.cut_before(None);
        let may_exceed = self.stable > cut && self.fold.len() > self.history;
        if may_exceed && self.fold.count(cut, self.stable) > self.history {
            self.seal();
            let upto = self.stable;
            self.act(Operation::Cut { upto });
        }
    }
}
