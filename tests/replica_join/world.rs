//! Random groups in which replicas join, return, lose their log and are copied, while others edit, revoke, cut and retire.

use std::collections::BTreeSet;

use control_panel::{
    Delta, Peer, Replica, Stamp,
    replica::{Grant, SnapshotError, Version},
    testing::Rng,
};

use super::log::{Log, builder, exchange, peer, quiesce, settle};

const GENESIS: usize = 3;
const PEERS: usize = 7;

/// What a seed had.
#[derive(Default)]
struct Seen {
    joined: usize,
    rejoined: usize,
    lost: usize,
    copied: usize,
    restored: usize,
    above_cut: usize,
    /// Worlds in which each operation counts or came back.
    complete: usize,
}

struct World {
    rng: Rng,
    /// By peers, where they have begun.
    replicas: Vec<(usize, Replica<Log>)>,
    /// What each replica's present life committed.
    committed: Vec<BTreeSet<u32>>,
    back: Vec<BTreeSet<u32>>,
    revoked: BTreeSet<Stamp>,
    next: u32,
    invited: usize,
    /// Logs of peers as they were once.
    backups: Vec<(usize, Delta<u32>)>,
    forks: bool,
    /// No one is retired: then watermarks are equal in the end.
    quiet: bool,
    seen: Seen,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let (forks, quiet) = (rng.index(4) == 0, rng.index(3) == 0);
        let start = |number| {
            let builder = builder(number, GENESIS);
            // The first forgets nothing: it has what the others are compared with.
            let builder = if number == 0 { builder.performed(0) } else { builder };
            (number, builder.build())
        };
        Self {
            rng,
            replicas: (0..GENESIS).map(start).collect(),
            committed: vec![BTreeSet::new(); GENESIS],
            back: vec![BTreeSet::new(); GENESIS],
            revoked: BTreeSet::new(),
            next: 0,
            invited: GENESIS,
            backups: Vec::new(),
            forks,
            quiet,
            seen: Seen::default(),
        }
    }

    fn any(&mut self) -> usize {
        self.rng.index(self.replicas.len())
    }

    fn pair(&mut self) -> (usize, usize) {
        let from = self.any();
        let to = (from + 1 + self.rng.index(self.replicas.len() - 1)) % self.replicas.len();
        (from, to)
    }

    fn step(&mut self) {
        match self.rng.index(100) {
            0..40 => self.commit(),
            40..70 => self.meet(),
            70..78 => self.gossip(),
            78..83 => self.revoke(),
            83..88 => {
                let at = self.any();
                let _ = self.replicas[at].1.cut();
            }
            88..91 => self.invite(),
            91..93 => self.retire(),
            93..97 => self.join(),
            97 => self.lose(),
            98 => self.copy(),
            _ => self.restore(),
        }
    }

    fn commit(&mut self) {
        let at = self.any();
        for _ in 0..=self.rng.index(3) {
            self.replicas[at].1.commit(self.next);
            self.committed[at].insert(self.next);
            self.next += 1;
        }
        if self.rng.index(2) == 0 {
            self.settle(at);
        }
    }

    fn settle(&mut self, at: usize) {
        settle(&mut self.replicas[at].1);
        let back = self.replicas[at].1.take_void();
        self.back[at].extend(back.into_iter().map(|(_, op)| op));
    }

    fn meet(&mut self) {
        let (from, to) = self.pair();
        let version = self.replicas[to].1.version().clone();
        self.seen.rejoined += usize::from(!self.replicas[from].1.reaches(&version));
        // What their frames send gets lost, and is asked for.
        drop(self.replicas[from].1.outbox());
        let mut all: Vec<_> = self.replicas.iter_mut().map(|(_, replica)| replica).collect();
        exchange(&mut all, from, to);
    }

    /// All acknowledge, and most hear of it: what makes cuts stable.
    fn gossip(&mut self) {
        for from in 0..self.replicas.len() {
            let Some(delta) = self.replicas[from].1.outbox() else { continue };
            for to in (0..self.replicas.len()).filter(|to| *to != from) {
                if self.rng.index(4) > 0 {
                    self.replicas[to].1.merge(delta.clone());
                }
            }
        }
        for at in 0..self.replicas.len() {
            self.settle(at);
        }
    }

    fn revoke(&mut self) {
        let at = self.any();
        let done = &self.replicas[at].1.state().done;
        let Some(&(stamp, _)) = done.get(self.rng.index(done.len().max(1))) else { return };
        if self.replicas[at].1.revoke(stamp).is_ok() {
            self.revoked.insert(stamp);
        }
    }

    fn invite(&mut self) {
        let at = self.any();
        let member = self.rng.index(self.invited.min(PEERS - 1) + 1);
        let grant = [Grant::Write, Grant::Write, Grant::Owner, Grant::Read][self.rng.index(4)];
        // The peer that is compared with stays an owner.
        if member > 0 && self.replicas[at].1.invite(peer(member), grant).is_ok() {
            self.invited = self.invited.max(member + 1);
        }
    }

    fn retire(&mut self) {
        let at = self.any();
        let member = self.rng.index(self.invited);
        if member > 0 && !self.quiet {
            let _ = self.replicas[at].1.retire(peer(member));
        }
    }

    /// A peer that was invited begins, or another of a group that has not heard of it.
    fn join(&mut self) {
        let absent: Vec<_> =
            (0..self.invited).filter(|it| self.replicas.iter().all(|(number, _)| number != it)).collect();
        let Some(&number) = absent.first() else { return };
        let from = self.any();
        let Some(replica) = self.joiner(number, from) else { return };
        self.replicas.push((number, replica));
        self.committed.push(BTreeSet::new());
        self.back.push(BTreeSet::new());
        self.seen.joined += 1;
    }

    /// Nothing where the giver has not heard of the invitation.
    fn joiner(&mut self, number: usize, from: usize) -> Option<Replica<Log>> {
        let snapshot = self.replicas[from].1.snapshot()?;
        self.seen.above_cut += usize::from(snapshot.level() > 0 && !snapshot.is_empty());
        match builder(number, GENESIS).join(snapshot) {
            Ok(replica) => Some(replica),
            Err(SnapshotError::NotInvited) => None,
            Err(error) => panic!("{error}"),
        }
    }

    /// A replica loses its log, and begins with another's snapshot.
    fn lose(&mut self) {
        let (at, from) = self.pair();
        if at == 0 {
            return;
        }
        let number = self.replicas[at].0;
        // What it made and sent to others it has back from them, or it is lost with the log: those lists begin anew.
        let Some(replica) = self.joiner(number, from) else { return };
        let incarnation = replica.author().incarnation;
        let least = self.replicas[at].1.author().incarnation + 1;
        // No one may have heard of the life before: then its number must come from elsewhere.
        self.replicas[at].1 = if incarnation < least {
            let snapshot = self.replicas[from].1.snapshot().expect("`joiner` had one");
            builder(number, GENESIS).incarnation(least).join(snapshot).unwrap()
        } else {
            replica
        };
        self.committed[at].clear();
        self.back[at].clear();
        // As the documentation asks: what the life before sent to anyone is in the past of this one's first run.
        for from in (0..self.replicas.len()).filter(|from| *from != at) {
            let mut all: Vec<_> = self.replicas.iter_mut().map(|(_, replica)| replica).collect();
            exchange(&mut all, from, at);
        }
        self.seen.lost += 1;
    }

    /// A replica is copied with its log, and both go on as one author, until all have heard of both.
    fn copy(&mut self) {
        let at = self.any();
        let (number, from) = (self.replicas[at].0, &self.replicas[at].1);
        let nothing = Version::new();
        if !self.forks || at == 0 || from.author().incarnation > 0 || !from.reaches(&nothing) {
            return;
        }
        let mut copy = builder(number, GENESIS).build();
        copy.merge(from.since(&nothing));
        settle(&mut copy);
        for replica in [&mut copy, &mut self.replicas[at].1] {
            replica.commit(self.next);
            self.next += 1;
        }
        let mut all: Vec<_> = self.replicas.iter_mut().map(|(_, replica)| replica).collect();
        all.push(&mut copy);
        quiesce(&mut all);
        self.seen.copied += 1;
    }

    /// A peer's log is copied, or an old copy of one is started: it edits where it was, sends to some, and goes on as all are by then.
    fn restore(&mut self) {
        let at = self.any();
        let (number, replica) = (self.replicas[at].0, &self.replicas[at].1);
        let nothing = Version::new();
        if !self.forks || at == 0 {
            return;
        }
        if self.backups.is_empty() || self.rng.index(2) == 0 {
            if replica.author().incarnation == 0 && replica.reaches(&nothing) {
                self.backups.push((number, replica.since(&nothing)));
            }
            return;
        }
        let (number, log) = self.backups.swap_remove(self.rng.index(self.backups.len()));
        let mut copy = builder(number, GENESIS).build();
        copy.merge(log);
        settle(&mut copy);
        for _ in 0..3 {
            copy.commit(self.next);
            self.next += 1;
            for (_, replica) in &mut self.replicas {
                match self.rng.index(4) {
                    0 => replica.merge(copy.since(replica.version())),
                    1 if replica.reaches(copy.version()) => copy.merge(replica.since(copy.version())),
                    _ => continue,
                }
                settle(replica);
                settle(&mut copy);
            }
        }
        self.seen.restored += 1;
    }

    fn end(mut self, seed: u64) -> Seen {
        let mut all: Vec<_> = self.replicas.iter_mut().map(|(_, replica)| replica).collect();
        quiesce(&mut all);
        for at in 0..self.replicas.len() {
            self.settle(at);
        }
        let reference = &self.replicas[0].1;
        let names: Vec<_> = self.replicas.iter().map(|(_, replica)| replica.author().to_string()).collect();
        for (number, replica) in &self.replicas {
            let (ours, theirs) = (replica.state(), reference.state());
            assert_eq!(ours.ops(), theirs.ops(), "seed {seed}: peer {number} of {names:?}");
            assert_eq!(ours, theirs, "seed {seed}: peer {number}");
            let members = |replica: &Replica<Log>| replica.members().collect::<Vec<_>>();
            assert_eq!(members(replica), members(reference), "seed {seed}: peer {number}");
            let counts = |replica: &Replica<Log>| replica.version().iter().collect::<Vec<_>>();
            // What a lost life sent to few may be forgotten by others, as it is below what its next life promised.
            if self.seen.lost == 0 {
                assert_eq!(counts(replica), counts(reference), "seed {seed}: peer {number}");
            }
            // One that was invited and is not there holds it back, wherever each knows it to be.
            let here = |(member, _): &(Peer, Grant)| {
                self.replicas.iter().any(|(number, _)| peer(*number) == *member)
            };
            if self.quiet && !self.forks && members(reference).iter().all(here) {
                assert_eq!(replica.watermark(), reference.watermark(), "seed {seed}: peer {number}");
            }
        }
        // Nothing is lost silently: but what a retirement makes void waits until that is final, and so until members that never began did, or for a voter that
        // is lost (seed 4125). Until then something is not stable.
        let there: BTreeSet<_> = reference.state().ops().into_iter().collect();
        let here =
            |(member, _): (Peer, Grant)| self.replicas.iter().any(|(number, _)| peer(*number) == member);
        let stable = |(_, replica): &(usize, Replica<Log>)| replica.watermark() == reference.watermark();
        let is_final =
            reference.members().all(here) && self.replicas.iter().all(stable) && reference.unstable() == 0;
        if !self.forks && self.revoked.is_empty() && is_final {
            for (at, (number, _)) in self.replicas.iter().enumerate() {
                let lost: Vec<_> = self.committed[at]
                    .iter()
                    .filter(|op| !there.contains(op) && !self.back[at].contains(op))
                    .collect();
                assert!(lost.is_empty(), "seed {seed}: peer {number} lost {lost:?}");
            }
            self.seen.complete += 1;
        }
        self.seen
    }
}

