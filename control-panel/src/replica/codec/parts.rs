//! A delta in parts, each of which proves itself.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    Limits,
    room::{Room, room},
};
use crate::replica::{
    Author, Delta, RunHash,
    run::{Header, Run},
    signature::{Link, seldom_signed, weight},
};

/// Stretches under one signature each, in the order of these signatures, and in each part as many as have room: one at least. Those of more than the longest are left out.
pub(super) fn cut<Op>(delta: &Delta<Op>, limits: &Limits, longest: usize) -> Vec<Delta<Op>> {
    let runs = &*delta.runs;
    let signed = signed_at(runs);
    let mut order: Vec<_> = (0..runs.len()).collect();
    if !signed.is_sorted() {
        order.sort_by_key(|index| signed[*index]);
    }
    let (mut parts, mut part, mut room) = (Vec::new(), Part::default(), Room::default());
    for stretch in order.chunk_by(|one, other| signed[*one] == signed[*other]) {
        let covered = &stretch[..stretch.len() - 1];
        let weight = |index: &usize| weight(&runs[*index].header, runs[*index].bytes.len());
        if !covered.is_empty() && covered.iter().map(weight).sum::<usize>() > longest {
            continue;
        }
        let add = |room: &mut Room| {
            looks::count(stretch.len());
            for index in stretch {
                room.add(&runs[*index], limits.signature_bytes);
            }
        };
        add(&mut room);
        if !room.is_within(limits) && !part.runs.is_empty() {
            std::mem::take(&mut part).put(runs, limits, &mut parts);
            room = Room::default();
            add(&mut room);
        }
        part.starts.push(part.runs.len());
        part.runs.extend_from_slice(stretch);
        part.is_branched = room.is_branched();
    }
    part.put(runs, limits, &mut parts);
    parts
}

/// Some stretches: the places of their runs, one stretch behind the other.
#[derive(Default)]
struct Part {
    runs: Vec<usize>,
    /// Where each stretch begins.
    starts: Vec<usize>,
    is_branched: bool,
}

impl Part {
    /// With its runs in their order.
    fn put<Op>(self, runs: &[Arc<Run<Op>>], limits: &Limits, parts: &mut Vec<Delta<Op>>) {
        let in_order =
            |order: &[usize]| order.iter().map(|index| Arc::clone(&runs[*index])).collect::<Vec<_>>();
        let all = if self.runs.is_sorted() {
            in_order(&self.runs)
        } else {
            let mut order = self.runs.clone();
            order.sort_unstable();
            in_order(&order)
        };
        // Branches that alternate take more room than one behind the other, as they were counted; and where one is covered with what leads to another, the receiver
        // may count that for either.
        let is_refused =
            || room(&all, limits) < all.len() || seldom_signed(all.iter().map(|run| Link::of(run))).is_some();
        if self.is_branched && self.starts.len() > 1 && is_refused() {
            looks::count(all.len());
            self.halves().into_iter().for_each(|half| half.put(runs, limits, parts));
        } else if !all.is_empty() {
            parts.push(Delta::of(all));
        }
    }

    fn halves(mut self) -> [Self; 2] {
        let mut starts = self.starts.split_off(self.starts.len() / 2);
        let at = starts[0];
        for start in &mut starts {
            *start -= at;
        }
        let second = Self { runs: self.runs.split_off(at), starts, ..self };
        [self, second]
    }
}

/// For each run the place of the signature that covers it, and its own place if none does. Of several, as where its author forked, it is the one with the least
/// between the two: what was accepted came under one of them, and so is no longer than a stretch may be.
fn signed_at<Op>(runs: &[Arc<Run<Op>>]) -> Vec<usize> {
    looks::count(runs.len());
    let mut signed: Vec<_> = (0..runs.len()).collect();
    // By what they follow, of those that are covered. One author writes many runs in a row, so mostly the last is asked for.
    let (mut last, mut others) = (None::<(ChainEnd, Cover)>, BTreeMap::<ChainEnd, Cover>::new());
    for (index, run) in runs.iter().enumerate().rev() {
        let Header { author, previous, .. } = run.header;
        let end = (author, run.hash);
        let covered = match last.take_if(|(of, _)| *of == end) {
            Some((_, by)) => Some(by),
            None => others.remove(&end),
        };
        let is_signed = !run.signature.is_empty();
        let Some((behind, by)) = (if is_signed { Some((0, index)) } else { covered }) else { continue };
        signed[index] = by;
        let own = if is_signed { 0 } else { weight(&run.header, run.bytes.len()) };
        let (before, cover) = ((author, previous), (behind + own, by));
        let cover = others.remove(&before).map_or(cover, |other| other.min(cover));
        if let Some((end, other)) = last.replace((before, cover)) {
            if end == before {
                last = Some((before, cover.min(other)));
            } else {
                others.insert(end, other);
            }
        }
    }
    signed
}

/// The end of a chain.
type ChainEnd = (Author, RunHash);

/// What is between it and a signature, by weight, and the place of that.
type Cover = (usize, usize);

/// How many runs were looked at, so that a test can say that it is a few times each.
#[cfg(test)]
pub(super) mod looks {
    use std::cell::Cell;

    thread_local! {
        static LOOKS: Cell<usize> = const { Cell::new(0) };
    }

    pub(crate) fn count(runs: usize) {
        LOOKS.set(LOOKS.get() + runs);
    }

    pub(crate) fn take() -> usize {
        LOOKS.take()
    }
}

#[cfg(not(test))]
mod looks {
    #[inline]
    pub(super) fn count(_: usize) {}
}
