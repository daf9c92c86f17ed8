//! One signature for many runs: a signed run covers those before it in its chain, by their hashes.

use std::{collections::BTreeMap, sync::Arc};

use crate::replica::{
    Author, RunHash,
    run::Run,
    signature::{LONGEST_STRETCH, weight},
};

/// The most of a chain's bytes, as far as its author signed often enough, that one signature covers in a delta. A chain can be
/// handed on in pieces that end where a signature is; without these, one that was received whole could only be handed on whole.
pub(crate) const COVERED: usize = 256 << 10;

// Each of an author's branches may have as much.
const _: () = assert!(16 * COVERED <= LONGEST_STRETCH);

/// An author's chain, as far as it was looked through.
#[derive(Default)]
struct Stretch {
    last: RunHash,
    /// The last signed run, and the bytes up to it.
    signed: Option<(usize, usize)>,
    /// Since the last signature kept.
    bytes: usize,
}

/// Which signatures travel: of each chain the last, and before it as few as keep [`COVERED`]. Where there are none, an empty list.
pub(super) fn kept_signatures<Op>(runs: &[Arc<Run<Op>>]) -> Vec<bool> {
    if runs.iter().all(|run| run.signature.is_empty()) {
        return Vec::new();
    }
    let mut kept = vec![false; runs.len()];
    let mut chains = BTreeMap::<Author, Stretch>::new();
    // One author writes many runs in a row.
    let (mut author, mut stretch) = (None, Stretch::default());
    for (index, run) in runs.iter().enumerate() {
        if author != Some(run.header.author) {
            let next = chains.remove(&run.header.author).unwrap_or_default();
            let before = std::mem::replace(&mut stretch, next);
            if let Some(author) = author.replace(run.header.author) {
                chains.insert(author, before);
            }
        }
        if run.header.previous != stretch.last {
            // Another branch, or a gap: what follows covers nothing before it.
            stretch.signed.take().into_iter().for_each(|(signed, _)| kept[signed] = true);
            stretch.bytes = 0;
        }
        stretch.last = run.hash;
        stretch.bytes += weight(&run.header, run.bytes.len());
        if run.signature.is_empty() {
            continue;
        }
        if let Some((signed, upto)) = stretch.signed
            && stretch.bytes > COVERED
        {
            kept[signed] = true;
            stretch.bytes -= upto;
        }
        stretch.signed = Some((index, stretch.bytes));
    }
    let last = chains.into_values().chain([stretch]).filter_map(|stretch| stretch.signed);
    last.for_each(|(signed, _)| kept[signed] = true);
    kept
}
