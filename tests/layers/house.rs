//! Which room may use which, and what a tree of sources breaks of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use crate::paths::{modules_for_tests, paths};

/// The rooms of a crate: the modules at its root.
pub(crate) struct House<'a> {
    /// From the bottom: a room may use those of lower floors. Two of one floor do not know each other.
    pub(crate) floors: &'a [&'a [&'a str]],
    /// Rooms that use only what `lib.rs` exports, as a user does, beside others of the roof.
    pub(crate) roof: &'a [&'a str],
    /// The paths that still use what they should not.
    pub(crate) exceptions: &'a [(&'a str, &'a str)],
}

impl House<'_> {
    /// What is wrong with the sources below `src`, a line each.
    pub(crate) fn faults(&self, src: &Path) -> Vec<String> {
        let exports = exports(src);
        let mut faults = BTreeSet::new();
        let mut needed = BTreeSet::new();
        let files: Vec<(Vec<String>, PathBuf, String)> = sources(src)
            .into_iter()
            .map(|file| {
                let source = fs::read_to_string(&file).unwrap();
                (module(src, &file), file, source)
            })
            .collect();
        // Tests look everywhere.
        let tests: Vec<Vec<String>> = files
            .iter()
            .flat_map(|(module, _, source)| {
                modules_for_tests(source).into_iter().map(|name| [&module[..], &[name]].concat())
            })
            .collect();
        for (module, file, source) in &files {
            if tests.iter().any(|test| module.starts_with(test)) {
                continue;
            }
            let Some(room) = module.first() else { continue };
            let Some(floor) = self.floor(room) else {
                faults.insert(format!("`{room}` is in no floor of the table"));
                continue;
            };
            for path in paths(source, module) {
                let Some(first) = path.first().filter(|first| *first != room) else { continue };
                let used = exports.get(first).unwrap_or(first);
                if used == room {
                    continue;
                }
                let place = file.strip_prefix(src).unwrap().display();
                let (names, path) = (path.clone(), path.join("::"));
                if self.exceptions.contains(&(room, used)) {
                    needed.insert((room.clone(), used.clone()));
                } else if self.floor(used).is_none_or(|below| below >= floor) {
                    faults.insert(format!("{place}: `{path}`: `{room}` may not use `{used}`"));
                } else if self.is_roof(room) && !self.is_roof(used) && !is_exported(src, &exports, &names) {
                    faults.insert(format!("{place}: `{path}`: `{room}` may use what lib.rs exports alone"));
                }
            }
        }
        for (room, used) in self.exceptions {
            if !needed.contains(&((*room).to_owned(), (*used).to_owned())) {
                faults.insert(format!("the exception (`{room}`, `{used}`) is needed no more"));
            }
        }
        faults.into_iter().collect()
    }

    fn is_roof(&self, room: &str) -> bool {
        self.roof.contains(&room)
    }

    fn floor(&self, room: &str) -> Option<usize> {
        self.floors.iter().position(|rooms| rooms.contains(&room))
    }
}

/// What `lib.rs` gives to users, each with the room it is from; a public module is its own.
fn exports(src: &Path) -> BTreeMap<String, String> {
    let source = fs::read_to_string(src.join("lib.rs")).unwrap();
    let mut exports = BTreeMap::new();
    for path in paths(&source, &[]) {
        if let [room, .., name] = &path[..] {
            exports.insert(name.clone(), room.clone());
        }
    }
    for line in source.lines() {
        if let Some(room) = line.strip_prefix("pub mod ").and_then(|rest| rest.strip_suffix(';')) {
            exports.insert(room.to_owned(), room.to_owned());
        }
    }
    exports
}

/// Whether a user of the library could write this path: a name at its root, or a public one of a public module.
fn is_exported(src: &Path, exports: &BTreeMap<String, String>, path: &[String]) -> bool {
    let [first, rest @ ..] = path else { return false };
    match (exports.get(first), rest) {
        (None, _) => false,
        (Some(room), [name, ..]) if room == first => opened(src, room).contains(name),
        (Some(_), _) => true,
    }
}

/// The names that a public module gives to users, as its file has them.
fn opened(src: &Path, room: &str) -> BTreeSet<String> {
    let file = [format!("{room}.rs"), format!("{room}/mod.rs")]
        .iter()
        .find_map(|file| fs::read_to_string(src.join(file)).ok());
    let source = file.unwrap_or_default();
    let mut names: BTreeSet<String> = ["*".to_owned(), "self".to_owned()].into();
    for item in source.split("\npub ").skip(1) {
        match item.split_once(' ') {
            Some(("use", tree)) => {
                let tree = tree.split(';').next().unwrap_or_default();
                names.extend(
                    paths(tree, &[room.to_owned()]).into_iter().filter_map(|path| path.last().cloned()),
                );
            }
            Some((_, rest)) => {
                let name =
                    rest.trim_start_matches("fn ").split(|c: char| c != '_' && !c.is_alphanumeric()).next();
                names.extend(name.map(str::to_owned));
            }
            None => {}
        }
    }
    names
}

pub(crate) fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// Where a file stands in the crate.
pub(crate) fn module(src: &Path, file: &Path) -> Vec<String> {
    let within = file.strip_prefix(src).unwrap().with_extension("");
    let mut module: Vec<String> = within.iter().map(|name| name.to_string_lossy().into_owned()).collect();
    if module.last().is_some_and(|last| last == "mod" || last == "lib") {
        module.pop();
    }
    module
}
