//! The seam between the replica benchmarks and what they measure: a map of strings to numbers that peers share.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::LazyLock,
};

use crate::written::Written;

/// How many keys the map has.
pub const KEYS: usize = 10_000;

static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| (0..KEYS).map(|key| format!("k{key:05}")).collect());

/// One assignment: the index of a key, and its new value.
pub type Write = (u32, i64);

pub fn name(key: u32) -> &'static str {
    &NAMES[key as usize]
}

/// One replica of the map, as the library's user would write it.
pub trait Document: Sized {
    const NAME: &'static str;
    /// It gets so many times fewer operations in small commits, where the others' number would take minutes.
    const SLOW: usize = 1;
    /// Likewise in a long history, which it writes ever more slowly.
    const SLOW_IN_THE_LONG_RUN: usize = 1;
    /// What one replica sends to another.
    type Message: Clone + Written + 'static;
    /// What a replica has.
    type Version;

    /// The replica of peer `me` in a group of so many.
    fn open(me: u8, peers: u8) -> Self;

    /// One commit, and what the others need to know of it.
    fn commit(&mut self, writes: &[Write]) -> Self::Message;

    /// Takes what another sent: when this returns, the state shows it.
    fn import(&mut self, message: &Self::Message);

    /// What a replica that does not write sends once a frame, if anything.
    fn acknowledge(&mut self) -> Option<Self::Message> {
        None
    }

    fn get(&self, key: u32) -> Option<i64>;

    fn version(&mut self) -> Self::Version;

    /// All that a replica of that version lacks, with its history.
    fn since(&mut self, version: &Self::Version) -> Self::Message;

    /// Everything, with its history, in the form in which it is stored, where that is another than `since` nothing.
    fn stored(&mut self) -> Option<Self::Message> {
        None
    }

    /// The state without its history, where there is such a thing.
    fn state_alone(&mut self) -> Option<Self::Message> {
        None
    }

    /// A replica from what is stored, or from a state alone.
    fn load(me: u8, peers: u8, stored: &Self::Message) -> Self {
        let mut document = Self::open(me, peers);
        document.import(stored);
        document
    }

    /// The bytes of a message.
    fn size(message: &Self::Message) -> usize;

    /// Of the whole map.
    fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (0..KEYS as u32).for_each(|key| self.get(key).hash(&mut hasher));
        hasher.finish()
    }
}
