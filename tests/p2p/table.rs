//! The page beside this says which test shows which row: none is missing, and each test is there.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The functions of a source that have an attribute `test`.
fn tests(source: &str) -> impl Iterator<Item = &str> {
    source.split("#[test]").skip(1).filter_map(|behind| {
        let (_, name) = behind.split_once("fn ")?;
        name.split('(').next()
    })
}

#[test]
fn each_row_has_a_line_and_each_test_of_it_is_there() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    sources(here, &mut files);
    sources(&here.join("../control-panel/src"), &mut files);
    let texts: Vec<_> = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let there: BTreeSet<&str> = texts.iter().flat_map(|text| tests(text)).collect();

    let page = include_str!("README.md");
    let lines = page.lines().filter_map(|line| {
        let (row, rest) = line.strip_prefix("| ")?.split_once(" | ")?;
        Some((row.parse::<usize>().ok()?, rest))
    });
    let lines: Vec<_> = lines.collect();
    assert_eq!(lines.iter().map(|(row, _)| *row).collect::<Vec<_>>(), (1..=36).collect::<Vec<_>>());
    // Words with as many parts are tests' names.
    let is_name = |word: &&str| word.matches('_').count() >= 3;
    let mut named = BTreeSet::new();
    for (row, rest) in lines {
        let of_row: Vec<_> = rest.split('`').skip(1).step_by(2).filter(is_name).collect();
        assert!(!of_row.is_empty(), "row {row} names no test");
        let missing: Vec<_> = of_row.iter().filter(|name| !there.contains(*name)).collect();
        assert!(missing.is_empty(), "row {row}: there is no test {missing:?}");
        named.extend(of_row);
    }
    // Whatever is named after a row is on the page.
    let forgotten: Vec<_> =
        there.iter().filter(|name| name.starts_with("row_") && !named.contains(*name)).collect();
    assert!(forgotten.is_empty(), "not on the page: {forgotten:?}");
}
