//! control-panel's replica of a `HashMap`, that goes back by undo records with footprints, by undo records alone, or by clones.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    marker::PhantomData,
};

use control_panel::{
    Delta, Peer, Replica, Stamp, State, Undoable, Version,
    replica::{Footprint, ReplicaBuilder, Settled},
};

use crate::document::{Document, Write, name};

/// How the state goes back.
pub trait GoesBack: Clone + Default + Send + Sync + 'static {
    const NAME: &'static str;
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
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        Footprint::key(hasher.finish())
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

    fn footprint(_: &str) -> Footprint {
        Footprint::All
    }

    fn configure(builder: ReplicaBuilder<Map<Self>>) -> ReplicaBuilder<Map<Self>> {
        builder
    }
}

/// The state.
#[derive(Clone, Default)]
pub struct Map<B>(HashMap<String, i64>, PhantomData<B>);

/// An operation: the key gets the value.
#[derive(Clone)]
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
    type Message = Delta<Set>;
    type Version = Version;

    fn open(me: u8, peers: u8) -> Self {
        let builder = Replica::builder(Peer([me + 1; 32]), Map::default());
        let builder = builder.members((0..peers).map(|peer| Peer([peer + 1; 32])));
        Self { replica: B::configure(builder).build(), redone: None }
    }

    fn commit(&mut self, writes: &[Write]) -> Delta<Set> {
        for (key, value) in writes {
            self.replica.commit(Set { key: name(*key).to_owned(), value: *value });
        }
        self.replica.outbox().expect("it just committed")
    }

    fn import(&mut self, message: &Delta<Set>) {
        self.replica.merge(message.clone());
        self.settle();
    }

    fn acknowledge(&mut self) -> Option<Delta<Set>> {
        self.replica.outbox()
    }

    fn get(&self, key: u32) -> Option<i64> {
        self.replica.state().0.get(name(key)).copied()
    }

    fn version(&mut self) -> Version {
        self.replica.version().clone()
    }

    fn since(&mut self, version: &Version) -> Delta<Set> {
        self.replica.since(version)
    }

    fn size(message: &Delta<Set>) -> usize {
        message.len()
    }
}
