//! Branches that leave a chain where a cut covers it, and more of a peer's branches and lives than its own word is good for.

use std::sync::Arc;

use super::harness::{Random, TestRun, author, contents, cut, follow, forge, graph, graph_with, seal, take};
use crate::replica::{
    Author, Misbehaviour, Peer, Version,
    graph::{Candidate, ChainId, Graph, Limits, Members},
    run::Run,
};

/// Authors 1 to 4 with four rounds, and a cut by author 2 that covers three of them, which 4 does not have.
struct Group {
    nodes: Vec<Graph<u64>>,
    cut: TestRun,
    first: TestRun,
}

impl Group {
    fn new() -> Self {
        let mut nodes: Vec<_> = (1..5).map(graph).collect();
        let mut first = None;
        for round in 0..4 {
            let runs: Vec<_> = nodes.iter_mut().map(|node| seal(node, &[round])).collect();
            for node in &mut nodes {
                _ = take(node, &runs);
            }
            first.get_or_insert(runs[0].clone());
        }
        let cut = cut(&mut nodes[1], 3);
        for node in &mut nodes[..3] {
            _ = take(node, [&cut]);
        }
        Self { nodes, cut, first: first.unwrap() }
    }

    /// A branch of author 1's behind its first run, at or below the cut, and what follows it above.
    fn branch(&self) -> [TestRun; 2] {
        let below = forge(follow(author(1), Some(&self.first), &[]), &[70]);
        let own = self.nodes[2].own_chain().unwrap();
        let high = self.nodes[2].chain(own).runs.last().unwrap().clone();
        [below.clone(), forge(follow(author(1), Some(&below), &[&high]), &[71])]
    }

    fn forget(&mut self, node: usize) {
        let had = self.nodes[node].past_of((self.cut.stamp(0), self.cut.hash)).unwrap();
        self.nodes[node].forget_below(3, had);
    }
}

#[test]
fn one_that_has_forgotten_and_one_that_has_not_take_the_same_of_a_branch() {
    let mut group = Group::new();
    let [below, above] = group.branch();
    // Right above the cut, behind what it covers: no run of it is below.
    let own = group.nodes[2].own_chain().unwrap();
    let high = group.nodes[2].chain(own).runs.last().unwrap().clone();
    let jump = forge(follow(author(1), Some(&group.first), &[&high]), &[72]);
    group.forget(2);
    for node in &mut group.nodes[1..3] {
        assert_eq!(take(node, [&below, &above, &jump]), 0);
        assert!(!node.is_forked(author(1)));
    }
    assert_eq!(group.nodes[1].take_refused().len(), 1, "the fork is reported");
    let next: Vec<_> = group.nodes[1..3].iter_mut().map(|node| seal(node, &[9])).collect();
    for node in &mut group.nodes[1..3] {
        assert_eq!(take(node, &next), 1);
    }
}

#[test]
fn what_another_names_that_had_no_cut_is_taken_in_any_order() {
    for seed in 0..50 {
        let mut group = Group::new();
        let [below, above] = group.branch();
        let after = forge(follow(author(1), Some(&above), &[]), &[73]);
        assert_eq!(take(&mut group.nodes[3], [&below, &above, &after]), 3, "it has no cut");
        let names = seal(&mut group.nodes[3], &[8]);
        assert!(names.header.heads.iter().any(|head| head.hash == after.hash));
        let mut runs = vec![below, above, after, names];
        Random(seed).shuffle(&mut runs);
        for run in &runs {
            take(&mut group.nodes[1], [run]);
        }
        // What was let go of comes again by version.
        assert_eq!((group.nodes[1].waiting(), group.nodes[1].is_forked(author(1))), (0, true), "seed {seed}");
        assert_eq!(contents(&group.nodes[1]).len(), contents(&group.nodes[3]).len() + 1, "the cut");
    }
}

