//! One peer: its replica, and what it has stored.

use std::fmt::Debug;

use super::{failure::Failure, report::WorldReport};
use crate::replica::{Delta, Peer, Replica, Stamp, State, Version};

pub(super) struct Node<S: State> {
    pub(super) peer: Peer,
    /// `None` while it is down.
    pub(super) replica: Option<Replica<S>>,
    pub(super) incarnation: u32,
    /// The most operations that its `settle` may touch.
    budget: usize,
    /// The frame in which it comes back.
    pub(super) down_until: u64,
    /// What a crash leaves: all that it had admitted when it last stored.
    disk: Vec<Delta<S::Op>>,
    stored: Version,
    /// Its own operations, stored and not.
    own: Vec<Stamp>,
    unstored: Vec<Stamp>,
    /// The greatest place among all that it applied.
    highest: Option<Stamp>,
    /// The last of its own.
    last_own: u64,
    /// As of the last frame.
    version: Version,
}

impl<S: State> Node<S> {
    pub(super) fn new(peer: Peer, replica: Replica<S>, budget: usize) -> Self {
        Self {
            peer,
            budget,
            replica: Some(replica),
            incarnation: 0,
            down_until: 0,
            disk: Vec::new(),
            stored: Version::new(),
            own: Vec::new(),
            unstored: Vec::new(),
            highest: None,
            last_own: 0,
            version: Version::new(),
        }
    }

    /// What it has stored of its own.
    pub(super) fn own(&self) -> &[Stamp] {
        &self.own
    }

    pub(super) fn merge(&mut self, delta: Delta<S::Op>, report: &mut WorldReport) {
        let Some(replica) = &mut self.replica else { return };
        for (stamp, _) in delta.operations() {
            if stamp.seq < replica.version().get(stamp.author) || stamp.author.peer == self.peer {
                continue;
            }
            // Whoever had known of the other's would have taken a later time.
            report.concurrent += u64::from(stamp.lamport <= self.last_own);
            report.late += u64::from(self.highest.is_some_and(|highest| stamp < highest));
            self.highest = self.highest.max(Some(stamp));
        }
        replica.merge(delta);
    }

    pub(super) fn commit(&mut self, op: S::Op, report: &mut WorldReport) -> Option<Stamp> {
        let stamp = self.replica.as_mut()?.commit(op);
        report.commits += 1;
        self.unstored.push(stamp);
        self.highest = self.highest.max(Some(stamp));
        self.last_own = stamp.lamport;
        Some(stamp)
    }

    /// Settles, and checks what it did.
    pub(super) fn settle(&mut self, report: &mut WorldReport) -> Result<(), Failure> {
        let Some(replica) = &mut self.replica else { return Ok(()) };
        let settled = replica.settle();
        let ops = settled.merged + settled.undone + settled.redone;
        if ops > self.budget {
            return Err(Failure::OverBudget { peer: self.peer, ops, budget: self.budget });
        }
        if settled.undone > 0 {
            report.rollbacks += 1;
            report.undone.add(settled.undone);
            report.redone.add(settled.redone);
        }
        let version = replica.version();
        if let Some((author, _)) = self.version.iter().find(|(author, count)| version.get(*author) < *count) {
            return Err(Failure::VersionBack { peer: self.peer, author });
        }
        self.version = version.clone();
        Ok(())
    }

    /// Makes durable all that it has: before anything of it is sent.
    pub(super) fn store(&mut self) {
        let Some(replica) = &self.replica else { return };
        let news = replica.since(&self.stored);
        if !news.is_empty() {
            self.disk.push(news);
            self.stored = replica.version().clone();
        }
        self.own.append(&mut self.unstored);
    }

    pub(super) fn crash(&mut self, until: u64, report: &mut WorldReport) {
        report.crashes += 1;
        report.unstored += self.unstored.len() as u64;
        self.unstored.clear();
        self.replica = None;
        self.down_until = until;
    }

    /// Comes back as its next incarnation, with what it had stored.
    pub(super) fn restart(&mut self, mut replica: Replica<S>) -> Result<(), Failure>
    where
        S: Debug,
    {
        self.version = Version::new();
        self.highest = None;
        for delta in &self.disk {
            replica.merge(delta.clone());
            self.highest = self.highest.max(delta.operations().map(|(stamp, _)| stamp).max());
        }
        self.replica = Some(replica);
        self.settle(&mut WorldReport::default())
    }
}
