//! The state: pages, links between them, and remarks on them. Pure, so that what was recorded replays.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hash, Hasher},
};

use control_panel::{
    Delta, GraphIntent, QueuedIntent, Reducer, Replica,
    journal::{JournalError, Recorded, Start},
    requests::Reply,
};
use serde::{Deserialize, Serialize};

use crate::remarks::{self, HERE, Remark, Remarks};

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
    Remark(Remark),
    /// What a peer remarked.
    #[intent(clock = delta, origin = delta)]
    FromPeer {
        delta: Delta<Remark>,
    },
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

#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) pages: BTreeMap<u32, Page>,
    pub(crate) edits: u64,
    pub(crate) remarks: Replica<Remarks>,
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
            Edit::Remark(remark) => _ = self.remarks.commit(remark),
            Edit::FromPeer { delta } => self.remarks.merge(delta),
            Edit::Count(reply) => return reply.send(self.pages.len()),
            Edit::Link(..) | Edit::MouseMoved(..) => return,
        }
        self.edits += 1;
    }

    fn settle(&mut self) {
        let _ = self.remarks.settle();
    }

    fn digest(&self) -> Option<u64> {
        let mut hasher = DefaultHasher::new();
        (&self.pages, self.edits, &self.remarks.state().0).hash(&mut hasher);
        Some(hasher.finish())
    }
}

impl Recorded for Site {
    fn begin(start: &Start<'_>) -> Result<Self, JournalError> {
        let remarks = start.replica(remarks::builder(HERE))?;
        Ok(Self { pages: BTreeMap::new(), edits: 0, remarks })
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

    /// Titles and remarks are the users' own. What a peer sent is there by name alone, whatever is said here.
    fn redact(edit: Edit) -> Option<Edit> {
        Some(match edit {
            Edit::Rename { page, title } => Edit::Rename { page, title: "x".repeat(title.len()) },
            Edit::Remark(Remark { page, text }) => {
                Edit::Remark(Remark { page, text: "x".repeat(text.len()) })
            }
            other => other,
        })
    }
}
