//! What was merged is put in order: once a frame.

use super::{Replica, ReplicaNotice, Settled, State, fold::FoldReport, redo::Redone};

/// # Settling
impl<S: State> Replica<S> {
    /// Puts what was merged into the one order, with at most one rollback: once a frame, from
    /// [`Reducer::settle`](crate::Reducer::settle).
    ///
    /// With [`finish`](Self::finish) it applies and undoes at most [`redo_budget`](super::ReplicaBuilder::redo_budget) operations. What exceeds that is returned as a
    /// [`Redo`](super::Redo), to be run elsewhere; until [`finish`](Self::finish) the state is as it was, with commits on top.
    #[inline]
    pub fn settle(&mut self) -> Settled<S> {
        // Most frames bring nothing: of a replica that is neither kept nor linked, that is all they pay.
        let idle = !self.unsettled && self.kept.is_none() && self.publisher.is_none();
        if idle { Settled::default() } else { self.settle_all() }
    }

    #[inline(never)]
    fn settle_all(&mut self) -> Settled<S> {
        let settled = if self.unsettled { self.settle_now() } else { Settled::default() };
        if self.kept.is_some() {
            self.flush();
        }
        self.publish();
        #[cfg(feature = "journal")]
        if self.graph.waiting() > 0 {
            super::codec::note_waiting(self.graph.waiting());
        }
        settled
    }

    #[inline]
    fn settle_now(&mut self) -> Settled<S> {
        if self.kept.is_none() {
            self.confirm(self.own.sent);
        }
        let (version, members) = (self.membership.version(), self.membership.members());
        let mine = (self.me.peer, self.fingerprint);
        self.fold.void_poison_upto(self.reducers.void_upto(version, mine, members, &self.graph));
        if self.fold.is_busy() {
            self.seal();
        }
        if let Some(merged) = self.fold.settle_one() {
            self.advance();
            self.report_pace();
            if self.notices.is_empty() && self.maybe_void.is_empty() {
                self.unsettled = self.fold.is_busy() || self.may_resume();
                let settled = Settled { merged, ..Settled::default() };
                settled.count();
                return settled;
            }
            return self.settle_rest(FoldReport { merged, ..FoldReport::default() });
        }
        let report = self.fold.settle_all();
        self.advance();
        self.report_pace();
        self.settle_rest(report)
    }

    #[inline]
    fn report_pace(&mut self) {
        if let Some(is_off) = self.fold.take_pace() {
            self.notices.push(ReplicaNotice::OffFrame { is_off });
        }
    }

    #[inline(never)]
    fn settle_rest(&mut self, report: FoldReport<S>) -> Settled<S> {
        let FoldReport { merged, undone, redone, job, poisoned } = report;
        self.release_void();
        let mut notices = std::mem::take(&mut self.notices);
        if !poisoned.is_empty() {
            notices.extend(poisoned.into_iter().map(|poison| ReplicaNotice::Poisoned {
                stamp: poison.stamp,
                message: poison.message,
                void: poison.void,
            }));
        }
        if let Some((at, message)) = self.fold.take_digest_panic() {
            notices.push(ReplicaNotice::DigestPanicked { at, message });
        }
        self.unsettled = self.fold.is_busy() || self.may_resume();
        let settled = Settled { merged, undone, redone, job, notices };
        settled.count();
        settled
    }

    /// Swaps the result of a [`Redo`](super::Redo) in, and puts on top what was committed and merged since: as part of a frame, so that a replay does
    /// not depend on timing. Returns `false`, and changes nothing, for a result that is not the one awaited.
    ///
    /// Costs what was committed since, within the frame's budget. Call it before [`settle`](Self::settle), from `apply` of the intent that brings the result.
    pub fn finish(&mut self, redone: Redone<S>) -> bool {
        self.seal();
        let awaited = self.fold.finish(redone);
        self.unsettled |= awaited;
        awaited
    }
}
