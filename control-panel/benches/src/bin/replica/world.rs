//! Peers that write and hear of each other after a delay; what one of them hears is recorded, so that it can be timed again and
//! again without the others.

use std::collections::VecDeque;

use control_panel_benches::{
    document::{Document, KEYS, Write},
    machine::{thread_time, tidy},
    random::Random,
    rounds::Probe,
    written::{self, Written},
};

/// What happens in a world.
#[derive(Clone, Copy)]
pub struct Plan {
    pub peers: u8,
    /// The first peers write nothing.
    pub silent: u8,
    /// Assignments a commit. Each writer commits once a tick.
    pub commit: usize,
    /// Those that write nothing acknowledge each so many ticks.
    pub acknowledge: usize,
    /// A message takes from one tick to so many, and no link reorders.
    pub delay: u64,
    /// Assignments of all writers together.
    pub writes: usize,
}

/// What happens to peer 0.
pub enum Event<M> {
    Import(M),
    Commit(Vec<Write>),
    Acknowledge,
}

impl<M: Written> Written for Event<M> {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Import(message) => {
                0_u8.write(out);
                message.write(out);
            }
            Self::Commit(writes) => {
                1_u8.write(out);
                writes.write(out);
            }
            Self::Acknowledge => 2_u8.write(out),
        }
    }

    fn read(from: &mut &[u8]) -> Self {
        match u8::read(from) {
            0 => Self::Import(M::read(from)),
            1 => Self::Commit(Vec::read(from)),
            _ => Self::Acknowledge,
        }
    }
}

/// Peer 0's life.
pub struct Script<M> {
    /// Until the map has all its keys: not timed.
    before: Vec<Event<M>>,
    timed: Vec<Event<M>>,
    writes: usize,
    digest: u64,
    /// Bytes an assignment, of the others' commits.
    pub bytes: f64,
}

/// All keys, in an order of their own.
pub fn fill() -> Vec<Write> {
    (0..KEYS as u32).map(|key| (key * 7919 % KEYS as u32, i64::from(key))).collect()
}

/// Random assignments.
pub fn writes(random: &mut Random, count: usize) -> Vec<Write> {
    (0..count).map(|_| (random.below(KEYS as u64) as u32, random.below(1 << 40) as i64)).collect()
}

struct World<D: Document> {
    plan: Plan,
    peers: Vec<D>,
    /// By (to, from): when it arrives, and what.
    links: Vec<VecDeque<(u64, D::Message)>>,
    events: Vec<Event<D::Message>>,
    random: Random,
}

impl<D: Document> World<D> {
    fn send(&mut self, from: usize, tick: u64, message: &D::Message) {
        for to in (0..self.peers.len()).filter(|to| *to != from) {
            let arrives = tick + 1 + self.random.below(self.plan.delay);
            let link = &mut self.links[to * self.peers.len() + from];
            let arrives = link.back().map_or(arrives, |(last, _)| arrives.max(*last));
            link.push_back((arrives, message.clone()));
        }
    }

    fn deliver(&mut self, tick: u64) {
        for to in 0..self.peers.len() {
            for from in 0..self.peers.len() {
                let link = &mut self.links[to * self.peers.len() + from];
                while link.front().is_some_and(|(arrives, _)| *arrives <= tick) {
                    let Some((_, message)) = link.pop_front() else { break };
                    self.peers[to].import(&message);
                    if to == 0 {
                        self.events.push(Event::Import(message));
                    }
                }
            }
        }
    }

    fn commit(&mut self, from: usize, tick: u64, writes: Vec<Write>) -> usize {
        let message = self.peers[from].commit(&writes);
        self.send(from, tick, &message);
        if from == 0 {
            self.events.push(Event::Commit(writes));
        }
        D::size(&message)
    }

    fn acknowledge(&mut self, tick: u64) {
        for from in 0..usize::from(self.plan.silent) {
            if from == 0 {
                self.events.push(Event::Acknowledge);
            }
            if let Some(message) = self.peers[from].acknowledge() {
                self.send(from, tick, &message);
            }
        }
    }

