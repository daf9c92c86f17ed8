//! The steps of a random schedule, and how likely each is.

use proptest::prelude::*;

/// A clock of `Some(0)`, which is refused.
pub(crate) const ZERO: u64 = u64::MAX;
/// What a step's choice of a clock means; 0 is none.
pub(crate) const CLOCKS: [u64; 6] = [0, 0, 0, 1, 2, ZERO];

/// One step. Numbers that choose one of several things wrap around.
#[derive(Debug, Clone)]
pub enum Op {
    /// A new sender of a source.
    Open(u8),
    /// A sender is dropped.
    Close(usize),
    /// Producer, clock.
    TrySend(usize, usize),
    /// Producer, clock, timeout in ms: made and polled once.
    Send(usize, usize, Option<u64>),
    /// A send under way is polled, woken or not.
    Poll(usize),
    /// A send under way is dropped.
    Cancel(usize),
    /// Milliseconds pass.
    Advance(u64),
    /// A frame begins.
    Drain,
    /// A frame hands out so many.
    Read(usize, usize),
    /// A frame is dropped.
    End(usize),
    /// A whole frame with locals (source, clock), whose reducer may panic after so many.
    RunFrame(Vec<(u8, usize)>, Option<usize>),
    /// A shutdown begins, and is dropped half-way.
    Stop,
    /// A shutdown runs to its end.
    Shutdown,
}

/// How a schedule is run.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The queue's capacity.
    pub capacity: usize,
    /// The frame budget, in intents.
    pub budget: Option<usize>,
    /// How many frames may be alive at once.
    pub frames: usize,
}

/// Capacities and budgets that matter: none, too few, some, plenty.
pub fn setting(frames: usize) -> impl Strategy<Value = Setting> {
    let budget = prop_oneof![2 => Just(None), 1 => (0_usize..6).prop_map(Some)];
    let capacity = prop_oneof![3 => 1_usize..6, 2 => 6_usize..16, 1 => Just(64)];
    (capacity, budget).prop_map(move |(capacity, budget)| Setting { capacity, budget, frames })
}

/// Schedules of at most `most` steps.
pub fn ops(most: usize) -> impl Strategy<Value = Vec<Op>> {
    let locals = prop::collection::vec((0_u8..4, 0..CLOCKS.len()), 0..4);
    let op = prop_oneof![
        2 => (0_u8..4).prop_map(Op::Open),
        1 => (0_u8..20).prop_map(Op::Open),
        1 => any::<usize>().prop_map(Op::Close),
        8 => (any::<usize>(), 0..CLOCKS.len()).prop_map(|(p, c)| Op::TrySend(p, c)),
        8 => (any::<usize>(), 0..CLOCKS.len()).prop_map(|(p, c)| Op::Send(p, c, None)),
        2 => (any::<usize>(), 0..CLOCKS.len(), 1_u64..20).prop_map(|(p, c, t)| Op::Send(p, c, Some(t))),
        6 => any::<usize>().prop_map(Op::Poll),
        3 => any::<usize>().prop_map(Op::Cancel),
        1 => (1_u64..15).prop_map(Op::Advance),
        4 => Just(Op::Drain),
        6 => (any::<usize>(), 1_usize..6).prop_map(|(f, n)| Op::Read(f, n)),
        4 => any::<usize>().prop_map(Op::End),
        2 => (locals, prop::option::weighted(0.3, 0_usize..6)).prop_map(|(l, p)| Op::RunFrame(l, p)),
    ];
    let end = prop_oneof![2 => Just(vec![]), 1 => Just(vec![Op::Stop]), 1 => Just(vec![Op::Shutdown])];
    (prop::collection::vec(op.clone(), 0..most), end, prop::collection::vec(op, 0..12)).prop_map(
        |(mut ops, end, after)| {
            ops.extend(end);
            ops.extend(after);
            ops
        },
    )
}
