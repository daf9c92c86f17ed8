//! A graph and the membership that judges it.

use std::{collections::BTreeMap, sync::Arc};

use crate::replica::{
    Author, Grant, Peer, ReplicaNotice, RunHash,
    graph::{Admitted, Graph, Limits},
    identify::{InProcess, genesis},
    membership::{Change, Membership, Verdict},
    run::{Operation, Run},
};

pub(super) type TestRun = Arc<Run<u64>>;
pub(super) type Members = BTreeMap<Peer, Grant>;

const IDENTIFY: InProcess<u64> =
    InProcess { payload: Some(|op, bytes| bytes.extend_from_slice(&op.to_be_bytes())) };

pub(super) fn peer(number: u8) -> Peer {
    Peer([number; 32])
}

pub(super) fn owners(count: u8) -> Members {
    (0..count).map(|number| (peer(number), Grant::Owner)).collect()
}

/// One replica's knowledge.
pub(super) struct Node {
    pub(super) genesis: Members,
    pub(super) me: Author,
    pub(super) graph: Graph<u64>,
    pub(super) membership: Membership,
    /// All that was admitted, in that order: what a restart begins with.
    pub(super) log: Vec<TestRun>,
    /// Each run's first verdict, then what changed.
    pub(super) verdicts: BTreeMap<RunHash, Verdict>,
    pub(super) notices: Vec<ReplicaNotice>,
    /// The highest watermark so far.
    pub(super) watermark: u64,
    /// What was found wrong: an operation called stable that is void, or one that came too late.
    pub(super) wrong: Vec<String>,
}

impl Node {
    pub(super) fn new(genesis: &Members, number: u8) -> Self {
        Self::restarted(genesis, Author { peer: peer(number), incarnation: 0 }, &[])
    }

    pub(super) fn restarted(genesis: &Members, me: Author, log: &[TestRun]) -> Self {
        let mut node = Self {
            genesis: genesis.clone(),
            me,
            graph: Graph::new(genesis_of(genesis), me, Limits::default()),
            membership: Membership::new(genesis, me),
            log: Vec::new(),
            verdicts: BTreeMap::new(),
            notices: Vec::new(),
            watermark: 0,
            wrong: Vec::new(),
        };
        node.take(log);
        node
    }

    /// This replica's next life, with all it had.
    pub(super) fn restart(&mut self) {
        let next = Author { incarnation: self.me.incarnation + 1, ..self.me };
        let log = std::mem::take(&mut self.log);
        let wrong = std::mem::take(&mut self.wrong);
        *self = Self { wrong, ..Self::restarted(&self.genesis, next, &log) };
    }

    pub(super) fn take<'a>(&mut self, runs: impl IntoIterator<Item = &'a TestRun>) {
        for run in runs {
            self.graph.offer(Arc::clone(run));
        }
        loop {
            let Self { graph, membership, .. } = self;
            let Some(admitted) = graph.admit_next_if(|candidate| membership.knows(candidate)) else { break };
            self.judge(&admitted);
        }
        for (peer, what) in self.graph.take_refused() {
            if what == crate::replica::Misbehaviour::Stranger {
                self.membership.report_stranger(peer);
            }
        }
        self.notices.extend(self.membership.take_notices());
    }

    pub(super) fn make(&mut self, operations: Vec<Operation<u64>>) -> TestRun {
        let admitted = self.graph.seal(operations, 0, 0, &IDENTIFY);
        self.judge(&admitted);
        self.notices.extend(self.membership.take_notices());
        admitted.run
    }

    pub(super) fn write(&mut self, op: u64) -> TestRun {
        self.make(vec![Operation::Apply(op)])
    }

    pub(super) fn ack(&mut self) -> TestRun {
        self.make(vec![Operation::Ack { digest: None }])
    }

    pub(super) fn invite(&mut self, peer: Peer, grant: Grant) -> TestRun {
        self.make(vec![Operation::Invite { peer, grant }])
    }

    pub(super) fn retire(&mut self, peer: Peer) -> TestRun {
        self.make(vec![Operation::Retire { peer }])
    }

    pub(super) fn verdict(&self, run: &TestRun) -> Verdict {
        self.verdicts[&run.hash]
    }

    fn judge(&mut self, admitted: &Admitted<u64>) {
        let run = &admitted.run;
        let verdict = self.membership.judge(&self.graph, admitted);
        self.log.push(Arc::clone(run));
        self.verdicts.insert(run.hash, verdict);
        let is_operation = !run.operations.iter().all(|it| matches!(it, Operation::Ack { .. }));
        if verdict.applies() && is_operation && run.header.lamport <= self.watermark {
            self.wrong.push(format!("{run:?} came at or below {}", self.watermark));
        }
        for Change { chain, seq, verdict } in self.membership.take_changes() {
            let run = self.graph.run_after(chain, seq).expect("it is kept");
            assert_eq!(run.header.seq, seq);
            let before = self.verdicts.insert(run.hash, verdict).expect("it was judged");
            assert_ne!(before.applies(), verdict.applies(), "a change changes something");
            if run.header.lamport <= self.watermark
                && !run.operations.iter().all(|it| matches!(it, Operation::Ack { .. }))
            {
                self.wrong.push(format!("{run:?} was stable at {} and became {verdict:?}", self.watermark));
            }
        }
        assert!(self.membership.watermark() >= self.watermark, "a watermark never goes back");
        self.watermark = self.membership.watermark();
    }
}

/// What a group that begins with these members calls its beginning.
fn genesis_of(members: &Members) -> RunHash {
    genesis(members)
}
