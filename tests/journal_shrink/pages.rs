//! The reducer that fails: a page that is removed leaves links behind, but only one that was visited.

use std::collections::{BTreeMap, BTreeSet};

use control_panel::{
    GraphIntent, QueuedIntent, Reducer,
    journal::{JournalError, Recorded, Start},
};
use serde::{Deserialize, Serialize};

/// What happens.
#[derive(Debug, GraphIntent, Serialize, Deserialize)]
pub(crate) enum Update {
    /// A page is there.
    Add(u32),
    /// A page links to another, where both are there.
    Link(u32, u32),
    /// A page is looked at.
    Visit(u32),
    /// A page is gone.
    Remove(u32),
}

/// Pages, the pages that each links to, and those that were visited.
#[derive(Debug, Default)]
pub(crate) struct Pages {
    links: BTreeMap<u32, BTreeSet<u32>>,
    visited: BTreeSet<u32>,
}

impl Reducer for Pages {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        match queued.intent {
            Update::Add(page) => _ = self.links.entry(page).or_default(),
            Update::Link(from, to) if self.links.contains_key(&to) => {
                if let Some(links) = self.links.get_mut(&from) {
                    links.insert(to);
                }
            }
            Update::Visit(page) if self.links.contains_key(&page) => _ = self.visited.insert(page),
            Update::Link(..) | Update::Visit(_) => {}
            Update::Remove(page) => {
                self.links.remove(&page);
                if !self.visited.remove(&page) {
                    self.links.values_mut().for_each(|links| _ = links.remove(&page));
                }
            }
        }
    }
}

impl Recorded for Pages {
    fn begin(_: &Start<'_>) -> Result<Self, JournalError> {
        Ok(Self::default())
    }

    fn invariant(&self) -> Result<(), String> {
        let links = self.links.iter().flat_map(|(from, links)| links.iter().map(move |to| (from, to)));
        match links.into_iter().find(|(_, to)| !self.links.contains_key(to)) {
            Some((from, to)) => Err(format!("page {from} links to {to}, which is gone")),
            None => Ok(()),
        }
    }
}
