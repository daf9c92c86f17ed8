//! The input of the prefetch scheduler: the pages around the one that the visitor looks at, and how scarce memory is.

use control_panel::{
    Reconcile,
    workers::prefetch::{Candidate, Neighbourhood, PrefetchFeed, Reach},
};

use crate::{app::GraphBrowserApp, graph::Content, intent::NodeKey, lifecycle::Lifecycle};

/// Publishes to the scheduler, whenever what it would see has changed.
#[derive(Debug)]
pub(crate) struct Prefetch {
    feed: PrefetchFeed<NodeKey>,
    published: Option<Seen>,
}

/// What a neighbourhood follows from: while it is the same, so is the neighbourhood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    focus: NodeKey,
    edges: u64,
    skipped: usize,
    lifecycles: u64,
}

impl Prefetch {
    pub(crate) fn new(feed: PrefetchFeed<NodeKey>) -> Self {
        Self { feed, published: None }
    }
}

impl Reconcile<GraphBrowserApp> for Prefetch {
    fn reconcile(&mut self, app: &GraphBrowserApp) {
        self.feed.set_level(app.pressure());
        let Some(focus) = app.focus() else { return };
        let (edges, skipped) = (app.graph().edges, app.graph().skipped);
        let seen = Seen { focus, edges, skipped, lifecycles: app.lifecycles.version() };
        if self.published.replace(seen) != Some(seen) {
            self.feed.publish(around(app, focus));
        }
    }
}

/// The cold pages within two links: those that are active or warm have their webviews already.
fn around(app: &GraphBrowserApp, focus: NodeKey) -> Neighbourhood<NodeKey> {
    let links =
        |key: &NodeKey| app.graph().node(*key).map(|node| node.links.iter().copied()).into_iter().flatten();
    let candidate = |key: &NodeKey, distance| {
        let node = app.graph().node(*key).filter(|node| node.content != Content::Skipped)?;
        let cold = app.lifecycles.of(*key) == Lifecycle::Cold;
        let last_used = app.lifecycles.last_used(*key);
        cold.then_some(Candidate { node: *key, distance, degree: node.linked_from, last_used })
    };
    Neighbourhood::around(focus, Reach::default(), links, candidate)
}

#[cfg(test)]
mod tests {
    use control_panel::{IntentSource, QueuedIntent, Reducer};

    use super::*;
    use crate::{
        intent::{GraphIntent, LifecycleCause},
        page::LinkCounts,
        policy::LifecyclePolicy,
        skip::Skip,
    };

    #[test]
    fn the_neighbourhood_is_cold_readable_and_near() {
        let mut app = GraphBrowserApp::new(LifecyclePolicy::default());
        let mut apply = |intent| app.apply(QueuedIntent::new(IntentSource::Restore, intent));
        apply(GraphIntent::PagesFound((0..9).map(|key| (NodeKey(key), key.to_string().into())).collect()));
        for (key, links) in [(0, vec![1, 2, 3]), (1, vec![4, 2]), (3, vec![5]), (4, vec![6])] {
            let links = links.into_iter().map(NodeKey).collect();
            let (key, counts, broken) = (NodeKey(key), LinkCounts::default(), Vec::new());
            apply(GraphIntent::PageRead { key, part: 0, links, counts, broken, complete: true });
        }
        apply(GraphIntent::PageSkipped { key: NodeKey(5), why: Skip::NotUtf8 });
        for (key, cause) in [(3, LifecycleCause::UserSelected), (0, LifecycleCause::UserSelected)] {
            apply(GraphIntent::PromoteNodeToActive { key: NodeKey(key), cause });
        }
        let around = around(&app, NodeKey(0));
        let seen: Vec<_> = around.candidates().iter().map(|c| (c.node.0, c.distance, c.degree)).collect();
        assert_eq!(seen, [(1, 1, 1), (2, 1, 2), (4, 2, 1)]);
    }
}
