//! The fold against a fold from scratch.

use std::{cell::Cell, cmp::Ordering, collections::BTreeSet, sync::Arc};

use super::{Fold, GoingBack, by_snapshots, by_undo};
use crate::replica::{
    Author, Peer, RunHash, Stamp, State, Undoable,
    run::{Header, Operation, Run},
    short::Bytes,
    signed::Signature,
    state::Footprint,
};

mod budget;
mod charges;
mod jobs;
mod levels;
mod pace;
mod poison;
mod random;
mod slow;
mod ways;

thread_local! {
    /// Applications and undos on this thread.
    static WORK: Cell<usize> = const { Cell::new(0) };
}

fn work<R>(within: impl FnOnce() -> R) -> (R, usize) {
    let before = WORK.get();
    let result = within();
    (result, WORK.get() - before)
}

pub(super) struct Rng(u64);

impl Rng {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % bound as u64).unwrap()
    }

    pub(super) fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }
}

const CELLS: usize = 12;

/// Cells that go through a random table of transitions over 64 states: nothing commutes by luck.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Cells {
    values: [u8; CELLS],
    notes: BTreeSet<u32>,
    table: Arc<Vec<[u8; 64]>>,
}

#[derive(Clone, Debug)]
pub(super) enum Op {
    Step(usize, u8),
    Swap(usize, usize),
    /// Each cell by what its neighbour was.
    All(u8),
    /// Commutes.
    Note(u32),
    /// Panics halfway through in one of four states of the cell.
    Bad(usize, u8),
    /// Reads the first, writes the others.
    Spread([usize; 4]),
}

impl Cells {
    pub(super) fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed ^ 0xabcd);
        let table = (0..64).map(|_| std::array::from_fn(|_| u8::try_from(rng.below(64)).unwrap())).collect();
        Self { values: [0; CELLS], notes: BTreeSet::new(), table: Arc::new(table) }
    }

    fn step(&mut self, cell: usize, input: u8) {
        self.values[cell] = self.table[usize::from(self.values[cell])][usize::from(input)];
    }
}

impl State for Cells {
    type Op = Op;

    fn apply(&mut self, op: &Op, _: &Stamp) {
        WORK.set(WORK.get() + 1);
        match op {
            Op::Step(cell, input) => self.step(*cell, *input),
            Op::Swap(one, other) => self.values.swap(*one, *other),
            Op::All(input) => (0..CELLS).for_each(|cell| {
                let neighbour = self.values[(cell + 1) % CELLS];
                self.step(cell, (input + neighbour) % 64);
            }),
            Op::Note(note) => _ = self.notes.insert(*note),
            Op::Bad(cell, input) => {
                let before = self.values[*cell];
                self.step(*cell, *input);
                if before % 4 == input % 4 {
                    // As `panic!`, but the hook prints nothing.
                    std::panic::resume_unwind(Box::new(format!("bad in {before}")));
                }
            }
            Op::Spread(cells) => {
                let read = self.values[cells[0]];
                cells[1..].iter().for_each(|cell| self.step(*cell, read));
            }
        }
    }
}

impl Undoable for Cells {
    type Undo = [u8; CELLS];

    fn apply_undoable(&mut self, op: &Op, stamp: &Stamp) -> [u8; CELLS] {
        let before = self.values;
        self.apply(op, stamp);
        before
    }

    fn undo(&mut self, op: &Op, before: [u8; CELLS]) {
        WORK.set(WORK.get() + 1);
        // Only what the operation says it writes: others may have changed since.
        match Self::footprint(op) {
            Footprint::All => self.values = before,
            Footprint::Commutes => unreachable!("never undone"),
            Footprint::Keys(keys) => keys.as_slice().iter().for_each(|key| {
                let cell = usize::try_from(*key).unwrap();
                self.values[cell] = before[cell];
            }),
        }
    }

    fn footprint(op: &Op) -> Footprint {
        match op {
            Op::Step(cell, _) | Op::Bad(cell, _) => Footprint::key(*cell as u64),
            Op::Swap(one, other) => Footprint::keys([*one as u64, *other as u64]),
            Op::All(_) => Footprint::All,
            Op::Note(_) => Footprint::Commutes,
            Op::Spread(cells) => Footprint::keys(cells.map(|cell| cell as u64)),
        }
    }
}

