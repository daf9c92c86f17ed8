//! What a replica owes a journal: admitted runs become durable before anything depends on them.
//!
//! A run promises (it acknowledges all that its heads name), so it may be sent only when it is durable. The replica hands what it admits to its
//! keeper in the order of admission, so what a durable run depends on is durable too.

use std::{
    collections::{BTreeSet, VecDeque},
    error::Error,
    fmt,
    pin::Pin,
    sync::Arc,
};

use super::{
    Peer, Replica, RunHash, Snapshot, State, Version,
    answers::{Answers, Question, answer},
    run::Run,
};

/// Where admitted runs go. Implemented by the journal.
pub(crate) trait Keeper<S: State>: Send + Sync {
    /// Takes a run that was admitted just now.
    fn keep(&mut self, run: &Arc<Run<S::Op>>);

    /// Notes that the program has this void run back.
    fn give_back(&mut self, run: &Arc<Run<S::Op>>);

    /// Takes what the replica goes on from instead of what it had.
    fn begin_again(&mut self, checkpoint: Checkpoint<S>);

    /// Whether there is so much to let go of that it is worth a snapshot of what is left.
    fn wants_checkpoint(&self) -> bool {
        false
    }

    /// Hands over what was taken, without waiting. Returns the number of the last thing handed over, once all is.
    fn flush(&mut self) -> Option<u64>;

    /// Up to which of those numbers all is durable.
    fn durable(&self) -> u64;

    /// Whether commits may be promised: there is room, and nothing failed.
    fn accepts(&self) -> bool;

    /// Whether there is room for what is merged.
    fn has_room(&self) -> bool;

    /// What reads it back for peers; `None` if nothing does.
    fn durable_runs(&self) -> Option<Arc<dyn DurableRuns>> {
        None
    }
}

/// What a replica can go on from instead of its runs.
pub(crate) struct Checkpoint<S: State> {
    pub(crate) snapshot: Snapshot<S>,
    /// Of a replica that has what is in the snapshot, and nothing else.
    pub(crate) version: Version,
    pub(crate) resume: Resume,
    /// What tells two states apart, if the builder was given it.
    #[cfg_attr(not(feature = "journal"), expect(dead_code, reason = "the journal compares"))]
    pub(crate) digest: Option<fn(&S) -> u64>,
}

impl<S: State> fmt::Debug for Checkpoint<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { snapshot, version, resume, digest: _ } = self;
        f.debug_struct("Checkpoint")
            .field("snapshot", snapshot)
            .field("version", version)
            .field("resume", resume)
            .finish()
    }
}

/// What a replica is beside its snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Resume {
    /// Whether the replica made the snapshot itself: what it says of its author's operations is all that there is.
    pub(crate) is_own: bool,
    /// Whose snapshot it began with, and up to where, if no other member's digest was equal since.
    pub(crate) provisional: Option<(Peer, u64)>,
    /// Void runs of this peer that the program has not got back.
    pub(crate) void: BTreeSet<RunHash>,
}

/// What is durable, read apart from the frame's thread. It may block.
#[cfg_attr(not(feature = "codec"), expect(dead_code, reason = "the link reads"))]
pub(crate) trait DurableRuns: std::fmt::Debug + Send + Sync {
    /// As [`Keeper::durable`].
    fn durable(&self) -> u64;

    /// Whether nothing becomes durable until the disk is mended.
    fn has_failed(&self) -> bool;

    /// Waits until more is durable than that, or it fails or recovers.
    fn changed(&self, durable: u64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;

    /// What a replica of that version lacks. `None` if part of it is gone: that replica needs a snapshot.
    fn since(&self, version: &Version) -> Result<Option<Box<dyn Lacked>>, Box<dyn Error + Send + Sync>>;
}

/// What a replica lacks, read a little at a time.
#[cfg_attr(not(feature = "codec"), expect(dead_code, reason = "the link reads"))]
pub(crate) trait Lacked: std::fmt::Debug + Send + Sync {
    /// The next runs, each behind its past, as many as are held in memory for one peer; and whether more follow. `None` if part of the rest is gone.
    fn read(&mut self) -> Result<Option<LackedRuns>, Box<dyn Error + Send + Sync>>;
}

/// Runs that are passed on as they are, and whether more follow.
pub(crate) type LackedRuns = (Vec<Arc<Run<()>>>, bool);

/// In a replay nothing is kept: what the keeper of the time answered is in the record.
#[cfg(feature = "journal")]
pub(crate) struct NoKeeper;

#[cfg(feature = "journal")]
impl<S: State> Keeper<S> for NoKeeper {
    fn keep(&mut self, _: &Arc<Run<S::Op>>) {}

