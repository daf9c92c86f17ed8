//! The tables between their marks in the README.

use std::{fs, path::Path};

/// Renews what stands between `<!-- name: tables -->` and `<!-- name: end -->`.
pub fn write(name: &str, text: &str) {
    let marks = [format!("<!-- {name}: tables -->\n"), format!("<!-- {name}: end -->\n")];
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&path).unwrap_or_default();
    let [Some(from), Some(to)] = marks.each_ref().map(|mark| readme.find(mark)) else {
        eprintln!("README.md has no marks for the tables of `{name}`");
        return;
    };
    let readme = format!("{}{}{text}{}", &readme[..from], marks[0], &readme[to..]);
    if let Err(error) = fs::write(&path, readme) {
        eprintln!("README.md: {error}");
    }
}
