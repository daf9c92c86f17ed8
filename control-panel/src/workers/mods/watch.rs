//! Tells when something in the mods folder changes. It only wakes: what changed is found out by looking, so that an
//! event that was lost, doubled or named strangely does no harm, and there is no queue of them.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use notify::{Config, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher, event::AccessKind};

use super::control::Shared;

/// The watches, where the system gives any. Without, the loader looks regularly all the same.
pub(super) struct FolderWatch {
    watcher: Option<RecommendedWatcher>,
    folder: PathBuf,
    /// What is watched, and which folder that was: one that was deleted and made anew has to be watched anew.
    watched: BTreeSet<(PathBuf, Option<Identity>)>,
}

type Identity = (u64, u64);

impl FolderWatch {
    pub(super) fn new(folder: PathBuf, shared: Arc<Shared>) -> Self {
        let on_event = move |event: notify::Result<Event>| {
            // Reading the folder is no change, and would wake for ever.
            let only_read = |event: &Event| match event.kind {
                EventKind::Access(AccessKind::Close(mode)) => mode != notify::event::AccessMode::Write,
                EventKind::Access(_) => true,
                _ => false,
            };
            if !event.is_ok_and(|event| only_read(&event)) {
                shared.changed();
            }
        };
        let config = Config::default().with_follow_symlinks(false);
        Self { watcher: RecommendedWatcher::new(on_event, config).ok(), folder, watched: BTreeSet::new() }
    }

    /// Watches the mods folder and these folders in it, none of them recursively; whether any is new. Blocking.
    pub(super) fn follow(&mut self, folders: Vec<PathBuf>) -> bool {
        let Some(system) = &mut self.watcher else { return false };
        let wanted: BTreeSet<_> = std::iter::once(self.folder.clone())
            .chain(folders)
            .map(|path| {
                let identity = identity(&path);
                (path, identity)
            })
            .collect();
        for (path, _) in self.watched.difference(&wanted) {
            // The system may have ended the watch itself, with the folder.
            system.unwatch(path).ok();
        }
        let mut followed: BTreeSet<_> = wanted.intersection(&self.watched).cloned().collect();
        let before = followed.len();
        for new in wanted.difference(&self.watched) {
            if system.watch(&new.0, RecursiveMode::NonRecursive).is_ok() {
                followed.insert(new.clone());
            }
        }
        let grew = followed.len() > before;
        self.watched = followed;
        grew
    }
}

#[cfg(unix)]
fn identity(path: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> Option<Identity> {
    fs::metadata(path).ok().map(|_| (0, 0))
}
