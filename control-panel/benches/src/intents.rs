//! The intents that every contestant carries: 64 bytes each, and two mixes of them.

use control_panel::{GraphIntent, Intent, IntentSource};

use crate::random::Random;

/// 64 bytes, with its tag.
#[derive(Clone, Copy, GraphIntent)]
pub enum Update {
    /// Clock 0.
    Local { word: u64, _rest: [u64; 6] },
    /// From a peer.
    #[intent(clock = lamport)]
    Remote { lamport: u64, word: u64, _rest: [u64; 5] },
}

const _: () = assert!(size_of::<Update>() == 64);

impl Update {
    pub fn local(word: u64) -> Self {
        Self::Local { word, _rest: [word; 6] }
    }

    pub fn remote(lamport: u64, word: u64) -> Self {
        Self::Remote { lamport, word, _rest: [word; 5] }
    }

    pub fn word(&self) -> u64 {
        match self {
            Self::Local { word, .. } | Self::Remote { word, .. } => *word,
        }
    }

    pub fn time(&self) -> u64 {
        self.clock().unwrap_or(0)
    }
}

/// What a channel carries: the seed's `QueuedIntent`, less its `queued_at`, which would cost every channel a
/// clock call. So the comparison leans towards the channels.
#[derive(Clone, Copy)]
pub struct Item {
    pub update: Update,
    pub source: IntentSource,
}

impl Item {
    /// What the seed sorts by.
    pub fn key(&self) -> (u64, IntentSource) {
        (self.update.time(), self.source)
    }
}

/// The seed's order within a frame: stable, so that each producer's intents stay in its order.
pub fn sort(frame: &mut [Item]) {
    frame.sort_by_key(Item::key);
}

/// Four local sources and the peers.
pub const SOURCES: [IntentSource; 5] = [
    IntentSource::LocalUI,
    IntentSource::ServoDelegate,
    IntentSource::MemoryMonitor,
    IntentSource::ModLoader,
    IntentSource::P2pSync,
];

/// Consumes what a frame hands out.
pub trait Eat {
    fn eat(&mut self, source: IntentSource, update: &Update);
}

/// One warm read an intent: what the cheapest reducer does.
#[derive(Clone, Copy, Default)]
pub struct Sum {
    pub count: u64,
    pub words: u64,
}

impl Eat for Sum {
    #[inline]
    fn eat(&mut self, source: IntentSource, update: &Update) {
        self.count += 1;
        self.words = self.words.wrapping_add(update.word() ^ source as u64);
    }
}

/// Checks one frame: its order by (clock, source), and each source's order of equal clocks.
#[derive(Default)]
pub struct Check {
    pub count: u64,
    last: Option<(u64, IntentSource, u64)>,
}

impl Eat for Check {
    fn eat(&mut self, source: IntentSource, update: &Update) {
        let key = (update.time(), source, update.word());
        assert!(self.last.is_none_or(|last| last < key), "out of order: {key:?} after {:?}", self.last);
        self.last = Some(key);
        self.count += 1;
    }
}

/// A script of sends: which of [`SOURCES`], and what. Words count up, so that order can be checked.
pub type Script = Vec<(usize, Update)>;

/// Clock 0, one source.
pub fn local(n: usize) -> Script {
    (0..n).map(|i| (0, Update::local(i as u64))).collect()
}

/// 90% clock 0 from four sources in random order, 10% from peers with random clocks.
pub fn mix(n: usize) -> Script {
    let mut random = Random::new();
    let clocks = (n as u64 / 8).max(16);
    let mut script: Script = (0..n as u64)
        .map(|i| match random.below(10) {
            0 => (4, Update::remote(1 + random.below(clocks), i)),
            _ => (random.below(4) as usize, Update::local(i)),
        })
        .collect();
    // Every mix has a remote intent, also one of a few.
    if n > 1 {
        script[n / 2] = (4, Update::remote(1, n as u64 / 2));
    }
    script
}
