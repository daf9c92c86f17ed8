//! What holds when everything has arrived.

use std::{collections::BTreeSet, fmt::Debug};

use super::{failure::Failure, node::Node};
use crate::{
    replica::{Replica, RunHash, Stamp, State, Version},
    testing::{difference, laws::agree, outline::brief},
};

/// One operation of a replica's log, in its place.
struct Entry<Op> {
    stamp: Stamp,
    /// Of its run: the order of operations with one stamp.
    hash: RunHash,
    op: Op,
}

/// All operations that the replica has, in order.
fn log<S: State>(replica: &Replica<S>) -> Vec<Entry<S::Op>> {
    let delta = replica.since(&Version::new());
    let mut log: Vec<_> = delta
        .runs
        .iter()
        .flat_map(|run| run.applied().map(|(stamp, op)| Entry { stamp, hash: run.hash, op: op.clone() }))
        .collect();
    log.sort_by_key(|entry| (entry.stamp, entry.hash));
    log
}

fn live<S: State>(nodes: &[Node<S>]) -> impl Iterator<Item = (&Node<S>, &Replica<S>)> {
    nodes.iter().filter_map(|node| node.replica.as_ref().map(|replica| (node, replica)))
}

/// All have the same operations.
pub(super) fn versions<S: State>(nodes: &[Node<S>]) -> Result<(), Failure> {
    let Some((first, reference)) = live(nodes).next() else { return Ok(()) };
    for (node, replica) in live(nodes) {
        let authors = reference.version().iter().chain(replica.version().iter()).map(|(author, _)| author);
        let counts = |author| [reference.version().get(author), replica.version().get(author)];
        let differ = |author: &_| counts(*author)[0] != counts(*author)[1];
        if let Some(author) = authors.collect::<BTreeSet<_>>().into_iter().find(differ) {
            return Err(Failure::Versions { peers: [first.peer, node.peer], author, counts: counts(author) });
        }
    }
    Ok(())
}

/// All checks of the ending. The log, in words.
pub(super) fn check<S>(nodes: &[Node<S>], init: &impl Fn() -> S) -> Result<Vec<(Stamp, String)>, Failure>
where
    S: State + Debug + PartialEq,
    S::Op: Debug,
{
    versions(nodes)?;
    let Some((first, reference)) = live(nodes).next() else { return Ok(Vec::new()) };
    let entries = log(reference);
    let words = |entry: &Entry<S::Op>| format!("{} {}", entry.stamp, brief(&entry.op));
    let folded = fold(&entries, init, words)?;
    for (node, replica) in live(nodes) {
        let theirs = log(replica);
        let same = entries
            .iter()
            .zip(&theirs)
            .take_while(|(one, two)| (one.stamp, one.hash) == (two.stamp, two.hash));
        if let Some(differs) = Some(same.count()).filter(|at| *at < entries.len().max(theirs.len())) {
            let operation = entries.get(differs).or(theirs.get(differs)).map_or_else(String::new, words);
            return Err(Failure::Logs { peers: [first.peer, node.peer], operation });
        }
        if !agree(replica.state(), &folded) {
            return Err(Failure::NotTheFold {
                peer: node.peer,
                difference: difference(replica.state(), &folded),
                ops: entries.len(),
            });
        }
    }
    let stamps: BTreeSet<_> = entries.iter().map(|entry| entry.stamp).collect();
    for node in nodes {
        if let Some(stamp) = node.own().iter().find(|stamp| !stamps.contains(stamp)) {
            return Err(Failure::Lost { peer: node.peer, stamp: *stamp });
        }
    }
    Ok(entries.iter().map(|entry| (entry.stamp, format!("{:?}", entry.op))).collect())
}

/// The operations applied to a state made anew; twice, as the oracle has to be right itself.
fn fold<S>(
    entries: &[Entry<S::Op>],
    init: &impl Fn() -> S,
    words: impl Fn(&Entry<S::Op>) -> String,
) -> Result<S, Failure>
where
    S: State + Debug + PartialEq,
{
    let (mut one, mut two) = (init(), init());
    for entry in entries {
        one.apply(&entry.op, &entry.stamp);
        two.apply(&entry.op, &entry.stamp);
    }
    if agree(&one, &two) {
        return Ok(one);
    }
    // In lock step, for the operation; slower.
    let (mut one, mut two) = (init(), init());
    for entry in entries {
        one.apply(&entry.op, &entry.stamp);
        two.apply(&entry.op, &entry.stamp);
        if !agree(&one, &two) {
            return Err(Failure::Fold { difference: difference(&one, &two), operation: words(entry) });
        }
    }
    Ok(one)
}
