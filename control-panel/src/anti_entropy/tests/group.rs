//! Replicas, their journals, and connections between them.

use std::{
    collections::{BTreeSet, VecDeque},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{
    super::{Connection, Event, Extent, Local, Message, Offer, Options, Wire, group},
    disk::Disk,
};
use crate::replica::{
    Delta, Peer, Replica, ReplicaBuilder, RunHash, Snapshot, Stamp, State, Version,
    codec::{Limits, Postcard},
};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Words(pub(super) Vec<String>);

impl State for Words {
    type Op = String;

    fn apply(&mut self, word: &String, _: &Stamp) {
        // Long ones fill pieces, not the state.
        self.0.push(word.chars().take(8).collect());
    }
}

pub(super) fn peer(index: usize) -> Peer {
    Peer([u8::try_from(index + 1).unwrap(); 32])
}

pub(super) fn read(bytes: &[u8]) -> Delta<String> {
    Delta::decode(bytes, &Postcard::new(), &Limits::default()).unwrap()
}

/// One peer.
pub(super) struct Node {
    pub(super) replica: Replica<Words>,
    pub(super) disk: Disk,
    /// What its frame has not taken: of which link, its number, and what.
    pub(super) queue: VecDeque<(usize, u64, Delta<String>)>,
    /// What it took and is not durable.
    merged: Vec<(usize, u64)>,
    pub(super) incarnation: u32,
}

/// A connection. A link that is down has none.
pub(super) struct Link {
    pub(super) ends: [usize; 2],
    pub(super) sides: Option<[Connection; 2]>,
    /// What each side's store is to give next.
    pieces: [VecDeque<Delta<String>>; 2],
    /// What each side sent and the other has not read.
    pub(super) pipes: [VecDeque<u8>; 2],
    began: Duration,
    /// The runs that each side had when it began.
    had: [BTreeSet<RunHash>; 2],
    /// The runs that each side sent.
    pub(super) runs: [BTreeSet<RunHash>; 2],
    /// How often each side asked anew.
    pub(super) wants: [u64; 2],
    /// Chunks that arrived at each side.
    chunks: [Vec<u8>; 2],
    pub(super) last_events: Vec<(usize, String)>,
}

pub(super) struct Group {
    pub(super) nodes: Vec<Node>,
    pub(super) links: Vec<Link>,
    pub(super) now: Duration,
    pub(super) options: Options,
    /// Whether there are branches: a shorter one may be sent to one that has it, once.
    pub(super) forks: bool,
}

pub(super) fn builder(members: usize, me: usize, incarnation: u32) -> ReplicaBuilder<Words> {
    Replica::builder(peer(me), Words::default())
        .members((0..members).map(peer))
        .codec(Postcard::new(), Limits::default())
        .incarnation(incarnation)
}

pub(super) fn local(node: usize) -> Local {
    Local { me: peer(node), group: group(RunHash([7; 32])) }
}

impl Group {
    /// So many members, each connected with each other.
    pub(super) fn new(members: usize) -> Self {
        let node = |me| Node {
            replica: builder(members, me, 0).build(),
            disk: Disk::new(builder(members, me, 0).build()),
            queue: VecDeque::new(),
            merged: Vec::new(),
            incarnation: 0,
        };
        let pairs = (0..members).flat_map(|one| (one + 1..members).map(move |other| [one, other]));
        let link = |ends| Link {
            ends,
            sides: None,
            pieces: [VecDeque::new(), VecDeque::new()],
            pipes: [VecDeque::new(), VecDeque::new()],
            began: Duration::ZERO,
            had: [BTreeSet::new(), BTreeSet::new()],
            runs: [BTreeSet::new(), BTreeSet::new()],
            wants: [0; 2],
            chunks: [Vec::new(), Vec::new()],
            last_events: Vec::new(),
        };
        Self {
            nodes: (0..members).map(node).collect(),
            links: pairs.map(link).collect(),
            now: Duration::ZERO,
            options: Options::default(),
            forks: false,
        }
    }

    pub(super) fn connect(&mut self, link: usize) {
        let [one, other] = self.links[link].ends;
        let sides = [(one, other), (other, one)]
            .map(|(me, other)| Connection::new(local(me), peer(other), self.options));
        let had = [one, other].map(|node| {
            let kept = self.nodes[node].disk.replica.since(&Version::new());
            kept.runs.iter().map(|run| run.hash).collect()
        });
        let link = &mut self.links[link];
        (link.sides, link.had, link.began) = (Some(sides), had, self.now);
        link.pipes = [VecDeque::new(), VecDeque::new()];
        (link.runs, link.wants) = ([BTreeSet::new(), BTreeSet::new()], [0; 2]);
        link.chunks = [Vec::new(), Vec::new()];
    }

    /// At any byte.
    pub(super) fn disconnect(&mut self, link: usize) {
        self.links[link].sides = None;
        for node in self.links[link].ends {
            self.nodes[node].queue.retain(|(from, ..)| *from != link);
            self.nodes[node].merged.retain(|(from, _)| *from != link);
        }
    }

    pub(super) fn since(&self, link: usize) -> Duration {
        self.now.saturating_sub(self.links[link].began)
    }

    /// One side sends its next frame. Whether there was one.
    pub(super) fn send(&mut self, link: usize, side: usize) -> bool {
        let now = self.since(link);
        let Link { ends, sides, pieces, pipes, runs, wants, had, .. } = &mut self.links[link];
        let Some(sides) = sides else { return false };
        let mut frame = Vec::new();
        let mut store = self.nodes[ends[side]].disk.view(&mut pieces[side]);
        let Ok(sent) = sides[side].send(&mut frame, &mut store, now);
        assert_eq!(sent, !frame.is_empty());
        match frame.first() {
            Some(3) => {
                for run in &*read(&frame[5..]).runs {
                    assert!(runs[side].insert(run.hash) || wants[1 - side] > 0, "{run:?} is sent twice");
                    let needed = self.forks || !had[1 - side].contains(&run.hash);
                    assert!(needed, "{run:?} was there when the session began");
                }
            }
            Some(5) => wants[side] += 1,
            _ => (),
        }
        pipes[side].extend(frame);
        sent
    }

    /// So many of the bytes that one side sent arrive at the other.
    pub(super) fn deliver(&mut self, link: usize, side: usize, count: usize) {
        let now = self.since(link);
        let Link { ends, sides, pipes, chunks, last_events, .. } = &mut self.links[link];
        let (Some(sides), to) = (sides, 1 - side) else { return };
        let count = count.min(pipes[side].len());
        let bytes: Vec<u8> = pipes[side].drain(..count).collect();
        let (mut left, node) = (&bytes[..], &mut self.nodes[ends[to]]);
        loop {
            let event = sides[to].receive(&mut left, node.disk.replica.version(), now);
            let Some(event) = event.unwrap_or_else(|end| panic!("{end} ({end:?})")) else { break };
            last_events.push((to, format!("{event:?}")));
            match event {
                Event::Delta { number, delta } => {
                    let delta = read(&delta);
                    sides[to].session_mut().read(number, Extent::of(&delta));
                    node.queue.push_back((link, number, delta));
                }
                Event::Chunk { number, chunk, last } => {
                    chunks[to].extend(chunk);
                    sides[to].session_mut().took(number, node.disk.replica.version());
                    if last {
                        let snapshot = Snapshot::decode(&chunks[to], &Postcard::new(), &Limits::default());
                        node.replica.rejoin(snapshot.unwrap()).unwrap();
                        node.disk.replica.rejoin(node.replica.take_snapshot()).unwrap();
                        sides[to].session_mut().joined();
                        sides[to].session_mut().news();
                    }
                }
                Event::Offered(_) => assert!(sides[to].session_mut().request()),
                Event::Ready { .. } | Event::Misbehaved(_) | Event::Withdrawn => (),
            }
        }
        assert!(left.is_empty());
        for side in sides {
            let most = super::super::WINDOW.max(self.options.delta_bytes + 128);
            assert!(side.held() <= self.options.delta_bytes);
            let status = side.session().status();
            assert!(status.in_flight <= most && status.in_hand <= most, "{status:?}");
        }
    }

    /// A frame of a node: takes so many deltas.
    pub(super) fn frame(&mut self, node: usize, take: usize) {
        let Node { replica, queue, merged, .. } = &mut self.nodes[node];
        for (link, number, delta) in queue.drain(..take.min(queue.len())) {
            replica.merge(delta);
            merged.push((link, number));
        }
        let _ = replica.settle();
        let _ = replica.outbox();
    }

    /// What a node has is durable. Whether there was more.
    pub(super) fn flush(&mut self, node: usize) -> bool {
        let Node { replica, disk, merged, .. } = &mut self.nodes[node];
        let before = disk.replica.version().clone();
        disk.replica.merge(replica.since(&before));
        let _ = disk.replica.settle();
        assert_eq!(disk.replica.version(), replica.version());
        for (link, number) in merged.drain(..) {
            let Link { ends, sides, .. } = &mut self.links[link];
            let side = usize::from(ends[1] == node);
            if let Some(sides) = sides {
                sides[side].session_mut().took(number, disk.replica.version());
            }
        }
        if *disk.replica.version() == before {
            return false;
        }
        for link in &mut self.links {
            for (side, end) in link.ends.into_iter().enumerate() {
                if let (true, Some(sides)) = (end == node, &mut link.sides) {
                    sides[side].session_mut().news();
                }
            }
        }
        true
    }

    /// Whether a snapshot is needed is answered.
    pub(super) fn offer(&mut self, link: usize, side: usize) {
        let Link { ends, sides: Some(sides), .. } = &mut self.links[link] else { return };
        let session = sides[side].session_mut();
        if session.needs_snapshot() {
            let Node { disk, replica, .. } = &mut self.nodes[ends[side]];
            let snapshot = replica.snapshot().unwrap();
            disk.snapshot = snapshot.encode().unwrap();
            let hash = *blake3::hash(&disk.snapshot).as_bytes();
            session.offer(Offer { length: disk.snapshot.len() as u64, hash, level: snapshot.level() });
        }
    }

    pub(super) fn tick(&mut self) {
        for link in 0..self.links.len() {
            let now = self.since(link);
            for side in self.links[link].sides.iter_mut().flatten() {
                side.tick(now).unwrap_or_else(|end| panic!("{end}"));
            }
        }
    }

    /// One round of everything, without loss. Whether anything moved.
    pub(super) fn round(&mut self) -> bool {
        let mut moved = false;
        for link in 0..self.links.len() {
            for side in 0..2 {
                self.offer(link, side);
                while self.send(link, side) {
                    moved = true;
                }
                self.deliver(link, side, usize::MAX);
            }
        }
        for node in 0..self.nodes.len() {
            self.frame(node, usize::MAX);
            moved |= !self.nodes[node].merged.is_empty();
            moved |= self.flush(node);
        }
        self.now += Duration::from_millis(20);
        self.tick();
        moved
    }

    /// Until nothing moves.
    pub(super) fn rest(&mut self) {
        let rested = |group: &Self| {
            let sides = group.links.iter().flat_map(|link| link.sides.iter().flatten());
            sides.into_iter().all(|side| side.session().is_caught_up())
        };
        let mut rounds = 0;
        while self.round() || (rounds < 1_000 && !rested(self)) {
            rounds += 1;
            assert!(rounds < 2_000, "no rest");
        }
        for link in &self.links {
            for side in link.sides.iter().flatten() {
                assert!(side.session().is_caught_up(), "{:?}", side.session());
            }
        }
    }

    pub(super) fn assert_equal(&self) {
        for node in &self.nodes {
            assert_eq!(node.replica.version(), self.nodes[0].replica.version());
            assert_eq!(node.replica.state(), self.nodes[0].replica.state());
        }
    }

    /// Two that are connected and ready.
    pub(super) fn pair() -> Self {
        let mut group = Self::new(2);
        group.connect(0);
        group.rest();
        group
    }

    pub(super) fn side(&mut self, side: usize) -> &mut Connection {
        &mut self.links[0].sides.as_mut().expect("connected")[side]
    }

    /// A message that side 0 of a pair did not make arrives at side 1.
    pub(super) fn inject(
        &mut self,
        message: &Message<Wire>,
    ) -> Result<Option<Event<Wire>>, super::super::End> {
        let mut bytes = Vec::new();
        super::super::wire::encode(message, &mut bytes);
        let (now, version) = (self.since(0), self.nodes[1].disk.version().clone());
        self.side(1).receive(&mut &bytes[..], &version, now)
    }
}
