//! A verdict is a function of the set of runs: whatever the order of admission, on every replica.

use std::collections::BTreeMap;

use super::{
    node::{Members, Node, TestRun, peer},
    random::Random,
    seeds,
};
use crate::replica::{
    Grant, Peer, RunHash,
    membership::{Verdict, Void},
};

const PEERS: u8 = 4;

/// Four peers and a copy of one exchange what they have at random; owners invite and retire each other as they like.
fn history(random: &mut Random, steps: u64) -> (Members, Vec<TestRun>) {
    let grants = [Grant::Owner, Grant::Owner, Grant::Owner, Grant::Write, Grant::Read];
    let members: Members = (0..PEERS - 1)
        .map(|number| (peer(number), grants[random.index(grants.len())]))
        .chain([(peer(3), Grant::Owner)])
        .collect();
    let mut nodes: Vec<_> = (0..PEERS).map(|number| Node::new(&members, number)).collect();
    nodes.push(Node::new(&members, 2));
    // One that is no member yet.
    nodes.push(Node::new(&members, 8));
    let mut log: BTreeMap<RunHash, TestRun> = BTreeMap::new();
    for step in 0..steps {
        let (of, other) = (random.index(nodes.len()), random.index(nodes.len()));
        let mut news = nodes[other].log.clone();
        news.truncate(news.len() - random.index(4).min(news.len()));
        nodes[of].take(&news);
        if of == 5 && !nodes[of].membership.members().contains_key(&peer(8)) {
            continue;
        }
        let target = peer([0, 1, 2, 3, 8][random.index(5)]);
        let run = match random.below(10) {
            0 | 1 => nodes[of].retire(target),
            2 => nodes[of].invite(target, grants[random.index(grants.len())]),
            3..6 => nodes[of].ack(),
            _ => nodes[of].write(step),
        };
        log.insert(run.hash, run);
        if random.percent(5) {
            nodes[of].restart();
        }
    }
    let mut runs: Vec<_> = log.into_values().collect();
    runs.sort_by_key(|run| run.header.lamport);
    (members, runs)
}

struct Judged {
    verdicts: BTreeMap<RunHash, Verdict>,
    members: BTreeMap<Peer, Grant>,
}

fn judge(members: &Members, me: u8, runs: &[TestRun]) -> Judged {
    let mut node = Node::new(members, me);
    node.take(runs);
    assert_eq!(node.log.len(), runs.len(), "all are admitted");
    Judged { verdicts: node.judged(), members: node.membership.members().clone() }
}

#[test]
fn random_histories_are_judged_the_same_in_every_order() {
    let mut seen: BTreeMap<Verdict, usize> = BTreeMap::new();
    for seed in seeds(200) {
        let mut random = Random::new(seed);
        let steps = 10 + random.below(30);
        let (members, runs) = history(&mut random, steps);
        let expected = judge(&members, 0, &runs);
        for verdict in expected.verdicts.values() {
            *seen.entry(*verdict).or_default() += 1;
        }
        for _ in 0..6 {
            let mut shuffled = runs.clone();
            random.shuffle(&mut shuffled);
            let other = judge(&members, random.number(PEERS), &shuffled);
            let same = other.verdicts == expected.verdicts && other.members == expected.members;
            assert!(same, "seed {seed}:\n{:?}\n{:?}", other.verdicts, expected.verdicts);
        }
    }
    for void in [Void::Closed, Void::Retired, Void::NotGranted] {
        assert!(seen.contains_key(&Verdict::Void(void)), "never {void:?}: {seen:?}");
    }
}

/// All orders in which these runs can be admitted, up to a bound.
fn all_orders(runs: &[TestRun], bound: usize) -> Vec<Vec<TestRun>> {
    let mut found = Vec::new();
    let mut stack = vec![Vec::new()];
    while let Some(order) = stack.pop() {
        if found.len() == bound {
            break;
        }
        let has = |hash: RunHash| order.iter().any(|run: &TestRun| run.hash == hash);
        let of_set = |hash: RunHash| runs.iter().any(|run| run.hash == hash);
        let next = runs.iter().filter(|run| {
            let mut past = run.header.heads.iter().map(|head| head.hash).chain([run.header.previous]);
            !has(run.hash) && past.all(|hash| has(hash) || !of_set(hash))
        });
        let mut ended = true;
        for run in next {
            ended = false;
            stack.push(order.iter().chain([run]).cloned().collect());
        }
        if ended {
            found.push(order);
        }
    }
    found
}

#[test]
fn small_histories_are_judged_the_same_in_all_orders() {
    for seed in seeds(30) {
        let mut random = Random::new(seed);
        let (members, runs) = history(&mut random, 8);
        let expected = judge(&members, 0, &runs);
        for order in all_orders(&runs, 100) {
            let other = judge(&members, 0, &order);
            assert_eq!(other.verdicts, expected.verdicts, "seed {seed}");
        }
    }
}
