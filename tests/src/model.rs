//! The queue as the documentation tells it, in the plainest code: what a schedule is compared with.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// So much more than its parts a source gets in frames that are cut short, before it waits for the others.
const BURST: u64 = 8;
const UNIT: u64 = 1 << 16;

/// How many there are of each source, the loop's own left out.
fn count<'a>(items: impl IntoIterator<Item = &'a Item>) -> BTreeMap<u8, u64> {
    let mut counts = BTreeMap::new();
    for item in items.into_iter().filter(|item| !item.local) {
        *counts.entry(item.source).or_default() += 1;
    }
    counts
}

/// How the queue meets a sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// Waiting is possible.
    Open,
    /// A shutdown waits: what does not fit comes back.
    Stopping,
    /// Nothing is accepted.
    Closed,
}

/// One intent, by the key that orders it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Item {
    /// Its clock, 0 if local.
    pub clock: u64,
    /// Its source.
    pub source: u8,
    /// Its origin, counted from 0 in order of creation.
    pub origin: u64,
    /// Its number among its origin's.
    pub seq: u64,
    /// Which intent it is.
    pub id: u64,
    /// Whether it came with `run_frame`.
    pub local: bool,
}

/// A frame that is being read.
#[derive(Debug)]
pub struct Reading {
    number: u64,
    items: VecDeque<Item>,
    freed: Vec<u8>,
    allowed: Option<usize>,
    empty: bool,
    /// The loop had been asked for this frame only to wake senders.
    pub for_senders: bool,
}

#[derive(Debug, Default)]
struct Lane {
    senders: usize,
    held: usize,
}

/// The queue's state.
#[derive(Debug)]
pub struct Model {
    capacity: usize,
    budget: Option<usize>,
    lanes: BTreeMap<u8, Lane>,
    /// The most sources that were ever known at once.
    peak: usize,
    /// How sends are met.
    pub gate: Gate,
    queued: Vec<Item>,
    rests: VecDeque<Reading>,
    /// Whether a frame was cut short since one last began without a rest.
    cut: bool,
    /// Of each source: how many the last frame had, and what it got beyond its parts.
    had: BTreeMap<u8, u64>,
    excess: BTreeMap<u8, u64>,
    origins: u64,
    local: BTreeMap<u8, (u64, u64)>,
    signalled: bool,
    /// How often `on_ready` was called.
    pub signals: u64,
    /// Frames drained.
    pub frames: u64,
    /// Intents accepted.
    pub accepted: u64,
    /// Intents handed out by frames that are over.
    pub drained: u64,
    /// Every intent handed out.
    pub seen: BTreeSet<u64>,
}

impl Model {
    /// An empty queue.
    #[must_use]
    pub fn new(capacity: usize, budget: Option<usize>) -> Self {
        Self {
            capacity,
            budget,
            lanes: BTreeMap::new(),
            peak: 0,
            gate: Gate::Open,
            queued: Vec::new(),
            rests: VecDeque::new(),
            cut: false,
            had: BTreeMap::new(),
            excess: BTreeMap::new(),
            origins: 0,
            local: BTreeMap::new(),
            signalled: false,
            signals: 0,
            frames: 0,
            accepted: 0,
            drained: 0,
            seen: BTreeSet::new(),
        }
    }

    /// The next origin.
    pub fn origin(&mut self) -> u64 {
        self.origins += 1;
        self.origins - 1
    }

    /// A producer appears.
    pub fn attach(&mut self, source: u8) {
        self.lanes.entry(source).or_default().senders += 1;
        self.peak = self.peak.max(self.lanes.len());
    }

    /// A producer is gone.
    ///
    /// # Panics
    /// If there was none.
    pub fn detach(&mut self, source: u8) {
        self.lanes.get_mut(&source).unwrap().senders -= 1;
        self.forget();
    }

    fn forget(&mut self) {
        self.lanes.retain(|_, lane| lane.senders > 0 || lane.held > 0);
    }

    /// Slots occupied.
    #[must_use]
    pub fn held(&self) -> usize {
        self.lanes.values().map(|lane| lane.held).sum()
    }

    /// The greatest number of slots that may ever have been occupied so far.
    #[must_use]
    pub fn bound(&self) -> usize {
        self.capacity.max(self.peak)
    }

    /// Whether the rule gives this source a slot.
    #[must_use]
    pub fn admits(&self, source: u8) -> bool {
        let idle = self.lanes.values().filter(|lane| lane.held == 0).count();
        let (all, own) = (self.held(), self.lanes[&source].held);
        if own == 0 { all < self.capacity.max(self.lanes.len()) } else { all + idle + 1 < self.capacity }
    }

    /// Occupies a slot.
    ///
    /// # Panics
    /// If the source is not known.
    pub fn hold(&mut self, source: u8) {
        self.lanes.get_mut(&source).unwrap().held += 1;
        assert!(self.held() <= self.bound(), "{} slots of at most {}", self.held(), self.bound());
    }

    /// Frees a slot.
    ///
    /// # Panics
    /// If the source holds none.
    pub fn release(&mut self, source: u8) {
        self.lanes.get_mut(&source).unwrap().held -= 1;
        self.forget();
    }

