//! The replica's end: what changed is published, and never waits.

use std::{
    mem,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::sync::mpsc;

use super::shelf::Shelf;
use crate::replica::{Author, Peer, Replica, Snapshot, State, Version, publish::Publish, run::Grant};

/// What a replica was at the end of a frame.
pub(super) struct Published<Op> {
    pub(super) author: Author,
    pub(super) version: Version,
    pub(super) members: Arc<[(Peer, Grant)]>,
    /// Below which counts runs are gone.
    pub(super) forgotten: Arc<Version>,
    /// What the journal must have made durable for the version to be; 0 without one.
    pub(super) item: u64,
    /// Without a journal.
    pub(super) shelf: Shelf<Op>,
}

/// What both ends know.
pub(super) struct Shared<S: State> {
    pub(super) published: ArcSwap<Published<S::Op>>,
    /// How often something was published.
    pub(super) number: AtomicU64,
    /// How often the replica came by.
    pub(super) frames: AtomicU64,
    /// Whether a snapshot is asked for.
    pub(super) wants_snapshot: AtomicBool,
    pub(super) snapshot: ArcSwapOption<Snapshot<S>>,
    /// How many snapshots were given.
    pub(super) snapshots: AtomicU64,
    /// How many operations the late ones of a peer had applied again, in the last frame in which some were.
    pub(super) redo_depths: ArcSwap<Vec<(Peer, u64)>>,
}

pub(super) struct Publisher<S: State> {
    shared: Arc<Shared<S>>,
    /// Rings once for any number of changes. A channel of one place: sending into it takes no lock.
    bell: mpsc::Sender<()>,
    members_version: u64,
    forgotten_level: u64,
    keeps_runs: bool,
    /// What each peer's late operations cost so far.
    redone: Vec<(Peer, u64)>,
}

impl<S: State> Publisher<S> {
    pub(super) fn new(replica: &Replica<S>) -> (Self, Arc<Shared<S>>, mpsc::Receiver<()>) {
        let keeps_runs = replica.durable_runs().is_none();
        let (author, _) = replica.whose();
        let before = Published {
            author,
            version: Version::new(),
            members: replica.members_list(),
            forgotten: Arc::new(replica.forgotten()),
            item: 0,
            shelf: Shelf::default(),
        };
        let shared = Arc::new(Shared {
            published: ArcSwap::from_pointee(before),
            number: AtomicU64::new(0),
            frames: AtomicU64::new(0),
            wants_snapshot: AtomicBool::new(false),
            snapshot: ArcSwapOption::empty(),
            snapshots: AtomicU64::new(0),
            redo_depths: ArcSwap::default(),
        });
        let (bell, rung) = mpsc::channel(1);
        let publisher = Self {
            shared: Arc::clone(&shared),
            bell,
            members_version: replica.members_version(),
            forgotten_level: replica.forgotten_level(),
            keeps_runs,
            redone: Vec::new(),
        };
        (publisher, shared, rung)
    }

    fn ring(&self) {
        self.shared.number.fetch_add(1, Ordering::AcqRel);
        // Full: it rings already. Closed: no one listens.
        self.bell.try_send(()).ok();
    }

    fn publish_changes(&mut self, replica: &Replica<S>) {
        // What the journal has not taken yet is published when it has.
        let Some(item) = replica.handed_over() else { return };
        let last = self.shared.published.load();
        let (author, _) = replica.whose();
        let members_changed = replica.members_version() != self.members_version;
        let forgot = replica.forgotten_level() != self.forgotten_level;
        if !members_changed && !forgot && author == last.author && *replica.admitted() == last.version {
            return;
        }
        let version = replica.admitted().clone();
        let members = if members_changed { replica.members_list() } else { Arc::clone(&last.members) };
        let forgotten = if forgot { Arc::new(replica.forgotten()) } else { Arc::clone(&last.forgotten) };
        let runs = if !self.keeps_runs {
            Shelf::default()
        } else if forgot || !version.covers(&last.version) {
            let all = replica.admitted_since(&Version::new());
            Shelf::default().with(all.runs.to_vec(), &Version::new())
        } else {
            let new = replica.admitted_since(&last.version);
            last.shelf.with(new.runs.to_vec(), &last.version)
        };
        (self.members_version, self.forgotten_level) = (replica.members_version(), replica.forgotten_level());
        drop(last);
        self.shared.published.store(Arc::new(Published {
            author,
            version,
            members,
            forgotten,
            item,
            shelf: runs,
        }));
        self.ring();
    }
}

impl<S: State> Publisher<S> {
    /// Rare: operations came late.
    fn publish_depths(&mut self, replica: &Replica<S>) {
        if replica.redone_by_peer().eq(self.redone.iter().copied()) {
            return;
        }
        let (now, before) = (replica.redone_by_peer().collect(), mem::take(&mut self.redone));
        self.redone = now;
        let of = |list: &[(Peer, u64)], peer: Peer| {
            list.iter().find(|(late, _)| *late == peer).map_or(0, |(_, count)| *count)
        };
        let last = self.shared.redo_depths.load();
        let depths = self.redone.iter().map(|&(peer, sum)| match sum.saturating_sub(of(&before, peer)) {
            0 => (peer, of(&last, peer)),
            depth => (peer, depth),
        });
        let depths = depths.collect();
        self.shared.redo_depths.store(Arc::new(depths));
    }
}

impl<S: State> Publish<S> for Publisher<S> {
    fn publish(&mut self, replica: &mut Replica<S>) {
        self.publish_changes(replica);
        self.publish_depths(replica);
        self.shared.frames.fetch_add(1, Ordering::AcqRel);
        if self.shared.wants_snapshot.load(Ordering::Acquire)
            && let Some(snapshot) = replica.given_snapshot()
        {
            self.shared.wants_snapshot.store(false, Ordering::Release);
            self.shared.snapshot.store(Some(Arc::new(snapshot)));
            self.shared.snapshots.fetch_add(1, Ordering::AcqRel);
            self.ring();
        }
    }
}
