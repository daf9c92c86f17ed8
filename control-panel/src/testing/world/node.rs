//! One peer: its replica, and what is known of it.

use std::collections::BTreeSet;

use super::{disk::Disk, failure::Failure, promises::Promises, report::WorldReport};
use crate::{
    replica::{
        Delta, Grant, Misbehaviour, Peer, Redone, Replica, ReplicaBuilder, ReplicaNotice, Snapshot,
        SnapshotError, Stamp, State, Version,
    },
    testing::Rng,
};

pub(super) struct Node<S: State> {
    pub(super) peer: Peer,
    /// `None` while it is down.
    pub(super) replica: Option<Replica<S>>,
    pub(super) incarnation: u32,
    /// Whether its program was updated.
    pub(super) is_updated: bool,
    /// The frame in which it comes back.
    pub(super) down_until: u64,
    /// The most operations that its `settle` may touch.
    budget: usize,
    /// What a crash leaves.
    pub(super) disk: Disk<S>,
    /// The link by which a snapshot comes that it asked for.
    pub(super) arriving: Option<usize>,
    pub(super) promises: Promises,
    /// Void operations that came back, and those of them that are to be committed anew.
    pub(super) given_back: Vec<Stamp>,
    again: Vec<S::Op>,
    /// Results of jobs, and the frame in which they come.
    jobs: Vec<(u64, Redone<S>)>,
    pub(super) forks: BTreeSet<Peer>,
    /// Operations that panicked, in any of its lives.
    pub(super) panicked: BTreeSet<Stamp>,
    /// Whether it went on from a snapshot: what was found before is not reported again.
    pub(super) began_anew: bool,
    /// The greatest place among all that it applied, and the last of its own.
    highest: Option<Stamp>,
    last_own: u64,
    /// As of the last frame.
    version: Version,
    /// Whether the last `settle` changed anything.
    pub(super) moved: bool,
}

impl<S: State> Node<S> {
    pub(super) fn new(peer: Peer, replica: Option<Replica<S>>, budget: usize) -> Self {
        Self {
            peer,
            replica,
            incarnation: 0,
            is_updated: false,
            down_until: 0,
            budget,
            disk: Disk::new(),
            arriving: None,
            promises: Promises::default(),
            given_back: Vec::new(),
            again: Vec::new(),
            jobs: Vec::new(),
            forks: BTreeSet::new(),
            panicked: BTreeSet::new(),
            began_anew: false,
            highest: None,
            last_own: 0,
            version: Version::new(),
            moved: false,
        }
    }