    /// Accepts an intent whose slot is held already.
    pub fn accept(&mut self, item: Item) {
        self.accepted += 1;
        self.queued.push(item);
        self.signal();
    }

    fn signal(&mut self) {
        if self.waiting_to_be_read() > 0 && !self.signalled {
            self.signalled = true;
            self.signals += 1;
        }
    }

    /// Whether `on_ready` was called since the last drain.
    #[must_use]
    pub fn signalled(&self) -> bool {
        self.signalled
    }

    /// What no frame that is being read holds.
    #[must_use]
    pub fn waiting_to_be_read(&self) -> usize {
        self.queued.len() + self.rests.iter().map(|rest| rest.items.len()).sum::<usize>()
    }

    /// A local intent of the next frame.
    pub fn local(&mut self, clock: u64, source: u8, id: u64) -> Item {
        if !self.local.contains_key(&source) {
            let origin = self.origin();
            self.local.insert(source, (origin, 0));
        }
        let (origin, next) = self.local.entry(source).or_default();
        let item = Item { clock, source, origin: *origin, seq: *next, id, local: true };
        *next += 1;
        item
    }

    /// Begins a frame: all that is queued, or the oldest rest with what joins it.
    pub fn drain(&mut self, locals: Vec<Item>) -> Reading {
        self.frames += 1;
        self.signalled = false;
        // A frame with nothing to hand out looks at nothing: what was shared out before stays so.
        let any = self.waiting_to_be_read() > 0 || !locals.is_empty();
        let mut frame = any.then(|| self.rest()).flatten().unwrap_or_else(|| Reading {
            number: self.frames,
            items: std::mem::take(&mut self.queued).into(),
            freed: Vec::new(),
            allowed: None,
            empty: true,
            for_senders: false,
        });
        frame.allowed = self.budget.map(|budget| budget.max(1));
        frame.items.extend(locals);
        frame.items.make_contiguous().sort_unstable();
        frame.empty = frame.items.is_empty();
        frame
    }

    /// The oldest rest, with what joins it: of sources that have nothing in it, and all of the loop's own.
    fn rest(&mut self) -> Option<Reading> {
        let Some(mut rest) = self.rests.pop_front() else {
            if std::mem::take(&mut self.cut) {
                self.share_out(&BTreeMap::new());
                self.had = count(&self.queued);
            } else {
                (self.had, self.excess) = Default::default();
            }
            return None;
        };
        self.share_out(&count(&rest.items));
        let mut behind: BTreeSet<u8> = count(&rest.items).into_keys().collect();
        for other in &mut self.rests {
            let sources = count(&other.items);
            let joins = |item: &Item| item.local || !behind.contains(&item.source);
            rest.items.extend(other.items.iter().copied().filter(joins));
            other.items.retain(|item| !joins(item));
            behind.extend(sources.into_keys());
        }
        self.rests.retain(|rest| !rest.items.is_empty());
        let excess = &self.excess;
        let waits = |item: &Item| {
            behind.contains(&item.source)
                || excess.get(&item.source).is_some_and(|&excess| excess > BURST * UNIT)
        };
        rest.items.extend(self.queued.iter().copied().filter(|item| !waits(item)));
        self.queued.retain(waits);
        self.had = count(&rest.items);
        Some(rest)
    }

    /// What was handed out since the last look is shared out among those that have something: what a source got beyond its
    /// part is its excess.
    fn share_out(&mut self, left: &BTreeMap<u8, u64>) {
        let queued = count(&self.queued);
        let sources: BTreeSet<u8> = self.had.keys().chain(queued.keys()).copied().collect();
        let got = |source| {
            let had = self.had.get(source).copied().unwrap_or_default();
            had.saturating_sub(left.get(source).copied().unwrap_or_default()) * UNIT
        };
        let all: u64 = sources.iter().map(&got).sum();
        let part = all / (sources.len() as u64).max(1);
        let before = |source| self.excess.get(source).copied().unwrap_or_default();
        let excess =
            sources.iter().map(|source| (*source, (before(source) + got(source)).saturating_sub(part)));
        self.excess = excess.collect();
    }

    /// What a frame hands out next.
    ///
    /// # Panics
    /// If that was handed out before.
    pub fn next(&mut self, frame: &mut Reading) -> Option<Item> {
        let at = match frame.allowed {
            Some(0) => frame.items.iter().position(|item| item.local)?,
            _ => 0,
        };
        let item = frame.items.remove(at)?;
        if !item.local {
            frame.freed.push(item.source);
            frame.allowed = frame.allowed.map(|left| left - 1);
        }
        assert!(self.seen.insert(item.id), "handed out twice");
        Some(item)
    }

    /// Ends a frame: its slots are free, and what it left is the oldest rest. One that was empty from the start changes
    /// nothing. Says whether a slot was freed.
    pub fn end(&mut self, mut frame: Reading) -> bool {
        let handed_out = !frame.freed.is_empty();
        for source in frame.freed.drain(..) {
            self.drained += 1;
            self.release(source);
        }
        if !frame.items.is_empty() {
            self.cut = true;
            let at = self.rests.partition_point(|rest| rest.number < frame.number);
            self.rests.insert(at, frame);
        } else if frame.empty {
            return false;
        }
        self.signal();
        handed_out
    }
}
