//! What a frame pays, counted in calls of the state's own `apply` and `undo`, whatever arrives.

use std::{
    cell::Cell,
    collections::{BTreeMap, VecDeque},
};

use control_panel::{
    Peer, Replica, Stamp, State, Undoable,
    replica::{Footprint, Grant, Redo, ReplicaBuilder},
};

thread_local! {
    static WORK: Cell<usize> = const { Cell::new(0) };
}

/// What `f` made the state do on this thread.
fn work<T>(f: impl FnOnce() -> T) -> (T, usize) {
    let before = WORK.get();
    let value = f();
    (value, WORK.get() - before)
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Cells(BTreeMap<u64, u64>);

#[derive(Clone, Debug)]
enum Op {
    Set(u64, u64),
    All,
}

impl State for Cells {
    type Op = Op;

    fn apply(&mut self, op: &Op, _: &Stamp) {
        WORK.set(WORK.get() + 1);
        match op {
            Op::Set(key, value) => _ = self.0.insert(*key, *value),
            Op::All => self.0.values_mut().for_each(|value| *value = value.wrapping_mul(3) + 1),
        }
    }
}

impl Undoable for Cells {
    type Undo = Cells;

    fn apply_undoable(&mut self, op: &Op, stamp: &Stamp) -> Cells {
        let before = self.clone();
        self.apply(op, stamp);
        before
    }

    fn undo(&mut self, op: &Op, before: Cells) {
        WORK.set(WORK.get() + 1);
        match op {
            Op::Set(key, _) => match before.0.get(key) {
                Some(value) => _ = self.0.insert(*key, *value),
                None => _ = self.0.remove(key),
            },
            Op::All => *self = before,
        }
    }

    fn footprint(op: &Op) -> Footprint {
        match op {
            Op::Set(key, _) => Footprint::key(*key),
            Op::All => Footprint::All,
        }
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn op(&mut self) -> Op {
        match self.below(20) {
            0 => Op::All,
            _ => Op::Set(self.below(50), self.below(1_000)),
        }
    }
}

const PEERS: [Peer; 3] = [Peer([1; 32]), Peer([2; 32]), Peer([3; 32])];

fn plain(builder: ReplicaBuilder<Cells>) -> ReplicaBuilder<Cells> {
    builder
}

fn undoing(builder: ReplicaBuilder<Cells>) -> ReplicaBuilder<Cells> {
    builder.undoing()
}

const WAYS: [fn(ReplicaBuilder<Cells>) -> ReplicaBuilder<Cells>; 2] = [plain, undoing];

/// One replica with what its program keeps: jobs that are under way, each until a frame of its own.
struct Node {
    replica: Replica<Cells>,
    jobs: VecDeque<(u64, Redo<Cells>)>,
    own: Vec<Stamp>,
}

impl Node {
    /// One frame; returns how many jobs it made, and whether it was beyond the budget for its own commits.
    fn frame(&mut self, now: u64, edits: u64, budget: usize, random: &mut Random) -> (usize, bool) {
        let mut spent = 0;
        for _ in 0..edits {
            let (stamp, done) = work(|| self.replica.commit(random.op()));
            assert_eq!(done, 1, "a commit is one application");
            self.own.push(stamp);
        }
        if random.below(20) == 0 && !self.own.is_empty() {
            let stamp = self.own[usize::try_from(random.below(self.own.len() as u64)).unwrap()];
            let (_, done) = work(|| self.replica.revoke(stamp).ok());
            assert_eq!(done, 0, "revoking is left to `settle`");
        }
        if self.jobs.front().is_some_and(|(due, _)| *due <= now) {
            let redone = self.jobs.pop_front().unwrap().1.run();
            spent += work(|| assert!(self.replica.finish(redone))).1;
        }
        let (settled, done) = work(|| self.replica.settle());
        spent += done;
        let commits = usize::try_from(edits).unwrap();
        assert!(spent <= budget + commits, "{spent} beside {commits} commits, with a budget of {budget}");
        let made = usize::from(settled.job.is_some());
        self.jobs.extend(settled.job.map(|job| (now + 1 + random.below(8), job)));
        let (_, done) = work(|| self.replica.outbox());
        assert_eq!(done, 0, "sending applies nothing");
        (made, spent > budget)
    }
}

/// Three replicas, one of which floods the others after 100 frames alone; operations are revoked, jobs take up to eight frames,
/// and commits go on meanwhile.
#[test]
fn a_frame_pays_its_budget_and_its_own_commits() {
    let (mut jobs, mut beyond) = (0, 0);
    for (seed, budget) in (0..6).flat_map(|seed| [10, 60, 300].map(|budget| (seed, budget))) {
        for way in WAYS {
            let mut random = Random(seed * 77 + 1);
            let mut nodes = PEERS.map(|peer| {
                let builder = Replica::builder(peer, Cells::default()).members(PEERS).redo_budget(budget);
                Node { replica: way(builder).build(), jobs: VecDeque::new(), own: Vec::new() }
            });
            for now in 0..200 {
                let away = |index: usize| index == 2 && now < 100;
                for index in 0..3 {
                    let edits = if away(index) { 4 } else { random.below(3) };
                    for other in (0..3).filter(|other| *other != index && !away(*other) && !away(index)) {
                        if random.below(3) > 0 {
                            let delta = nodes[other].replica.since(nodes[index].replica.version());
                            let ((), done) = work(|| nodes[index].replica.merge(delta));
                            assert_eq!(done, 0, "merging is left to `settle`");
                        }
                    }
                    let (made, over) = nodes[index].frame(now, edits, budget, &mut random);
                    jobs += made;
                    beyond += usize::from(over);
                }
            }
            for now in 200..260 {
                for (index, other) in (0..3).flat_map(|index| (0..3).map(move |other| (index, other))) {
                    let delta = nodes[other].replica.since(nodes[index].replica.version());
                    nodes[index].replica.merge(delta);
                    nodes[index].frame(now, 0, budget, &mut Random(1));
                }
            }
            for node in &nodes {
                assert!(node.jobs.is_empty(), "all is done, seed {seed}");
                assert_eq!(node.replica.state(), nodes[0].replica.state(), "seed {seed}");
            }
        }
    }
    assert!(jobs > 100 && beyond > 0, "{jobs} jobs, {beyond} frames in which commits counted twice");
}

#[test]
fn a_joiner_pays_no_more() {
    for way in WAYS {
        let mut random = Random(5);
        let mut here = Replica::new(PEERS[0], [PEERS[0]], Cells::default());
        for step in 0..3_000 {
            here.commit(random.op());
            if step % 50 == 0 {
                let _ = here.settle();
            }
            if step == 1_500 {
                here.cut().unwrap();
            }
        }
        here.invite(PEERS[1], Grant::Write).unwrap();
        let _ = here.settle();
        let builder = Replica::builder(PEERS[1], Cells::default()).members([PEERS[0]]).redo_budget(50);
        let (joined, done) = work(|| way(builder).join(here.snapshot().unwrap()));
        assert_eq!(done, 0);
        let mut joined = joined.unwrap();
        loop {
            let (settled, done) = work(|| joined.settle());
            assert!(done <= 50, "{done}");
            let Some(job) = settled.job else { break };
            let redone = job.run();
            let (_, done) = work(|| joined.finish(redone));
            assert!(done <= 50, "{done}");
        }
        assert_eq!(joined.state(), here.state());
    }
}

/// The frame in which `finish` was called is part of the record, the time that the job took is not: replayed with a job that
/// ran late, early or not at the same place, each frame has the same state.
#[test]
fn a_record_replays_frame_by_frame() {
    for way in WAYS {
        let play = |run_late: bool| {
            let mut random = Random(9);
            let mut away = Replica::new(PEERS[1], PEERS, Cells::default());
            (0..500).for_each(|_| _ = away.commit(random.op()));
            let builder = Replica::builder(PEERS[0], Cells::default()).members(PEERS).redo_budget(20);
            let mut here = way(builder).build();
            let mut jobs = VecDeque::new();
            let mut states = Vec::new();
            for frame in 0..40 {
                here.commit(random.op());
                if frame == 3 {
                    here.merge(away.since(here.version()));
                }
                // The record: the frames in which a result came.
                if frame % 7 == 6
                    && let Some((job, done)) = jobs.pop_front()
                {
                    let redone = match (job, done) {
                        (Some(job), None) => Redo::run(job),
                        (_, done) => done.expect("one of the two"),
                    };
                    here.finish(redone);
                }
                if let Some(job) = here.settle().job {
                    jobs.push_back(if run_late {
                        (Some(job), None)
                    } else {
                        (None, Some(std::thread::spawn(|| job.run()).join().unwrap()))
                    });
                }
                states.push((here.state().clone(), here.version().clone()));
            }
            states
        };
        let states = play(true);
        assert_eq!(states, play(false));
        assert_ne!(states[10].0, states[39].0);
    }
}

#[test]
fn what_goes_to_other_threads_can() {
    fn send<T: Send>() {}
    fn sync<T: Sync>() {}
    send::<Replica<Cells>>();
    send::<ReplicaBuilder<Cells>>();
    send::<Redo<Cells>>();
    send::<control_panel::replica::Redone<Cells>>();
    send::<control_panel::replica::Snapshot<Cells>>();
    send::<control_panel::replica::Settled<Cells>>();
    send::<control_panel::Delta<Op>>();
    sync::<Replica<Cells>>();
    sync::<control_panel::replica::Snapshot<Cells>>();
    sync::<control_panel::Delta<Op>>();
}
