//! A graph and the membership that judges it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

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
    /// The highest of all lives.
    promised: u64,
    /// What was found wrong: an operation called stable that is void, or one that came too late.
    pub(super) wrong: Vec<String>,
    /// The highest that the rule of one number would have called stable, and how often that was wrong.
    one_number: u64,
    pub(super) wrong_by_one_number: usize,
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
            promised: 0,
            wrong: Vec::new(),
            one_number: 0,
            wrong_by_one_number: 0,
        };
        node.take(log);
        node
    }

    /// This replica's next life, with all it had.
    pub(super) fn restart(&mut self) {
        let next = Author { incarnation: self.me.incarnation + 1, ..self.me };
        let before = std::mem::replace(self, Self::restarted(&self.genesis, next, &self.log));
        assert!(self.watermark >= before.watermark, "what the log says is stable stays so");
        let Self { wrong, promised, one_number, wrong_by_one_number, .. } = before;
        *self = Self {
            promised,
            wrong,
            one_number,
            wrong_by_one_number,
            ..std::mem::replace(self, Self::new(&before.genesis, 0))
        };
    }

    pub(super) fn take<'a>(&mut self, runs: impl IntoIterator<Item = &'a TestRun>) {
        for run in runs {
            self.graph.offer(Arc::clone(run));
        }
        loop {
            let Self { graph, membership, .. } = self;
            let Some(admitted) = graph.admit_next_of(&*membership) else { break };
            if admitted.run.header.author == self.me {
                self.membership.confirm(&self.graph, admitted.run.next_seq());
            }
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
        let run = self.make_unstored(operations);
        // It is sent as soon as it is made.
        self.store(&run);
        run
    }

    /// Makes a run that a crash may take back yet.
    pub(super) fn make_unstored(&mut self, operations: Vec<Operation<u64>>) -> TestRun {
        let admitted = self.graph.seal(operations, 0, 0, &IDENTIFY);
        self.judge(&admitted);
        admitted.run
    }

    pub(super) fn store(&mut self, run: &TestRun) {
        self.membership.confirm(&self.graph, run.next_seq());
        self.follow();
        self.notices.extend(self.membership.take_notices());
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

    /// What counts and why not, as of now.
    pub(super) fn judged(&self) -> BTreeMap<RunHash, Verdict> {
        let mut judged = BTreeMap::new();
        for (id, chain) in self.graph.chains() {
            for run in &chain.runs {
                let verdict = self.membership.verdict(id, run.header.seq);
                assert_eq!(verdict.applies(), self.verdicts[&run.hash].applies(), "each change is reported");
                judged.insert(run.hash, verdict);
            }
        }
        judged
    }

    /// The runs and targets of the retirements that are final.
    pub(super) fn finals(&self) -> BTreeSet<(RunHash, Peer)> {
        let Membership { live, acts, .. } = &self.membership;
        live.view.finals.iter().map(|id| (acts[*id].key.hash, acts[*id].target)).collect()
    }

    pub(super) fn verdict(&self, run: &TestRun) -> Verdict {
        self.verdicts[&run.hash]
    }

    fn judge(&mut self, admitted: &Admitted<u64>) {
        let run = &admitted.run;
        let verdict = self.membership.judge(&self.graph, admitted);
        self.log.push(Arc::clone(run));
        self.verdicts.insert(run.hash, verdict);
        if verdict.applies() && is_operation(run) {
            self.check(run, verdict, "came");
        }
        self.follow();
    }

    /// Takes in what changed.
    fn follow(&mut self) {
        for Change { chain, seq, verdict } in self.membership.take_changes() {
            let run = Arc::clone(self.graph.run_after(chain, seq).expect("it is kept"));
            assert_eq!(run.header.seq, seq);
            let before = self.verdicts.insert(run.hash, verdict).expect("it was judged");
            assert_ne!(before.applies(), verdict.applies(), "a change changes something");
            if is_operation(&run) {
                self.check(&run, verdict, "became");
            }
        }
        assert!(self.membership.watermark() >= self.watermark, "a watermark never goes back");
        self.watermark = self.membership.watermark();
        self.promised = self.promised.max(self.watermark);
        self.one_number = self.one_number.max(self.lowest_clock_heard());
    }

    /// Notes a run whose verdict is new though its time was called stable.
    fn check(&mut self, run: &TestRun, verdict: Verdict, how: &str) {
        let lamport = run.header.lamport;
        if lamport <= self.promised {
            self.wrong
                .push(format!("{run:?} {how} {verdict:?} at or below {} of {}", self.promised, self.me));
        }
        self.wrong_by_one_number += usize::from(lamport <= self.one_number);
    }

    /// What the draft called stable: one number, not two levels.
    fn lowest_clock_heard(&self) -> u64 {
        let Membership { live, peers, .. } = &self.membership;
        let clock = |peer: &Peer| match peers.get(peer) {
            Some(index) if index == live.me => live.clock,
            Some(index) => live.level(index).clock,
            None => 0,
        };
        live.view.members.keys().map(clock).min().unwrap_or(0)
    }
}

/// As many owners, each with its own replica's view.
pub(super) fn group(count: u8) -> Vec<Node> {
    (0..count).map(|number| Node::new(&owners(count), number)).collect()
}

/// Gives the nodes all that any of them has, and has them acknowledge until no one owes any.
pub(super) fn settle(nodes: &mut [&mut Node]) {
    loop {
        let all: Vec<TestRun> = nodes.iter().flat_map(|node| node.log.clone()).collect();
        let mut quiet = true;
        for node in nodes.iter_mut() {
            node.take(&all);
            if node.membership.ack_due() {
                node.ack();
                quiet = false;
            }
        }
        if quiet {
            break;
        }
    }
}

pub(super) fn is_operation(run: &TestRun) -> bool {
    !run.operations.iter().all(|operation| matches!(operation, Operation::Ack { .. }))
}

/// What a group that begins with these members calls its beginning.
fn genesis_of(members: &Members) -> RunHash {
    genesis(members)
}
