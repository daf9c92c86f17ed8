//! What holds when everything has arrived.

use std::{collections::BTreeSet, fmt::Debug};

use super::{
    crowd::Crowd,
    failure::Failure,
    ledger::{Ledger, Runs},
    node::Node,
};
use crate::{
    replica::{DesyncReport, Peer, Replica, Stamp, State},
    testing::laws::agree,
    util::{
        difference::{difference, outline::brief, part},
        panics,
    },
};

/// All that is known of a run at its end.
pub(super) struct Ending<'a, S: State, H> {
    pub(super) nodes: &'a [Node<S>],
    pub(super) crowd: &'a Crowd,
    /// Whether a node is no copy, nor copied.
    pub(super) honest: H,
    pub(super) ledger: &'a Ledger<S::Op>,
    /// A replica that took all runs of the ledger, and has forgotten nothing.
    pub(super) whole: &'a Replica<S>,
    /// Runs that a retirement makes void.
    pub(super) void: &'a Runs,
    /// What was taken back at some time, and what panicked where something was.
    pub(super) revoked: &'a BTreeSet<Stamp>,
    /// And what of it was in the end.
    pub(super) taken_back: &'a BTreeSet<Stamp>,
    /// The peer that went on twice.
    pub(super) fork: Option<Peer>,
}

/// Operations with their places, in order.
type Log<Op> = Vec<(Stamp, Op)>;

fn words<Op: Debug>((stamp, op): &(Stamp, Op)) -> String {
    format!("{stamp} {}", brief(op))
}