    /// Until nothing is on its way.
    fn calm(&mut self, tick: &mut u64) {
        while self.links.iter().any(|link| !link.is_empty()) {
            *tick += 1;
            self.deliver(*tick);
        }
    }
}

impl<M: Clone + Written> Script<M> {
    /// Lives through the plan once, and checks that the peers agree in the end.
    pub fn record<D: Document<Message = M>>(plan: Plan) -> Self {
        let (lives, script) = Self::live_through::<D>(plan);
        let (before, timed) = written::read(&lives);
        Self { before, timed, ..script }
    }

    /// What happened to peer 0, written down, and the script without it.
    fn live_through<D: Document<Message = M>>(plan: Plan) -> (Vec<u8>, Self) {
        let peers = usize::from(plan.peers);
        let mut world = World {
            plan,
            peers: (0..plan.peers).map(|me| D::open(me, plan.peers)).collect(),
            links: (0..peers * peers).map(|_| VecDeque::new()).collect(),
            events: Vec::new(),
            random: Random::new(),
        };
        let mut tick = 0;
        world.commit(peers - 1, tick, fill());
        world.calm(&mut tick);
        world.acknowledge(tick);
        world.calm(&mut tick);
        let before = std::mem::take(&mut world.events);
        let mut random = Random::new();
        let writers = usize::from(plan.silent)..peers;
        let (mut done, mut bytes) = (0, 0);
        for turn in 1.. {
            if done >= plan.writes {
                break;
            }
            tick += 1;
            world.deliver(tick);
            for from in writers.clone() {
                let writes = writes(&mut random, plan.commit);
                done += writes.len();
                bytes += world.commit(from, tick, writes);
            }
            if turn % plan.acknowledge == 0 {
                world.acknowledge(tick);
            }
        }
        world.calm(&mut tick);
        let digests: Vec<u64> = world.peers.iter().map(D::digest).collect();
        assert!(digests.iter().all(|digest| *digest == digests[0]), "{}: {digests:?}", D::NAME);
        let lives = written::write(&(before, world.events));
        let bytes = bytes as f64 / done as f64;
        (lives, Self { before: Vec::new(), timed: Vec::new(), writes: done, digest: digests[0], bytes })
    }

    /// Peer 0, before anything happened to it, lives again: ns an assignment, and what it is in the end.
    pub fn replay<D: Document<Message = M>>(&self, mut document: D) -> (f64, D) {
        self.before.iter().for_each(|event| step(&mut document, event));
        tidy();
        let began = thread_time();
        self.timed.iter().for_each(|event| step(&mut document, event));
        let took = thread_time() - began;
        assert_eq!(document.digest(), self.digest, "{}: another state than when it was recorded", D::NAME);
        (took / self.writes as f64, document)
    }
}

impl<M: Clone + Written> Script<M> {
    /// The same, where callgrind counts.
    pub fn measured<D: Document<Message = M>>(&self, mut document: D) {
        self.before.iter().for_each(|event| step(&mut document, event));
        tidy();
        crate::counted::measured(&mut || self.timed.iter().for_each(|event| step(&mut document, event)));
        assert_eq!(document.digest(), self.digest);
    }
}

fn step<D: Document>(document: &mut D, event: &Event<D::Message>) {
    match event {
        Event::Import(message) => document.import(message),
        Event::Commit(writes) => drop(document.commit(writes)),
        Event::Acknowledge => drop(document.acknowledge()),
    }
}

/// A contestant in this plan, and its bytes an assignment.
pub fn probe<D: Document>(plan: Plan) -> (Probe, f64) {
    eprint!("\r    recording {:<40}", D::NAME);
    let script = Script::record::<D>(Plan { writes: plan.writes / D::SLOW, ..plan });
    let bytes = script.bytes;
    (Probe::new(D::NAME, move || vec![script.replay(D::open(0, plan.peers)).0]), bytes)
}
