//! All runs of all authors: which of them are admitted, and what each author had admitted when it made its last one.
//!
//! | file | job |
//! |---|---|
//! | `mod.rs` | the graph: taking runs in, and what can be asked |
//! | `judge.rs` | what becomes of a run: admitted, held, refused |
//! | `heads.rs` | what its heads name |
//! | `members.rs` | what the graph asks of the members |
//! | `extend.rs` | the same for the next run of an author, which nearly every one is |
//! | `chain.rs` | one author's runs; a fork's branch is a chain of its own |
//! | `heard.rs` | a row of the matrix clock |
//! | `gaps.rs` | runs that wait for others |
//! | `seal.rs` | this replica's own runs |
//! | `since.rs` | what another replica lacks |
//! | `cover.rs` | what cuts cover |
//! | `record.rs` | a graph as plain data, and a graph of that |
//! | `derived.rs` | whether the times of such a graph are derived |
//! | `forget.rs` | forgetting what a stable cut covers |
//! | `limits.rs` | the bounds |
//!
//! The set of admitted runs does not depend on the order in which runs are offered, once all have been: whether a run is refused
//! is a function of the run and its past. The exception is what waits to be named (see `cover.rs`): of that, a replica may have what another
//! has not, until the first one's next run names it. What also depends on the order, and decides nothing, are [`ChainId`]s, which of two
//! branches is the parent, and the order of admission among concurrent runs.

mod chain;
mod cover;
mod derived;
mod extend;
mod forget;
mod gaps;
mod heads;
mod heard;
mod judge;
mod limits;
mod members;
mod record;
mod seal;
mod since;

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

#[cfg(feature = "codec")]
pub(crate) use self::record::{ChainRecord, RunRecord};
pub(crate) use self::{
    chain::{Chain, ChainId, Fork, Tip},
    heard::Mark,
    limits::Limits,
    members::{Candidate, Members},
    record::Record,
};
use self::{
    cover::cut_of,
    gaps::Gaps,
    heard::{News, Row},
    judge::Verdict,
};
use super::{Author, Misbehaviour, Peer, RunHash, Version, run::Run, version::End};

/// A run that became part of the graph.
pub(crate) struct Admitted<Op> {
    pub(crate) chain: ChainId,
    pub(crate) run: Arc<Run<Op>>,
}

/// The chains of one author: one, or more if it forked.
struct Branches {
    /// In order of discovery.
    chains: Vec<ChainId>,
    /// Below this sequence number some chain's runs are forgotten.
    forgotten: u64,
    /// Whether the fork was reported.
    reported: bool,
}

/// The runs of all authors. Pure: no clock, no I/O, no order of arrival in what it decides.
pub(crate) struct Graph<Op> {
    genesis: RunHash,
    own: Author,
    own_chain: Option<ChainId>,
    /// Where the version has this replica.
    own_slot: usize,
    limits: Limits,
    chains: Vec<Chain<Op>>,
    authors: BTreeMap<Author, Branches>,
    version: Version,
    clock: u64,
    /// Runs that end at or below it may be gone.
    level: u64,
    /// The chain that grew last.
    last: Option<ChainId>,
    /// Offered and not looked at; what was woken from the gaps comes first.
    queue: VecDeque<Arc<Run<Op>>>,
    gaps: Gaps<Op>,
    /// What waited to be named, and is: it is looked at next.
    named: Option<RunHash>,
    /// How many runs were looked at, by which the gaps tell age.
    turn: u64,
    refused: Vec<(Peer, Misbehaviour)>,
    /// The hashes refused last, so that what builds on them is not held.
    refused_hashes: VecDeque<RunHash>,
    /// Chains that grew since this replica's last run.
    fresh: Vec<ChainId>,
    /// Scratch: the heads and the news of the run being judged.
    heads: Vec<(ChainId, Mark)>,
    news: Vec<News>,
}

/// Reports kept until they are taken, and refused hashes remembered.
const REPORTS: usize = 256;

impl<Op> Graph<Op> {
    /// An empty graph. `genesis` is what the first run of every chain names.
    pub(crate) fn new(genesis: RunHash, own: Author, limits: Limits) -> Self {
        Self {
            genesis,
            own,
            own_chain: None,
            own_slot: 0,
            limits,
            chains: Vec::new(),
            authors: BTreeMap::new(),
            version: Version::new(),
            clock: 0,
            level: 0,
            last: None,
            queue: VecDeque::new(),
            gaps: Gaps::new(),
            named: None,
            turn: 0,
            refused: Vec::new(),
            refused_hashes: VecDeque::new(),
            fresh: Vec::new(),
            heads: Vec::new(),
            news: Vec::new(),
        }
    }

