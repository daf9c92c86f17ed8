//! Random groups: runs of 2 to 7 authors in any order, twice, lost and asked for again, forked, wrong, and with heads left out.

use std::collections::BTreeMap;

use super::{
    harness::{Random, TestRun, author, contents, follow, forge, graph, seal, take},
    oracle::Oracle,
};
use crate::replica::{
    Misbehaviour, RunHash,
    graph::Graph,
    run::{Head, Header},
};

struct World {
    random: Random,
    /// One for each author, and perhaps one more that has an author's key too.
    nodes: Vec<Graph<u64>>,
    oracle: Oracle,
    /// In the order in which they were made.
    made: Vec<TestRun>,
    /// Runs that must be refused, and one each that builds on it.
    wrong: Vec<TestRun>,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let authors = 2 + random.below(6);
        let mut nodes: Vec<_> = (0..authors).map(|peer| graph(u8::try_from(peer).unwrap())).collect();
        if random.one_in(2) {
            nodes.push(graph(0));
        }
        Self { random, nodes, oracle: Oracle::default(), made: vec![], wrong: vec![] }
    }

    fn step(&mut self) {
        let node = self.random.below(self.nodes.len());
        match self.random.below(8) {
            0 | 1 => {
                let ops: Vec<_> = (0..=self.random.below(3)).map(|_| self.random.next()).collect();
                let run = seal(&mut self.nodes[node], &ops);
                self.made(&run);
            }
            2 => self.hide(node),
            3 => self.lie(),
            4 => {
                let from = self.random.below(self.nodes.len());
                self.repair(from, node);
            }
            _ => {
                // Any runs in any order, some of them twice.
                let pool: Vec<_> = self.made.iter().chain(&self.wrong).cloned().collect();
                for _ in 0..self.random.below(6) {
                    if !pool.is_empty() {
                        let run = self.random.pick(&pool);
                        take(&mut self.nodes[node], [run]);
                    }
                }
            }
        }
        self.oracle.check(&self.nodes[node]);
    }

    fn made(&mut self, run: &TestRun) {
        self.oracle.add(run);
        self.made.push(run.clone());
    }

    fn repair(&mut self, from: usize, to: usize) {
        let missing = self.nodes[from].since(self.nodes[to].version());
        take(&mut self.nodes[to], &missing);
    }

    /// An author that names one of the heads it should, or none: its past is what follows from those it does name.
    fn hide(&mut self, node: usize) {
        let graph = &self.nodes[node];
        let Some(own) = graph.own_chain() else { return };
        let previous = graph.chain(own).runs.last().cloned();
        let others: Vec<_> = graph
            .chains()
            .filter(|(id, chain)| *id != own && chain.author != graph.chain(own).author)
            .filter_map(|(_, chain)| chain.runs.last().cloned())
            .collect();
        let heads: Vec<_> = others.into_iter().take(self.random.below(2)).collect();
        let header = follow(graph.chain(own).author, previous.as_ref(), &heads.iter().collect::<Vec<_>>());
        let run = forge(header, &[self.random.next()]);
        // What it names may be no news: then it is wrong, which the graph itself says.
        if take(&mut self.nodes[node], [&run]) == 1 {
            self.made(&run);
        }
    }

    /// A run with a wrong time, and one that builds on it.
    fn lie(&mut self) {
        if self.made.is_empty() {
            return;
        }
        let run = self.random.pick(&self.made).clone();
        let change = 1 + self.random.below(3) as u64;
        let header = Header { lamport: run.header.lamport + change, ..run.header.clone() };
        let wrong = forge(header, &[self.random.next()]);
        let child = forge(follow(wrong.header.author, Some(&wrong), &[]), &[self.random.next()]);
        self.wrong.extend([wrong, child]);
    }

    /// Everyone gets everything.
    fn finish(&mut self) {
        for _ in 0..2 {
            for from in 0..self.nodes.len() {
                for to in 0..self.nodes.len() {
                    self.repair(from, to);
                }
            }
        }
        let all: BTreeMap<_, _> = self.oracle.runs.iter().map(place).collect();
        for node in &self.nodes {
            assert_eq!(contents(node), all);
            assert_eq!(node.version(), self.nodes[0].version());
            assert_eq!(node.clock(), self.nodes[0].clock());
            self.oracle.check(node);
        }
    }
}

fn place((hash, run): (&RunHash, &TestRun)) -> (RunHash, (crate::replica::Author, u64, u64)) {
    (*hash, (run.header.author, run.header.seq, run.header.lamport))
}

#[test]
fn every_graph_has_the_same_runs_and_rows_as_the_closure() {
    let (mut forked, mut waited, mut refused) = (0, 0, 0);
    for seed in 0..400 {
        let mut world = World::new(seed);
        for _ in 0..60 {
            world.step();
            waited += world.nodes.iter().filter(|node| node.waiting() > 0).count();
        }
        world.finish();
        forked += usize::from(world.nodes[0].is_forked(author(0)));
        for node in &mut world.nodes {
            let reports = node.take_refused();
            refused += reports.iter().filter(|(_, what)| *what == Misbehaviour::Clock).count();
            let fork = reports.iter().filter(|(_, what)| matches!(what, Misbehaviour::Fork { .. })).count();
            assert_eq!(fork, usize::from(node.is_forked(author(0))), "seed {seed}: once an author");
        }
    }
    assert!(forked > 50 && waited > 1_000 && refused > 300, "{forked} {waited} {refused}");
}

#[test]
fn any_order_with_duplicates_needs_no_repair() {
    for seed in 0..200 {
        let mut world = World::new(seed);
        for _ in 0..40 {
            world.step();
        }
        let mut runs: Vec<_> = world.made.iter().chain(&world.made).chain(&world.wrong).cloned().collect();
        world.random.shuffle(&mut runs);
        let mut late = graph(200);
        take(&mut late, &runs);
        assert_eq!(contents(&late), world.oracle.runs.iter().map(place).collect(), "seed {seed}");
        world.oracle.check(&late);
        // What still waits builds on what was refused before it was remembered, or came after it was forgotten.
        assert!(late.waiting() <= world.wrong.len());
    }
}

#[test]
fn since_is_causal_and_complete() {
    for seed in 0..100 {
        let mut world = World::new(seed);
        for _ in 0..40 {
            world.step();
        }
        let node = world.random.below(world.nodes.len());
        let all = world.nodes[node].since(&crate::replica::Version::new());
        let mut fresh = graph(200);
        for run in &all {
            assert_eq!(take(&mut fresh, [run]), 1, "seed {seed}: each behind its past, and once");
        }
        assert_eq!(contents(&fresh), contents(&world.nodes[node]));
    }
}

#[test]
fn heads_are_in_proportion_to_news() {
    let (mut a, mut b, mut c) = (graph(1), graph(2), graph(3));
    let b1 = seal(&mut b, &[1]);
    let c1 = seal(&mut c, &[1]);
    take(&mut a, [&b1, &c1]);
    let names = |run: &TestRun| run.header.heads.iter().map(|Head { hash, .. }| *hash).collect::<Vec<_>>();
    assert_eq!(names(&seal(&mut a, &[2])), [b1.hash, c1.hash]);
    assert_eq!(names(&seal(&mut a, &[3])), []);
    let b2 = seal(&mut b, &[4]);
    let b3 = seal(&mut b, &[5]);
    take(&mut a, [&b2, &b3]);
    assert_eq!(names(&seal(&mut a, &[6])), [b3.hash]);
}
