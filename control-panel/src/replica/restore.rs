//! A replica from what a journal kept of it.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    Delta, Replica, ReplicaBuilder, ReplicaNotice, RunHash, Snapshot, SnapshotError, State,
    keeper::{Keeper, Resume},
    run::Run,
};

/// What a journal has of a replica.
pub(crate) struct Kept<S: State> {
    /// What it went on from last, if it ever did.
    pub(crate) snapshot: Option<Snapshot<S>>,
    /// What it was beside that.
    pub(crate) resume: Resume,
    /// What it admitted, each behind its past.
    pub(crate) runs: Vec<Arc<Run<S::Op>>>,
    /// Void runs that the program has back.
    pub(crate) returned: BTreeSet<RunHash>,
}

impl<S: State> ReplicaBuilder<S> {
    /// The replica as it was, as far as that was kept, under the builder's incarnation. What it admits from now on goes to the keeper.
    ///
    /// Runs what exceeds the redo budget in place: it is for the time before the first frame.
    pub(crate) fn restore(
        self,
        kept: Kept<S>,
        keeper: Box<dyn Keeper<S>>,
    ) -> Result<Replica<S>, SnapshotError> {
        let me = self.me;
        let mut replica = self.build();
        let Resume { is_own, provisional, void } = kept.resume;
        // All of it was verified when it came.
        let verifier = replica.verifier.take();
        let level = kept.snapshot.as_ref().map_or(0, Snapshot::level);
        match kept.snapshot {
            Some(snapshot) if is_own => replica.resume_from(snapshot, provisional)?,
            Some(snapshot) => replica.rejoin(snapshot)?,
            None => {}
        }
        let void = kept.runs.iter().filter(|run| void.contains(&run.hash)).cloned().collect::<Vec<_>>();
        replica.merge(Delta::of(kept.runs));
        replica.verifier = verifier;
        // Those that a cut covers are not admitted again.
        for run in void {
            if replica.maybe_void.iter().chain(&replica.void).all(|known| known.hash != run.hash) {
                replica.maybe_void.push(run);
            }
        }
        let mut notices = replica.settle_whole();
        if replica.me != me && !replica.graph.chains().any(|(_, chain)| chain.author == me) {
            // The snapshot had an earlier life: which comes next is the journal's to say.
            replica.go_on_as(me);
        }
        replica.void.retain(|run| !kept.returned.contains(&run.hash));
        let void = replica.void.iter().map(|run| run.applied().count()).sum();
        notices.retain(|notice| !matches!(notice, ReplicaNotice::OwnVoid { .. }));
        if void > 0 {
            notices.push(ReplicaNotice::OwnVoid { ops: void });
        }
        replica.unsettled |= !notices.is_empty();
        replica.notices = notices;
        replica.set_keeper(keeper, level);
        Ok(replica)
    }
}

impl<S: State> Replica<S> {
    fn settle_whole(&mut self) -> Vec<ReplicaNotice> {
        let mut notices = Vec::new();
        loop {
            let settled = self.settle();
            notices.extend(settled.notices);
            match settled.job {
                Some(job) => drop(self.finish(job.run())),
                None if !self.unsettled => return notices,
                None => {}
            }
        }
    }
}
