//! A visitor who browses: follows a link, now and then goes back, now and then closes the page it leaves.
//!
//! Its clicks are the frame's local intents. They depend on the seed and the graph alone, not on when a page
//! happened to be read: the visitor waits for the page it is on. So the same seed sees the same pages.

use std::collections::VecDeque;

use control_panel::IntentSource;

use crate::{
    app::GraphBrowserApp,
    graph::Content,
    intent::{GraphIntent, LifecycleCause, NodeKey},
};

/// Frames between two clicks: 20 clicks a second at 60 Hz.
const DWELL: u32 = 3;
/// Pages the visitor can go back to.
const HISTORY: usize = 64;

/// The simulated user.
#[derive(Debug)]
pub(crate) struct Visitor {
    random: SplitMix64,
    planned: u64,
    made: u64,
    dwell: u32,
    at: Option<NodeKey>,
    history: VecDeque<NodeKey>,
}

impl Visitor {
    /// Goes on from this page, if there is one.
    pub(crate) fn at(mut self, page: Option<NodeKey>) -> Self {
        self.at = page;
        self
    }

    pub(crate) fn new(seed: u64, visits: u64) -> Self {
        Self {
            random: SplitMix64(seed),
            planned: visits,
            made: 0,
            dwell: 0,
            at: None,
            history: VecDeque::new(),
        }
    }

    /// Visits made so far.
    pub(crate) fn made(&self) -> u64 {
        self.made
    }

    /// Visits it will have made in the end.
    pub(crate) fn planned(&self) -> u64 {
        self.planned
    }

    pub(crate) fn is_done(&self) -> bool {
        self.made >= self.planned
    }

    /// The page it is on, while that has not been read.
    pub(crate) fn waits_for(&self, app: &GraphBrowserApp) -> Option<NodeKey> {
        self.at.filter(|at| app.graph().node(*at).is_some_and(|node| node.content == Content::Unread))
    }

    /// What the visitor does in this frame.
    pub(crate) fn clicks(&mut self, app: &GraphBrowserApp) -> Vec<(IntentSource, GraphIntent)> {
        if self.is_done() || self.dwell > 0 {
            self.dwell = self.dwell.saturating_sub(1);
            return Vec::new();
        }
        let Some(next) = self.next(app) else { return Vec::new() };
        let mut clicks = Vec::new();
        if let Some(left) = self.at.replace(next) {
            if left != next && self.random.one_in(10) {
                let closed = GraphIntent::DemoteNodeToCold { key: left, cause: LifecycleCause::UserClosed };
                clicks.push((IntentSource::LocalUI, closed));
            }
            self.history.push_back(left);
            if self.history.len() > HISTORY {
                self.history.pop_front();
            }
        }
        let opened = GraphIntent::PromoteNodeToActive { key: next, cause: LifecycleCause::UserSelected };
        clicks.push((IntentSource::LocalUI, opened));
        self.made += 1;
        self.dwell = DWELL - 1;
        clicks
    }

    /// Where to next; `None` while that cannot be known.
    fn next(&mut self, app: &GraphBrowserApp) -> Option<NodeKey> {
        let Some(at) = self.at else { return start(app) };
        let node = app.graph().node(at)?;
        if node.content == Content::Unread {
            return None;
        }
        if self.random.one_in(8)
            && let Some(back) = self.history.pop_back()
        {
            return Some(back);
        }
        // Some addresses are typed, so that no circle of links traps the visitor.
        if self.random.one_in(8) {
            return self.random.key_below(app.graph().len());
        }
        // A page that links nowhere is left the way one came, or by its address bar.
        self.random
            .pick(&node.links)
            .or_else(|| self.history.pop_back())
            .or_else(|| self.random.key_below(app.graph().len()))
    }
}

