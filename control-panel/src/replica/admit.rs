//! What an admitted run means for the state.

use std::sync::Arc;

use super::{
    Misbehaviour, Peer, Replica, ReplicaNotice, State,
    graph::Admitted,
    membership::Verdict,
    revocations::Key,
    run::{Operation, Run},
};

impl<S: State> Replica<S> {
    /// A run from elsewhere became part of the graph.
    pub(super) fn admit(&mut self, admitted: Admitted<S::Op>) {
        let run = &admitted.run;
        self.keep(run);
        if run.header.author == self.me {
            // From a journal, or from a copy of this replica: others have it.
            self.own.sent = self.own.sent.max(run.next_seq());
            if self.kept.is_none() {
                self.membership.confirm(&self.graph, self.own.sent);
            }
        }
        let verdict = self.membership.judge(&self.graph, &admitted);
        match verdict {
            Verdict::Valid => self.take_acts(run),
            Verdict::Void(_) => self.give_back(run),
        }
        self.learn(&admitted);
        // What else is staged meanwhile is of other runs.
        if verdict == Verdict::Valid {
            self.fold.stage(admitted.run);
        }
    }

    /// This replica's own run became part of the graph; its operations are in the state, unless they were expected to be void.
    pub(super) fn admit_own(&mut self, admitted: &Admitted<S::Op>, expected_void: bool) {
        let run = &admitted.run;
        self.keep(run);
        match (self.membership.judge(&self.graph, admitted), expected_void) {
            (Verdict::Valid, false) => self.take_acts(run),
            (Verdict::Valid, true) => {
                self.fold.stage(Arc::clone(run));
                self.take_acts(run);
            }
            (Verdict::Void(_), false) => {
                self.fold.stage_void(Arc::clone(run));
                self.give_back(run);
            }
            (Verdict::Void(_), true) => self.give_back(run),
        }
        self.learn(admitted);
        self.decide();
        if self.kept.is_none() && self.membership.is_alone() {
            self.confirm(self.graph.own_next_seq());
        }
        self.follow();
        // With what it declares, all may run one reducer now.
        self.unsettled |= self.may_resume();
    }

    /// Whether it stopped at what panics, and something was declared since that may make it void.
    pub(super) fn may_resume(&self) -> bool {
        self.fold.is_stopped() && self.reducers.is_open()
    }

    /// Follows the watermark, unless the next `settle` does. In a group that says nothing more this is the last that happens, so what it makes certain is reported, too.
    fn follow(&mut self) {
        if !self.unsettled {
            self.advance();
            if !self.maybe_void.is_empty() {
                self.release_void();
            }
            self.unsettled = self.fold.is_busy() || !self.notices.is_empty();
        }
    }

    /// Of this author's operations the first `upto` are durable: what they say counts. Without a journal those are that the `outbox` gave out in
    /// an earlier frame; of one that never had another member all, as nothing of its is taken for anything elsewhere.
    pub(super) fn confirm(&mut self, upto: u64) {
        if upto <= self.membership.confirmed() {
            return;
        }
        self.membership.confirm(&self.graph, upto);
        if self.membership.has_news() {
            self.learn_changes();
            self.decide();
        }
    }

    /// The same for what a journal has, outside of `settle`.
    pub(super) fn confirm_kept(&mut self) {
        let upto = self.sendable();
        if upto > self.membership.confirmed() {
            self.confirm(upto);
            self.follow();
        }
    }

    fn keep(&mut self, run: &Arc<Run<S::Op>>) {
        if let Some(kept) = &mut self.kept {
            kept.keep(run);
        }
    }

    /// What a run changes beside the operations it has.
    #[inline(always)]
    fn learn(&mut self, admitted: &Admitted<S::Op>) {
        let run = &admitted.run;
        let header = &run.header;
        self.reducers.declare(admitted.chain, &header.author.peer, header.lamport, header.fingerprint);
        if header.schema <= self.schema && run.unread() > 0 {
            self.report(header.author.peer, Misbehaviour::Malformed);
        }
        if self.membership.has_news() {
            self.learn_changes();
        }
    }

