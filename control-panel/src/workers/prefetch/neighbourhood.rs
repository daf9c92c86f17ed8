//! The candidates of a heuristic: the nodes around the focus. Pure.

use std::collections::{BTreeSet, VecDeque};

use super::PrefetchNode;

/// The maximum number of candidates considered.
const MOST_CANDIDATES: usize = 1_024;
/// Links followed per node that may be visited: a node with a million links is not read to its end.
const LINKS_PER_NODE: usize = 16;

/// A node that could be fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate<N> {
    /// The node.
    pub node: N,
    /// How many links it is away from the focus.
    pub distance: u32,
    /// How many links lead to it.
    pub degree: u32,
    /// When it was last used, by any increasing counter; `None` if never.
    pub last_used: Option<u64>,
}

/// What the frame loop knows of the nodes around the focus: published through a [`PrefetchFeed`](super::PrefetchFeed) and
/// ranked by a [`Heuristic`](super::Heuristic).
///
/// It should contain only what is worth fetching, not what is already there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neighbourhood<N> {
    focus: Option<N>,
    candidates: Vec<Candidate<N>>,
}

/// How far [`Neighbourhood::around`] looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// The maximum distance from the focus, in links.
    pub distance: u32,
    /// The maximum number of nodes visited.
    pub nodes: usize,
}

/// Two links away, 256 nodes.
impl Default for Reach {
    fn default() -> Self {
        Self { distance: 2, nodes: 256 }
    }
}

impl<N: PrefetchNode> Neighbourhood<N> {
    /// Creates a neighbourhood from the candidates for `focus`. Of more than 1,024, the first are taken.
    ///
    /// `None` means no particular node, and is a valid focus like any other: whenever the focus changes, the previous choices
    /// are forgotten and may be made again.
    #[must_use]
    pub fn new(focus: Option<N>, candidates: impl IntoIterator<Item = Candidate<N>>) -> Self {
        Self { focus, candidates: candidates.into_iter().take(MOST_CANDIDATES).collect() }
    }

    /// Collects the candidates within reach of `focus`, by breadth-first search along links, nearest first.
    ///
    /// `links` returns a node's links; `candidate` returns what is known of a node at a distance, or `None` if it is not worth
    /// fetching (its links are followed all the same). Visits at most [`Reach::nodes`] nodes and 16 times as many links, so
    /// that a frame can afford it in any graph.
    ///
    /// ```
    /// use control_panel::workers::prefetch::{Candidate, Neighbourhood, Reach};
    ///
    /// let links = |page: &u32| [page * 2, page * 2 + 1];
    /// let candidate = |&node: &u32, distance| {
    ///     (node != 3).then_some(Candidate {
    ///         node,
    ///         distance,
    ///         degree: 1,
    ///         last_used: None,
    ///     })
    /// };
    /// let around = Neighbourhood::around(1, Reach::default(), links, candidate);
    /// let nodes: Vec<_> =
    ///     around.candidates().iter().map(|c| (c.node, c.distance)).collect();
    /// assert_eq!(nodes, [(2, 1), (4, 2), (5, 2), (6, 2), (7, 2)]);
    /// ```
    #[must_use]
    pub fn around<L: IntoIterator<Item = N>>(
        focus: N,
        reach: Reach,
        mut links: impl FnMut(&N) -> L,
        mut candidate: impl FnMut(&N, u32) -> Option<Candidate<N>>,
    ) -> Self {
        let most_nodes = reach.nodes.min(MOST_CANDIDATES);
        let mut links_left = most_nodes.saturating_mul(LINKS_PER_NODE);
        let mut visited = BTreeSet::from([focus.clone()]);
        let mut candidates = Vec::new();
        let mut next = VecDeque::from([(focus.clone(), 0)]);
        while let Some((node, distance)) = next.pop_front() {
            if distance == reach.distance {
                break;
            }
            for linked in links(&node) {
                // The focus counts as visited, but not as one of the nodes reached.
                if links_left == 0 || visited.len() > most_nodes {
                    return Self { focus: Some(focus), candidates };
                }
                links_left -= 1;
                if visited.insert(linked.clone()) {
                    candidates.extend(candidate(&linked, distance + 1));
                    next.push_back((linked, distance + 1));
                }
            }
        }
        Self { focus: Some(focus), candidates }
    }

    /// Returns the focus.
    ///
    /// ```
    /// # use control_panel::workers::prefetch::Neighbourhood;
    /// let here = Neighbourhood::new(Some(7_u32), Vec::new());
    /// assert_eq!(here.focus(), Some(&7));
    /// ```
    pub fn focus(&self) -> Option<&N> {
        self.focus.as_ref()
    }

    /// Returns the candidates.
    pub fn candidates(&self) -> &[Candidate<N>] {
        &self.candidates
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[expect(clippy::trivially_copy_pass_by_ref, clippy::unnecessary_wraps, reason = "as `around` wants it")]
    fn plain(&node: &u64, distance: u32) -> Option<Candidate<u64>> {
        Some(Candidate { node, distance, degree: 0, last_used: None })
    }

    fn nodes(around: &Neighbourhood<u64>) -> Vec<(u64, u32)> {
        around.candidates().iter().map(|candidate| (candidate.node, candidate.distance)).collect()
    }

    #[test]
    fn each_node_is_met_once_and_at_its_least_distance() {
        let ring = |node: &u64| [(node + 1) % 6, (node + 2) % 6, *node, 0];
        let around = Neighbourhood::around(0, Reach { distance: 2, nodes: 9 }, ring, plain);
        assert_eq!(nodes(&around), [(1, 1), (2, 1), (3, 2), (4, 2)]);
        assert_eq!(around.focus(), Some(&0));
        for distance in [0, 1] {
            let around = Neighbourhood::around(0, Reach { distance, nodes: 9 }, ring, plain);
            assert_eq!(around.candidates().len(), distance as usize * 2);
        }
    }

    #[test]
    fn no_graph_is_too_large() {
        let followed = Cell::new(0);
        let follow = |_: &u64| followed.set(followed.get() + 1);
        let endless = |node: &u64| {
            let node = *node;
            (1..).map(move |link| node.wrapping_mul(1_000_003).wrapping_add(link)).inspect(follow)
        };
        let reach = Reach { distance: u32::MAX, nodes: 100 };
        assert_eq!(Neighbourhood::around(7, reach, endless, plain).candidates().len(), 100);
        assert_eq!(followed.take(), 101, "one to see that it is one too many");

        let again_and_again = |_: &u64| std::iter::repeat_n(5, 1_000_000).inspect(follow);
        let around = Neighbourhood::around(7, reach, again_and_again, plain);
        assert_eq!(nodes(&around), [(5, 1)]);
        assert_eq!(followed.take(), 1_601);

        let every = Reach { distance: u32::MAX, nodes: usize::MAX };
        assert_eq!(Neighbourhood::around(7, every, endless, plain).candidates().len(), MOST_CANDIDATES);
        let many = (0..5_000).filter_map(|node| plain(&node, 1));
        assert_eq!(Neighbourhood::new(None, many).candidates().len(), MOST_CANDIDATES);
    }
}
