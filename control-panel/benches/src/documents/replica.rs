//! control-panel's replica of a `HashMap`, that goes back by undo records with footprints, by undo records alone, or by clones.

use std::{collections::HashMap, marker::PhantomData, slice};

use control_panel::{
    Delta, Peer, Replica, Stamp, State, Undoable, Version,
    replica::{
        Footprint, ReplicaBuilder, Settled, Snapshot,
        codec::{Limits, Postcard},
    },
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    document::{Document, Write, name},
    written::Written,
};

/// A delta as it travels.
#[derive(Clone)]
pub enum Bytes {
    /// As the other libraries' messages: one piece.
    One(Vec<u8>),
    /// Where it is beyond what a receiver takes in one.
    Parts(Vec<Vec<u8>>),
}

impl Bytes {
    pub fn pieces(&self) -> &[Vec<u8>] {
        match self {
            Self::One(bytes) => slice::from_ref(bytes),
            Self::Parts(parts) => parts,
        }
    }
}

impl Written for Bytes {
    fn write(&self, out: &mut Vec<u8>) {
        self.pieces().to_vec().write(out);
    }

    fn read(from: &mut &[u8]) -> Self {
        let mut pieces: Vec<Vec<u8>> = Vec::read(from);
        match pieces.pop() {
            Some(one) if pieces.is_empty() => Self::One(one),
            last => {
                pieces.extend(last);
                Self::Parts(pieces)
            }
        }
    }
}

/// As a worker decodes it.
impl<Op: Clone + Serialize + DeserializeOwned + 'static> Written for Delta<Op> {
    fn write(&self, out: &mut Vec<u8>) {
        self.encode().expect("it has a codec").write(out);
    }

    fn read(from: &mut &[u8]) -> Self {
        decode(&Vec::read(from))
    }
}

pub fn encode<Op: Clone>(delta: &Delta<Op>) -> Bytes {
    let encode = |delta: &Delta<Op>| delta.encode().expect("it has a codec");
    if delta.len() <= 64 {
        return Bytes::One(encode(delta));
    }
    Bytes::Parts(delta.parts(&Limits::default()).iter().map(encode).collect())
}

pub fn decode<Op: Serialize + DeserializeOwned + 'static>(bytes: &[u8]) -> Delta<Op> {
    Delta::decode(bytes, &Postcard::new(), &Limits::default()).expect("what `encode` wrote")
}

/// How the state goes back.
pub trait GoesBack: Clone + Default + Send + Sync + 'static {
    const NAME: &'static str;
    /// See [`Document::SLOW`].
    const SLOW: usize = 1;
    fn footprint(key: &str) -> Footprint;
    fn configure(builder: ReplicaBuilder<Map<Self>>) -> ReplicaBuilder<Map<Self>> {
        builder.undoing()
    }
}

#[derive(Clone, Default)]
pub struct Footprints;
#[derive(Clone, Default)]
pub struct Undo;
#[derive(Clone, Default)]
pub struct Clones;

impl GoesBack for Footprints {
    const NAME: &'static str = "control-panel";

    fn footprint(key: &str) -> Footprint {
        Footprint::of(key)
    }
}

impl GoesBack for Undo {
    const NAME: &'static str = "control-panel, undo alone";

    fn footprint(_: &str) -> Footprint {
        Footprint::All
    }
}

impl GoesBack for Clones {
    const NAME: &'static str = "control-panel, clones";
    const SLOW: usize = 10;

    fn footprint(_: &str) -> Footprint {
        Footprint::All
    }

    fn configure(builder: ReplicaBuilder<Map<Self>>) -> ReplicaBuilder<Map<Self>> {
        builder
    }
}

/// The state.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Map<B>(HashMap<String, i64>, PhantomData<B>);

/// An operation: the key gets the value.
#[derive(Clone, Serialize, Deserialize)]
pub struct Set {
    key: String,
    value: i64,
}

impl<B: GoesBack> State for Map<B> {
    type Op = Set;

    fn apply(&mut self, set: &Set, stamp: &Stamp) {
        self.apply_undoable(set, stamp);
    }
}

impl<B: GoesBack> Undoable for Map<B> {
    type Undo = Option<i64>;

