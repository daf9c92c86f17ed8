//! What a replica called final: its watermark, and the effects that it performed.

use std::collections::BTreeSet;

use super::{failure::Failure, report::WorldReport};
use crate::replica::{Peer, Replica, Stamp, State};

#[derive(Clone, Debug, Default)]
pub(super) struct Promises {
    watermark: u64,
    /// All operations that it called stable, in all its lives.
    stable: BTreeSet<Stamp>,
    /// The highest watermark of all its lives.
    promised: u64,
    /// Up to where it has let go of operations: some of them in the frame in which they became stable. The state that it kept instead is
    /// compared at the end.
    forgotten: u64,
    /// Up to where it began with a snapshot: what is its own in there, and was not performed, is not handed out.
    skipped: u64,
    /// Durable: up to where effects were performed.
    pub(super) performed: u64,
    last_effect: Option<Stamp>,
    /// Performed after those that come later: they were taken back when they became stable, and came back.
    late: BTreeSet<Stamp>,
    /// Up to where effects were performed when its last life began: what was taken back then is not handed out by this one.
    begun_at: u64,
    pub(super) effects: BTreeSet<Stamp>,
}

impl Promises {
    /// The next life is at what was stored: it may know less.
    pub(super) fn restart(&mut self) {
        self.watermark = 0;
        self.begun_at = self.performed;
    }

    /// It goes on from a snapshot of that level.
    pub(super) fn begin_at(&mut self, level: u64) {
        self.skipped = self.skipped.max(level);
    }

    /// Checked in each frame: nearer to what goes wrong than the end.
    pub(super) fn check<S: State>(
        &mut self,
        peer: Peer,
        replica: &mut Replica<S>,
        report: &mut WorldReport,
    ) -> Result<(), Failure> {
        let watermark = replica.watermark();
        if watermark < self.watermark {
            return Err(Failure::WatermarkBack { peer, from: self.watermark, to: watermark });
        }
        if watermark > self.watermark {
            self.watermark = watermark;
            let history = replica.history();
            report.forgotten += u64::from(history.level > self.forgotten.max(self.skipped));
            self.forgotten = self.forgotten.max(history.level);
            let stable =
                history.operations.map(|(stamp, _)| stamp).take_while(|stamp| stamp.lamport <= watermark);
            self.stable.extend(stable);
            self.promised = self.promised.max(watermark);
        }
        self.perform(peer, replica, report)
    }

    fn perform<S: State>(
        &mut self,
        peer: Peer,
        replica: &mut Replica<S>,
        report: &mut WorldReport,
    ) -> Result<(), Failure> {
        let wrong = |stamp, what| Err(Failure::Effect { peer, stamp, what });
        let before = self.performed;
        let settled = replica.settled_ops();
        // Noted before any effect is performed.
        self.performed = replica.performed();
        for (stamp, _) in settled {
            if stamp.author.peer != peer {
                return wrong(stamp, "on another's replica");
            }
            if stamp.lamport > self.watermark {
                return wrong(stamp, "before it is stable");
            }
            if !self.effects.insert(stamp) {
                return wrong(stamp, "twice");
            }
            if stamp.lamport <= before {
                self.late.insert(stamp);
            } else if self.last_effect.replace(stamp).is_some_and(|last| last >= stamp) {
                return wrong(stamp, "out of order");
            }
            report.effects += 1;
        }
        Ok(())
    }

    /// At the end: all that was called final is as it was called. `settled`: nothing can change any more.
    pub(super) fn keep(
        &self,
        peer: Peer,
        applied: &BTreeSet<Stamp>,
        revoked: &BTreeSet<Stamp>,
        settled: bool,
    ) -> Result<(), Failure> {
        let final_now = applied.iter().take_while(|stamp| stamp.lamport <= self.promised);
        let final_now: BTreeSet<Stamp> = final_now.copied().collect();
        let seen = |stamp: &Stamp| stamp.lamport > self.forgotten || self.stable.contains(stamp);
        let mut changed = final_now.symmetric_difference(&self.stable);
        let changed = changed.find(|stamp| seen(stamp) && !revoked.contains(stamp));
        if let Some(stamp) = changed {
            let what = if applied.contains(stamp) { "came" } else { "became void" };
            return Err(Failure::Unstable { peer, watermark: self.promised, stamp: *stamp, what });
        }
        let gone = self.effects.iter().find(|stamp| !applied.contains(stamp) && !revoked.contains(stamp));
        if let Some(stamp) = gone {
            return Err(Failure::Effect { peer, stamp: *stamp, what: "though it is void" });
        }
        if let Some(stamp) = self.late.iter().find(|stamp| !revoked.contains(stamp)) {
            return Err(Failure::Effect { peer, stamp: *stamp, what: "out of order" });
        }
        let may_wait =
            |stamp: &Stamp| revoked.contains(stamp) && (!settled || stamp.lamport <= self.begun_at);
        let handed_out = self.skipped + 1..=self.performed;
        let own =
            final_now.iter().filter(|stamp| stamp.author.peer == peer && handed_out.contains(&stamp.lamport));
        match own.copied().find(|stamp| !self.effects.contains(stamp) && !may_wait(stamp)) {
            Some(stamp) => Err(Failure::Effect { peer, stamp, what: "never" }),
            None => Ok(()),
        }
    }
}