    /// Takes a run in, for [`admit_next_of`](Self::admit_next_of) to look at: call that until it returns `None`, as until then
    /// nothing bounds what waits here.
    pub(crate) fn offer(&mut self, mut run: Arc<Run<Op>>) {
        if self.gaps.len() > 0 && !run.signature.is_empty() {
            self.gaps.sign(&mut run);
        }
        self.queue.push_back(run);
    }

    #[cfg(test)]
    pub(crate) fn admit_next(&mut self) -> Option<Admitted<Op>> {
        self.admit_next_of(&members::Anyone)
    }

    /// Admits one run, so that what is asked of the graph then is as of that run. `None` if nothing more can be admitted.
    ///
    /// The first run of an author that the members do not know is refused as a stranger's.
    pub(crate) fn admit_next_of(&mut self, members: &impl Members<Op>) -> Option<Admitted<Op>> {
        while let Some(run) = self.queue.pop_front() {
            self.turn += 1;
            if self.gaps.len() > 0
                && let Some(old) = self.turn.checked_sub(self.limits.gap_patience)
            {
                self.gaps.drop_older(old);
            }
            let run = match self.extend(run) {
                Ok(admitted) => return Some(admitted),
                Err(run) => run,
            };
            match self.judge(&run, members) {
                Verdict::Admit(chain, row) => return Some(self.admit(chain, row, run)),
                Verdict::Drop => {}
                Verdict::Wait(what) => {
                    let peer = run.header.author.peer;
                    if self.gaps.hold(run, what, self.turn, &self.limits) {
                        self.report(peer, Misbehaviour::Flood);
                    }
                    if let Some(named) = self.gaps.take_named() {
                        self.named = Some(named.hash);
                        self.queue.push_front(named);
                    }
                }
                Verdict::Refuse(what) => {
                    self.report(run.header.author.peer, what);
                    self.disown(run.hash);
                }
                Verdict::Descendant => self.disown(run.hash),
            }
        }
        None
    }

    /// Appends a run that was found right, with its author's row up to date.
    fn admit(&mut self, id: ChainId, row: Row, run: Arc<Run<Op>>) -> Admitted<Op> {
        self.chains[id.index()].row = row;
        let tip = Tip::of(&run);
        self.append(id, tip, run)
    }

    /// The same, where the chain has its row.
    #[inline(always)]
    fn append(&mut self, id: ChainId, tip: Tip, run: Arc<Run<Op>>) -> Admitted<Op> {
        let chain = &mut self.chains[id.index()];
        let end = End { next_seq: tip.mark.next_seq, hash: tip.hash };
        self.version.advance(&mut chain.slot, &run.header.author, &run.header.previous, end);
        chain.push(Arc::clone(&run), tip, &self.news);
        if !std::mem::replace(&mut chain.fresh, true) {
            self.fresh.push(id);
        }
        self.last = Some(id);
        self.clock = self.clock.max(tip.mark.clock);
        if self.own_chain.is_none() && run.header.author == self.own {
            self.own_chain = Some(id);
        }
        if let Some(upto) = cut_of(&run) {
            let row = std::mem::take(&mut self.chains[id.index()].row);
            self.cover(upto, &row);
            self.chains[id.index()].row = row;
        }
        if self.gaps.len() > 0 {
            let woken = self.gaps.wake(run.hash);
            woken.into_iter().rev().for_each(|run| self.queue.push_front(run));
        }
        Admitted { chain: id, run }
    }

    fn report(&mut self, peer: Peer, what: Misbehaviour) {
        if self.refused.len() < REPORTS && !self.refused.contains(&(peer, what)) {
            self.refused.push((peer, what));
        }
    }

    /// Lets go of all that builds on a refused run.
    fn disown(&mut self, refused: RunHash) {
        self.gaps.drop_descendants(refused);
        if self.refused_hashes.len() == REPORTS {
            self.refused_hashes.pop_front();
        }
        self.refused_hashes.push_back(refused);
    }

    /// Whether there is anything for [`take_refused`](Self::take_refused).
    pub(crate) fn has_refused(&self) -> bool {
        !self.refused.is_empty()
    }