#[test]
fn its_own_peer_names_nothing() {
    let mut group = Group::new();
    let [below, above] = group.branch();
    let other = Author { incarnation: 1, ..author(1) };
    let begins = forge(follow(other, None, &[]), &[5]);
    let names = forge(follow(other, Some(&begins), &[&above]), &[6]);
    assert_eq!(take(&mut group.nodes[1], [&begins, &below, &above, &names]), 1);
    // Nor does one whose own place is not known.
    let own = group.nodes[2].own_chain().unwrap();
    let last = group.nodes[2].chain(own).runs.last().unwrap().clone();
    let missing = forge(follow(author(3), Some(&last), &[]), &[6]);
    let orphan = forge(follow(author(3), Some(&missing), &[&above]), &[6]);
    assert_eq!(take(&mut group.nodes[1], [&orphan]), 0);
    assert_eq!(take(&mut group.nodes[1], [&missing]), 5, "{:?}", group.nodes[1].take_refused());
}

/// A group in which this peer's word does not count, as it is retired.
struct Without(Peer);

impl Members<u64> for Without {
    fn knows(&self, _: &Candidate<'_, u64>) -> bool {
        true
    }

    fn counts(&self, run: &Run<u64>, _: &dyn Fn((ChainId, u64)) -> bool) -> bool {
        run.header.author.peer != self.0
    }
}

/// `replica::tests::orders`, seed 7275.
#[test]
fn it_is_named_through_a_run_whose_own_word_does_not_count() {
    let retired = author(3);
    let take = |node: &mut Graph<u64>, runs: &[TestRun]| {
        for run in runs {
            node.offer(Arc::clone(run));
        }
        std::iter::from_fn(|| node.admit_next_of(&Without(retired.peer))).count()
    };
    for seed in 0..50 {
        let group = Group::new();
        let [below, above] = group.branch();
        let life = |incarnation| Author { incarnation, ..retired };
        let through = forge(follow(life(1), None, &[&above]), &[5]);
        let further = forge(follow(life(2), None, &[&through]), &[6]);
        let last = |node: &Graph<u64>| node.chain(node.own_chain().unwrap()).runs.last().unwrap().clone();
        let names = forge(follow(author(4), Some(&last(&group.nodes[3])), &[&further]), &[7]);
        let [_, mut node, ..] = <[_; 4]>::try_from(group.nodes).ok().unwrap();
        let mut runs = [below, above, through, further];
        Random(seed).shuffle(&mut runs);
        assert_eq!(take(&mut node, &runs), 0, "no member named it");
        let (before, after) = runs.split_at(usize::try_from(seed % 5).unwrap());
        let all: Vec<_> = before.iter().chain([&names]).chain(after).cloned().collect();
        assert_eq!(take(&mut node, &all), 5, "seed {seed}");
        assert_eq!(node.waiting(), 0);
    }
}

/// A group in which this peer was retired, and invited again by what ends there.
struct Again(Peer, (ChainId, u64));

impl Members<u64> for Again {
    fn knows(&self, _: &Candidate<'_, u64>) -> bool {
        true
    }

    fn counts(&self, run: &Run<u64>, covers: &dyn Fn((ChainId, u64)) -> bool) -> bool {
        run.header.author.peer != self.0 || covers(self.1)
    }
}

#[test]
fn the_word_of_one_that_is_invited_again_counts_from_the_run_that_has_the_invitation() {
    let mut group = Group::new();
    let [below, above] = group.branch();
    let again = seal(&mut group.nodes[1], &[5]);
    let invitation = (group.nodes[1].own_chain().unwrap(), again.next_seq());
    let last = group.nodes[3].chain(group.nodes[3].own_chain().unwrap()).runs.last().unwrap().clone();
    let mut take = |runs: [&TestRun; 3]| {
        let node = &mut group.nodes[1];
        for run in runs {
            node.offer(Arc::clone(run));
        }
        std::iter::from_fn(|| node.admit_next_of(&Again(author(4).peer, invitation))).count()
    };
    let without = forge(follow(author(4), Some(&last), &[&above]), &[7]);
    assert_eq!(take([&below, &above, &without]), 0, "it is void");
    // Beside what is missing it names the invitation, which is here. So does another branch, and the first run of another life.
    let life = Author { incarnation: 1, ..author(4) };
    let begins = forge(follow(life, None, &[&above, &again]), &[8]);
    assert_eq!(take([&below, &above, &begins]), 4, "and what waited for the branch");
    let fork = forge(follow(author(4), Some(&last), &[&above, &again]), &[9]);
    assert_eq!(take([&fork, &below, &above]), 1);
}

