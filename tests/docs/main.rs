//! What the documentation says of the repository and of the code, and what fits on its pages: named tests exist, links lead
//! somewhere, defaults are the code's, code fits rustdoc's column. That its examples run is the doc tests' part.

mod anchors;
mod code;
mod defaults;
mod examples;
mod face;
mod links;
mod modules;
mod named;
mod pages;
mod words;

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The repository's root.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The files below `folder` of this extension, but no build's.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_symlink() || name == "target" || name == ".git" || name == "node_modules" {
            continue;
        }
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|there| there == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// A file of the repository.
fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// As it is shown in a failure.
fn short(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}
