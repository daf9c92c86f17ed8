//! What becomes of a run: a function of the run and its past, or a wait for that past.

use std::cell::OnceCell;

use super::{
    Branches, Chain, ChainId, Graph, Mark, Tip,
    heard::{News, Row},
    limits::LAST,
    members::{Candidate, Members},
};
use crate::replica::{
    Author, Misbehaviour, RunHash,
    run::{Head, Header, Run},
};

/// What becomes of a run.
pub(super) enum Verdict {
    /// It goes to the end of this chain, whose row becomes this one. The graph's scratch has what changed.
    Admit(ChainId, Row),
    /// It is here already, or was and is forgotten.
    Drop,
    Wait(Wait),
    Refuse(Misbehaviour),
    /// It builds on a refused run.
    Descendant,
}

/// What a run waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// The run of this hash.
    For(RunHash),
    /// The same, which it names: all that it follows is here, and its peer's word counts.
    Names(RunHash),
    /// That a run of another peer names it, or what follows it, whose word counts.
    Named,
}

/// Where a run goes.
pub(super) enum Place {
    /// To the end of a chain.
    End(ChainId),
    /// Behind an end that has a successor.
    Branch(ChainId, Tip),
    /// It begins a chain of an author that has none.
    First,
}

impl<Op> Graph<Op> {
    /// Finds out what becomes of a run, and changes nothing but the scratch and, for a new branch, the chains.
    pub(super) fn judge(&mut self, run: &Run<Op>, members: &impl Members<Op>) -> Verdict {
        self.examine(run, members).unwrap_or_else(|verdict| verdict)
    }

    fn examine(&mut self, run: &Run<Op>, members: &impl Members<Op>) -> Result<Verdict, Verdict> {
        self.check_shape(run)?;
        let place = self.place(run)?;
        let resolved = self.resolve_heads(&run.header, &place);
        let unknown_times = resolved.map_err(|verdict| match verdict {
            Verdict::Wait(Wait::For(hash)) if self.counts(run, &place, members) => {
                Verdict::Wait(Wait::Names(hash))
            }
            verdict => verdict,
        })?;

        let (previous, mut row) = match place {
            // Put back below if the run is refused.
            Place::End(id) => {
                let chain = &mut self.chains[id.index()];
                (chain.tip(), std::mem::take(&mut chain.row))
            }
            Place::Branch(id, tip) => (tip, self.chains[id.index()].row_at(id, tip)),
            Place::First => (Tip { hash: self.genesis, mark: Mark::default() }, Row::default()),
        };
        if let Err(what) = self.check(&run.header, previous.mark, &row, unknown_times) {
            if let Place::End(id) = place {
                self.chains[id.index()].row = row;
            }
            return Err(Verdict::Refuse(what));
        }
        self.news.clear();
        for head in &self.heads {
            row.hear(&self.chains, *head, &mut self.news);
        }
        let author = run.header.author;
        // Each first run, also where the author has another: which of them comes first says nothing.
        let begins = !matches!(place, Place::End(_)) && run.header.seq == 0;
        if begins && !members.knows(&Candidate { run, row: &row }) {
            return Err(Verdict::Refuse(Misbehaviour::Stranger));
        }
        if self.named.take_if(|named| *named == run.hash).is_none() && !self.takes_up(run, &place) {
            return Err(Verdict::Wait(Wait::Named));
        }
        let id = match place {
            Place::End(id) => id,
            Place::Branch(parent, tip) => self.branch(run, parent, tip),
            Place::First => {
                let id = self.add_chain(Chain::new(author, previous, None, Row::default()));
                self.authors.insert(author, Branches { chains: vec![id], forgotten: 0, reported: false });
                id
            }
        };
        let mark = Tip::of(run).mark;
        row.raise(News { chain: id, declared: true, mark });
        Ok(Verdict::Admit(id, row))
    }