    /// What it changes of other runs, and what is to be reported.
    #[inline(never)]
    fn learn_changes(&mut self) {
        for change in self.membership.take_changes() {
            let run =
                self.graph.run_after(change.chain, change.seq).filter(|run| run.header.seq == change.seq);
            let Some(run) = run.map(Arc::clone) else { continue };
            match change.verdict {
                Verdict::Valid => {
                    self.fold.stage_valid(Arc::clone(&run));
                    self.take_acts(&run);
                    let other = |void: &Arc<Run<S::Op>>| void.hash != run.hash;
                    self.maybe_void.retain(other);
                    self.void.retain(other);
                }
                Verdict::Void(_) => {
                    self.fold.stage_void(Arc::clone(&run));
                    for index in 0..run.operations.len() {
                        self.revocations.remove(&key(&run, index));
                        self.unread.remove(&key(&run, index));
                    }
                    self.give_back(&run);
                    self.decides = true;
                }
            }
        }
        let mut notices = self.membership.take_notices();
        if !notices.is_empty() {
            self.notices.append(&mut notices);
        }
    }

    /// What is to be noted of a valid run's operations, beside those that are applied.
    #[inline]
    fn take_acts(&mut self, run: &Arc<Run<S::Op>>) {
        if !run.operations.are_plain() {
            self.take_own_kinds(run);
        }
    }

    #[inline(never)]
    fn take_own_kinds(&mut self, run: &Arc<Run<S::Op>>) {
        for (index, operation) in run.operations.iter().enumerate() {
            match operation {
                Operation::Revoke { stamp } => self.revocations.revoke(key(run, index), **stamp),
                Operation::Cut { upto } => self.revocations.cut(key(run, index), *upto),
                Operation::Ack { digest: Some(digest) } if run.header.author.peer != self.me.peer => {
                    // What it compares is stable where it was made, so earlier. A later one would be waited for, and none after it compared.
                    if digest.level < run.header.lamport {
                        self.desync.hear(run.header.author.peer, *digest);
                    } else {
                        self.report(run.header.author.peer, Misbehaviour::Clock);
                    }
                    continue;
                }
                Operation::Unknown(_) if run.header.schema > self.schema => {
                    self.miss(key(run, index), run.header.schema);
                    continue;
                }
                _ => continue,
            }
            self.decides = true;
        }
    }

    /// Finds what is left out, if there is something new to it: once for all that is merged together, as it looks at all revocations.
    #[inline]
    pub(super) fn decide(&mut self) {
        if std::mem::take(&mut self.decides) {
            self.decide_anew();
        }
    }

    #[inline(never)]
    fn decide_anew(&mut self) {
        for change in self.revocations.decide() {
            self.fold.revoke(change.stamp, change.by, change.out);
            self.unsettled = true;
        }
    }

    /// This peer's own operations that are void come back, when that is certain.
    pub(super) fn give_back(&mut self, run: &Arc<Run<S::Op>>) {
        if run.header.author.peer == self.me.peer && run.applied().next().is_some() {
            self.maybe_void.push(Arc::clone(run));
        }
    }

    /// Finds which void runs of this peer stay so.
    pub(super) fn release_void(&mut self) {
        for run in std::mem::take(&mut self.maybe_void) {
            let place = self.graph.place_of(&run);
            // One that is not here can never come: it is forgotten, or what it follows is.
            if place.is_some_and(|chain| !self.membership.is_certain(chain, &run)) {
                self.maybe_void.push(run);
                continue;
            }
            self.notices.push(ReplicaNotice::OwnVoid { ops: run.applied().count() });
            self.void.push(run);
        }
    }

    pub(super) fn report(&mut self, peer: Peer, what: Misbehaviour) {
        let membership = &self.membership;
        if self.reported.add(peer, what, || membership.knows_peer(peer)) {
            self.notices.push(ReplicaNotice::PeerMisbehaved { peer, what });
        }
    }
}

pub(super) fn key<Op>(run: &Run<Op>, index: usize) -> Key {
    (run.stamp(index), run.hash)
}
