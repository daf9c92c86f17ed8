//! Any order of arrival, of verdicts, of jobs: the fold from scratch.

use std::{collections::BTreeSet, sync::Arc};

use super::{Cells, Local, Op, Rng, WAYS, Way, author, branch, from_scratch, steps};
use crate::replica::{Redo, Redone, Stamp, run::Run};

struct World {
    rng: Rng,
    local: Local,
    init: Cells,
    runs: Vec<Arc<Run<Op>>>,
    void: BTreeSet<usize>,
    revoked: BTreeSet<Stamp>,
    job: Option<Redo<Cells>>,
    done: Vec<Redone<Cells>>,
    awaited: bool,
    watermark: u64,
    cut: u64,
    skip: bool,
    seqs: [u64; 4],
    finished: usize,
}

fn op(rng: &mut Rng, bad: bool) -> Op {
    let mut cell = || rng.below(super::CELLS);
    let (one, other, third, fourth) = (cell(), cell(), cell(), cell());
    let input = u8::try_from(rng.below(64)).unwrap();
    match rng.below(40) {
        0 => Op::All(input),
        1 => Op::Note(u32::from(input)),
        2 | 3 => Op::Spread([one, other, third, fourth]),
        4 | 5 if bad => Op::Bad(one, input),
        6..20 => Op::Swap(one, other),
        _ => Op::Step(one, input),
    }
}

impl World {
    fn new(seed: u64, way: Way, budget: usize, skip: bool) -> Self {
        let init = Cells::new(seed);
        let mut local = Local::new(init.clone(), way, budget);
        local.fold.void_poison_upto(if skip { u64::MAX } else { 0 });
        Self {
            rng: Rng::new(seed),
            local,
            init,
            runs: Vec::new(),
            void: BTreeSet::new(),
            revoked: BTreeSet::new(),
            job: None,
            done: Vec::new(),
            awaited: false,
            watermark: 0,
            cut: 0,
            skip,
            seqs: [0; 4],
            finished: 0,
        }
    }

    fn seal(&mut self) {
        self.runs.extend(self.local.seal());
    }

    /// A run of another author, somewhere above the watermark; sometimes a second one with the same place.
    fn arrive(&mut self, bad: bool) {
        self.seal();
        let rng = &mut self.rng;
        let depth = if rng.one_in(4) { 400 } else { 12 };
        let low = self.watermark.max(self.local.clock.saturating_sub(depth));
        let lamport = low + 1 + rng.below(usize::try_from(self.local.clock + 2 - low).unwrap()) as u64;
        let peer = rng.below(4);
        let count = 1 + rng.below(5);
        let ops: Vec<_> = steps((0..count).map(|_| op(rng, bad))).collect();
        let ops = ops.into_iter().map(|op| if rng.one_in(9) { None } else { op });
        let ops: Vec<_> = ops.collect();
        let seq = self.seqs[peer];
        let author = author(u8::try_from(peer).unwrap() * 5);
        let run = branch(author, seq, lamport, ops.clone(), 7);
        self.local.stage(&run);
        self.runs.push(run);
        if rng.one_in(8) {
            let twin = branch(author, seq, lamport, ops.into_iter().rev(), 3);
            self.local.stage(&twin);
            self.runs.push(twin);
        }
        self.seqs[peer] += count as u64;
    }

    fn judge(&mut self) {
        self.seal();
        if self.runs.is_empty() {
            return;
        }
        let place = self.rng.below(self.runs.len());
        let run = Arc::clone(&self.runs[place]);
        if self.rng.one_in(2) {
            if run.header.lamport > self.watermark {
                if self.void.remove(&place) {
                    self.local.fold.stage_valid(run);
                } else {
                    self.void.insert(place);
                    self.local.fold.stage_void(run);
                }
            }
        } else {
            let stamp = run.stamp(self.rng.below(run.operations.len()));
            if stamp.lamport > self.cut {
                let on = !self.revoked.remove(&stamp);
                if on {
                    self.revoked.insert(stamp);
                }
                self.local.fold.revoke(stamp, self.local.clock, on);
            }
        }
    }

    fn expected(&self, upto: u64) -> Cells {
        let out = |run: &Run<Op>, stamp: &Stamp| {
            self.revoked.contains(stamp)
                || self.void.iter().any(|void| std::ptr::eq(run, Arc::as_ptr(&self.runs[*void])))
        };
        from_scratch(&self.init, &self.runs, out, upto, self.skip)
    }

    fn settle(&mut self) {
        self.seal();
        let report = self.local.fold.settle();
        if let Some(job) = report.job {
            assert!(!self.awaited || self.job.is_none() && self.done.is_empty(), "one job at a time");
            self.job = Some(job);
            self.awaited = true;
        }
    }

