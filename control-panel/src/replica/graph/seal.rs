//! This replica's own runs.

use std::sync::Arc;

use super::{Admitted, ChainId, Graph, Mark, Tip, judge::Verdict};
use crate::replica::{
    identify::Identify,
    run::{Head, Header, Operation, Run},
};

impl<Op> Graph<Op> {
    /// Makes this replica's next run of these operations, and admits it immediately. Its heads are what was admitted since the
    /// previous one.
    ///
    /// It is for a graph with nothing left to admit: a run that was offered and not looked at is not among the heads.
    ///
    /// # Panics
    /// If there are no operations, or more than [`Limits::run_ops`](super::Limits).
    pub(crate) fn seal(
        &mut self,
        operations: Vec<Operation<Op>>,
        schema: u32,
        fingerprint: u64,
        identify: &dyn Identify<Op>,
    ) -> Admitted<Op> {
        assert!(
            (1..=self.limits.run_ops).contains(&operations.len()),
            "a run has operations, within its limit"
        );
        let previous = match self.own_chain {
            Some(id) => self.chains[id.index()].tip(),
            None => Tip { hash: self.genesis, mark: Mark::default() },
        };
        let header = Header {
            author: self.own,
            seq: previous.mark.next_seq,
            lamport: self.next_lamport(),
            previous: previous.hash,
            heads: self.take_heads(),
            schema,
            fingerprint,
        };
        let named = identify.identify(&header, &operations);
        let run = Arc::new(Run {
            header,
            operations,
            hash: named.hash,
            bytes: named.bytes,
            signature: named.signature,
        });
        match self.judge(&run, &|_| true) {
            Verdict::Admit(chain, row) => {
                let admitted = self.admit(chain, row, run);
                // Its own run is no news to it.
                self.chains[chain.index()].fresh = false;
                self.fresh.retain(|id| *id != chain);
                admitted
            }
            _ => unreachable!("this replica's own run is right"),
        }
    }

    /// The ends of all chains that grew since this replica's previous run.
    fn take_heads(&mut self) -> Vec<Head> {
        let mut fresh = std::mem::take(&mut self.fresh);
        fresh.retain(|id| {
            self.chains[id.index()].fresh = false;
            self.is_news(*id)
        });
        let mut rest = Vec::new();
        if fresh.len() > self.limits.heads {
            // What is over the limit is left for the next run; the latest is not, as the time follows from it.
            fresh.sort_by_key(|id| std::cmp::Reverse(self.chains[id.index()].tip().mark.clock));
            rest = fresh.split_off(self.limits.heads);
            for id in &rest {
                self.chains[id.index()].fresh = true;
            }
        }
        let head = |id: &ChainId| {
            let chain = &self.chains[id.index()];
            let Tip { hash, mark } = chain.tip();
            Head { author: chain.author, seq: mark.next_seq - 1, hash }
        };
        let mut heads: Vec<_> = fresh.iter().map(head).collect();
        if rest.is_empty() {
            // Kept for its allocation.
            fresh.clear();
            rest = fresh;
        }
        self.fresh = rest;
        heads.sort_unstable_by_key(|head| (head.author, head.hash));
        heads
    }

    fn is_news(&self, id: ChainId) -> bool {
        let chain = &self.chains[id.index()];
        let next_seq = chain.tip().mark.next_seq;
        let shared = chain.fork.map_or(0, |fork| fork.mark.next_seq);
        let declared = self.own_chain.map_or(0, |own| self.chains[own.index()].row.cell(id).declared);
        next_seq > shared.max(declared) && self.own_chain != Some(id)
    }
}
