//! The gap buffer: runs whose predecessor or head is not here yet.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem::size_of,
    sync::Arc,
};

use super::{Limits, Tip, judge::Wait};
use crate::replica::{
    Author, Peer, RunHash,
    run::{Head, Operation, Run},
};

/// Runs that wait, each for one hash. Bounded by peer, whatever lives it writes as; in all, at the expense of the peer that holds most; and in how many later
/// runs one sits out.
pub(super) struct Gaps<Op> {
    held: BTreeMap<RunHash, Held<Op>>,
    /// By what they wait for, then by arrival.
    waiting: BTreeSet<(RunHash, u64, RunHash)>,
    arrivals: BTreeMap<u64, RunHash>,
    places: BTreeSet<(Author, u64, RunHash)>,
    usage: BTreeMap<Peer, Usage>,
    /// The bytes of each peer.
    largest: BTreeSet<(usize, Peer)>,
    bytes: usize,
    /// What waited to be named, and is now.
    named: Option<Arc<Run<Op>>>,
}

struct Held<Op> {
    run: Arc<Run<Op>>,
    /// Its own hash if it waits to be named.
    missing: RunHash,
    /// Whether `missing` is what it names, and all that it follows is here.
    names: bool,
    /// The run that waits to be named, if it follows that or has it in its past.
    root: Option<RunHash>,
    arrival: u64,
    bytes: usize,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Usage {
    ops: usize,
    bytes: usize,
}

impl<Op> Gaps<Op> {
    pub(super) fn new() -> Self {
        Self {
            held: BTreeMap::new(),
            waiting: BTreeSet::new(),
            arrivals: BTreeMap::new(),
            places: BTreeSet::new(),
            usage: BTreeMap::new(),
            largest: BTreeSet::new(),
            bytes: 0,
            named: None,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.held.len()
    }

    /// Holds a run until what it waits for is admitted, or it is [named](Self::take_named). Of a peer that exceeds its bound, the runs that are furthest
    /// ahead are dropped, and so are those of the peer that holds most where all together are too many. Returns whether the run's peer exceeds its own
    /// bound: that the others' runs leave it no room is not its fault.
    pub(super) fn hold(&mut self, mut run: Arc<Run<Op>>, wait: Wait, now: u64, limits: &Limits) -> bool {
        if let Some(held) = self.held.get_mut(&run.hash) {
            // Its peer's word may count by now.
            if matches!(wait, Wait::Names(_)) && !std::mem::replace(&mut held.names, true) {
                self.name(run.hash);
            }
            return false;
        }
        // Others of its message may be dropped: it is not to keep all of that. Where somebody else has it too, it counts as if it did.
        if let Some(run) = Arc::get_mut(&mut run) {
            run.bytes.detach();
        }
        let (author, hash, bytes) = (run.header.author, run.hash, size_of_run(&run));
        let (missing, names) = match wait {
            Wait::For(missing) => (missing, false),
            Wait::Names(missing) => (missing, true),
            Wait::Named => (hash, false),
        };
        self.count(author.peer, |usage| {
            usage.ops += run.operations.len();
            usage.bytes += bytes;
        });
        self.bytes += bytes;
        self.places.insert((author, run.header.seq, hash));
        // Two runs may arrive in one turn: one refused run wakes several.
        let arrival = self.arrivals.last_key_value().map_or(now, |(last, _)| now.max(last + 1));
        self.arrivals.insert(arrival, hash);
        self.waiting.insert((missing, arrival, hash));
        self.held.insert(hash, Held { run, missing, names, root: None, arrival, bytes });

        let mut floods = false;
        while self.exceeds(author.peer, limits) {
            self.drop_furthest(author.peer);
            floods = true;
        }
        while self.bytes > limits.gap_bytes {
            let &(_, peer) = self.largest.last().expect("bytes are of a peer");
            self.drop_furthest(peer);
        }
        self.name(hash);
        floods
    }

    /// A run comes again, and signed: of one that waits without a signature, the copy that has it is held.
    pub(super) fn sign(&mut self, run: &mut Arc<Run<Op>>) {
        let Some(held) = self.held.get_mut(&run.hash).filter(|held| held.run.signature.is_empty()) else {
            return;
        };
        if let Some(run) = Arc::get_mut(run) {
            run.bytes.detach();
        }
        held.run = Arc::clone(run);
        let before = std::mem::replace(&mut held.bytes, size_of_run(run));
        let now = held.bytes;
        self.bytes = self.bytes - before + now;
        self.count(run.header.author.peer, |usage| usage.bytes = usage.bytes - before + now);
    }

    /// Finds what waits to be named that a run just held has in its past, and marks what has that in its past through it. Between the two may be runs of any
    /// peer: also of one whose own word does not count.
    fn name(&mut self, hash: RunHash) {
        let Some(held) = self.held.get(&hash) else { return };
        let root = if held.missing == hash {
            Some(hash)
        } else {
            self.held.get(&held.missing).and_then(|it| it.root)
        };
        let peer_of = |root: &RunHash| Some(self.held.get(root)?.run.header.author.peer);
        let Some((root, peer)) = root.and_then(|root| Some((root, peer_of(&root)?))) else { return };
        let mut pending = vec![hash];
        while let Some(hash) = pending.pop() {
            let Some(held) = self.held.get_mut(&hash) else { continue };
            if held.names && held.run.header.author.peer != peer {
                self.named = self.remove(root);
                return;
            }
            held.root = Some(root);
            pending.extend(self.waiting_for(hash).filter(|other| *other != hash));
        }
    }

    /// Whether a run waits here with a branch of its peer's that waits to be named.
    pub(super) fn has_unnamed(&self, hash: RunHash) -> bool {
        let peer = |held: &Held<Op>| held.run.header.author.peer;
        let held = self.held.get(&hash);
        let root = held.and_then(|held| self.held.get(&held.root?));
        held.zip(root).is_some_and(|(held, root)| peer(held) == peer(root))
    }

    /// Takes out a run that waited to be named, and is by the one held last.
    pub(super) fn take_named(&mut self) -> Option<Arc<Run<Op>>> {
        self.named.take()
    }

    fn waiting_for(&self, hash: RunHash) -> impl Iterator<Item = RunHash> + '_ {
        let all = (hash, 0, RunHash([0; 32]))..=(hash, u64::MAX, RunHash([u8::MAX; 32]));
        self.waiting.range(all).map(|&(_, _, run)| run)
    }