pub(super) fn author(peer: u8) -> Author {
    Author { peer: Peer([peer; 32]), incarnation: 0 }
}

/// A run of these operations. `None` stands for one of the replica's own.
pub(super) fn run<O>(
    author: Author,
    seq: u64,
    lamport: u64,
    ops: impl IntoIterator<Item = Option<O>>,
) -> Arc<Run<O>> {
    branch(author, seq, lamport, ops, 0)
}

pub(super) fn branch<O>(
    author: Author,
    seq: u64,
    lamport: u64,
    ops: impl IntoIterator<Item = Option<O>>,
    hash: u8,
) -> Arc<Run<O>> {
    let header = Header {
        author,
        seq,
        lamport,
        previous: RunHash([0; 32]),
        heads: Vec::new().into(),
        schema: 0,
        fingerprint: 0,
    };
    let operation = |op: Option<O>| op.map_or(Operation::Ack { digest: None }, Operation::Apply);
    Arc::new(Run {
        header,
        operations: ops.into_iter().map(operation).collect::<Vec<_>>().into(),
        hash: RunHash([hash; 32]),
        bytes: Bytes::default(),
        signature: Signature::default(),
    })
}

/// One operation after another.
pub(super) fn steps(ops: impl IntoIterator<Item = Op>) -> impl Iterator<Item = Option<Op>> {
    ops.into_iter().map(Some)
}

/// The rule, as plainly as it can be said: in their order, those that are neither void nor revoked. One that panics is left out or the last.
pub(super) fn from_scratch(
    init: &Cells,
    runs: &[Arc<Run<Op>>],
    out: impl Fn(&Run<Op>, &Stamp) -> bool,
    upto: u64,
    skip: bool,
) -> Cells {
    let mut ops: Vec<_> = runs
        .iter()
        .flat_map(|run| run.applied().map(move |(stamp, op)| (stamp, run, op)))
        .filter(|(stamp, run, _)| stamp.lamport <= upto && !out(run, stamp))
        .collect();
    ops.sort_by(|one, other| match one.0.cmp(&other.0) {
        Ordering::Equal => one.1.hash.cmp(&other.1.hash),
        order => order,
    });
    let mut state = init.clone();
    for (stamp, _, op) in ops {
        let mut next = state.clone();
        match super::poison::caught(|| next.apply(op, &stamp)) {
            Ok(()) => state = next,
            Err(_) if skip => {}
            Err(_) => break,
        }
    }
    state
}

pub(super) type Way = fn() -> Box<dyn GoingBack<Cells>>;

pub(super) const WAYS: [(&str, Way); 2] = [("snapshots", by_snapshots), ("undo", by_undo)];

/// A local author at a fold.
pub(super) struct Local {
    pub(super) fold: Fold<Cells>,
    pub(super) me: Author,
    pub(super) clock: u64,
    seq: u64,
    pending: Vec<Op>,
}

impl Local {
    pub(super) fn new(init: Cells, way: Way, budget: usize) -> Self {
        let fold = Fold::new(init, way(), budget);
        Self { fold, me: author(9), clock: 0, seq: 0, pending: Vec::new() }
    }

    pub(super) fn commit(&mut self, op: Op) {
        self.clock += 1;
        let stamp = Stamp { lamport: self.clock, author: self.me, seq: self.seq };
        self.seq += 1;
        self.fold.apply_tail(&op, &stamp);
        self.pending.push(op);
    }

    pub(super) fn seal(&mut self) -> Option<Arc<Run<Op>>> {
        let ops = std::mem::take(&mut self.pending);
        let count = ops.len() as u64;
        let run = (count > 0).then(|| run(self.me, self.seq - count, self.clock + 1 - count, steps(ops)))?;
        self.fold.seal(&run);
        Some(run)
    }

    pub(super) fn stage(&mut self, run: &Arc<Run<Op>>) {
        assert!(self.pending.is_empty(), "sealed before");
        self.clock = self.clock.max(run.clock());
        self.fold.stage(Arc::clone(run));
    }
}
