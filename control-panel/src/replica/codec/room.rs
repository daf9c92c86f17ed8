//! How many runs have room in a delta, before they are written into one.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    Limits,
    cover::COVERED,
    encode::{CHAINED, FLAG_BITS},
    wire::VARINT,
};
use crate::replica::{Author, RunHash, run::Run, signature::weight};

/// How many of the runs are within the limits: one at least.
///
/// No delta of them is longer than what this counts, and hardly one is much shorter: what a run costs beside its operations depends on whether it
/// follows the one before it in its chain, and of a chain's signatures few travel.
pub(super) fn room<'a, Op: 'a>(runs: impl IntoIterator<Item = &'a Arc<Run<Op>>>, limits: &Limits) -> usize {
    let mut room = Room::default();
    let within = runs.into_iter().take_while(|run| {
        room.add(run, limits.signature_bytes);
        room.is_within(limits)
    });
    within.count().max(1)
}

/// What a delta of some runs has.
pub(super) struct Room {
    bytes: usize,
    runs: usize,
    ops: usize,
    authors: BTreeSet<Author>,
    /// But for the last run's author's.
    chains: BTreeMap<Author, Chain>,
    /// One author writes many runs in a row.
    last: Option<(Author, Chain)>,
    /// Whether a run of an author does not follow the one before it of that author.
    branched: bool,
}

impl Default for Room {
    fn default() -> Self {
        // The format's version and the count of runs.
        let bytes = 2 * VARINT;
        let (authors, chains) = (BTreeSet::new(), BTreeMap::new());
        Self { bytes, runs: 0, ops: 0, authors, chains, last: None, branched: false }
    }
}

/// An author's runs so far, as [`kept_signatures`](super::cover::kept_signatures) looks at them.
#[derive(Clone, Copy, Default)]
struct Chain {
    last: RunHash,
    clock: u64,
    program: (u32, u64),
    /// Their weight since the last signature that is kept for certain.
    bytes: usize,
    /// Up to the last signed run; and the longest signature of those of which one is kept.
    signed: Option<(usize, usize)>,
}

impl Room {
    pub(super) fn is_within(&self, limits: &Limits) -> bool {
        self.bytes <= limits.bytes
            && self.runs <= limits.runs
            && self.ops <= limits.ops
            && self.authors.len() <= limits.authors
    }

    pub(super) fn is_branched(&self) -> bool {
        self.branched
    }

    pub(super) fn add<Op>(&mut self, run: &Run<Op>, longest_signature: usize) {
        let header = &run.header;
        self.runs += 1;
        self.ops += run.operations.len();
        let before = match self.last.take() {
            Some((author, chain)) if author == header.author => Some(chain),
            other => {
                self.chains.extend(other);
                if self.authors.insert(header.author) {
                    self.bytes += size_of::<Author>() + VARINT;
                }
                self.chains.remove(&header.author)
            }
        };
        for head in &header.heads {
            /// Its author's index, how far back it is or its sequence number, its hash.
            const HEAD: usize = VARINT + VARINT + 32;
            self.bytes += HEAD;
            if self.authors.insert(head.author) {
                self.bytes += size_of::<Author>() + VARINT;
            }
        }
        let follows = before.filter(|before| before.last == header.previous);
        self.branched |= before.is_some() && follows.is_none();
        let mut chain = follows.unwrap_or_default();

        self.bytes += varint((self.authors.len() as u64) << FLAG_BITS | CHAINED) + run.bytes.len();
        if follows.is_none() {
            self.bytes += header.previous.0.len() + VARINT;
        }
        let program = (header.schema, header.fingerprint);
        if before.is_none_or(|before| before.program != program) {
            self.bytes += 2 * VARINT;
        }
        if !header.heads.is_empty() {
            self.bytes += varint(header.heads.len() as u64);
        }
        if !header.heads.is_empty() || follows.is_none() || chain.clock.checked_add(1) != Some(header.lamport)
        {
            self.bytes += VARINT;
        }
        if run.operations.len() != 1 {
            self.bytes += varint(run.operations.len() as u64);
        }

        chain.bytes += weight(header, run.bytes.len());
        if !run.signature.is_empty() {
            let length = run.signature.most(longest_signature).saturating_add(VARINT);
            let mut counted = 0;
            if let Some((upto, longest)) = chain.signed {
                if chain.bytes > COVERED {
                    chain.bytes -= upto;
                } else {
                    counted = longest;
                }
            }
            self.bytes = self.bytes.saturating_add(length.saturating_sub(counted));
            chain.signed = Some((chain.bytes, length.max(counted)));
        }
        (chain.last, chain.clock, chain.program) = (run.hash, run.clock(), program);
        self.last = Some((header.author, chain));
    }
}

/// Its bytes as a varint.
fn varint(value: u64) -> usize {
    (1..VARINT).find(|bytes| value >> (7 * bytes) == 0).unwrap_or(VARINT)
}
