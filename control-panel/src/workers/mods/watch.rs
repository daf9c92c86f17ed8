//! Notices when something in the mods folder changes. It only wakes the loader, which finds out what changed by looking, so an
//! event that is lost, doubled or misnamed does no harm, and there is no queue of events.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use notify::{
    Config, ErrorKind, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher,
    event::{AccessKind, AccessMode, ModifyKind},
};

use super::{control::Shared, status::ModFolderWatch, text::plain};

/// The watches, if the system provides any. Without them, the loader still looks regularly, and its status says so.
pub(super) struct FolderWatch {
    watcher: Result<RecommendedWatcher, String>,
    folder: PathBuf,
    /// The watched folders and their identities: one that was deleted and recreated must be watched anew.
    watched: BTreeSet<(PathBuf, Option<Identity>)>,
}

type Identity = (u64, u64);

impl FolderWatch {
    pub(super) fn new(folder: PathBuf, shared: Arc<Shared>) -> Self {
        let on_event = move |event: notify::Result<Event>| {
            if event.as_ref().map_or(true, concerns_mods) {
                shared.changed();
            }
        };
        let config = Config::default().with_follow_symlinks(false);
        let watcher = RecommendedWatcher::new(on_event, config).map_err(|error| why(&error));
        Self { watcher, folder, watched: BTreeSet::new() }
    }

    /// Watches the mods folder and these folders in it, none of them recursively. Returns whether any is new, and how changes
    /// are noticed from now on. Blocking.
    pub(super) fn follow(&mut self, folders: Vec<PathBuf>) -> (bool, ModFolderWatch) {
        let system = match &mut self.watcher {
            Ok(system) => system,
            Err(why) => return (false, ModFolderWatch::Polled { why: why.clone() }),
        };
        let wanted: BTreeSet<_> = std::iter::once(self.folder.clone())
            .chain(folders)
            .map(|path| {
                let identity = identity(&path);
                (path, identity)
            })
            .collect();
        for (path, _) in self.watched.difference(&wanted) {
            // The system may have ended the watch itself, together with the folder.
            system.unwatch(path).ok();
        }
        let mut followed: BTreeSet<_> = wanted.intersection(&self.watched).cloned().collect();
        let before = followed.len();
        let mut refused = None;
        for new in wanted.difference(&self.watched) {
            match system.watch(&new.0, RecursiveMode::NonRecursive) {
                Ok(()) => drop(followed.insert(new.clone())),
                Err(error) => refused = Some(why(&error)),
            }
        }
        let grew = followed.len() > before;
        self.watched = followed;
        (grew, refused.map_or(ModFolderWatch::Notified, |why| ModFolderWatch::Polled { why }))
    }
}

/// Returns whether an event may concern a mod. Reads do not: they change nothing, and a look would trigger the next one.
/// Neither do writes to a file that is neither a manifest nor a module, such as a log.
fn concerns_mods(event: &Event) -> bool {
    let is_of_mod = |path: &PathBuf| {
        path.extension().is_none_or(|kind| kind == "toml" || kind == "wasm" || kind == "wat")
    };
    match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) | EventKind::Modify(ModifyKind::Data(_)) => {
            event.paths.is_empty() || event.need_rescan() || event.paths.iter().any(is_of_mod)
        }
        EventKind::Access(_) => false,
        _ => true,
    }
}

fn why(error: &notify::Error) -> String {
    match &error.kind {
        ErrorKind::PathNotFound => "there is no such folder".to_owned(),
        ErrorKind::Io(error) if error.kind() == io::ErrorKind::NotFound => {
            "there is no such folder".to_owned()
        }
        ErrorKind::MaxFilesWatch => "the system watches no more files for this user".to_owned(),
        _ => plain(&error.to_string()),
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

#[cfg(test)]
mod tests {
    use notify::event::{CreateKind, DataChange, Flag, RenameMode};

    use super::*;

    #[test]
    fn what_is_written_elsewhere_or_only_read_is_no_change_of_a_mod() {
        let event = |kind, path: &str| Event::new(kind).add_path(path.into());
        let written = EventKind::Modify(ModifyKind::Data(DataChange::Any));
        let closed = EventKind::Access(AccessKind::Close(AccessMode::Write));
        for path in ["mods/a/app.log", "mods/notes.txt"] {
            assert!(!concerns_mods(&event(written, path)) && !concerns_mods(&event(closed, path)));
            // It may be a folder.
            assert!(concerns_mods(&event(EventKind::Create(CreateKind::Any), path)));
            assert!(concerns_mods(&event(EventKind::Modify(ModifyKind::Name(RenameMode::To)), path)));
        }
        for path in ["mods/a/mod.toml", "mods/a.toml", "mods/a/x.wasm", "mods/x.wat", "mods/a"] {
            assert!(concerns_mods(&event(written, path)) && concerns_mods(&event(closed, path)));
            assert!(!concerns_mods(&event(EventKind::Access(AccessKind::Read), path)));
        }
        assert!(concerns_mods(&Event::new(written)), "of which file is not known");
        assert!(concerns_mods(&event(written, "x.log").set_flag(Flag::Rescan)), "some were lost");
        assert!(concerns_mods(&event(EventKind::Any, "x.log")));
    }
}
