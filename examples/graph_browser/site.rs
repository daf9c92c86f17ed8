//! The folder as the walk found it: which paths are pages, which are other files. Links are resolved against
//! it off the frame thread, so that the graph gets keys and not paths.

use std::{collections::HashMap, sync::Arc};

use crate::intent::NodeKey;

/// All paths of the folder, relative to its root and `/`-separated.
#[derive(Debug, Default)]
pub(crate) struct Site {
    pages: Vec<Arc<str>>,
    /// Looked up only, never iterated. `None` is a file that is no page.
    index: HashMap<Arc<str>, Option<NodeKey>>,
    /// The walk stopped at a limit: what is missing here may exist all the same.
    pub(crate) cut_short: bool,
}

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Page(NodeKey),
    /// A file that is no page, or one that the walk did not get to.
    File,
    Missing,
}

impl Site {
    /// Adds a page; `None` when there are more than keys.
    pub(crate) fn add_page(&mut self, path: Arc<str>) -> Option<NodeKey> {
        let key = NodeKey(u32::try_from(self.pages.len()).ok()?);
        self.index.insert(Arc::clone(&path), Some(key));
        self.pages.push(path);
        Some(key)
    }

    /// Adds a file that is no page.
    pub(crate) fn add_file(&mut self, path: Arc<str>) {
        self.index.insert(path, None);
    }

    pub(crate) fn pages(&self) -> usize {
        self.pages.len()
    }

    /// Files of any kind.
    pub(crate) fn files(&self) -> usize {
        self.index.len()
    }

    /// The page number `index` of the walk.
    pub(crate) fn page(&self, index: usize) -> Option<NodeKey> {
        (index < self.pages.len()).then(|| u32::try_from(index).ok().map(NodeKey)).flatten()
    }

    /// A page's path; empty for a key that is not of this site.
    pub(crate) fn path(&self, key: NodeKey) -> &str {
        self.pages.get(key.index()).map_or("", |path| path)
    }

    /// What is at a path. A folder is its `index.html`.
    pub(crate) fn find(&self, path: &str) -> Target {
        let names_folder = path.is_empty() || path.ends_with('/');
        if !names_folder && let Some(target) = self.get(path) {
            return target;
        }
        let slash = if names_folder { "" } else { "/" };
        match self.get(&format!("{path}{slash}index.html")) {
            Some(target) => target,
            None if self.cut_short => Target::File,
            None => Target::Missing,
        }
    }

    /// Whether this very path is a page.
    pub(crate) fn has_page(&self, path: &str) -> bool {
        matches!(self.get(path), Some(Target::Page(_)))
    }

    fn get(&self, path: &str) -> Option<Target> {
        self.index.get(path).map(|page| page.map_or(Target::File, Target::Page))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_its_index() {
        let mut site = Site::default();
        let root = site.add_page("index.html".into()).expect("room");
        let guide = site.add_page("guide/index.html".into()).expect("room");
        site.add_file("style.css".into());
        for (path, target) in [
            ("", Target::Page(root)),
            ("index.html", Target::Page(root)),
            ("guide", Target::Page(guide)),
            ("guide/", Target::Page(guide)),
            ("style.css", Target::File),
            ("style.css/", Target::Missing),
            ("gone/", Target::Missing),
            ("index", Target::Missing),
        ] {
            assert_eq!(site.find(path), target, "{path:?}");
        }
        site.cut_short = true;
        assert_eq!(site.find("gone.html"), Target::File, "it may or may not be missing");
    }
}
