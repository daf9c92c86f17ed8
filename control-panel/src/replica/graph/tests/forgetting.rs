//! History below a level is dropped; what comes later still fits.

use super::{
    harness::{Random, author, contents, follow, forge, graph, graph_with, origin, seal, take},
    oracle::Oracle,
};
use crate::replica::{
    Misbehaviour, Version,
    graph::{
        Graph, Limits, Mark, Record, Tip,
        record::{ChainRecord, RunRecord},
    },
    run::Header,
};

/// Three authors that exchange everything each round.
fn rounds(count: u64, oracle: &mut Oracle) -> Vec<Graph<u64>> {
    let mut nodes: Vec<_> = (1..4).map(graph).collect();
    for round in 0..count {
        let runs: Vec<_> = nodes.iter_mut().map(|node| seal(node, &[round, round])).collect();
        for run in &runs {
            oracle.add(run);
        }
        for node in &mut nodes {
            take(node, &runs);
        }
    }
    nodes
}

#[test]
fn chains_go_on_behind_what_is_forgotten() {
    let mut oracle = Oracle::default();
    let mut nodes = rounds(6, &mut oracle);
    let all = contents(&nodes[0]);
    let version = nodes[0].version().clone();
    nodes[0].forget_below(6, |_| u64::MAX);
    assert_eq!(contents(&nodes[0]).len(), 9, "three rounds of two operations end at 6");
    assert_eq!(nodes[0].version(), &version);
    oracle.check(&nodes[0]);
    // Forgotten runs are duplicates still.
    let old = nodes[1].since(&Version::new());
    assert_eq!(old.len(), all.len());
    assert_eq!(take(&mut nodes[0], &old), 0);
    assert_eq!(nodes[0].waiting(), 0);
    assert!(!nodes[0].reaches(&Version::new()) && nodes[0].reaches(&version));

    let next = seal(&mut nodes[1], &[9]);
    oracle.add(&next);
    assert_eq!(take(&mut nodes[0], [&next]), 1);
    oracle.check(&nodes[0]);
    assert!(nodes[0].take_refused().is_empty());
}

#[test]
fn a_head_that_names_a_forgotten_run_is_accepted_and_its_time_is_not_above_the_level() {
    let mut oracle = Oracle::default();
    let mut nodes = rounds(6, &mut oracle);
    let a1 = nodes[1].chain(nodes[1].chains_of(author(1).peer).next().unwrap()).runs[0].clone();
    nodes[0].forget_below(6, |_| u64::MAX);
    let late = forge(follow(author(7), None, &[&a1]), &[1]);
    assert_eq!(take(&mut nodes[0], [&late]), 1);
    let chain = |node: &Graph<u64>, peer| node.chains_of(author(peer).peer).next().unwrap();
    assert_eq!(nodes[0].heard(chain(&nodes[0], 7), chain(&nodes[0], 1)), Mark { next_seq: 2, clock: 0 });
    let jump = Header { lamport: 8, ..follow(author(8), None, &[&a1]) };
    assert_eq!(take(&mut nodes[0], [&forge(jump, &[1])]), 0);
    assert_eq!(nodes[0].take_refused(), [(author(8).peer, Misbehaviour::Clock)]);
}

#[test]
fn an_author_that_begins_late_hears_what_is_forgotten_with_the_rest() {
    let mut oracle = Oracle::default();
    let mut nodes = rounds(6, &mut oracle);
    // It names one end: all three authors' pasts follow from it.
    let last = nodes[0].chain(nodes[0].own_chain().unwrap()).runs.last().unwrap().clone();
    let late = forge(follow(author(7), None, &[&last]), &[1]);
    oracle.add(&late);
    nodes[0].forget_below(6, |_| u64::MAX);
    nodes[1].forget_below(12, |_| u64::MAX);
    for node in &mut nodes {
        assert_eq!(take(node, [&late]), 1);
        oracle.check(node);
    }
}

#[test]
fn a_fork_behind_what_is_kept_has_the_row_of_its_place() {
    let mut oracle = Oracle::default();
    let mut nodes = rounds(6, &mut oracle);
    let own = nodes[0].own_chain().unwrap();
    let fourth = nodes[0].chain(own).runs[3].clone();
    let branch = forge(follow(author(1), Some(&fourth), &[]), &[5]);
    oracle.add(&branch);
    nodes[0].forget_below(6, |_| u64::MAX);
    for node in &mut nodes {
        assert_eq!(take(node, [&branch]), 1);
        oracle.check(node);
    }
    // Below the level there is no place to fork from.
    let first = forge(follow(author(1), None, &[]), &[6]);
    assert_eq!(take(&mut nodes[0], [&first]), 0);
    assert_eq!(nodes[0].waiting(), 0);
}

#[test]
fn a_graph_goes_on_from_its_record() {
    for seed in 0..200 {
        let mut random = Random(seed);
        let mut oracle = Oracle::default();
        let mut nodes: Vec<_> = [1, 2, 3, 1].into_iter().map(graph).collect();
        let mut made = Vec::new();
        for _ in 0..60 {
            let node = random.below(nodes.len());
            if random.one_in(3) {
                let run = seal(&mut nodes[node], &[random.next()]);
                oracle.add(&run);
                made.push(run);
            } else {
                let from = random.below(nodes.len());
                let missing = nodes[from].since(nodes[node].version());
                take(&mut nodes[node], &missing);
            }
        }
        let missing: Vec<_> = nodes.iter().flat_map(|node| node.since(&Version::new())).collect();
        take(&mut nodes[1], &missing);
        let level = random.next() % (nodes[1].clock() + 1);
        nodes[1].forget_below(level, |_| u64::MAX);
        let record = nodes[1].to_record();
        let mut joiner = Graph::restore(origin(), author(9), Limits::default(), &record).unwrap();
        assert_eq!(contents(&joiner), contents(&nodes[1]), "seed {seed}, level {level}");
        // All of history, in any order: what is below the level is known to be a duplicate.
        random.shuffle(&mut made);
        assert_eq!(take(&mut joiner, &made), 0, "seed {seed}, level {level}");
        assert_eq!(joiner.version(), nodes[1].version());
        assert_eq!((joiner.clock(), joiner.waiting()), (nodes[1].clock(), 0));
        let run = seal(&mut joiner, &[1]);
        assert_eq!(take(&mut nodes[1], [&run]), 1);
    }
}

