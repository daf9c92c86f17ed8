//! What there is to draw of each node.

use std::sync::Arc;

use super::layout::{Layout, Vector};
use crate::{
    app::GraphBrowserApp, graph::Content, host::RuntimeState, intent::NodeKey, lifecycle::Lifecycle,
};

/// A node as it is drawn.
#[derive(Debug, Clone)]
pub(super) struct Drawn {
    pub(super) key: NodeKey,
    pub(super) path: Arc<str>,
    pub(super) lifecycle: Lifecycle,
    pub(super) runtime: RuntimeState,
    pub(super) content: Content,
    pub(super) linked_from: u32,
    /// Whether it has a note.
    pub(super) noted: bool,
    /// Whether somebody put it where it is.
    pub(super) placed: bool,
}

/// All nodes, and where they are.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    pub(super) drawn: Vec<Drawn>,
    pub(super) layout: Layout,
    /// The node that is looked at.
    pub(super) looked_at: Option<NodeKey>,
    /// The graph that the layout has: nodes and links.
    known: Option<(usize, u64)>,
    /// Nodes that are held by the layout, for as long as they are placed.
    held: Vec<usize>,
}

impl Nodes {
    /// Takes in the state that is shown, and moves the nodes by a step.
    pub(super) fn take(&mut self, app: &GraphBrowserApp, looked_at: Option<NodeKey>) {
        let graph = app.graph();
        self.looked_at = looked_at;
        let now = (graph.len(), graph.edges);
        if self.known != Some(now) {
            self.known = Some(now);
            let nodes = graph.nodes.iter().zip(0_u32..);
            let links = nodes.flat_map(|(node, from)| node.links.iter().map(move |to| (from, to.0)));
            self.layout.set(graph.len(), links);
        }
        let drawn = graph.nodes.iter().zip(0_u32..).map(|(node, index)| {
            let key = NodeKey(index);
            Drawn {
                key,
                path: Arc::clone(&node.path),
                lifecycle: app.lifecycles.of(key),
                runtime: app.runtime(key),
                content: node.content,
                linked_from: node.linked_from,
                noted: graph.notes.contains_key(&node.path),
                placed: graph.places.contains_key(&node.path),
            }
        });
        self.drawn.clear();
        self.drawn.extend(drawn);
        self.hold(app);
        // A large graph gets one step a frame, so that the frame stays short.
        for _ in 0..if graph.len() < 500 { 2 } else { 1 } {
            self.layout.step();
        }
    }

    /// Holds what somebody placed, and lets go of what is placed no more.
    fn hold(&mut self, app: &GraphBrowserApp) {
        let places = &app.graph().places;
        for index in std::mem::take(&mut self.held) {
            if self.drawn.get(index).is_none_or(|node| !node.placed) {
                self.layout.pin(index, None);
            }
        }
        for (index, node) in self.drawn.iter().enumerate().filter(|(_, node)| node.placed) {
            if let Some((x, y)) = places.get(&node.path) {
                #[expect(clippy::cast_precision_loss, reason = "a place on a screen")]
                self.layout.pin(index, Some(Vector::new(*x as f32, *y as f32)));
                self.held.push(index);
            }
        }
    }
}

impl Drawn {
    /// What a node is called: for a person that hears it.
    pub(super) fn name(&self) -> String {
        let content = match self.content {
            Content::Unread => ", not read yet",
            Content::Skipped => ", not readable",
            Content::Read => "",
        };
        let noted = if self.noted { ", with a note" } else { "" };
        let lifecycle = self.lifecycle.to_string().to_lowercase();
        let links = match self.linked_from {
            1 => "1 page links".to_owned(),
            count => format!("{count} pages link"),
        };
        format!("{}: {lifecycle}, {}, {} to it{content}{noted}", self.path, self.runtime.name(), links)
    }
}

#[cfg(test)]
mod tests {
    use control_panel::{IntentSource, QueuedIntent, Reducer};

    use super::*;
    use crate::{
        commands::Command,
        intent::{GraphIntent, LifecycleCause},
        page::LinkCounts,
        policy::LifecyclePolicy,
    };

    fn apply(app: &mut GraphBrowserApp, intent: GraphIntent) {
        app.apply(QueuedIntent::new(IntentSource::LocalUI, intent));
        app.settle();
    }

    /// A ring of pages.
    fn ring(pages: u32) -> GraphBrowserApp {
        let mut app = GraphBrowserApp::new(LifecyclePolicy::default());
        let found = (0..pages).map(|key| (NodeKey(key), format!("{key}.html").into())).collect();
        apply(&mut app, GraphIntent::PagesFound(found));
        for key in 0..pages {
            let (counts, broken) = (LinkCounts::default(), Vec::new());
            let links = vec![NodeKey((key + 1) % pages)];
            apply(
                &mut app,
                GraphIntent::PageRead { key: NodeKey(key), part: 0, links, counts, broken, complete: true },
            );
        }
        app
    }

    fn settled(nodes: &mut Nodes, app: &GraphBrowserApp) {
        nodes.take(app, None);
        while !nodes.layout.is_cold() {
            nodes.take(app, None);
        }
    }

    fn place(app: &mut GraphBrowserApp, place: Option<crate::graph::Place>) {
        apply(app, GraphIntent::Command(Command::Place { path: "2.html".into(), place }));
    }

    #[test]
    fn a_page_is_where_it_was_put_until_it_is_let_go() {
        let (mut app, mut nodes) = (ring(6), Nodes::default());
        settled(&mut nodes, &app);
        place(&mut app, Some((300, -120)));
        settled(&mut nodes, &app);
        assert_eq!(nodes.layout.at(2), Some(Vector::new(300.0, -120.0)));
        assert!(nodes.drawn[2].placed);
        nodes.take(&app, None);
        assert!(nodes.layout.is_cold(), "a page that is held keeps nothing warm");
        place(&mut app, None);
        nodes.take(&app, None);
        settled(&mut nodes, &app);
        assert_ne!(nodes.layout.at(2), Some(Vector::new(300.0, -120.0)));
    }

    #[test]
    fn a_name_says_what_a_colour_does() {
        let (mut app, mut nodes) = (ring(3), Nodes::default());
        let (key, cause) = (NodeKey(1), LifecycleCause::UserSelected);
        apply(&mut app, GraphIntent::PromoteNodeToActive { key, cause });
        let note = Command::Note { path: "1.html".into(), words: "read me".into() };
        apply(&mut app, GraphIntent::Command(note));
        nodes.take(&app, Some(NodeKey(1)));
        assert_eq!(nodes.drawn[1].name(), "1.html: active, unmapped, 1 page links to it, with a note");
        assert_eq!(nodes.drawn[0].name(), "0.html: cold, unmapped, 1 page links to it");
    }
}