/// The first page: `index.html`, or the first there is once all are known.
fn start(app: &GraphBrowserApp) -> Option<NodeKey> {
    app.walked()?;
    let first = (0..app.graph().len()).filter_map(|index| u32::try_from(index).ok().map(NodeKey));
    let mut nodes = first.filter_map(|key| Some((key, app.graph().node(key)?)));
    nodes
        .find(|(_, node)| &*node.path == "index.html")
        .map(|(key, _)| key)
        .or_else(|| app.graph().node(NodeKey(0)).map(|_| NodeKey(0)))
}

/// `SplitMix64` (Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", 2014).
#[derive(Debug)]
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> Option<usize> {
        usize::try_from(self.next() % u64::try_from(bound).ok().filter(|bound| *bound > 0)?).ok()
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == Some(0)
    }

    fn pick(&mut self, keys: &[NodeKey]) -> Option<NodeKey> {
        self.below(keys.len()).map(|at| keys[at])
    }

    fn key_below(&mut self, bound: usize) -> Option<NodeKey> {
        self.below(bound).and_then(|at| u32::try_from(at).ok()).map(NodeKey)
    }
}

#[cfg(test)]
mod tests {
    use control_panel::{QueuedIntent, Reducer};

    use super::*;
    use crate::{page::LinkCounts, policy::LifecyclePolicy, skip::Skips};

    /// A ring of pages, each linking to the next two, read only when `read` says so.
    fn ring(pages: u32) -> GraphBrowserApp {
        let mut app = GraphBrowserApp::new(LifecyclePolicy::default());
        let found = (0..pages).map(|key| (NodeKey(key), format!("{key}.html").into())).collect();
        apply(&mut app, GraphIntent::PagesFound(found));
        apply(&mut app, GraphIntent::WalkFinished { skips: Skips::default(), cut_short: false });
        app
    }

    fn apply(app: &mut GraphBrowserApp, intent: GraphIntent) {
        app.apply(QueuedIntent::new(IntentSource::Restore, intent));
    }

    fn read(app: &mut GraphBrowserApp, key: u32, pages: u32) {
        let links = vec![NodeKey((key + 1) % pages), NodeKey((key + 2) % pages)];
        let (key, counts, broken) = (NodeKey(key), LinkCounts::default(), Vec::new());
        apply(app, GraphIntent::PageRead { key, part: 0, links, counts, broken, complete: true });
    }

    fn visits(visitor: &mut Visitor, app: &mut GraphBrowserApp, frames: usize) -> Vec<NodeKey> {
        let mut seen = Vec::new();
        for _ in 0..frames {
            for (source, click) in visitor.clicks(app) {
                if let GraphIntent::PromoteNodeToActive { key, .. } = &click {
                    seen.push(*key);
                }
                app.apply(QueuedIntent::new(source, click));
            }
        }
        seen
    }

    #[test]
    fn the_same_seed_sees_the_same_pages_whenever_they_are_read() {
        let mut at_once = ring(9);
        (0..9).for_each(|key| read(&mut at_once, key, 9));
        let first = visits(&mut Visitor::new(7, 30), &mut at_once, 1_000);
        assert_eq!(first.len(), 30);

        let mut slowly = ring(9);
        let mut visitor = Visitor::new(7, 30);
        let mut second = Vec::new();
        for key in (0..9).rev() {
            second.extend(visits(&mut visitor, &mut slowly, 5));
            read(&mut slowly, key, 9);
        }
        second.extend(visits(&mut visitor, &mut slowly, 1_000));
        assert_eq!(second, first);

        let mut other = ring(9);
        (0..9).for_each(|key| read(&mut other, key, 9));
        assert_ne!(visits(&mut Visitor::new(8, 30), &mut other, 1_000), first, "another seed, other pages");
    }

    #[test]
    fn a_dead_end_is_left_and_an_empty_folder_never_entered() {
        let mut app = ring(3);
        for key in 0..3 {
            apply(&mut app, GraphIntent::PageSkipped { key: NodeKey(key), why: crate::skip::Skip::NotUtf8 });
        }
        assert_eq!(visits(&mut Visitor::new(1, 20), &mut app, 1_000).len(), 20);
        assert!(visits(&mut Visitor::new(1, 20), &mut ring(0), 1_000).is_empty());
    }
}
