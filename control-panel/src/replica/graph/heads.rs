//! What a run's heads name.

use super::{
    Chain, ChainId, Graph, Mark,
    judge::{Place, Verdict},
};
use crate::replica::{
    Misbehaviour,
    run::{Head, Header},
};

/// What a head names.
enum Named {
    Known(ChainId, Mark),
    /// Below what is kept: in this chain, if that is known.
    Forgotten(Option<ChainId>, u64),
}

impl<Op> Graph<Op> {
    /// Finds what the heads name, into the scratch. Returns whether the time of one is not known any more.
    pub(super) fn resolve_heads(&mut self, header: &Header, place: &Place) -> Result<bool, Verdict> {
        let mut heads = std::mem::take(&mut self.heads);
        heads.clear();
        let mut unknown_times = false;
        let mut missing = None;
        // Chains tend to name the same authors in each run: those are found without a search.
        let mut likely = match place {
            Place::End(id) => self.chains[id.index()].last_news().iter(),
            _ => [].iter(),
        };
        for head in &header.heads {
            let found = likely.find(|news| self.chains[news.chain.index()].author >= head.author);
            let chain = found.map(|news| (news.chain, &self.chains[news.chain.index()]));
            let resolved = match chain.map(|(id, chain)| (id, chain, chain.tip())) {
                Some((id, chain, tip)) if (chain.author, tip.hash) == (head.author, head.hash) => {
                    Self::at_tip(id, chain, tip.mark, head)
                }
                _ => self.resolve(head),
            };
            match resolved {
                Ok(Named::Known(chain, mark)) => heads.push((chain, mark)),
                Ok(Named::Forgotten(chain, next_seq)) => {
                    unknown_times = true;
                    heads.extend(chain.map(|chain| (chain, Mark { next_seq, clock: 0 })));
                }
                // A head that will never be right counts before one that is late.
                Err(Verdict::Wait(wait)) => missing = missing.or(Some(wait)),
                Err(verdict) => {
                    self.heads = heads;
                    return Err(verdict);
                }
            }
        }
        self.heads = heads;
        missing.map_or(Ok(unknown_times), |wait| Err(Verdict::Wait(wait)))
    }

    fn resolve(&self, head: &Head) -> Result<Named, Verdict> {
        let Some(branches) = self.authors.get(&head.author) else { return Err(self.wait_for(head.hash)) };
        let next_seq = head.seq + 1;
        let chains = || branches.chains.iter().map(|id| (*id, &self.chains[id.index()]));
        if let Some((id, chain)) = chains().find(|(_, chain)| chain.tip().hash == head.hash) {
            return Self::at_tip(id, chain, chain.tip().mark, head);
        }
        for (id, chain) in chains() {
            match chain.ending_at(next_seq) {
                Some(tip) if tip.hash == head.hash => return Ok(Self::named(id, chain, tip.mark)),
                _ => {}
            }
        }
        // The place may be known: another branch may have it, which is not here yet.
        let may_come = chains().any(|(_, chain)| chain.tip().mark.next_seq < next_seq);
        let mut places = chains().filter(|(_, chain)| chain.has_forgotten(next_seq)).map(|(id, _)| id);
        match (places.next(), places.next()) {
            (Some(id), None) if !may_come => Ok(Named::Forgotten(Some(id), next_seq)),
            (Some(_), Some(_)) if !may_come => Ok(Named::Forgotten(None, next_seq)),
            _ => Err(self.wait_for(head.hash)),
        }
    }

    fn at_tip(id: ChainId, chain: &Chain<Op>, mark: Mark, head: &Head) -> Result<Named, Verdict> {
        if mark.next_seq == head.seq + 1 {
            Ok(Self::named(id, chain, mark))
        } else {
            Err(Verdict::Refuse(Misbehaviour::Chain))
        }
    }

    /// The end of a branch's shared part is its parent's.
    fn named(id: ChainId, chain: &Chain<Op>, mark: Mark) -> Named {
        match chain.fork {
            Some(fork) if fork.mark.next_seq == mark.next_seq => Named::Known(fork.parent, mark),
            _ => Named::Known(id, mark),
        }
    }
}
