//! What a replica has stored.

use super::ledger::Ledger;
use crate::replica::{Delta, Replica, Snapshot, Stamp, State, Version};

/// All that a replica had admitted when it last stored, and of its own what it had committed then.
pub(super) struct Disk<S: State> {
    stored: Vec<Stored<S>>,
    upto: Version,
    /// How often something was stored.
    stores: u64,
    own: Own,
    undos: Own,
}

enum Stored<S: State> {
    Delta(Delta<S::Op>),
    Snapshot(Box<Snapshot<S>>),
}

/// Operations of the replica's own, with those that a crash loses.
#[derive(Default)]
struct Own {
    stored: Vec<Stamp>,
    unstored: Vec<Stamp>,
}

impl<S: State> Disk<S> {
    pub(super) fn new() -> Self {
        Self {
            stored: Vec::new(),
            upto: Version::new(),
            stores: 0,
            own: Own::default(),
            undos: Own::default(),
        }
    }

    /// Of what is stored.
    pub(super) fn version(&self) -> &Version {
        &self.upto
    }

    /// Another number whenever more is stored.
    pub(super) fn stores(&self) -> u64 {
        self.stores
    }

    /// Its own operations that are stored.
    pub(super) fn own(&self) -> &[Stamp] {
        &self.own.stored
    }

    /// Its revocations that are stored.
    pub(super) fn undos(&self) -> &[Stamp] {
        &self.undos.stored
    }

    /// Whether nothing was ever stored.
    pub(super) fn is_empty(&self) -> bool {
        self.stored.is_empty()
    }

    pub(super) fn committed(&mut self, stamp: Stamp) {
        self.own.unstored.push(stamp);
    }

    pub(super) fn revoked(&mut self, at: Stamp) {
        self.undos.unstored.push(at);
    }

    /// A replica takes what is stored.
    pub(super) fn read(&self, replica: &mut Replica<S>) {
        for stored in &self.stored {
            match stored {
                Stored::Delta(delta) => replica.merge(delta.clone()),
                // It was taken before, of the same group.
                Stored::Snapshot(snapshot) => _ = replica.rejoin(Snapshot::clone(snapshot)),
            }
        }
    }

    /// A snapshot to be stored in place of all that is, if something that is not stored was let go already: with it [`Replica::since`]
    /// has all again.
    pub(super) fn snapshot_to_store(&self, replica: &mut Replica<S>) -> Option<Snapshot<S>> {
        if replica.reaches(&self.upto) {
            return None;
        }
        // One that must rejoin gives none to others, and keeps one.
        Some(replica.snapshot().unwrap_or_else(|| replica.take_snapshot()))
    }

    /// Makes durable all that a replica has: before anything of it is sent.
    pub(super) fn store(
        &mut self,
        replica: &Replica<S>,
        snapshot: Option<Snapshot<S>>,
        ledger: &mut Ledger<S::Op>,
    ) {
        if let Some(snapshot) = snapshot {
            self.stored = vec![Stored::Snapshot(Box::new(snapshot))];
            self.upto = Version::new();
        }
        if *replica.version() != self.upto {
            let news = replica.since(&self.upto);
            ledger.add(&news);
            self.stored.push(Stored::Delta(news));
            self.upto = replica.version().clone();
            self.stores += 1;
        }
        for own in [&mut self.own, &mut self.undos] {
            own.stored.append(&mut own.unstored);
        }
    }

    /// What is not stored is lost: so many operations.
    pub(super) fn crash(&mut self) -> u64 {
        self.undos.unstored.clear();
        self.own.unstored.drain(..).count() as u64
    }
}
