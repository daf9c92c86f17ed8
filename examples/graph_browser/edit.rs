//! The operations on the link graph, which all peers apply in one order, and how each is taken back.

use std::{collections::BTreeSet, sync::Arc};

use control_panel::{IntentSource, Stamp, State, Undoable, Worker, replica::Redo};

use serde::{Deserialize, Serialize};

use crate::{
    graph::{Content, Graph, Place},
    intent::{GraphIntent, NodeKey},
    page::LinkCounts,
    policy::LifecyclePolicy,
    skip::{Skip, Skips},
};

/// What can be done to the graph.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Edit {
    AddPages(Vec<(NodeKey, Arc<str>)>),
    /// A part of a page was read, by its number from 0; `complete` with the last.
    Read {
        key: NodeKey,
        part: u32,
        links: Vec<NodeKey>,
        counts: LinkCounts,
        broken: Vec<String>,
        complete: bool,
    },
    /// A page could not be read.
    Skip {
        key: NodeKey,
        why: Skip,
    },
    /// A note on a page, in place of the one before; none where there are no words. By the page's path: whatever a peer calls it by.
    Note {
        path: Arc<str>,
        words: Arc<str>,
    },
    /// Where a page is in the picture of the graph, or that it is let go. By its path, likewise.
    Place {
        path: Arc<str>,
        place: Option<Place>,
    },
}

/// What taking an edit back needs. A graph of many pages is cloned in milliseconds; this is a few words.
#[derive(Debug)]
pub(crate) enum Before {
    /// How many pages there were.
    Pages(usize),
    Read {
        counts: LinkCounts,
        /// The sample of broken links, where the page has some.
        broken: Option<BTreeSet<String>>,
        /// How many links the page had.
        links: usize,
    },
    /// What was skipped.
    Skip(Skips),
    /// The note that there was.
    Note(Option<Arc<str>>),
    /// The place that there was.
    Place(Option<Place>),
    /// It changed nothing: the page is not there, or read, or skipped.
    Nothing,
}

impl State for Graph {
    type Op = Edit;

    fn apply(&mut self, edit: &Edit, _: &Stamp) {
        match edit {
            Edit::AddPages(pages) => self.add(pages),
            Edit::Read { key, part, links, counts, broken, complete } => {
                if self.takes(*key, *part, *complete) {
                    self.count(*key, *counts, broken);
                    self.link(*key, links, *complete);
                }
            }
            Edit::Skip { key, why } => self.skip(*key, *why),
            Edit::Note { path, words } => self.note(path, words),
            Edit::Place { path, place } => self.place(path, *place),
        }
    }
}

impl Undoable for Graph {
    type Undo = Before;

    fn apply_undoable(&mut self, edit: &Edit, stamp: &Stamp) -> Before {
        let before = match edit {
            Edit::AddPages(_) => Before::Pages(self.len()),
            Edit::Read { key, part, broken, complete, .. } if self.takes(*key, *part, *complete) => {
                Before::Read {
                    counts: self.links,
                    broken: (!broken.is_empty()).then(|| self.broken.clone()),
                    links: self.nodes[key.index()].links.len(),
                }
            }
            Edit::Skip { key, .. } if self.node(*key).is_some_and(|node| node.content == Content::Unread) => {
                Before::Skip(self.skips.clone())
            }
            Edit::Note { path, .. } => Before::Note(self.notes.get(path).cloned()),
            Edit::Place { path, .. } => Before::Place(self.places.get(path).copied()),
            Edit::Read { .. } | Edit::Skip { .. } => Before::Nothing,
        };
        self.apply(edit, stamp);
        before
    }

    fn undo(&mut self, edit: &Edit, before: Before) {
        match (edit, before) {
            (_, Before::Pages(count)) => self.nodes.truncate(count),
            (Edit::Read { key, links, complete, .. }, Before::Read { counts, broken, links: before }) => {
                self.links = counts;
                if let Some(broken) = broken {
                    self.broken = broken;
                }
                for target in links {
                    if let Some(target) = self.nodes.get_mut(target.index()) {
                        target.linked_from -= 1;
                    }
                }
                self.edges -= links.len() as u64;
                let node = &mut self.nodes[key.index()];
                node.links.truncate(before);
                node.parts -= 1;
                node.content = Content::Unread;
                self.read -= usize::from(*complete);
            }
            (Edit::Skip { key, .. }, Before::Skip(skips)) => {
                self.skips = skips;
                self.skipped -= 1;
                self.nodes[key.index()].content = Content::Unread;
            }
            (Edit::Note { path, .. }, Before::Note(before)) => {
                match before {
                    Some(before) => self.notes.insert(Arc::clone(path), before),
                    None => self.notes.remove(path),
                };
            }
            (Edit::Place { path, .. }, Before::Place(before)) => {
                match before {
                    Some(before) => self.places.insert(Arc::clone(path), before),
                    None => self.places.remove(path),
                };
            }
            (
                _,
                Before::Read { .. } | Before::Skip(_) | Before::Note(_) | Before::Place(_) | Before::Nothing,
            ) => {}
        }
    }
}

/// Does what a frame had no time for, once, on a thread that may be held.
pub(crate) fn redo(job: Redo<Graph>) -> Worker<GraphIntent, LifecyclePolicy> {
    let mut job = Some(job);
    Worker::blocking("redo", IntentSource::P2pSync, move |cx| {
        if let Some(job) = job.take() {
            cx.send_blocking(GraphIntent::Redone(job.run())).ok();
        }
    })
}

#[cfg(test)]
mod tests {
    use control_panel::testing::{self, Rng};

    use super::*;

    fn key(rng: &mut Rng, graph: &Graph) -> NodeKey {
        NodeKey(u32::try_from(rng.index(graph.len() + 2)).expect("small"))
    }

    /// Also edits that make no sense: keys that are not next, pages that are not there, pages that were read.
    fn edit(rng: &mut Rng, graph: &Graph) -> Edit {
        match rng.below(6) {
            5 => Edit::Place {
                path: format!("{}.html", rng.below(9)).into(),
                place: (rng.below(3) > 0).then(|| (i32::try_from(rng.below(9)).expect("small"), -1)),
            },
            4 => Edit::Note {
                path: format!("{}.html", rng.below(9)).into(),
                words: ["", "old", "new"][rng.index(3)].into(),
            },
            0 => {
                let first = key(rng, graph).0.max(u32::try_from(graph.len()).expect("small"));
                Edit::AddPages(
                    (first..first + 3).map(|key| (NodeKey(key), format!("{key}.html").into())).collect(),
                )
            }
            1 => Edit::Skip { key: key(rng, graph), why: Skip::NotUtf8 },
            _ => Edit::Read {
                key: key(rng, graph),
                part: u32::try_from(rng.below(2)).expect("small"),
                links: (0..rng.below(4)).map(|_| key(rng, graph)).collect(),
                counts: LinkCounts { internal: rng.below(9), ..LinkCounts::default() },
                broken: (0..rng.below(3)).map(|_| format!("gone {}", rng.below(100))).collect(),
                complete: rng.below(2) == 0,
            },
        }
    }

    #[test]
    fn the_graph_keeps_the_laws_of_a_shared_state() {
        for seed in 0..4 {
            testing::laws_undoable(seed, Graph::default, edit);
        }
    }
}
