//! A state that remembers all that was done to it, in order.

use std::hash::{DefaultHasher, Hash, Hasher};

use control_panel::{
    Peer, Replica, Stamp, State,
    replica::{ReplicaBuilder, ReplicaNotice, SnapshotError},
};

#[derive(Clone, Debug, Default, PartialEq, Hash)]
pub(crate) struct Log {
    pub(crate) done: Vec<(Stamp, u32)>,
}

impl State for Log {
    type Op = u32;

    fn apply(&mut self, op: &u32, stamp: &Stamp) {
        self.done.push((*stamp, *op));
    }
}

impl Log {
    pub(crate) fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
    }

    pub(crate) fn ops(&self) -> Vec<u32> {
        self.done.iter().map(|(_, op)| *op).collect()
    }
}

pub(crate) fn peer(number: usize) -> Peer {
    Peer([u8::try_from(number + 1).unwrap(); 32])
}

pub(crate) fn builder(number: usize, genesis: usize) -> ReplicaBuilder<Log> {
    Replica::builder(peer(number), Log::default())
        .members((0..genesis).map(peer))
        .payload(|op, bytes| bytes.extend(op.to_le_bytes()))
        .digest(Log::digest)
}

/// All send what they owe and have, until no one has anything to say. Returns what was reported.
pub(crate) fn quiesce(replicas: &mut [&mut Replica<Log>]) -> Vec<(Peer, ReplicaNotice)> {
    let (mut notices, mut silent) = (Vec::new(), 0);
    // What the notices before said is not known here.
    for at in 0..replicas.len() {
        if replicas[at].snapshot().is_none() {
            begin_again(replicas, at);
        }
    }
    for _ in 0..60 {
        let mut said = false;
        for from in 0..replicas.len() {
            said |= replicas[from].outbox().is_some();
            for to in (0..replicas.len()).filter(|to| *to != from) {
                notices.extend(exchange(replicas, from, to));
            }
        }
        // What was sent before, and lost, comes in a round in which no one has anything to say.
        silent = if said { 0 } else { silent + 1 };
        if silent == 2 {
            break;
        }
    }
    assert!(silent == 2, "a group falls silent: {replicas:?}");
    notices
}

/// One that is cut off begins with the snapshot of one that is not.
fn begin_again(replicas: &mut [&mut Replica<Log>], at: usize) {
    let mut others = (0..replicas.len()).filter(|other| *other != at);
    let Some(snapshot) = others.find_map(|other| replicas[other].snapshot()) else { return };
    match replicas[at].rejoin(snapshot) {
        Ok(()) | Err(SnapshotError::Older { .. }) => {}
        Err(error) => panic!("{error}"),
    }
}

/// One has what the other has.
pub(crate) fn exchange(
    replicas: &mut [&mut Replica<Log>],
    from: usize,
    to: usize,
) -> Vec<(Peer, ReplicaNotice)> {
    let version = replicas[to].version().clone();
    if replicas[from].reaches(&version) {
        let delta = replicas[from].since(&version);
        replicas[to].merge(delta);
    } else {
        // None where it must rejoin itself.
        let Some(snapshot) = replicas[from].snapshot() else { return Vec::new() };
        match replicas[to].rejoin(snapshot) {
            Ok(()) => {}
            // Each has forgotten what the other never had, all of it void: another member has both.
            Err(SnapshotError::Older { .. }) => return Vec::new(),
            Err(error) => panic!("{error}"),
        }
    }
    let mut notices = settle(replicas[from]);
    let found = settle(replicas[to]);
    let cut_off =
        |(_, notice): &(Peer, ReplicaNotice)| matches!(notice, ReplicaNotice::NextLife { cut_off: true, .. });
    if found.iter().any(cut_off) {
        begin_again(replicas, to);
        notices.extend(settle(replicas[to]));
    }
    notices.extend(found);
    notices
}

/// Without a budget.
pub(crate) fn settle(replica: &mut Replica<Log>) -> Vec<(Peer, ReplicaNotice)> {
    let mut notices = Vec::new();
    loop {
        let settled = replica.settle();
        let peer = replica.author().peer;
        notices.extend(settled.notices.into_iter().map(|notice| (peer, notice)));
        let Some(job) = settled.job else { return notices };
        assert!(replica.finish(job.run()));
    }
}
