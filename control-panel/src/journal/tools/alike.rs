//! Which differences between two recordings count.

use super::super::replay::{Past, RecordedFrame};
use crate::replica::{Peer, codec::RunBytes};

/// A run's number and its operations.
type Content<'a> = Option<(u64, &'a [u8])>;

/// What counts as equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alike {
    InBytes,
    /// Of runs their numbers and their operations, whatever they depend on.
    ByContent,
}

impl Alike {
    pub(super) fn frames(self, one: &RecordedFrame, two: &RecordedFrame) -> bool {
        one.head == two.head
            && one.session == two.session
            && one.digest == two.digest
            && one.intents.len() == two.intents.len()
            && one
                .intents
                .iter()
                .zip(&two.intents)
                .all(|(one, two)| one.entry == two.entry && self.runs(&one.runs, &two.runs))
    }

    pub(super) fn runs(self, one: &[RunBytes], two: &[RunBytes]) -> bool {
        let same = |(one, two): (&RunBytes, &RunBytes)| {
            one == two
                || self == Self::ByContent && one.author == two.author && one.content() == two.content()
        };
        one.len() == two.len() && one.iter().zip(two).all(same)
    }

    pub(super) fn pasts(self, one: &Past, two: &Past) -> bool {
        // Own runs of earlier sessions are of other lives, too.
        fn sorted(past: &Past) -> Vec<(Peer, Content<'_>)> {
            let mut runs: Vec<_> = past.runs.iter().map(|run| (run.author.peer, run.content())).collect();
            runs.sort_unstable();
            runs
        }
        one == two || self == Self::ByContent && sorted(one) == sorted(two)
    }
}