    /// Whether a run's word counts, some of whose heads are not here. Of its past that is looked at which the others tell: they are in the scratch.
    fn counts(&self, run: &Run<Op>, place: &Place, members: &impl Members<Op>) -> bool {
        let past = || {
            let mut row = match *place {
                Place::End(id) => self.chains[id.index()].row.clone(),
                Place::Branch(id, tip) => self.chains[id.index()].row_at(id, tip),
                Place::First => Row::default(),
            };
            for head in &self.heads {
                row.hear(&self.chains, *head, &mut Vec::new());
            }
            row
        };
        let row = OnceCell::new();
        members.counts(run, &|(chain, next_seq)| row.get_or_init(past).mark(chain).next_seq >= next_seq)
    }

    /// What a run's own bytes tell.
    pub(super) fn check_shape(&self, run: &Run<Op>) -> Result<(), Verdict> {
        let Header { seq, lamport, heads, .. } = &run.header;
        let count = run.operations.len();
        if count == 0 || count > self.limits.run_ops || heads.len() > self.limits.heads {
            return Err(Verdict::Refuse(Misbehaviour::Malformed));
        }
        let end = |first: &u64| first.checked_add(count as u64).filter(|end| *end <= LAST);
        if *lamport == 0 || end(lamport).is_none() {
            return Err(Verdict::Refuse(Misbehaviour::Clock));
        }
        let names = |head: &Head| (head.author, head.hash);
        let sorted = heads.windows(2).all(|pair| names(&pair[0]) < names(&pair[1]));
        if end(seq).is_none() || !sorted || heads.iter().any(|head| head.seq >= LAST) {
            return Err(Verdict::Refuse(Misbehaviour::Chain));
        }
        Ok(())
    }

    /// Finds a run's place by its previous one.
    fn place(&self, run: &Run<Op>) -> Result<Place, Verdict> {
        let Header { author, seq, previous, .. } = run.header;
        // What comes most often: the next of the same author.
        if let Some((id, chain)) = self.last.map(|id| (id, self.chain(id))) {
            let Tip { hash, mark } = chain.tip();
            let follows = (hash, mark.next_seq, chain.author) == (previous, seq, author);
            if follows && !chain.runs.is_empty() {
                return Ok(Place::End(id));
            }
        }
        let misplaced = Err(Verdict::Refuse(Misbehaviour::Chain));
        let Some(branches) = self.authors.get(&author) else {
            return match (seq == 0, previous == self.genesis) {
                (true, true) => Ok(Place::First),
                (false, false) => Err(self.wait_for(previous)),
                _ => misplaced,
            };
        };
        let chains = || branches.chains.iter().map(|id| (*id, &self.chains[id.index()]));
        let is_known = || {
            let there = chains().filter_map(|(_, chain)| chain.beginning_at(seq));
            there.into_iter().any(|known| known.hash == run.hash)
        };
        // Of a forked author's chains one may end where another goes on.
        if branches.chains.len() > 1 && is_known() {
            return Err(Verdict::Drop);
        }
        if let Some((id, chain)) = chains().find(|(_, chain)| chain.tip().hash == previous) {
            return if chain.tip().mark.next_seq == seq { Ok(Place::End(id)) } else { misplaced };
        }
        if is_known() {
            return Err(Verdict::Drop);
        }
        let ends = chains().filter_map(|(id, chain)| Some((id, chain.ending_at(seq)?)));
        // It was here, or follows what was, or what was followed it: nothing there is admitted any more.
        let is_old = seq < branches.forgotten && run.clock() <= self.level;
        if let Some((id, tip)) = ends.into_iter().find(|(_, tip)| tip.hash == previous) {
            let was_here = is_old && self.is_forgotten(&branches.chains, self.fork_at(id, tip.mark));
            return if was_here { Err(Verdict::Drop) } else { Ok(Place::Branch(id, tip)) };
        }
        if is_old {
            return Err(Verdict::Drop);
        }
        if (seq == 0) != (previous == self.genesis) {
            return misplaced;
        }
        Err(self.wait_for(previous))
    }

