//! The link graph: pages and the links between them. It is what all peers share, so only an operation changes it: see `edit`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use crate::{
    intent::NodeKey,
    page::LinkCounts,
    skip::{Skip, Skips, keep_first},
};

/// Notes there may be: one more is none.
const NOTES: usize = 256;
/// Pages that may have a place of their own: one more has none.
const PLACES: usize = 4_096;
/// Broken links shown at the end.
const BROKEN_SHOWN: usize = 3;

/// A page of the folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Node {
    pub(crate) path: Arc<str>,
    pub(crate) content: Content,
    /// Where its links lead, each page once.
    pub(crate) links: Vec<NodeKey>,
    /// How many parts of it were read.
    pub(crate) parts: u32,
    /// How many pages link to it.
    pub(crate) linked_from: u32,
}

/// What is known of a page's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Content {
    Unread,
    Read,
    Skipped,
}

/// All nodes, and what was counted on the way.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Graph {
    pub(crate) nodes: Vec<Node>,
    pub(crate) read: usize,
    pub(crate) skipped: usize,
    pub(crate) edges: u64,
    pub(crate) links: LinkCounts,
    pub(crate) skips: Skips,
    pub(crate) broken: BTreeSet<String>,
    /// By the path of the page.
    pub(crate) notes: BTreeMap<Arc<str>, Arc<str>>,
    /// Where somebody put a page, by its path: in whole units, as fractions are not the same on every machine.
    pub(crate) places: BTreeMap<Arc<str>, Place>,
}

/// A place in the picture of the graph, from its middle.
pub(crate) type Place = (i32, i32);

impl Graph {
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(crate) fn node(&self, key: NodeKey) -> Option<&Node> {
        self.nodes.get(key.index())
    }

    /// Adds pages. Keys are given in the order of the nodes; one that is not next is ignored. (So one peer walks the folder. Two
    /// would have to name pages by their paths: a number means another page in another's walk.)
    pub(crate) fn add(&mut self, pages: &[(NodeKey, Arc<str>)]) {
        for (key, path) in pages {
            if key.index() == self.nodes.len() {
                let path = Arc::clone(path);
                self.nodes.push(Node {
                    path,
                    content: Content::Unread,
                    links: Vec::new(),
                    parts: 0,
                    linked_from: 0,
                });
            }
        }
    }

    /// Whether this part of a page is the next one: a page that is read twice, by two peers or by a program that was killed meanwhile, has its links
    /// once. (A last part may come early: the page is shorter than it was.)
    pub(crate) fn takes(&self, key: NodeKey, part: u32, complete: bool) -> bool {
        self.node(key).is_some_and(|node| {
            node.content == Content::Unread && (part == node.parts || (complete && part < node.parts))
        })
    }

    /// Adds links of a page that [`takes`](Self::takes) them; `complete` with the last of them.
    pub(crate) fn link(&mut self, key: NodeKey, links: &[NodeKey], complete: bool) {
        for target in links {
            if let Some(target) = self.nodes.get_mut(target.index()) {
                target.linked_from += 1;
            }
        }
        self.edges += links.len() as u64;
        let node = &mut self.nodes[key.index()];
        node.links.extend_from_slice(links);
        node.parts += 1;
        if complete {
            node.content = Content::Read;
            self.read += 1;
        }
    }

    /// Adds what was counted on a page.
    pub(crate) fn count(&mut self, key: NodeKey, links: LinkCounts, broken: &[String]) {
        self.links += links;
        if let Some(path) = self.nodes.get(key.index()).map(|node| Arc::clone(&node.path)) {
            for href in broken {
                keep_first(&mut self.broken, format!("{path} to {href}"), BROKEN_SHOWN);
            }
        }
    }

    pub(crate) fn skip(&mut self, key: NodeKey, why: Skip) {
        if let Some(node) = self.nodes.get_mut(key.index())
            && node.content == Content::Unread
        {
            node.content = Content::Skipped;
            self.skipped += 1;
            self.skips.add(why, &node.path);
        }
    }

    /// Puts a note on a page in place of the one before; without words it is taken away.
    pub(crate) fn note(&mut self, path: &Arc<str>, words: &Arc<str>) {
        if words.is_empty() {
            self.notes.remove(path);
        } else if self.notes.len() < NOTES || self.notes.contains_key(path) {
            self.notes.insert(Arc::clone(path), Arc::clone(words));
        }
    }

    /// Puts a page in a place in the picture of the graph; without one it is let go.
    pub(crate) fn place(&mut self, path: &Arc<str>, place: Option<Place>) {
        match place {
            None => _ = self.places.remove(path),
            Some(place) if self.places.len() < PLACES || self.places.contains_key(path) => {
                self.places.insert(Arc::clone(path), place);
            }
            Some(_) => {}
        }
    }

    /// The pages that most others link to, most first.
    pub(crate) fn most_linked(&self, most: usize) -> Vec<(&str, u32)> {
        let mut top: BTreeMap<_, &str> = BTreeMap::new();
        for (index, node) in self.nodes.iter().enumerate().filter(|(_, node)| node.linked_from > 0) {
            top.insert((std::cmp::Reverse(node.linked_from), index), &node.path);
            if top.len() > most {
                top.pop_last();
            }
        }
        top.into_iter().map(|((linked_from, _), path)| (path, linked_from.0)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph() -> Graph {
        let mut graph = Graph::default();
        graph.add(&[(NodeKey(0), "a".into()), (NodeKey(1), "b".into()), (NodeKey(2), "c".into())]);
        graph
    }

    #[test]
    fn a_page_may_come_in_parts_and_is_read_with_the_last() {
        let mut graph = graph();
        graph.link(NodeKey(0), &[NodeKey(1)], false);
        assert_eq!((graph.read, graph.edges), (0, 1));
        assert!(graph.takes(NodeKey(0), 1, false) && !graph.takes(NodeKey(0), 0, false), "each part once");
        assert!(graph.takes(NodeKey(0), 0, true), "it is shorter than it was");
        graph.link(NodeKey(0), &[NodeKey(2), NodeKey(0)], true);
        assert_eq!((graph.read, graph.edges), (1, 3));
        let node = graph.node(NodeKey(0)).expect("there");
        assert_eq!((&*node.links, node.linked_from), (&[NodeKey(1), NodeKey(2), NodeKey(0)][..], 1));
        graph.link(NodeKey(1), &[NodeKey(2)], true);
        assert_eq!(graph.most_linked(2), [("c", 2), ("a", 1)]);
    }

    #[test]
    fn keys_out_of_turn_and_unknown_ones_change_nothing() {
        let mut graph = graph();
        graph.add(&[(NodeKey(7), "x".into()), (NodeKey(1), "again".into())]);
        assert!(!graph.takes(NodeKey(9), 0, true));
        graph.skip(NodeKey(9), Skip::NotUtf8);
        assert_eq!((graph.len(), graph.read, graph.skipped, graph.edges), (3, 0, 0, 0));
        graph.link(NodeKey(0), &[NodeKey(9)], true);
        graph.skip(NodeKey(0), Skip::NotUtf8);
        assert_eq!((graph.read, graph.skipped), (1, 0), "what is read stays read");
    }
}