#[test]
fn a_record_that_contradicts_itself_is_no_graph() {
    let mut oracle = Oracle::default();
    let mut nodes = rounds(5, &mut oracle);
    nodes[0].forget_below(6, |_| u64::MAX);
    let record = nodes[0].to_record();
    let start = |spoil: &dyn Fn(&mut Record<u64>)| {
        let mut record = record.clone();
        spoil(&mut record);
        Graph::restore(origin(), author(9), Limits::default(), &record).is_some()
    };
    assert!(start(&|_| {}));
    assert!(!start(&|bad| bad.level = u64::MAX), "out of range");
    assert!(!start(&|bad| bad.chains[0].base.mark.clock = u64::MAX), "out of range");
    assert!(!start(&|bad| bad.chains[0].base_row[0].0 = 17), "there are not so many chains");
    assert!(!start(&|bad| bad.chains[0].base_row[0].2 = 1_000), "more declared than heard");
    assert!(!start(&|bad| bad.chains[0].base.mark.next_seq += 1), "its runs begin elsewhere");
    assert!(!start(&|bad| drop(bad.chains[0].runs.remove(0))), "its runs begin elsewhere");
    assert!(
        !start(&|bad| bad.chains[1] = bad.chains[0].clone()),
        "an author has one chain that is no branch"
    );
    assert!(!start(&|bad| bad.chains[0].base.mark.clock += 1), "above the level");
    assert!(!start(&|bad| bad.chains[0].base_row[0].1.clock += 1_000), "heard of a time that is not there");
    assert!(
        !start(&|bad| bad.chains[0].runs[0].news[0].2.clock += 1_000),
        "heard of a time that is not there"
    );
    assert!(!start(&|bad| bad.chains[0].runs[0].news[0].2.next_seq += 1_000), "heard of what is not here");
    let itself = |bad: &mut Record<u64>| bad.chains[0].fork = Some((0, Mark { next_seq: 1, clock: 1 }));
    assert!(!start(&itself), "no chain is its own branch");
}

/// A giver that makes a time up, and runs that follow from it: the joiner's next run would follow from it too, and be refused everywhere.
#[test]
fn a_record_with_a_time_that_follows_from_nothing_is_no_graph() {
    let mut oracle = Oracle::default();
    let mut nodes = rounds(5, &mut oracle);
    nodes[0].forget_below(6, |_| u64::MAX);
    let record = nodes[0].to_record();
    let last = |chain: usize| record.chains[chain].runs.last().unwrap().run.clone();
    let start = |header: Header, news: &[(usize, bool, Mark)]| {
        let mut record = record.clone();
        record.chains[0].runs.push(RunRecord { run: forge(header, &[1]), news: news.to_vec() });
        Graph::restore(origin(), author(9), Limits::default(), &record).is_some()
    };
    let (own, other) = (last(0), last(1));
    let news = (1, true, Mark { next_seq: other.next_seq(), clock: other.clock() });
    let by = own.header.author;
    assert!(start(follow(by, Some(&own), &[]), &[]));
    assert!(start(follow(by, Some(&own), &[&other]), &[news]));
    assert!(!start(Header { lamport: 1 << 40, ..follow(by, Some(&own), &[]) }, &[]), "it jumps");
    assert!(!start(Header { lamport: 1 << 40, ..follow(by, Some(&own), &[&other]) }, &[news]), "it jumps");
    let unknown = forge(Header { lamport: 1 << 40, ..follow(author(4), None, &[]) }, &[1]);
    assert!(!start(follow(by, Some(&own), &[&unknown]), &[]), "its head is not here");
    // Below the level a time is not known: it may be as late as that, and no later.
    let forgotten =
        nodes[1].chains().map(|(_, chain)| chain.runs[0].clone()).find(|run| run.header.author != by);
    let late = follow(author(4), None, &[&forgotten.unwrap()]);
    let begin = |lamport| {
        let mut record = record.clone();
        let header = Header { lamport, ..late.clone() };
        record.chains.push(ChainRecord {
            author: author(4),
            fork: None,
            base: Tip { hash: origin(), mark: Mark::default() },
            base_row: Vec::new(),
            runs: vec![RunRecord { run: forge(header, &[1]), news: Vec::new() }],
        });
        Graph::restore(origin(), author(9), Limits::default(), &record).is_some()
    };
    assert!(begin(3) && begin(7));
    assert!(!begin(8), "above the level");
}

#[test]
fn a_run_has_at_most_so_many_heads_and_names_the_rest_later() {
    let mut a = graph_with(1, Limits { heads: 2, ..Limits::default() });
    let runs: Vec<_> = (2..7)
        .map(|peer| {
            let ops = vec![1; usize::from(peer)];
            seal(&mut graph(peer), &ops)
        })
        .collect();
    take(&mut a, &runs);
    let sealed: Vec<_> = (0..4).map(|op| seal(&mut a, &[op])).collect();
    let counts: Vec<_> = sealed.iter().map(|run| run.header.heads.len()).collect();
    assert_eq!(counts, [2, 2, 1, 0]);
    assert_eq!(sealed[0].header.lamport, 7, "the latest is among the first");
}
