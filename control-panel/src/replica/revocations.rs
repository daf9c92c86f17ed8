//! Which operations are left out: revocations, and the cuts that end their window.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound::Included,
};

use super::{Stamp, run::RunHash};

/// Where an operation stands among all, forks included.
pub(crate) type Key = (Stamp, RunHash);

/// An operation that is left out now, or taken back in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) stamp: Stamp,
    /// The Lamport time of the revocation.
    pub(crate) by: u64,
    pub(crate) out: bool,
}

/// What each owner has revoked, and up to where nothing can be revoked any more.
///
/// A revocation is effective if no cut that sorts before it covers what it is about in the end, and no effective revocation names it in turn: an undo
/// that is undone. It depends on the set of operations alone.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "codec", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Revocations {
    /// In their order, with what they leave out.
    revokes: BTreeMap<Key, Stamp>,
    /// In their order, with the level they end at.
    cuts: BTreeMap<Key, u64>,
    /// What is left out now, without those that leave out a revocation: and the Lamport time of what says so.
    out: BTreeMap<Stamp, u64>,
}

impl Revocations {
    /// Adds a revocation of `target`.
    pub(crate) fn revoke(&mut self, at: Key, target: Stamp) {
        self.revokes.insert(at, target);
    }

    /// Adds a cut.
    pub(crate) fn cut(&mut self, at: Key, upto: u64) {
        self.cuts.insert(at, upto);
    }

    /// Takes a revocation or cut back whose run became void.
    pub(crate) fn remove(&mut self, at: &Key) {
        self.revokes.remove(at);
        self.cuts.remove(at);
    }

    /// Whether an operation is left out.
    pub(crate) fn leaves_out(&self, stamp: &Stamp) -> bool {
        self.out.contains_key(stamp)
    }

    /// What is left out, and the Lamport time of what says so.
    pub(crate) fn left_out(&self) -> impl Iterator<Item = (Stamp, u64)> + '_ {
        self.out.iter().map(|(stamp, by)| (*stamp, *by))
    }

    /// Up to where the cuts reach that sort before `at`.
    pub(crate) fn cut_before(&self, at: Option<&Key>) -> u64 {
        let before = self.cuts.iter().take_while(|(key, _)| at.is_none_or(|at| *key < at));
        before.map(|(_, upto)| *upto).max().unwrap_or(0)
    }

    /// The greatest level of a cut that is itself at or below `watermark`, and that cut: no revocation from before it can still arrive.
    pub(crate) fn stable_cut(&self, watermark: u64) -> Option<(u64, Key)> {
        let stable = self.cuts.iter().take_while(|((stamp, _), _)| stamp.lamport <= watermark);
        stable.map(|(at, upto)| ((*upto).min(watermark), *at)).max()
    }

    /// The operation that a revocation is about in the end: an undo of an undo is about what the first one left out.
    pub(crate) fn root(&self, mut target: Stamp) -> Stamp {
        // Downwards only, whatever was forged.
        while let Some(next) = self.target(target).filter(|next| *next < target) {
            target = next;
        }
        target
    }

    /// What the revocation with this stamp names; of a fork's several, the last.
    fn target(&self, stamp: Stamp) -> Option<Stamp> {
        let forks = (Included((stamp, RunHash([0; 32]))), Included((stamp, RunHash([u8::MAX; 32]))));
        self.revokes.range(forks).next_back().map(|(_, target)| *target)
    }

    /// Each revocation in its order, with what it is about in the end.
    ///
    /// One pass: what a revocation names sorts before it, so what that is about is known by then. A search for each would be quadratic in
    /// a chain of undos of undos.
    fn each(&self, mut take: impl FnMut(&Key, Stamp, Stamp)) {
        let mut roots = BTreeMap::<Stamp, Stamp>::new();
        for (at, &target) in &self.revokes {
            count_step();
            // What sorts after its revocation (a forged stamp) cannot be named by it.
            if target >= at.0 {
                // Of a fork's several the last counts.
                roots.remove(&at.0);
                continue;
            }
            let root = roots.get(&target).copied().unwrap_or(target);
            roots.insert(at.0, root);
            take(at, target, root);
        }
    }

    /// What revocations above a Lamport time are about in the end: it may be left out, or come back, by what can still change.
    pub(crate) fn disputed_above(&self, lamport: u64) -> BTreeSet<Stamp> {
        let mut disputed = BTreeSet::new();
        self.each(|at, _, root| {
            if at.0.lamport > lamport {
                disputed.insert(root);
            }
        });
        disputed
    }

    /// Decides anew. Returns what changed. Costs a pass over the revocations and the cuts, each with a search or two.
    pub(crate) fn decide(&mut self) -> Vec<Change> {
        let mut cuts = self.cuts.iter().peekable();
        let (mut upto, mut within) = (0, Vec::new());
        self.each(|at, target, root| {
            while let Some((_, level)) = cuts.next_if(|(cut, _)| *cut < at) {
                upto = upto.max(*level);
                count_step();
            }
            if upto < root.lamport {
                within.push((at.0, target));
            }
        });
        let mut out = BTreeMap::<Stamp, u64>::new();
        // From the last to the first: what revokes a revocation comes after it. The first of several is the one that says so.
        for (at, target) in within.into_iter().rev() {
            if !out.contains_key(&at) {
                out.insert(target, at.lamport);
            }
        }
        let gone = self.out.iter().filter(|(stamp, _)| !out.contains_key(stamp));
        let new = out.iter().filter(|(stamp, by)| self.out.get(stamp) != Some(by));
        let gone = gone.map(|(&stamp, &by)| Change { stamp, by, out: false });
        let changes = gone.chain(new.map(|(&stamp, &by)| Change { stamp, by, out: true })).collect();
        self.out = out;
        changes
    }

    /// Forgets what a stable cut covers: nothing can change it any more.
    pub(crate) fn forget_below(&mut self, level: u64) {
        // One that names a revocation which is forgotten changes nothing any more.
        self.revokes.retain(|_, target| target.lamport > level);
        // The greatest of the cuts is kept: it covers for those before it.
        let greatest = self.cuts.values().copied().max().unwrap_or(0);
        self.cuts.retain(|(at, _), upto| at.lamport > level || *upto == greatest);
        self.out.retain(|stamp, _| stamp.lamport > level);
        debug_assert!(self.cut_before(None) == greatest);
    }
}

