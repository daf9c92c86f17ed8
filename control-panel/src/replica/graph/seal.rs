//! This replica's own runs.

use std::sync::Arc;

use super::{Admitted, ChainId, Graph, Mark, Tip, judge::Verdict, members::Anyone};
use crate::replica::{
    identify::{Identify, Identity},
    run::{Head, Header, Operation, Run},
    short::{Bytes, Few, Heads},
};

impl<Op> Graph<Op> {
    /// The sequence number of this replica's next operation.
    pub(crate) fn own_next_seq(&self) -> u64 {
        self.own_chain.map_or(0, |id| self.chains[id.index()].tip().mark.next_seq)
    }

    /// Makes this replica's next run of these operations, which are `encoded` as `identify` encodes them. Its heads are what was admitted since the previous one.
    ///
    /// It is for a graph with nothing left to admit: a run that was offered and not looked at is not among the heads. Nothing may be
    /// admitted before the run is [appended](Self::append_own).
    ///
    /// # Panics
    /// If there are no operations, or more than [`Limits::run_ops`](super::Limits).
    pub(crate) fn prepare(
        &self,
        operations: Few<Operation<Op>>,
        encoded: Bytes,
        (schema, fingerprint): (u32, u64),
        identify: &dyn Identify<Op>,
    ) -> Arc<Run<Op>> {
        assert!(
            (1..=self.limits.run_ops).contains(&operations.len()),
            "a run has operations, within its limit"
        );
        let previous = match self.own_chain {
            Some(id) => self.chains[id.index()].tip(),
            None => Tip { hash: self.genesis, mark: Mark::default() },
        };
        let mut heads = Heads::new();
        self.heads(&mut heads);
        let header = Header {
            author: self.own,
            seq: previous.mark.next_seq,
            lamport: self.next_lamport(),
            previous: previous.hash,
            heads,
            schema,
            fingerprint,
        };
        let Identity { hash, signature } = identify.identify(&header, &operations, &encoded);
        Arc::new(Run { header, operations: operations.into(), hash, bytes: encoded, signature })
    }

    /// Admits the run that was [prepared](Self::prepare) last.
    pub(crate) fn append_own(&mut self, run: Arc<Run<Op>>) -> Admitted<Op> {
        let all_named = self.fresh.len() <= self.limits.heads && !self.has_branches();
        let admitted = self.extend_own(run).unwrap_or_else(|run| {
            let Verdict::Admit(own, row) = self.judge(&run, &Anyone) else {
                unreachable!("this replica's own run is right")
            };
            self.admit(own, row, run)
        });
        let mut fresh = std::mem::take(&mut self.fresh);
        if all_named {
            debug_assert!(!fresh.iter().any(|id| self.is_news(*id)));
            fresh.drain(..).for_each(|id| self.chains[id.index()].fresh = false);
        }
        // What was over the limit of heads is left for the next run.
        fresh.retain(|id| {
            let news = self.is_news(*id);
            self.chains[id.index()].fresh = news;
            news
        });
        self.fresh = fresh;
        admitted
    }

    /// Both, for tests that have the graph alone.
    #[cfg(test)]
    pub(crate) fn seal(
        &mut self,
        operations: Vec<Operation<Op>>,
        schema: u32,
        fingerprint: u64,
        identify: &dyn Identify<Op>,
    ) -> Admitted<Op> {
        let mut encoded = Vec::new();
        for operation in &operations {
            identify.encode(operation, &mut encoded);
        }
        let run = self.prepare(operations.into(), encoded.into(), (schema, fingerprint), identify);
        self.append_own(run)
    }

    /// The ends of all chains that grew since this replica's previous run.
    fn heads(&self, heads: &mut Heads) {
        let head = |id: &ChainId| {
            let chain = &self.chains[id.index()];
            let Tip { hash, mark } = chain.tip();
            Head { author: chain.author, seq: mark.next_seq - 1, hash }
        };
        let fresh = self.fresh.iter().filter(|id| self.is_news(**id));
        if self.fresh.len() <= self.limits.heads {
            fresh.map(head).for_each(|head| heads.push(head));
        } else {
            // The latest are among them, as the time follows from those.
            let mut fresh: Vec<_> = fresh.collect();
            fresh.sort_by_key(|id| std::cmp::Reverse(self.chains[id.index()].tip().mark.clock));
            fresh.into_iter().take(self.limits.heads).map(head).for_each(|head| heads.push(head));
        }
        if heads.len() > 1 {
            heads.sort_unstable_by_key(|head| (head.author, head.hash));
        }
    }

    fn is_news(&self, id: ChainId) -> bool {
        let chain = &self.chains[id.index()];
        let next_seq = chain.tip().mark.next_seq;
        let shared = chain.fork.map_or(0, |fork| fork.mark.next_seq);
        let declared = self.own_chain.map_or(0, |own| self.chains[own.index()].row.cell(id).declared);
        next_seq > shared.max(declared) && self.own_chain != Some(id)
    }
}
