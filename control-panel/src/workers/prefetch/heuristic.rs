//! The heuristic: which candidates are fetched first.

use std::cmp::Reverse;

use super::{Neighbourhood, PrefetchNode};

/// Ranks the candidates. The default is [`NearestFirst`]; [`PrefetchScheduler::heuristic`](super::PrefetchScheduler) sets
/// another. Any `FnMut(&Neighbourhood<N>, usize) -> Vec<N>` is a heuristic.
///
/// A scheduler is as deterministic as its heuristic: use no clock and no randomness, and break ties by the node itself.
///
/// ```
/// use control_panel::workers::prefetch::{
///     Candidate, Heuristic, NearestFirst, Neighbourhood, PrefetchNode,
/// };
///
/// /// The nearest first, but for what was seen already.
/// struct Unseen<N>(Vec<N>);
///
/// impl<N: PrefetchNode> Heuristic<N> for Unseen<N> {
///     fn rank(&mut self, around: &Neighbourhood<N>, most: usize) -> Vec<N> {
///         let mut ranked = NearestFirst.rank(around, usize::MAX);
///         ranked.retain(|node| !self.0.contains(node));
///         ranked.truncate(most);
///         ranked
///     }
/// }
///
/// let linked = [(3, 1), (4, 2), (5, 1)].map(|(node, distance)| Candidate {
///     node,
///     distance,
///     degree: 0,
///     last_used: None,
/// });
/// let around = Neighbourhood::new(Some(1), linked);
/// assert_eq!(Unseen(vec![3]).rank(&around, 2), [5, 4]);
/// ```
pub trait Heuristic<N>: Send + 'static {
    /// Returns the nodes worth fetching, the best first; more than `most` are not used. A node already chosen for this focus is
    /// skipped. Called on a runtime thread, at most once for each published neighbourhood and each change of
    /// [`ahead`](super::PrefetchSettings::ahead): must be quick, and must not block.
    fn rank(&mut self, neighbourhood: &Neighbourhood<N>, most: usize) -> Vec<N>;
}

impl<N, F: FnMut(&Neighbourhood<N>, usize) -> Vec<N> + Send + 'static> Heuristic<N> for F {
    fn rank(&mut self, neighbourhood: &Neighbourhood<N>, most: usize) -> Vec<N> {
        self(neighbourhood, most)
    }
}

/// The nearest first; then the most recently used; then the one with the most incoming links; then the least node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NearestFirst;

impl<N: PrefetchNode> Heuristic<N> for NearestFirst {
    fn rank(&mut self, neighbourhood: &Neighbourhood<N>, most: usize) -> Vec<N> {
        let mut ranked: Vec<_> = neighbourhood.candidates().iter().collect();
        // A node that was never used ranks after those that were, so `None` comes last.
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
        // In any order.
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
