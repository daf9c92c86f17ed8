//! The state: pages and links between them. Pure, so that what was recorded replays.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hash, Hasher},
};

use control_panel::{
    GraphIntent, QueuedIntent, Reducer, Reply,
    journal::{JournalError, Recorded, Start},
};
use serde::{Deserialize, Serialize};

/// What can happen.
#[derive(Debug, GraphIntent, Serialize, Deserialize)]
pub(crate) enum Edit {
    Add(u32),
    Link(u32, u32),
    Rename {
        page: u32,
        title: String,
    },
    Remove(u32),
    /// How many pages there are: the answer is no part of the state, and a replay answers no one.
    Count(Reply<usize>),
    /// Too much for a journal, and nothing that the state depends on.
    #[intent(skip, latest)]
    MouseMoved(f32, f32),
}

#[derive(Clone, Debug, Default, Hash)]
pub(crate) struct Page {
    pub(crate) title: String,
    pub(crate) links: BTreeSet<u32>,
}

#[derive(Clone, Debug, Default, Hash)]
pub(crate) struct Site {
    pub(crate) pages: BTreeMap<u32, Page>,
    pub(crate) edits: u64,
}

impl Reducer for Site {
    type Intent = Edit;

    fn apply(&mut self, queued: QueuedIntent<Edit>) {
        match queued.intent {
            Edit::Add(page) => _ = self.pages.entry(page).or_default(),
            Edit::Link(from, to) if self.pages.contains_key(&to) => {
                if let Some(page) = self.pages.get_mut(&from) {
                    page.links.insert(to);
                }
            }
            Edit::Rename { page, title } => {
                if let Some(page) = self.pages.get_mut(&page) {
                    page.title = title;
                }
            }
            Edit::Remove(page) => {
                let Some(removed) = self.pages.remove(&page) else { return };
                // The mistake: a page with a title keeps the links to it.
                if removed.title.is_empty() {
                    self.pages.values_mut().for_each(|other| _ = other.links.remove(&page));
                }
            }
            Edit::Count(reply) => return reply.send(self.pages.len()),
            Edit::Link(..) | Edit::MouseMoved(..) => return,
        }
        self.edits += 1;
    }

    fn digest(&self) -> Option<u64> {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        Some(hasher.finish())
    }
}

impl Recorded for Site {
    fn begin(_: &Start<'_>) -> Result<Self, JournalError> {
        Ok(Self::default())
    }

    fn fingerprint() -> u64 {
        1
    }

    fn invariant(&self) -> Result<(), String> {
        let mut links =
            self.pages.iter().flat_map(|(page, Page { links, .. })| links.iter().map(move |to| (page, to)));
        match links.find(|(_, to)| !self.pages.contains_key(to)) {
            Some((page, to)) => Err(format!("page {page} links to {to}, which is gone")),
            None => Ok(()),
        }
    }

    fn copy(&self) -> Option<Self> {
        Some(self.clone())
    }

    /// Titles are the users' own.
    fn redact(edit: Edit) -> Option<Edit> {
        Some(match edit {
            Edit::Rename { page, title } => Edit::Rename { page, title: "x".repeat(title.len()) },
            other => other,
        })
    }
}