    /// What authors did that no honest replica does, since the last call; at most 256.
    pub(crate) fn take_refused(&mut self) -> Vec<(Peer, Misbehaviour)> {
        std::mem::take(&mut self.refused)
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The greatest Lamport time admitted; 0 if none.
    pub(crate) fn clock(&self) -> u64 {
        self.clock
    }

    /// The Lamport time of the next operation of this replica. It cannot overflow: admission has a ceiling.
    pub(crate) fn next_lamport(&self) -> u64 {
        debug_assert!(self.clock <= limits::LAST);
        self.clock + 1
    }

    /// This replica has so many operations of its own, of which the last are in no run yet.
    pub(crate) fn raise_own(&mut self, count: u64) {
        self.version.raise_at(&mut self.own_slot, self.own, count);
    }

    /// What is admitted, and the operations of this replica's own that are in no run yet.
    pub(crate) fn version(&self) -> &Version {
        &self.version
    }

    /// How many runs wait for others.
    #[cfg(any(test, feature = "journal"))]
    pub(crate) fn waiting(&self) -> usize {
        self.gaps.len()
    }

    /// All chains, in order of discovery.
    pub(crate) fn chains(&self) -> impl Iterator<Item = (ChainId, &Chain<Op>)> + '_ {
        self.chains.iter().enumerate().map(|(index, chain)| (ChainId::from_index(index), chain))
    }

    pub(crate) fn chain(&self, id: ChainId) -> &Chain<Op> {
        &self.chains[id.index()]
    }

    /// The chains of all incarnations of a peer, branches included.
    pub(crate) fn chains_of(&self, peer: Peer) -> impl Iterator<Item = ChainId> + '_ {
        self.lives_of(peer).flat_map(|branches| branches.chains.iter().copied())
    }

    fn lives_of(&self, peer: Peer) -> impl Iterator<Item = &Branches> + '_ {
        let lives = Author { peer, incarnation: 0 }..=Author { peer, incarnation: u32::MAX };
        self.authors.range(lives).map(|(_, branches)| branches)
    }

    /// The chain that has a run, if that is here and kept.
    pub(crate) fn place_of(&self, run: &Run<Op>) -> Option<ChainId> {
        let branches = self.authors.get(&run.header.author)?;
        let has = |id: &ChainId| self.run_after(*id, run.header.seq).is_some_and(|it| it.hash == run.hash);
        branches.chains.iter().copied().find(has)
    }

    /// This replica's own chain, once it has one.
    pub(crate) fn own_chain(&self) -> Option<ChainId> {
        self.own_chain
    }

    /// Whether a run is on this replica's own chain, or on the part of another that this one shares with it.
    pub(crate) fn is_own(&self, run: &Run<Op>) -> bool {
        let (mut chain, mut upto) = (self.own_chain, u64::MAX);
        while let Some(id) = chain {
            let found = self.run_after(id, run.header.seq).filter(|it| it.next_seq() <= upto);
            if found.is_some_and(|it| it.hash == run.hash) {
                return true;
            }
            let fork = self.chains[id.index()].fork;
            upto = fork.map_or(upto, |fork| upto.min(fork.mark.next_seq));
            chain = fork.map(|fork| fork.parent);
        }
        false
    }

    /// Whether any author gave one sequence number twice.
    pub(crate) fn has_branches(&self) -> bool {
        self.chains.len() > self.authors.len()
    }

    /// Whether an author gave one sequence number twice.
    pub(crate) fn is_forked(&self, author: Author) -> bool {
        self.authors.get(&author).is_some_and(|branches| branches.chains.len() > 1)
    }

    /// What the author of chain `of` had admitted of chain `other` as of its last admitted run. Of a branch it has not heard of,
    /// what it had of the part shared with the parent. The clock is 0 where only a forgotten run is known.
    #[inline]
    pub(crate) fn heard(&self, of: ChainId, other: ChainId) -> Mark {
        let mark = self.chains[of.index()].row.mark(other);
        match self.chains[other.index()].fork {
            Some(fork) if mark.next_seq <= fork.mark.next_seq => self.heard_of_parent(of, fork),
            _ => mark,
        }
    }

    #[inline(never)]
    fn heard_of_parent(&self, of: ChainId, fork: Fork) -> Mark {
        let shared = self.heard(of, fork.parent);
        if shared.next_seq < fork.mark.next_seq { shared } else { fork.mark }
    }

    /// Whether the operations of a chain below `next_seq` are in the past of the last run of chain `of`, or in that chain.
    #[cfg(test)]
    pub(crate) fn covers(&self, of: ChainId, (chain, next_seq): (ChainId, u64)) -> bool {
        self.heard(of, chain).next_seq >= next_seq
    }

    /// The first kept run of a chain that begins at or after a sequence number. Of a branch, those after the fork.
    pub(crate) fn run_after(&self, chain: ChainId, next_seq: u64) -> Option<&Arc<Run<Op>>> {
        let chain = &self.chains[chain.index()];
        let first = chain.position(next_seq);
        chain.runs[first..].iter().take(2).find(|run| run.header.seq >= next_seq)
    }
}