    fn apply_undoable(&mut self, Set { key, value }: &Set, _: &Stamp) -> Option<i64> {
        match self.0.get_mut(key) {
            Some(place) => Some(std::mem::replace(place, *value)),
            None => self.0.insert(key.clone(), *value),
        }
    }

    fn undo(&mut self, Set { key, .. }: &Set, before: Option<i64>) {
        match before {
            Some(value) => self.0.get_mut(key).map(|place| *place = value),
            None => self.0.remove(key).map(drop),
        };
    }

    fn footprint(set: &Set) -> Footprint {
        B::footprint(&set.key)
    }
}

pub struct OurReplica<B: GoesBack> {
    replica: Replica<Map<B>>,
    /// By `settle`: how many operations it applied again. Only while it is looked at.
    pub redone: Option<Vec<usize>>,
}

impl<B: GoesBack> OurReplica<B> {
    fn builder(me: u8, peers: u8) -> ReplicaBuilder<Map<B>> {
        let builder = Replica::builder(Peer([me + 1; 32]), Map::default());
        let builder = builder.members((0..peers).map(|peer| Peer([peer + 1; 32])));
        B::configure(builder).codec(Postcard::new(), Limits::default())
    }

    fn settle(&mut self) {
        let settled = self.replica.settle();
        if let Some(redone) = &mut self.redone {
            redone.push(settled.redone);
        }
        self.finish(settled);
    }

    /// What exceeds a frame's budget would run on another thread; here its time counts.
    fn finish(&mut self, settled: Settled<Map<B>>) {
        let mut job = settled.job;
        while let Some(redo) = job {
            self.replica.finish(redo.run());
            job = self.replica.settle().job;
        }
    }

    /// A frame that brought nothing: what its report says is not looked at.
    pub fn idle(&mut self) {
        drop(self.replica.settle());
    }
}

impl<B: GoesBack> Document for OurReplica<B> {
    const NAME: &'static str = B::NAME;
    const SLOW: usize = B::SLOW;
    type Message = Bytes;
    type Version = Version;

    fn open(me: u8, peers: u8) -> Self {
        Self { replica: Self::builder(me, peers).build(), redone: None }
    }

    fn commit(&mut self, writes: &[Write]) -> Bytes {
        for (key, value) in writes {
            self.replica.commit(Set { key: name(*key).to_owned(), value: *value });
        }
        encode(&self.replica.outbox().expect("it just committed"))
    }

    fn import(&mut self, message: &Bytes) {
        message.pieces().iter().for_each(|bytes| self.replica.merge(decode(bytes)));
        self.settle();
    }

    fn acknowledge(&mut self) -> Option<Bytes> {
        self.replica.outbox().map(|delta| encode(&delta))
    }

    fn get(&self, key: u32) -> Option<i64> {
        self.replica.state().0.get(name(key)).copied()
    }

    fn version(&mut self) -> Version {
        self.replica.version().clone()
    }

    fn since(&mut self, version: &Version) -> Bytes {
        encode(&self.replica.since(version))
    }

    /// The other member acknowledges all that there is, and the cut of it.
    fn state_alone(&mut self) -> Option<Bytes> {
        let mut other = Self::open(1, 2);
        other.import(&self.since(&Version::new()));
        let mut exchange = |replica: &mut Self| {
            for _ in 0..3 {
                other.acknowledge().iter().for_each(|message| replica.import(message));
                replica.acknowledge().iter().for_each(|message| other.import(message));
                // Its own word counts in the frame after the one that gave it out.
                replica.settle();
            }
        };
        exchange(self);
        self.replica.cut().expect("it is an owner");
        exchange(self);
        Some(Bytes::One(self.replica.snapshot()?.encode().expect("it has a codec")))
    }

    fn load(me: u8, peers: u8, stored: &Bytes) -> Self {
        let snapshot = Snapshot::decode(&stored.pieces()[0], &Postcard::new(), &Limits::default());
        let replica = Self::builder(me, peers).join(snapshot.expect("what `encode` wrote"));
        Self { replica: replica.expect("it is a member"), redone: None }
    }

    fn size(message: &Bytes) -> usize {
        message.pieces().iter().map(Vec::len).sum()
    }
}