    /// Jobs come late, are dropped, or twice.
    fn jobs(&mut self) {
        match self.rng.below(6) {
            0 | 1 => self.done.extend(self.job.take().map(Redo::run)),
            2 if self.rng.one_in(3) => {
                (self.job, self.awaited) = (None, self.awaited && !self.done.is_empty());
            }
            3 if self.rng.one_in(3) => (self.done, self.awaited) = (Vec::new(), self.job.is_some()),
            4 | 5 => {
                self.seal();
                if let Some(done) = self.done.pop() {
                    assert!(self.local.fold.finish(done));
                    self.finished += 1;
                    self.awaited = false;
                }
            }
            _ => {}
        }
    }

    fn quiet(&mut self) {
        for _ in 0..1_000 {
            self.settle();
            self.done.extend(self.job.take().map(Redo::run));
            match self.done.pop() {
                Some(done) => assert!(self.local.fold.finish(done)),
                None if !self.local.fold.is_busy() => return,
                None => {}
            }
            self.awaited = false;
        }
        // Only a digest or a base that the budget never allows keeps it busy.
        assert!(self.local.fold.folded(u64::MAX) == u64::MAX || !self.skip);
    }

    fn advance(&mut self) {
        self.seal();
        let folded = self.local.fold.folded(self.local.clock);
        self.watermark = self.watermark.max(folded.saturating_sub(30));
        self.local.fold.stable(self.watermark);
        if self.rng.one_in(3) {
            self.cut = self.cut.max(self.watermark.saturating_sub(60));
            self.local.fold.compact(self.cut);
        }
    }
}

fn play(seed: u64, way: Way, budget: usize, bad: bool, skip: bool) -> World {
    let mut world = World::new(seed, way, budget, skip);
    for _ in 0..60 {
        for _ in 0..world.rng.below(5) {
            match world.rng.below(12) {
                0..5 => world.arrive(bad),
                5..7 => world.judge(),
                _ => {
                    let op = op(&mut world.rng, bad);
                    world.local.commit(op);
                }
            }
        }
        world.settle();
        world.jobs();
        if world.rng.one_in(6) {
            world.advance();
        }
        if world.rng.one_in(5) {
            world.quiet();
            assert_eq!(*world.local.fold.state(), world.expected(u64::MAX));
            let level = world.cut + world.rng.below(40) as u64;
            if let Some(state) = world.local.fold.state_at(level) {
                assert_eq!(state, world.expected(level), "the state at {level}");
            }
        }
    }
    world.quiet();
    assert_eq!(*world.local.fold.state(), world.expected(u64::MAX));
    world
}

fn seeds(name: &str, count: u64, budget: usize, bad: bool, skip: bool) -> usize {
    let mut finished = 0;
    for (way_name, way) in WAYS {
        for seed in 0..count {
            let played = std::panic::catch_unwind(|| play(seed, way, budget, bad, skip).finished);
            finished += played.unwrap_or_else(|_| panic!("{name}, back by {way_name}: seed {seed}"));
        }
    }
    finished
}

#[test]
fn any_order_is_the_fold_from_scratch() {
    seeds("plain", 400, 4096, false, true);
}

#[test]
fn any_order_with_jobs_is_the_fold_from_scratch() {
    assert!(seeds("jobs", 300, 25, false, true) > 600, "jobs were finished");
}

#[test]
fn any_order_with_void_panics_is_the_fold_from_scratch() {
    seeds("panics, void", 100, 4096, true, true);
    seeds("panics, void, jobs", 150, 25, true, true);
}

#[test]
fn any_order_with_panics_stops_at_the_first() {
    seeds("panics", 100, 4096, true, false);
    seeds("panics, jobs", 150, 25, true, false);
}

/// Its author is known to have it; this replica may see the revocation first, as its author's other branch is.
#[test]
fn a_revocation_may_come_before_what_it_revokes() {
    for (name, way) in WAYS {
        let init = Cells::new(1);
        let mut local = Local::new(init.clone(), way, 4096);
        let late = super::run(author(2), 0, 3, steps([Op::Step(1, 1), Op::Step(2, 2)]));
        local.fold.revoke(late.stamp(1), 9, true);
        let _ = local.fold.settle();
        local.stage(&late);
        let _ = local.fold.settle();
        let expected = from_scratch(
            &init,
            std::slice::from_ref(&late),
            |_, stamp| *stamp == late.stamp(1),
            u64::MAX,
            true,
        );
        assert_eq!(*local.fold.state(), expected, "{name}");
        local.fold.revoke(late.stamp(1), 9, false);
        let _ = local.fold.settle();
        assert_eq!(*local.fold.state(), from_scratch(&init, &[late], |_, _| false, u64::MAX, true), "{name}");
    }
}