#[test]
fn what_the_cut_lacks_is_not_forgotten_with_it() {
    let mut group = Group::new();
    let [below, above] = group.branch();
    take(&mut group.nodes[3], [&below]);
    let names = seal(&mut group.nodes[3], &[8]);
    take(&mut group.nodes[1], [&below, &names]);
    let kept = contents(&group.nodes[1]).len();
    group.forget(1);
    assert_eq!(contents(&group.nodes[1]).len(), kept - 12, "three rounds");
    // So all that follows it finds its place.
    assert_eq!(take(&mut group.nodes[1], [&above, &below]), 1);
    let record = group.nodes[1].to_record();
    let mut joiner = Graph::restore(super::harness::origin(), author(9), Limits::default(), &record).unwrap();
    let other = forge(follow(author(1), Some(&group.first), &[]), &[74]);
    assert_eq!(take(&mut joiner, [&below, &above, &other]), 0);
    assert_eq!(contents(&joiner), contents(&group.nodes[1]));
    // It knows the cut too.
    let own = group.nodes[1].own_chain().unwrap();
    let at = group.nodes[1].chain(own).base();
    assert_eq!(at.mark.next_seq, 3);
    let high = Arc::clone(&group.cut);
    let fork = forge(follow(author(1), Some(&below), &[&high]), &[75]);
    assert_eq!(take(&mut joiner, [&fork]), 1, "no cut covers this place");
}

#[test]
fn ten_thousand_branches_are_a_few_until_others_name_them() {
    let first = forge(follow(author(1), None, &[]), &[0]);
    let branches: Vec<_> = (0..10_000).map(|op| forge(follow(author(1), Some(&first), &[]), &[op])).collect();
    let (mut a, mut b) = (graph(2), graph(3));
    take(&mut a, [&first].into_iter().chain(&branches));
    take(&mut b, [&first].into_iter().chain(branches.iter().rev()));
    let limit = Limits::default().branches;
    for node in [&mut a, &mut b] {
        assert_eq!(node.chains().count(), limit + 1);
        let reports = node.take_refused();
        assert!(matches!(reports[..], [(_, Misbehaviour::Fork { .. })]), "{reports:?}");
    }
    settle([&mut a, &mut b]);
    assert_eq!(a.chains().filter(|(_, chain)| chain.author == author(1)).count(), 2 * limit + 2);
    // Sent again and again, they are no more.
    for _ in 0..3 {
        take(&mut a, &branches);
        settle([&mut a, &mut b]);
    }
    assert_eq!(a.chains().count(), 2 * limit + 4);
    let rows: usize = a.chains().map(|(_, chain)| chain.row.bytes()).sum();
    assert!(rows < 100_000, "{rows}");
}

#[test]
fn ten_thousand_lives_are_a_few_until_others_name_them() {
    let limits = Limits { lives: 100, ..Limits::default() };
    let live = |incarnation| Author { incarnation, ..author(1) };
    let lives: Vec<_> = (0..10_000).map(|life| forge(follow(live(life), None, &[]), &[1])).collect();
    let (mut a, mut b) = (graph_with(2, limits), graph_with(3, limits));
    take(&mut a, &lives);
    take(&mut b, lives.iter().rev());
    for node in [&mut a, &mut b] {
        assert_eq!(node.chains().count(), 100);
        assert_eq!(node.take_refused(), [(author(1).peer, Misbehaviour::Flood)]);
    }
    settle([&mut a, &mut b]);
    assert_eq!(a.chains().count(), 202);
    // Another's first runs are not in their way.
    let other = forge(follow(author(7), None, &[]), &[1]);
    assert_eq!(take(&mut a, [&other]), 1);
}

/// Both say what they have, and have what the other has.
fn settle(mut nodes: [&mut Graph<u64>; 2]) {
    for _ in 0..2 {
        let runs = nodes.each_mut().map(|node| {
            seal(node, &[1]);
            node.since(&Version::new())
        });
        take(nodes[0], &runs[1]);
        take(nodes[1], &runs[0]);
    }
    assert!(contents(nodes[0]) == contents(nodes[1]));
}