fn run(seed: u64) -> Seen {
    let mut world = World::new(seed);
    for _ in 0..60 + seed % 120 {
        world.step();
    }
    world.end(seed)
}

#[test]
fn all_converge_with_joiners() {
    let seeds = std::env::var("SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(300);
    let from = std::env::var("FROM").ok().and_then(|from| from.parse().ok()).unwrap_or(0);
    let mut all = Seen::default();
    // 4158: one that is retired held what the others had let go, and they what it said.
    for seed in (from..from + seeds).chain([4158]) {
        let Seen { joined, rejoined, lost, copied, restored, above_cut, complete } = run(seed);
        all.joined += joined;
        all.rejoined += rejoined;
        all.lost += lost;
        all.copied += copied;
        all.restored += restored;
        all.above_cut += above_cut;
        all.complete += complete;
    }
    let Seen { joined, rejoined, lost, copied, restored, above_cut, complete } = all;
    let counts = format!(
        "joined {joined}, rejoined {rejoined}, lost {lost}, copied {copied}, restored {restored}, above a cut {above_cut}, complete {complete}"
    );
    println!("{counts}");
    if seeds >= 300 {
        assert!(
            [joined, rejoined, lost, copied, restored, above_cut, complete].iter().all(|count| *count > 0),
            "{counts}"
        );
    }
}
