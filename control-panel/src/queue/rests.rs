//! What frames that were cut short left behind, and what joins it in the next frame. Pure.
//!
//! The next frame hands out the oldest rest together with all that other sources sent, in one order: a flood that is cut
//! short keeps no key press waiting. A source that has something in the rest waits with what it sent since, so that a
//! producer's own order is kept.
//!
//! That alone would starve what is ordered last: where frames are cut again and again, a flood that is ordered first would
//! join each of them and use up its budget. So what frames hand out meanwhile is shared out on paper, in equal parts to all
//! sources that have something to hand out (deficit round-robin), and a source that got [`BURST`] more than its parts
//! waits until the others caught up. One that sends less than its part never waits, however long the others flood.

use std::{collections::VecDeque, mem};

use tokio::time::Instant;

use super::{
    batch::{Batch, Clocked, Intents},
    shares::LaneId,
};
use crate::intent::Intent;

/// So many intents more than its part a source may get in frames that are cut short, before it waits like a source that
/// has something in the rest. A few gestures, and few enough for floods to share evenly after some dozen frames.
const BURST: u64 = 8;

/// Parts are fractions: so many make up an intent.
const UNIT: u64 = 1 << 16;

pub(super) struct Rests<I: Intent> {
    /// Oldest first. More than one only where several frames were alive together.
    batches: VecDeque<Box<Batch<I>>>,
    lanes: Vec<Lane>,
    /// Whether a frame was cut short since one last began without a rest. So it is set while there is one.
    cut: bool,
    /// Whether `lanes` has anything of use.
    shared: bool,
    /// Empty: what stays behind of a lane of clocked intents goes into its buffers.
    spare: Box<Clocked<I>>,
}

/// A source, as the beginning of a frame finds it.
#[derive(Debug, Clone, Copy, Default)]
struct Lane {
    /// Its intents in rests.
    left: u64,
    /// Its intents in no frame and no rest.
    queued: u64,
    joins: bool,
    /// Its intents in one of the younger rests.
    younger: u64,
    /// Its intents in the frame before.
    had: u64,
    /// What it got beyond its parts, in units.
    excess: u64,
}

impl<I: Intent> Rests<I> {
    pub(super) fn new() -> Self {
        Self {
            batches: VecDeque::new(),
            lanes: Vec::new(),
            cut: false,
            shared: false,
            spare: Box::new(Clocked::new()),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    /// When the first intent of the oldest was accepted.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.batches.iter().map(|rest| rest.intents.accepted_at()).min()
    }

    pub(super) fn intents(&self) -> usize {
        self.batches.iter().map(|rest| rest.len()).sum()
    }

    /// A frame left this. Frames may end in another order than they began in.
    pub(super) fn insert(&mut self, rest: Box<Batch<I>>) {
        self.cut = true;
        let at = self.batches.partition_point(|other| other.number < rest.number);
        self.batches.insert(at, rest);
    }

    /// All of them, for a discard.
    pub(super) fn take_all(&mut self) -> VecDeque<Box<Batch<I>>> {
        mem::take(&mut self.batches)
    }

    /// A frame begins: the oldest rest, with what joins it of `active`, and how many those are; nothing, unless that is `whole`.
    /// `None` if there is no rest, so that `active` is taken.
    #[inline]
    pub(super) fn take(&mut self, active: &mut Intents<I>, whole: bool) -> Option<(Box<Batch<I>>, usize)> {
        debug_assert!(self.cut || self.batches.is_empty(), "a rest that no one cut");
        // So that a frame costs nothing here where none is cut short.
        if self.cut || self.shared { self.take_some(active, whole) } else { None }
    }

    #[inline(never)]
    fn take_some(&mut self, active: &mut Intents<I>, whole: bool) -> Option<(Box<Batch<I>>, usize)> {
        let Some(mut batch) = self.batches.pop_front() else {
            if mem::take(&mut self.cut) {
                self.look(None, active);
                for lane in &mut self.lanes {
                    lane.had = lane.queued;
                }
            } else if mem::take(&mut self.shared) {
                // The frame before was handed out whole: there is enough for everything.
                self.lanes.clear();
            }
            return None;
        };
        self.look(Some(&batch), active);
        self.join_younger(&mut batch);
        let (lanes, before) = (&mut self.lanes, batch.len());
        for lane in &mut *lanes {
            lane.joins = whole && lane.left == 0 && lane.queued > 0 && lane.excess <= BURST * UNIT;
            lane.had = 0;
        }
        if lanes.iter().any(|lane| lane.joins) {
            batch.intents.join(active, &mut self.spare, |lane| lanes[lane].joins);
        }
        batch.intents.count_lanes(|id, count| lane(lanes, id).had += count as u64);
        let joined = batch.len() - before;
        Some((batch, joined))
    }

    /// Counts what there is of each source in the oldest rest and in `active`, and shares out what was handed out since the
    /// last look.
    fn look(&mut self, oldest: Option<&Batch<I>>, active: &Intents<I>) {
        self.shared = true;
        let lanes = &mut self.lanes;
        for lane in &mut *lanes {
            *lane = Lane { had: lane.had, excess: lane.excess, ..Lane::default() };
        }
        oldest.inspect(|rest| rest.intents.count_lanes(|id, count| lane(lanes, id).left += count as u64));
        active.count_lanes(|id, count| lane(lanes, id).queued += count as u64);
        let all: u64 = lanes.iter().map(Lane::handed_out).sum();
        let sources = lanes.iter().filter(|lane| lane.had > 0 || lane.queued > 0).count() as u64;
        let part = all.saturating_mul(UNIT) / sources.max(1);
        for lane in lanes {
            let got = lane.handed_out().saturating_mul(UNIT);
            // One that has nothing waits for nothing: it begins anew.
            let has_some = lane.had > 0 || lane.queued > 0;
            lane.excess = if has_some { lane.excess.saturating_add(got).saturating_sub(part) } else { 0 };
        }
    }

    /// Younger rests keep their order too: what has something in an older one waits.
    fn join_younger(&mut self, oldest: &mut Batch<I>) {
        let lanes = &mut self.lanes;
        for rest in &mut self.batches {
            rest.intents.count_lanes(|id, count| lane(lanes, id).younger += count as u64);
            let joins = |lane: LaneId| lanes[lane].left == 0;
            oldest.intents.join(&mut rest.intents, &mut self.spare, joins);
            for lane in &mut *lanes {
                lane.left += mem::take(&mut lane.younger);
            }
        }
        self.batches.retain(|rest| rest.len() > 0);
    }
}

impl Lane {
    /// How many of those it had were handed out.
    fn handed_out(&self) -> u64 {
        self.had.saturating_sub(self.left)
    }
}

fn lane(lanes: &mut Vec<Lane>, id: LaneId) -> &mut Lane {
    if id >= lanes.len() {
        lanes.resize(id + 1, Lane::default());
    }
    &mut lanes[id]
}