    /// Begins with a snapshot, if it is invited there.
    pub(super) fn join(
        &mut self,
        builder: ReplicaBuilder<S>,
        snapshot: Snapshot<S>,
        report: &mut WorldReport,
    ) -> Result<(), SnapshotError> {
        match builder.join(snapshot) {
            Ok(replica) => {
                report.joined += 1;
                self.replica = Some(replica);
                self.has_begun_anew();
                Ok(())
            }
            Err(SnapshotError::NotInvited) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Goes on from a snapshot, if it lacks what others have let go.
    pub(super) fn rejoin(
        &mut self,
        snapshot: Snapshot<S>,
        report: &mut WorldReport,
    ) -> Result<(), SnapshotError> {
        let Some(replica) = &mut self.replica else { return Ok(()) };
        let level = replica.history().level;
        match replica.rejoin(snapshot) {
            Ok(()) => {
                report.rejoined += u64::from(replica.history().level > level);
                self.has_begun_anew();
                Ok(())
            }
            // Each has let go what the other never had: a third has both.
            Err(SnapshotError::Older { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// It goes on from a snapshot.
    fn has_begun_anew(&mut self) {
        let Some(replica) = &self.replica else { return };
        self.began_anew = true;
        self.promises.begin_at(replica.history().level);
        self.incarnation = replica.author().incarnation;
        // Of its own it may have had what no one can admit any more.
        self.version = Version::new();
    }

    pub(super) fn has_jobs(&self) -> bool {
        !self.jobs.is_empty()
    }

    pub(super) fn merge(&mut self, delta: Delta<S::Op>, report: &mut WorldReport) {
        let Some(replica) = &mut self.replica else { return };
        for (stamp, _) in delta.operations() {
            if stamp.seq < replica.version().get(stamp.author) || stamp.author.peer == self.peer {
                continue;
            }
            // An author that knew of the other's operation would have taken a later time.
            report.concurrent += u64::from(stamp.lamport <= self.last_own);
            report.late += u64::from(self.highest.is_some_and(|highest| stamp < highest));
            self.highest = self.highest.max(Some(stamp));
        }
        replica.merge(delta);
    }

    pub(super) fn commit(&mut self, op: S::Op, report: &mut WorldReport) -> Option<Stamp> {
        let stamp = self.replica.as_mut()?.commit(op);
        report.commits += 1;
        self.disk.committed(stamp);
        self.highest = self.highest.max(Some(stamp));
        self.last_own = stamp.lamport;
        Some(stamp)
    }

    /// Commits anew what was void, if it may write again.
    pub(super) fn commit_again(&mut self, report: &mut WorldReport) {
        let Some(replica) = &self.replica else { return };
        let may_write = |(peer, grant)| peer == self.peer && grant != Grant::Read;
        if !self.again.is_empty() && replica.members().any(may_write) {
            for op in std::mem::take(&mut self.again) {
                report.rebased += 1;
                self.commit(op, report);
            }
        }
    }

    /// Takes back an operation, or an undo of its own. The place of the revocation, and of what it takes back.
    pub(super) fn undo(&mut self, rng: &mut Rng, report: &mut WorldReport) -> Option<(Stamp, Stamp)> {
        let replica = self.replica.as_mut()?;
        let applied: Vec<_> = replica.history().operations.map(|(stamp, _)| stamp).collect();
        let among = if rng.chance(30) { self.disk.undos() } else { &applied };
        // What is old is stable: mostly it is not that.
        let recent = among.len().saturating_sub(if rng.chance(80) { 20 } else { usize::MAX });
        let target = *rng.pick(&among[recent..])?;
        let at = replica.revoke(target).ok()?;
        self.disk.revoked(at);
        report.revoked += 1;
        Some((at, target))
    }

    /// Settles, and checks what it did.
    pub(super) fn settle(
        &mut self,
        frame: u64,
        rng: &mut Rng,
        report: &mut WorldReport,
    ) -> Result<(), Failure> {
        let Some(replica) = &mut self.replica else { return Ok(()) };
        let mut finished = false;
        let due: Vec<_>;
        (due, self.jobs) = std::mem::take(&mut self.jobs).into_iter().partition(|(due, _)| *due <= frame);
        for (_, redone) in due {
            finished |= replica.finish(redone);
        }
        let settled = replica.settle();
        // Where a snapshot is taken up, nothing is undone one by one: the two are not a sum. After a panic a frame that cannot go on takes one up too.
        let panics = |notice: &ReplicaNotice| matches!(notice, ReplicaNotice::Poisoned { .. });
        let undone =
            if self.panicked.is_empty() && !settled.notices.iter().any(panics) { settled.undone } else { 0 };
        let ops = undone.max(settled.redone);
        // What a job did elsewhere is counted in the frame that takes it in.
        if !finished && ops > self.budget {
            return Err(Failure::OverBudget { peer: self.peer, ops, budget: self.budget });
        }
        if settled.undone > 0 {
            report.rollbacks += 1;
            report.undone.add(settled.undone);
            report.redone.add(settled.redone);
        }
        if let Some(job) = settled.job {
            report.jobs += 1;
            self.jobs.push((frame + 1 + rng.below(5), job.run()));
        }
        for notice in &settled.notices {
            match notice {
                ReplicaNotice::PeerMisbehaved { peer, what: Misbehaviour::Fork { .. } } => {
                    report.forks += 1;
                    self.forks.insert(*peer);
                }
                ReplicaNotice::PeerMisbehaved { .. } => report.refused += 1,
                ReplicaNotice::MembershipContested { .. } => report.contested += 1,
                ReplicaNotice::Poisoned { stamp, void, .. } => {
                    self.panicked.insert(*stamp);
                    report.poisoned += 1;
                    report.stopped += u64::from(!void);
                }
                ReplicaNotice::Desync { peer, at, agreed, .. } => {
                    let peers = [self.peer, *peer];
                    return Err(Failure::Desync {
                        peers,
                        at: *at,
                        agreed: *agreed,
                        cause: None,
                        report: None,
                    });
                }
                _ => {}
            }
        }
        for (stamp, op) in replica.take_void() {
            report.void += 1;
            self.given_back.push(stamp);
            self.again.push(op);
        }
        let version = replica.version();
        if let Some((author, _)) = self.version.iter().find(|(author, count)| version.get(*author) < *count) {
            return Err(Failure::VersionBack { peer: self.peer, author });
        }
        self.moved = self.version != *version || settled.merged > 0;
        self.version = version.clone();
        Ok(())
    }

    /// How many others it found to have the same state.
    pub(super) fn agreed(&self) -> u64 {
        let replica = self.replica.iter();
        replica
            .map(|replica| {
                replica.members().filter(|(peer, _)| replica.agreed_upto(*peer) > 0).count() as u64
            })
            .sum()
    }

    pub(super) fn crash(&mut self, until: u64, report: &mut WorldReport) {
        report.crashes += 1;
        report.unstored += self.disk.crash();
        self.jobs.clear();
        self.arriving = None;
        self.replica = None;
        self.down_until = until;
    }

    /// Comes back with what it had stored.
    pub(super) fn restart(&mut self, mut replica: Replica<S>) {
        self.version = Version::new();
        self.highest = None;
        // What is void comes back in each of its lives.
        self.given_back.clear();
        self.again.clear();
        self.disk.read(&mut replica);
        self.highest = replica.history().operations.map(|(stamp, _)| stamp).max();
        // From a snapshot it goes on as its next life.
        self.incarnation = replica.author().incarnation;
        self.replica = Some(replica);
        self.promises.restart();
    }
}
