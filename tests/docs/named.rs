//! A test that a page names exists.

use std::{collections::BTreeSet, fs, path::Path};

use crate::{files, root, short};

/// The functions that are tests, in all of the repository.
fn tests() -> BTreeSet<String> {
    let folders =
        ["tests", "examples", "control-panel/src", "control-panel/views", "control-panel-macros/src"];
    let sources = folders.iter().flat_map(|folder| files(&root().join(folder), "rs"));
    let of = |source: String| -> Vec<String> {
        let behind = |text: &str| Some(text.split_once("fn ")?.1.split('(').next()?.to_owned());
        source.split("#[test]").skip(1).filter_map(behind).collect()
    };
    sources.flat_map(|path| of(fs::read_to_string(path).unwrap())).collect()
}

/// A sentence of three words or more is a test's name; a metric's is longer than it looks.
fn is_test(word: &str) -> bool {
    let is_name =
        word.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_');
    is_name && word.matches('_').count() >= 3 && !word.starts_with("control_panel_")
}

/// What stands in backquotes, outside of blocks of code.
fn words(page: &str) -> impl Iterator<Item = &str> {
    let mut code = false;
    let lines = page.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        code ^= fence;
        !code && !fence
    });
    lines.flat_map(|line| line.split('`').skip(1).step_by(2))
}

#[test]
fn each_test_that_a_page_names_exists() {
    let tests = tests();
    assert!(tests.len() > 1_500, "{} tests are found", tests.len());
    let (mut named, mut missing) = (BTreeSet::new(), Vec::new());
    let pages = files(&root().join("control-panel/src/guide"), "md");
    let protocols = ["queue", "replica", "supervisor"]
        .map(|room| root().join(format!("control-panel/src/{room}/README.md")));
    for path in
        pages.into_iter().chain([root().join("README.md"), root().join("ARCHITECTURE.md")]).chain(protocols)
    {
        let page = fs::read_to_string(&path).unwrap();
        for word in words(&page).filter(|word| is_test(word)) {
            named.insert(word.to_owned());
            if !tests.contains(word) {
                missing.push(format!("{}: there is no test {word}", short(&path)));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
    assert!(named.len() > 80, "{} are named", named.len());
}

/// Each row of the table names a test, and names nothing else there.
#[test]
fn no_guarantee_is_without_a_test() {
    let (page, tests) = (crate::read("control-panel/src/guide/guarantees.md"), tests());
    let (tables, _) = page.split_once("## What is not shown").unwrap();
    let is_row = |line: &&str| line.starts_with("| ") && !line.starts_with("| promise");
    let mut rows = 0;
    for row in tables.lines().filter(is_row) {
        rows += 1;
        let shown_by: Vec<_> = words(row.split(" | ").nth(1).unwrap()).collect();
        assert!(!shown_by.is_empty(), "no test is named: {row}");
        let missing: Vec<_> = shown_by.into_iter().filter(|word| !tests.contains(*word)).collect();
        assert!(missing.is_empty(), "there is no test {missing:?}");
    }
    assert!(rows > 50, "{rows} rows");
    assert_eq!(tables.matches("\n## ").count(), 10, "as many promises as the design has");
}

/// Each row of the README's table of problems names one test, in its last column.
#[test]
fn each_row_of_the_readmes_problems_names_a_test() {
    let (page, tests) = (crate::read("README.md"), tests());
    let (_, behind) = page.split_once("| written by hand |").unwrap();
    let mut rows = 0;
    for row in behind.lines().skip(2).take_while(|line| line.starts_with("| ")) {
        rows += 1;
        let shown_by: Vec<_> = words(row.trim_end_matches(" |").rsplit(" | ").next().unwrap()).collect();
        assert!(!shown_by.is_empty(), "no test is named: {row}");
        let missing: Vec<_> = shown_by.into_iter().filter(|word| !tests.contains(*word)).collect();
        assert!(missing.is_empty(), "there is no test {missing:?}");
    }
    assert!(rows >= 9, "{rows} rows");
}

/// Each row of the comparison with other consoles names a test in its last column.
#[test]
fn no_row_of_the_consoles_is_without_a_test() {
    let (page, tests) = (crate::read("control-panel/src/guide/seeing.md"), tests());
    let (_, table) = page.split_once("\n## Beside other consoles\n").unwrap();
    let mut rows = 0;
    for row in table.lines().filter(|line| line.starts_with("| ")).skip(1) {
        rows += 1;
        let columns: Vec<_> = row.trim_matches('|').split(" | ").collect();
        assert_eq!(columns.len(), 4, "{row}");
        let shown_by: Vec<_> = words(columns[3]).collect();
        assert!(!shown_by.is_empty(), "no test is named: {row}");
        let missing: Vec<_> = shown_by.into_iter().filter(|word| !tests.contains(*word)).collect();
        assert!(missing.is_empty(), "there is no test {missing:?}");
    }
    assert!(rows >= 20, "{rows} rows");
    for peer in ["kameo", "tokio-console", "observer", "Oban Web"] {
        assert!(table.contains(peer), "{peer} is not compared with");
    }
}

/// A path, of which the beginning is left out where the page's room has it.
fn is_file(word: &str) -> bool {
    let is_path = |letter: char| letter.is_ascii_alphanumeric() || "_-./".contains(letter);
    word.chars().all(is_path)
        && (word.ends_with('/') || Path::new(word).extension().is_some_and(|kind| kind == "rs"))
        && word.len() > 3
}

/// The file names in the description of the house, and on the pages of protocols beside the code.
#[test]
fn each_file_that_a_page_names_exists() {
    let src = root().join("control-panel/src");
    let (mut named, mut missing) = (0, Vec::new());
    for (page, rooms) in [
        (
            root().join("ARCHITECTURE.md"),
            vec![root(), src.clone(), root().join("control-panel-macros/src/worker")],
        ),
        (src.join("queue/README.md"), vec![src.join("queue")]),
        (src.join("replica/README.md"), vec![src.join("replica"), src.clone()]),
        (src.join("supervisor/README.md"), vec![src.join("supervisor")]),
    ] {
        let text = fs::read_to_string(&page).unwrap();
        for word in words(&text).filter(|word| is_file(word)) {
            named += 1;
            if !rooms.iter().any(|room| room.join(word).exists()) {
                missing.push(format!("{}: there is no {word}", short(&page)));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
    assert!(named > 60, "{named} are named");
}