    fn give_back(&mut self, _: &Arc<Run<S::Op>>) {}

    fn begin_again(&mut self, _: Checkpoint<S>) {}

    fn flush(&mut self) -> Option<u64> {
        None
    }

    fn durable(&self) -> u64 {
        0
    }

    fn accepts(&self) -> bool {
        true
    }

    fn has_room(&self) -> bool {
        true
    }
}

/// A keeper, and how far it is with this replica's own runs.
pub(super) struct Kept<S: State> {
    keeper: Box<dyn Keeper<S>>,
    /// What must be durable for this replica's own operations up to a number to be.
    own: VecDeque<(u64, u64)>,
    /// Of this author's operations, so many are durable.
    own_durable: u64,
    /// What the last frame that was recorded, or is replayed, was answered.
    usual: u64,
    /// As which life the replica began, until a frame noted it.
    life: Option<u32>,
    /// A snapshot that was asked for, and how many of this author's operations must be durable before it is given.
    held: Option<(u64, Snapshot<S>)>,
    /// What must be durable for all that was admitted to be; `None` while it was not all taken.
    handed_over: Option<u64>,
    /// Up to which Lamport time there is a snapshot.
    level: u64,
    /// Up to where effects were performed when this life began: it is durable, whatever was handed out since.
    performed: u64,
}

impl<S: State> Kept<S> {
    pub(super) fn durable_runs(&self) -> Option<Arc<dyn DurableRuns>> {
        self.keeper.durable_runs()
    }

    pub(super) fn handed_over(&self) -> Option<u64> {
        self.handed_over
    }

    pub(super) fn keep(&mut self, run: &Arc<Run<S::Op>>) {
        self.keeper.keep(run);
    }

    fn flush(&mut self, own_next_seq: u64) {
        // Nothing else says which: what a session wrote may have come back to the next by its peers.
        if let Some(life) = self.life.take_if(|_| Answers::are_used()) {
            answer(Question::Life, 0, || life.into());
        }
        let usual = self.usual;
        self.own_durable = answer(Question::Durable, usual, || {
            self.hand_over(own_next_seq);
            self.own_durable
        });
        if Answers::are_used() {
            self.usual = self.own_durable;
        }
    }

    fn hand_over(&mut self, own_next_seq: u64) {
        let last = self.own.back().map_or(self.own_durable, |(_, next_seq)| *next_seq);
        self.handed_over = self.keeper.flush();
        if let Some(item) = self.handed_over
            && own_next_seq > last
        {
            self.own.push_back((item, own_next_seq));
        }
        let durable = self.keeper.durable();
        while let Some((item, next_seq)) = self.own.front().copied().filter(|(item, _)| *item <= durable) {
            debug_assert!(item <= durable);
            self.own_durable = next_seq;
            self.own.pop_front();
        }
    }
}

impl<S: State> Replica<S> {
    /// From now on what is admitted goes there. What is here already is there.
    #[cfg_attr(not(any(feature = "journal", test)), expect(dead_code, reason = "the journal is the keeper"))]
    pub(crate) fn set_keeper(&mut self, keeper: Box<dyn Keeper<S>>, level: u64) {
        self.seal();
        let own_durable = self.graph.own_next_seq();
        let performed = self.performed.unwrap_or(0);
        self.kept = Some(Kept {
            keeper,
            own: VecDeque::new(),
            own_durable,
            usual: own_durable,
            life: Some(self.me.incarnation),
            held: None,
            handed_over: Some(0),
            level,
            performed,
        });
    }

    /// Whether an operation may be committed now.
    #[inline]
    pub(super) fn accepts(&self) -> bool {
        let ask = |kept: &Kept<S>| answer(Question::Accepts, 1, || u64::from(kept.keeper.accepts())) == 1;
        self.kept.as_ref().is_none_or(ask)
    }

