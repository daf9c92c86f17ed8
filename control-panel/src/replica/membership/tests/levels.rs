//! Lows, the watermark and what is closed, against their definitions computed from the whole past of each run.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    node::{Members, Node, TestRun, owners, peer},
    random::Random,
    seeds,
};
use crate::replica::{
    Peer, RunHash,
    membership::{Verdict, Void},
};

/// Runs and their pasts, as sets.
#[derive(Default)]
struct Pasts {
    runs: BTreeMap<RunHash, TestRun>,
    /// Each with itself.
    pasts: BTreeMap<RunHash, BTreeSet<RunHash>>,
}

impl Pasts {
    fn add(&mut self, run: &TestRun) {
        let mut past = BTreeSet::from([run.hash]);
        for before in run.header.heads.iter().map(|head| head.hash).chain([run.header.previous]) {
            // The first run's predecessor is the genesis, which is no run.
            past.extend(self.pasts.get(&before).into_iter().flatten());
        }
        self.runs.insert(run.hash, run.clone());
        self.pasts.insert(run.hash, past);
    }

    fn clock<'a>(&'a self, within: impl Iterator<Item = &'a RunHash>, peer: Peer) -> u64 {
        let runs = within.map(|hash| &self.runs[hash]).filter(|run| run.header.author.peer == peer);
        runs.map(|run| run.clock()).max().unwrap_or(0)
    }

    fn low(&self, of: &RunHash, members: &Members) -> u64 {
        members.keys().map(|peer| self.clock(self.pasts[of].iter(), *peer)).min().unwrap_or(0)
    }

    fn is_closed(&self, run: &TestRun, members: &Members) -> bool {
        self.runs.values().any(|by| {
            by.header.author.peer != run.header.author.peer
                && !self.pasts[&by.hash].contains(&run.hash)
                && self.low(&by.hash, members) >= run.header.lamport
        })
    }
}

#[test]
fn incremental_levels_are_those_of_the_definitions() {
    let mut closed = 0;
    for seed in seeds(60) {
        let mut random = Random::new(seed);
        let members = owners(3);
        let mut nodes: Vec<_> = (0..3).map(|number| Node::new(&members, number)).collect();
        // A copy of the last one, or of what it was at some time.
        nodes.push(Node::new(&members, 2));
        let mut pasts = Pasts::default();
        for step in 0..50 {
            if step == 20 && random.percent(50) {
                let log = nodes[2].log.clone();
                nodes[3] = Node::restarted(&members, nodes[2].me, &log);
            }
            let (of, other) = (random.index(4), random.index(4));
            let news = nodes[other].log.clone();
            nodes[of].take(&news);
            if of < 3 || random.percent(40) {
                let run = if random.percent(50) { nodes[of].write(step) } else { nodes[of].ack() };
                pasts.add(&run);
            }
        }
        let everything: Vec<_> = nodes.iter().flat_map(|node| node.log.clone()).collect();
        for node in &mut nodes {
            node.take(&everything);
        }
        // What the copy made and sent to no one went with it.
        pasts.runs.retain(|hash, _| everything.iter().any(|run| run.hash == *hash));
        for node in &nodes {
            for number in 0..3 {
                let of = peer(number);
                let own = pasts.runs.values().filter(|run| run.header.author.peer == of);
                let declared = own.map(|run| pasts.low(&run.hash, &members)).max().unwrap_or(0);
                assert_eq!(node.membership.low(of), declared, "seed {seed}, {of} at {}", node.me);
            }
            for run in pasts.runs.values() {
                let is_closed = pasts.is_closed(run, &members);
                let expected = if is_closed { Verdict::Void(Void::Closed) } else { Verdict::Valid };
                assert_eq!(node.verdict(run), expected, "seed {seed}: {run:?}");
                closed += usize::from(is_closed);
            }
            assert_eq!(node.wrong, [""; 0], "seed {seed}");
        }
    }
    assert!(closed > 0, "no run was closed");
}
