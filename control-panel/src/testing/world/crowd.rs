//! Members of which only the runs are made: their chains, acknowledgements and times are real, and what they had admitted is what
//! one replica had. So many authors cost no more than their runs.

use std::{collections::BTreeMap, fmt::Debug, sync::Arc};

use super::{forger, roles::peer};
use crate::replica::{
    Author, Delta, Peer, Replica, RunHash, Stamp, State,
    identify::{Identify, InProcess},
    overview::Latest,
    run::{Head, Header, Operation, Run},
    short::{Bytes, Few},
};

/// The node whose replica they go by: it never crashes, is not retired, and goes on once.
pub(super) const HOME: usize = 1;
/// So many members share a turn to acknowledge, as in a replica.
const MEMBERS_A_TURN: u64 = 16;

#[derive(Debug, Default)]
pub(super) struct Crowd {
    members: Vec<Member>,
    /// The last run of each chain as of this frame, and since which frame it is the last.
    latest: Vec<(Option<Latest>, u64)>,
    /// Operations that its members committed.
    pub(super) own: Vec<(Peer, Stamp)>,
}

#[derive(Debug)]
struct Member {
    peer: Peer,
    next_seq: u64,
    previous: Option<RunHash>,
    clock: u64,
    /// The frame of its last run, from 1.
    heard: u64,
}

impl Crowd {
    /// `size` peers that are counted from `first`.
    pub(super) fn new(first: usize, size: usize) -> Self {
        let member =
            |index| Member { peer: peer(first + index), next_seq: 0, previous: None, clock: 0, heard: 0 };
        Self { members: (0..size).map(member).collect(), ..Self::default() }
    }

    /// The runs that they make in this frame, each of what the replica has at its beginning: they do not know of each other's.
    pub(super) fn turn<S>(
        &mut self,
        frame: u64,
        home: &Replica<S>,
        mut edit: impl FnMut(usize, &S) -> Option<S::Op>,
    ) -> Vec<Arc<Run<S::Op>>>
    where
        S: State,
        S::Op: Debug,
    {
        self.look(frame, home);
        let last = home.last_operation();
        let turns = (self.members.len() as u64 / MEMBERS_A_TURN).max(1);
        let lowest = self.lowest(home);
        let mut runs = Vec::new();
        for index in 0..self.members.len() {
            let member = &self.members[index];
            let operation = edit(index, home.state()).map(Operation::Apply);
            let is_due = || member.clock < last || (home.low(member.peer) < last && lowest >= last);
            let is_turn = last > 0 && frame % turns == index as u64 % turns;
            let acknowledgement = || (is_turn && is_due()).then_some(Operation::Ack { digest: None });
            let Some(operation) = operation.or_else(acknowledgement) else { continue };
            runs.push(self.run(index, frame, home.genesis(), operation));
        }
        runs
    }

    /// Notes which chains grew.
    fn look<S: State>(&mut self, frame: u64, home: &Replica<S>) {
        for (index, latest) in home.latest().enumerate() {
            match self.latest.get_mut(index) {
                None => self.latest.push((latest, frame + 1)),
                Some(known) if known.0 != latest => *known = (latest, frame + 1),
                Some(_) => {}
            }
        }
    }

    /// The lowest clock of all members.
    fn lowest<S: State>(&self, home: &Replica<S>) -> u64 {
        let mut clocks: BTreeMap<_, _> = home.members().map(|(peer, _)| (peer, 0)).collect();
        for latest in self.latest.iter().filter_map(|(latest, _)| *latest) {
            if let Some(clock) = clocks.get_mut(&latest.author.peer) {
                *clock = latest.clock.max(*clock);
            }
        }
        clocks.into_values().min().unwrap_or(0)
    }

    fn run<Op: Debug>(
        &mut self,
        index: usize,
        frame: u64,
        genesis: RunHash,
        operation: Operation<Op>,
    ) -> Arc<Run<Op>> {
        let Self { members, latest, own } = self;
        let member = &mut members[index];
        let news = || {
            let news = latest.iter().filter(|(_, since)| *since > member.heard);
            news.filter_map(|(latest, _)| *latest).filter(|latest| latest.author.peer != member.peer)
        };
        let lamport = 1 + news().map(|latest| latest.clock).fold(member.clock, u64::max);
        let head = |Latest { author, end, .. }| Head { author, seq: end.next_seq - 1, hash: end.hash };
        let mut heads: Vec<_> = news().map(head).collect();
        heads.sort_unstable_by_key(|head| (head.author, head.hash));
        let header = Header {
            author: Author { peer: member.peer, incarnation: 0 },
            seq: member.next_seq,
            lamport,
            previous: member.previous.unwrap_or(genesis),
            heads: heads.into(),
            schema: 0,
            fingerprint: 0,
        };
        let operations = vec![operation];
        let named = InProcess { payload: Some(forger::payload::<Op>) }.identify(&header, &operations, &[]);
        let run = Run {
            header,
            operations: operations.into(),
            hash: named.hash,
            bytes: Bytes::default(),
            signature: named.signature,
        };
        own.extend(run.applied().map(|(stamp, _)| (member.peer, stamp)));
        (member.next_seq, member.previous) = (run.next_seq(), Some(run.hash));
        (member.clock, member.heard) = (lamport, frame + 1);
        Arc::new(run)
    }
}

/// As it travels.
pub(super) fn delta<Op>(run: &Arc<Run<Op>>) -> Delta<Op> {
    Delta::of(Few::One(Arc::clone(run)))
}