    /// Whether a delta may be merged now.
    pub(super) fn has_room(&self) -> bool {
        let ask = |kept: &Kept<S>| answer(Question::HasRoom, 1, || u64::from(kept.keeper.has_room())) == 1;
        self.kept.as_ref().is_none_or(ask)
    }

    /// The program has these back: after a restart it does not get them again.
    pub(super) fn note_given_back(&mut self, runs: &[Arc<Run<S::Op>>]) {
        if let Some(kept) = &mut self.kept {
            for run in runs {
                kept.keeper.give_back(run);
            }
        }
    }

    /// The replica went on from another's snapshot.
    pub(super) fn keep_snapshot(&mut self, snapshot: &Snapshot<S>, version: Version) {
        let (resume, digest) = (self.resume(false), self.fold.digest_function());
        let Some(kept) = &mut self.kept else { return };
        (kept.held, kept.level) = (None, snapshot.level());
        // Peers are given them from there, as what was admitted.
        for run in &*snapshot.delta().runs {
            kept.keeper.keep(run);
        }
        kept.keeper.begin_again(Checkpoint { snapshot: snapshot.clone(), version, resume, digest });
    }

    /// A cut became stable: what the keeper has below it can go, once it has a snapshot. One of a program that hands out effects waits until these are known to
    /// have happened, as a restart hands out again what is not.
    fn checkpoint(&mut self) {
        let level = self.graph.level();
        let wanted = self.kept.as_ref().is_some_and(|kept| {
            level > kept.level
                && kept.handed_over.is_some()
                && (self.performed.is_none() || level <= kept.performed)
                && kept.keeper.wants_checkpoint()
        });
        if !wanted || self.cut_off {
            return;
        }
        let (version, resume) = (self.graph.version().clone(), self.resume(true));
        let (snapshot, digest) = (self.take_snapshot(), self.fold.digest_function());
        let Some(kept) = &mut self.kept else { return };
        kept.level = level;
        kept.keeper.begin_again(Checkpoint { snapshot, version, resume, digest });
        // Behind the runs that are in it.
        kept.handed_over = kept.keeper.flush();
    }

    fn resume(&self, is_own: bool) -> Resume {
        let void = self.maybe_void.iter().chain(&self.void).map(|run| run.hash).collect();
        Resume { is_own, provisional: self.provisional(), void }
    }

    /// Hands over what was admitted, this replica's own pending operations included. Once a frame at least.
    pub(super) fn flush(&mut self) {
        if self.kept.is_none() {
            return;
        }
        self.seal();
        let own_next_seq = self.graph.own_next_seq();
        if let Some(kept) = &mut self.kept {
            kept.flush(own_next_seq);
        }
        self.checkpoint();
        self.confirm_kept();
    }

    /// Of this author's operations, how many may be sent.
    pub(super) fn sendable(&self) -> u64 {
        self.kept.as_ref().map_or_else(|| self.graph.own_next_seq(), |kept| kept.own_durable)
    }

    /// The snapshot that was asked for before, if it is durable now. One that is out of date is dropped.
    pub(super) fn held_snapshot(&mut self) -> Option<Snapshot<S>> {
        let level = self.graph.level();
        let kept = self.kept.as_mut()?;
        if kept.held.as_ref().is_some_and(|(_, held)| held.level() != level) {
            kept.held = None;
        }
        let durable = kept.own_durable;
        kept.held.take_if(|(upto, _)| *upto <= durable).map(|(_, held)| held)
    }

    /// Whether a snapshot that was asked for waits for what is in it to be durable.
    pub(super) fn holds_snapshot(&self) -> bool {
        self.kept.as_ref().is_some_and(|kept| kept.held.is_some())
    }

    /// Gives a snapshot if all that this author made is durable; else it is held until it is.
    pub(super) fn hold_snapshot(&mut self, snapshot: Snapshot<S>) -> Option<Snapshot<S>> {
        let upto = self.graph.own_next_seq();
        match &mut self.kept {
            Some(kept) if kept.own_durable < upto => {
                kept.held = Some((upto, snapshot));
                None
            }
            _ => Some(snapshot),
        }
    }

    /// A life that goes on as another author has nothing durable.
    pub(super) fn keep_for_new_life(&mut self) {
        if let Some(kept) = &mut self.kept {
            kept.own.clear();
            (kept.own_durable, kept.usual) = (0, 0);
            kept.held = None;
        }
    }
}