    /// Whether a run begins what may be admitted before another peer names it: no more than so many branches and lives of one peer, and no
    /// branch where others may have forgotten its place.
    fn takes_up(&mut self, run: &Run<Op>, place: &Place) -> bool {
        let author = run.header.author;
        match *place {
            Place::End(_) => true,
            Place::First => {
                let taken = author == self.own
                    || self.authors.len() < self.limits.authors
                        && self.lives_of(author.peer).count() < self.limits.lives;
                if !taken {
                    self.report(author.peer, Misbehaviour::Flood);
                }
                taken
            }
            Place::Branch(parent, tip) => {
                self.report_fork(run, parent, tip);
                let branches = |branches: &Branches| branches.chains.len() - 1;
                self.lives_of(author.peer).map(branches).sum::<usize>() < self.limits.branches
                    && !self.is_covered(&self.authors[&author].chains, self.fork_at(parent, tip.mark))
            }
        }
    }

    pub(super) fn wait_for(&self, missing: RunHash) -> Verdict {
        if self.refused_hashes.contains(&missing) {
            Verdict::Descendant
        } else {
            Verdict::Wait(Wait::For(missing))
        }
    }

    /// What the run's past tells: heads that are news, and the time that follows from them.
    fn check(
        &self,
        header: &Header,
        previous: Mark,
        row: &Row,
        unknown_times: bool,
    ) -> Result<(), Misbehaviour> {
        if self.heads.iter().any(|(chain, mark)| mark.next_seq <= row.cell(*chain).declared) {
            return Err(Misbehaviour::Chain);
        }
        // Two heads of one author are two branches: neither is in the other's past.
        let author = |(chain, _): &(ChainId, Mark)| self.chains[chain.index()].author;
        for heads in self.heads.chunk_by(|one, other| author(one) == author(other)) {
            if heads.len() > 1 && heads.iter().any(|old| heads.iter().any(|new| self.is_before(*old, *new))) {
                return Err(Misbehaviour::Chain);
            }
        }
        let latest = self.heads.iter().map(|(_, mark)| mark.clock).fold(previous.clock, u64::max);
        let forgotten_times = if unknown_times { latest..=latest.max(self.level) } else { latest..=latest };
        if forgotten_times.contains(&(header.lamport - 1)) { Ok(()) } else { Err(Misbehaviour::Clock) }
    }

    /// Whether an operation is before another in one chain, the shared parts of branches included. Of one that is forgotten that
    /// is not known.
    fn is_before(&self, (old, old_mark): (ChainId, Mark), (new, new_mark): (ChainId, Mark)) -> bool {
        if old_mark.clock == 0 {
            return false;
        }
        let (mut chain, mut upto) = (new, new_mark.next_seq);
        loop {
            if chain == old {
                return old_mark.next_seq < upto;
            }
            let Some(fork) = self.chains[chain.index()].fork else { return false };
            (chain, upto) = (fork.parent, fork.mark.next_seq + 1);
        }
    }

    /// Reports an author with two runs behind `tip` as the proof, once.
    fn report_fork(&mut self, run: &Run<Op>, parent: ChainId, tip: Tip) {
        let author = run.header.author;
        let other = self.chains[parent.index()].beginning_at(tip.mark.next_seq).map(|other| other.hash);
        let branches = self.authors.get_mut(&author).expect("an author with a chain is known");
        if let (false, Some(other)) = (branches.reported, other) {
            branches.reported = true;
            let runs = [other.min(run.hash), other.max(run.hash)];
            self.report(author.peer, Misbehaviour::Fork { author, runs });
        }
    }

    /// Begins a branch behind `tip`, which has a successor.
    fn branch(&mut self, run: &Run<Op>, parent: ChainId, tip: Tip) -> ChainId {
        let fork = self.fork_at(parent, tip.mark);
        let row = self.chains[parent.index()].row_at(parent, tip);
        let author: Author = run.header.author;
        let id = self.add_chain(Chain::new(author, tip, Some(fork), row));
        self.authors.get_mut(&author).expect("an author with a chain is known").chains.push(id);
        id
    }

    fn add_chain(&mut self, chain: Chain<Op>) -> ChainId {
        self.chains.push(chain);
        ChainId::from_index(self.chains.len() - 1)
    }
}
