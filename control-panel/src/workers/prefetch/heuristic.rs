//! What is fetched first.

use std::cmp::Reverse;

use super::{Neighbourhood, PrefetchNode};

/// Chooses among the candidates. [`NearestFirst`] unless [`PrefetchScheduler::heuristic`](super::PrefetchScheduler)
/// names another; any `FnMut(&Neighbourhood<N>, usize) -> Vec<N>` is one.
///
/// A scheduler decides the same whenever its heuristic does: no clock, no randomness, and ties by the node itself.
pub trait Heuristic<N>: Send + 'static {
    /// The nodes worth fetching, the best first; more than `most` are of no use. One that was chosen already while
    /// this focus is looked at is passed over. Called on a runtime thread, at most once for each neighbourhood that is
    /// published and each change of [`ahead`](super::PrefetchSettings::ahead): quick, and without blocking.
    fn rank(&mut self, neighbourhood: &Neighbourhood<N>, most: usize) -> Vec<N>;
}

impl<N, F: FnMut(&Neighbourhood<N>, usize) -> Vec<N> + Send + 'static> Heuristic<N> for F {
    fn rank(&mut self, neighbourhood: &Neighbourhood<N>, most: usize) -> Vec<N> {
        self(neighbourhood, most)
    }
}

/// The nearest first; of those the last used; of those the one that most links lead to; of those the least.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NearestFirst;

impl<N: PrefetchNode> Heuristic<N> for NearestFirst {
    fn rank(&mut self, neighbourhood: &Neighbourhood<N>, most: usize) -> Vec<N> {
        let mut ranked: Vec<_> = neighbourhood.candidates().iter().collect();
        // No node is used later than one that was used, so `None` comes last.
        ranked.sort_by_key(|candidate| {
            (candidate.distance, Reverse(candidate.last_used), Reverse(candidate.degree), &candidate.node)
        });
        ranked.into_iter().take(most).map(|candidate| candidate.node.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workers::prefetch::Candidate;

    #[test]
    fn distance_then_recency_then_degree_then_the_node_decides() {
        let candidate = |node, distance, last_used, degree| Candidate { node, distance, degree, last_used };
        let ordered = [
            candidate(9, 1, Some(7), 0),
            candidate(8, 1, Some(3), 99),
            candidate(7, 1, None, 5),
            candidate(2, 1, None, 4),
            candidate(3, 1, None, 4),
            candidate(1, 2, Some(9), 100),
        ];
        // In whatever order they come.
        for turn in 0..ordered.len() {
            let mut shuffled = ordered.to_vec();
            shuffled.rotate_left(turn);
            shuffled.swap(0, turn);
            let neighbourhood = Neighbourhood::new(Some(0), shuffled);
            assert_eq!(NearestFirst.rank(&neighbourhood, 10), [9, 8, 7, 2, 3, 1]);
            assert_eq!(NearestFirst.rank(&neighbourhood, 2), [9, 8]);
        }
    }
}