    fn exceeds(&self, peer: Peer, limits: &Limits) -> bool {
        let Some(usage) = self.usage.get(&peer) else { return false };
        usage.ops > limits.gap_ops_per_peer || usage.bytes > limits.gap_bytes_per_peer
    }

    /// Drops the last run of a peer's last life.
    fn drop_furthest(&mut self, peer: Peer) {
        let last = Author { peer, incarnation: u32::MAX };
        let last = self.places.range(..=(last, u64::MAX, RunHash([u8::MAX; 32]))).next_back();
        let &(of, _, furthest) = last.expect("a peer over its bound holds a run");
        debug_assert_eq!(of.peer, peer);
        self.remove(furthest);
    }

    fn count(&mut self, peer: Peer, change: impl FnOnce(&mut Usage)) {
        let usage = self.usage.entry(peer).or_default();
        self.largest.remove(&(usage.bytes, peer));
        change(usage);
        if *usage == Usage::default() {
            self.usage.remove(&peer);
        } else {
            self.largest.insert((usage.bytes, peer));
        }
    }

    /// Takes out what waited for `hash`, in the order of arrival.
    pub(super) fn wake(&mut self, hash: RunHash) -> Vec<Arc<Run<Op>>> {
        let woken: Vec<_> = self.waiting_for(hash).collect();
        woken.into_iter().filter_map(|run| self.remove(run)).collect()
    }

    /// The runs that follow a chain's end up to one that is signed, if all of those wait here.
    pub(super) fn signed_after(&self, author: Author, end: Tip) -> Option<Vec<Arc<Run<Op>>>> {
        // What each names as its previous run, by hash. A predecessor has a lower sequence number, so it is found before.
        let mut found = BTreeMap::<RunHash, &Held<Op>>::new();
        let all = self.places.range((author, end.mark.next_seq, RunHash([0; 32]))..);
        for (_, _, hash) in all.take_while(|(of, ..)| *of == author) {
            let held = &self.held[hash];
            let header = &held.run.header;
            let before = found.get(&header.previous).map(|before| Tip::of(&before.run));
            let before = before.or(Some(end).filter(|end| end.hash == header.previous));
            let follows =
                |before: Tip| before.mark.next_seq == header.seq && before.mark.clock < header.lamport;
            if !before.is_some_and(follows) {
                continue;
            }
            found.insert(*hash, held);
            if !held.run.signature.is_empty() {
                let mut runs = vec![Arc::clone(&held.run)];
                while let Some(before) = runs.last().and_then(|run| found.get(&run.header.previous)) {
                    runs.push(Arc::clone(&before.run));
                }
                runs.reverse();
                return Some(runs);
            }
        }
        None
    }

    /// Drops all that builds on a run that was refused.
    pub(super) fn drop_descendants(&mut self, refused: RunHash) {
        let mut pending = vec![refused];
        while let Some(hash) = pending.pop() {
            pending.extend(self.wake(hash).iter().map(|run| run.hash));
        }
    }

    /// Drops what arrived at or before a turn.
    pub(super) fn drop_older(&mut self, arrival: u64) {
        while let Some((&first, &hash)) = self.arrivals.first_key_value() {
            if first > arrival {
                break;
            }
            self.remove(hash);
        }
    }

    /// Drops what ends at or below a Lamport time.
    pub(super) fn forget_below(&mut self, level: u64) {
        let old: Vec<_> =
            self.held.values().filter(|held| held.run.clock() <= level).map(|held| held.run.hash).collect();
        for hash in old {
            self.remove(hash);
        }
    }

    fn remove(&mut self, hash: RunHash) -> Option<Arc<Run<Op>>> {
        let Held { run, missing, arrival, bytes, .. } = self.held.remove(&hash)?;
        let author = run.header.author;
        self.waiting.remove(&(missing, arrival, hash));
        self.arrivals.remove(&arrival);
        self.places.remove(&(author, run.header.seq, hash));
        self.bytes -= bytes;
        self.count(author.peer, |usage| {
            usage.ops -= run.operations.len();
            usage.bytes -= bytes;
        });
        debug_assert!([self.waiting.len(), self.arrivals.len(), self.places.len()] == [self.held.len(); 3]);
        debug_assert!(!self.held.is_empty() || (self.bytes == 0 && self.usage.is_empty()));
        debug_assert_eq!(self.usage.len(), self.largest.len());
        Some(run)
    }
}

/// What a run occupies, as far as that is known without a codec.
fn size_of_run<Op>(run: &Run<Op>) -> usize {
    size_of::<Run<Op>>()
        + run.header.heads.len() * size_of::<Head>()
        + run.operations.len() * size_of::<Operation<Op>>()
        + run.bytes.held()
}