fn live<S: State>(nodes: &[Node<S>]) -> impl Iterator<Item = (usize, &Node<S>, &Replica<S>)> {
    let live = |(index, node): (_, &'_ Node<S>)| node.replica.is_some().then_some(index);
    nodes.iter().enumerate().filter_map(move |(index, node)| {
        live((index, node)).and(node.replica.as_ref()).map(|replica| (index, node, replica))
    })
}

/// All have the same operations.
pub(super) fn versions<S: State>(nodes: &[Node<S>]) -> Result<(), Failure> {
    let Some((_, first, reference)) = live(nodes).next() else { return Ok(()) };
    for (_, node, replica) in live(nodes) {
        let authors = reference.version().iter().chain(replica.version().iter()).map(|(author, _)| author);
        let counts = |author| [reference.version().get(author), replica.version().get(author)];
        let differ = |author: &_| counts(*author)[0] != counts(*author)[1];
        if let Some(author) = authors.collect::<BTreeSet<_>>().into_iter().find(differ) {
            let counts = counts(author);
            return Err(Failure::Versions { peers: [first.peer, node.peer], author, counts });
        }
    }
    Ok(())
}

impl<S, H> Ending<'_, S, H>
where
    S: State + Debug + PartialEq,
    S::Op: Debug,
    H: Fn(usize) -> bool,
{
    /// All checks of the ending. The log, in words.
    pub(super) fn check(&self, init: &impl Fn() -> S) -> Result<Vec<(Stamp, String)>, Failure> {
        versions(self.nodes)?;
        let entries: Log<S::Op> =
            self.whole.history().operations.map(|(stamp, op)| (stamp, op.clone())).collect();
        let folded = fold(&entries, init)?;
        let poisoned = self.poisoned(&entries, init)?;
        for (_, node, replica) in live(self.nodes) {
            let history = replica.history();
            // What it has let go is in the state that it kept instead.
            let forgotten = entries.partition_point(|(stamp, _)| stamp.lamport <= history.level);
            if let Some(base) = history.base {
                let before = fold(&entries[..forgotten], init)?;
                is_fold(node, base, &before, &entries[..forgotten], init)?;
            }
            let (ours, theirs) = (&entries[forgotten..], history.operations);
            let theirs: Log<S::Op> = theirs.map(|(stamp, op)| (stamp, op.clone())).collect();
            // Operations of one stamp are two branches' of a fork: which is which, their words say.
            let same = |one: &(Stamp, S::Op), two: &(Stamp, S::Op)| {
                one.0 == two.0 && (self.fork != Some(one.0.author.peer) || words(one) == words(two))
            };
            let equal = ours.iter().zip(&theirs).take_while(|(one, two)| same(one, two)).count();
            if equal < ours.len().max(theirs.len()) {
                let operation = ours.get(equal).or(theirs.get(equal)).map_or_else(String::new, words);
                return Err(Failure::Logs { peer: node.peer, operation });
            }
            is_fold(node, replica.state(), &folded, &entries, init)?;
        }
        self.promises(&entries, &poisoned)?;
        Ok(entries.iter().map(|(stamp, op)| (*stamp, format!("{op:?}"))).collect())
    }

    /// What the replica of all runs leaves out as it panicked: and it does, after what is before it.
    fn poisoned(
        &self,
        entries: &[(Stamp, S::Op)],
        init: &impl Fn() -> S,
    ) -> Result<BTreeSet<Stamp>, Failure> {
        let (mut state, mut folded, mut poisoned) = (init(), 0, BTreeSet::new());
        for (before, stamp, op) in self.whole.poisoned() {
            entries[folded..before].iter().for_each(|(stamp, op)| state.apply(op, stamp));
            folded = before;
            let mut copy = state.clone();
            if panics::hold(|| copy.apply(op, &stamp)).map_err(panics::discard).is_ok() {
                return Err(Failure::NotPoison { stamp });
            }
            poisoned.insert(stamp);
        }
        Ok(poisoned)
    }

    /// What each replica was promised, and promised.
    fn promises(&self, entries: &[(Stamp, S::Op)], poisoned: &BTreeSet<Stamp>) -> Result<(), Failure> {
        let applied: BTreeSet<Stamp> = entries.iter().map(|(stamp, _)| *stamp).collect();
        if let Some(stamp) = self.taken_back.iter().find(|stamp| applied.contains(stamp)) {
            return Err(Failure::NotRevoked { stamp: *stamp });
        }
        let last = applied.last().map_or(0, |stamp| stamp.lamport);
        if let Some((peer, stamp)) = self.crowd.own.iter().find(|(_, stamp)| {
            ![&applied, self.taken_back, poisoned].iter().any(|known| known.contains(stamp))
        }) {
            return Err(Failure::Lost { peer: *peer, stamp: *stamp });
        }
        let forked = self.fork.filter(|peer| self.ledger.forks(*peer));
        for (_, node, replica) in live(self.nodes).filter(|(index, ..)| (self.honest)(*index)) {
            self.own(node, &applied, poisoned)?;
            let settled = replica.watermark() >= self.whole.last_operation();
            node.promises.keep(node.peer, &applied, self.revoked, settled)?;
            if self.fork.is_none() && replica.watermark() < last {
                return Err(Failure::Behind { peer: node.peer, watermark: replica.watermark(), last });
            }
            if forked.is_some_and(|peer| !node.forks.contains(&peer) && !node.began_anew) {
                return Err(Failure::ForkUnseen { peer: node.peer });
            }
        }
        Ok(())
    }

    /// Its own operations are applied, or void for a known reason and given back once.
    fn own(
        &self,
        node: &Node<S>,
        applied: &BTreeSet<Stamp>,
        poisoned: &BTreeSet<Stamp>,
    ) -> Result<(), Failure> {
        let peer = node.peer;
        for &stamp in node.disk.own() {
            let void = self.ledger.run_of(&stamp).is_some_and(|run| self.void.contains(&run.hash));
            let is_applied = applied.contains(&stamp);
            if void && is_applied {
                return Err(Failure::NotVoid { peer, stamp });
            }
            let is_out = self.taken_back.contains(&stamp) || poisoned.contains(&stamp);
            if !void && !is_applied && !is_out {
                return Err(Failure::Lost { peer, stamp });
            }
            let times = node.given_back.iter().filter(|given| **given == stamp).count();
            if times != usize::from(void) {
                return Err(Failure::NotGivenBack { peer, stamp, times });
            }
        }
        Ok(())
    }
}

/// Whether a state of a replica is what these operations make.
fn is_fold<S: State + Debug + PartialEq>(
    node: &Node<S>,
    state: &S,
    folded: &S,
    entries: &[(Stamp, S::Op)],
    init: &impl Fn() -> S,
) -> Result<(), Failure>
where
    S::Op: Debug,
{
    if agree(state, folded) {
        return Ok(());
    }
    let difference = difference(state, folded).map(Box::new);
    let changed_by = difference.as_ref().and_then(|difference| last_change(entries, init, &difference.path));
    Err(Failure::NotTheFold { peer: node.peer, difference, ops: entries.len(), changed_by })
}

/// The last operation that changed what is at a path.
fn last_change<S>(entries: &[(Stamp, S::Op)], init: &impl Fn() -> S, path: &str) -> Option<String>
where
    S: State + Debug,
    S::Op: Debug,
{
    let mut state = init();
    let (mut before, mut changed_by) = (part(&state, path), None);
    for (stamp, op) in entries {
        state.apply(op, stamp);
        let now = part(&state, path);
        if now != before {
            (before, changed_by) = (now, Some((*stamp, op)));
        }
    }
    changed_by.map(|(stamp, op)| format!("{stamp} {}", brief(op)))
}

/// Why two replicas have other states with the same operations: as a fold of these finds it.
pub(super) fn cause<S>(nodes: &[Node<S>], peers: [Peer; 2], init: &impl Fn() -> S) -> Option<Failure>
where
    S: State + Debug + PartialEq,
    S::Op: Debug,
{
    // Where a job is under way, the state is not yet that of all operations.
    let settled = live(nodes).filter(|(_, node, _)| peers.contains(&node.peer) && !node.has_jobs());
    let check = |(_, node, replica): (usize, &Node<S>, &Replica<S>)| {
        let history = replica.history();
        let start = || history.base.map_or_else(init, S::clone);
        let entries: Log<S::Op> =
            replica.history().operations.map(|(stamp, op)| (stamp, op.clone())).collect();
        let folded = fold(&entries, &start)?;
        is_fold(node, replica.state(), &folded, &entries, &start)
    };
    settled.map(check).find_map(Result::err)
}

/// What two replicas make of the operations from where their states agreed to where they do not.
pub(super) fn desync<S>(nodes: &[Node<S>], peers: [Peer; 2], agreed: u64, at: u64) -> Option<DesyncReport>
where
    S: State + Debug,
    S::Op: Debug,
{
    let [here, there] = peers.map(|peer| {
        let replica = live(nodes).find(|(_, node, _)| node.peer == peer).map(|(.., replica)| replica);
        replica.map(|replica| replica.refolded(agreed, at))
    });
    DesyncReport::between(&here?, &there?)
}

/// The operations applied to a state made anew; twice, as the oracle has to be right itself.
fn fold<S>(entries: &[(Stamp, S::Op)], init: &impl Fn() -> S) -> Result<S, Failure>
where
    S: State + Debug + PartialEq,
    S::Op: Debug,
{
    let (mut one, mut two) = (init(), init());
    for (stamp, op) in entries {
        one.apply(op, stamp);
        two.apply(op, stamp);
    }
    if agree(&one, &two) {
        return Ok(one);
    }
    // In lock step, for the operation; slower.
    let (mut one, mut two) = (init(), init());
    for entry in entries {
        one.apply(&entry.1, &entry.0);
        two.apply(&entry.1, &entry.0);
        if !agree(&one, &two) {
            let (difference, operation) = (difference(&one, &two).map(Box::new), words(entry));
            let made_anew = clones_agree(entries, init);
            return Err(Failure::Fold { difference, operation, made_anew });
        }
    }
    Ok(one)
}

/// Whether the operations give one state where both begin with a clone of one.
fn clones_agree<S>(entries: &[(Stamp, S::Op)], init: &impl Fn() -> S) -> bool
where
    S: State + Debug + PartialEq,
{
    let mut one = init();
    let mut two = one.clone();
    for (stamp, op) in entries {
        one.apply(op, stamp);
        two.apply(op, stamp);
    }
    agree(&one, &two)
}