/// A test counts the steps of the passes: a time would say little.
#[inline]
fn count_step() {
    #[cfg(test)]
    tests::STEPS.set(tests::STEPS.get() + 1);
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::{
        super::{Author, Peer},
        *,
    };

    thread_local! {
        pub(super) static STEPS: Cell<usize> = const { Cell::new(0) };
    }

    fn stamp(lamport: u64, peer: u8) -> Stamp {
        Stamp { lamport, author: Author { peer: Peer([peer; 32]), incarnation: 0 }, seq: lamport }
    }

    fn key(lamport: u64, peer: u8) -> Key {
        (stamp(lamport, peer), RunHash::default())
    }

    fn out(revocations: &mut Revocations) -> Vec<u64> {
        revocations.decide();
        revocations.out.keys().map(|stamp| stamp.seq).collect()
    }

    #[test]
    fn an_undo_can_be_undone() {
        let mut all = Revocations::default();
        all.revoke(key(5, 1), stamp(2, 2));
        assert_eq!(out(&mut all), [2]);
        all.revoke(key(7, 1), stamp(5, 1));
        assert_eq!(out(&mut all), [5]);
        all.revoke(key(9, 2), stamp(7, 1));
        assert_eq!(out(&mut all), [2, 7]);
    }

    #[test]
    fn a_cut_ends_the_window_for_what_sorts_after_it() {
        let mut all = Revocations::default();
        all.revoke(key(9, 1), stamp(2, 2));
        all.revoke(key(4, 1), stamp(1, 2));
        all.cut(key(6, 1), 3);
        assert_eq!(out(&mut all), [1]);
        all.remove(&key(6, 1));
        assert_eq!(out(&mut all), [1, 2]);
    }

    #[test]
    fn the_order_of_arrival_does_not_matter() {
        let acts: [fn(&mut Revocations); 4] = [
            |all| all.revoke(key(5, 1), stamp(2, 2)),
            |all| all.revoke(key(8, 2), stamp(5, 1)),
            |all| all.cut(key(7, 1), 6),
            |all| all.revoke(key(6, 2), stamp(3, 1)),
        ];
        let mut results = Vec::new();
        for first in 0..4 {
            let mut all = Revocations::default();
            for turn in 0..4 {
                acts[(first + turn * 3) % 4](&mut all);
                all.decide();
            }
            results.push(out(&mut all));
        }
        assert!(results.windows(2).all(|pair| pair[0] == pair[1]), "{results:?}");
        assert_eq!(results[0], [2, 3], "the cut covers what sorts after it: the undo of the undo");
    }

    #[test]
    fn a_change_is_reported_once() {
        let mut all = Revocations::default();
        all.revoke(key(5, 1), stamp(2, 2));
        assert_eq!(all.decide(), [Change { stamp: stamp(2, 2), by: 5, out: true }]);
        assert_eq!(all.decide(), []);
        all.remove(&key(5, 1));
        assert_eq!(all.decide(), [Change { stamp: stamp(2, 2), by: 5, out: false }]);
    }

    #[test]
    fn only_a_stable_cut_lets_history_go() {
        let mut all = Revocations::default();
        all.cut(key(6, 1), 4);
        assert_eq!((all.stable_cut(5), all.stable_cut(6)), (None, Some((4, key(6, 1)))));
        all.forget_below(6);
        assert_eq!(all.cut_before(None), 4);
    }

    #[test]
    fn what_a_cut_covers_stays_out_or_in_whatever_is_forgotten() {
        // Covered by the first cut, which the second covers in turn: the revocation sorts between them.
        let mut all = Revocations::default();
        all.cut(key(5, 1), 4);
        all.revoke(key(9, 1), stamp(2, 2));
        all.cut(key(12, 1), 7);
        assert!(out(&mut all).is_empty());
        all.forget_below(7);
        assert!(out(&mut all).is_empty());
    }

    #[test]
    fn an_undo_is_not_undone_when_a_cut_covers_what_it_left_out() {
        let mut all = Revocations::default();
        all.revoke(key(5, 1), stamp(2, 2));
        all.cut(key(7, 1), 3);
        all.revoke(key(9, 1), stamp(5, 1));
        assert_eq!(out(&mut all), [2]);
        assert_eq!(all.root(stamp(9, 1)), stamp(2, 2));
    }
    #[test]
    fn a_chain_of_undos_of_undos_is_decided_in_one_pass() {
        let count = 60_000;
        let mut all = Revocations::default();
        for lamport in 2..2 + count {
            all.revoke(key(lamport, 1), stamp(lamport - 1, 1));
            all.cut(key(lamport, 2), 0);
        }
        STEPS.set(0);
        // As many undos as redos: the operation is in.
        let out = out(&mut all);
        let steps = STEPS.get();
        assert_eq!(out, (2..=count).step_by(2).collect::<Vec<_>>());
        assert!(steps <= 2 * usize::try_from(count).unwrap(), "{steps} steps");
        assert_eq!(all.root(stamp(count + 1, 1)), stamp(1, 1));
    }
}
