//! Each example begins with how to run it and what to look for, and is in a list.

use std::{collections::BTreeMap, path::Path};

use crate::{read, root};

/// Packages of examples.
const FOLDERS: [&str; 3] = ["examples", "examples/neighbours", "examples/tokio_console"];

/// The examples of a manifest: each name and its file.
fn examples(manifest: &str) -> BTreeMap<String, String> {
    let text = read(manifest);
    let value = |section: &str, key: &str| {
        let line =
            section.lines().find_map(|line| line.strip_prefix(&format!("{key} = \"")).map(str::to_owned));
        line.unwrap_or_else(|| panic!("no {key} in {section}")).trim_end_matches('"').to_owned()
    };
    let sections = text.split("[[example]]\n").skip(1);
    sections.map(|section| (value(section, "name"), value(section, "path"))).collect()
}

/// The documentation that a file begins with.
fn header(path: &str) -> String {
    let source = read(path);
    source.lines().take_while(|line| line.starts_with("//!")).collect::<Vec<_>>().join("\n")
}

#[test]
fn each_example_says_how_to_run_it_and_what_to_look_for() {
    let mut faults = Vec::new();
    let mut seen = 0;
    for folder in FOLDERS {
        for (name, file) in examples(&format!("{folder}/Cargo.toml")) {
            seen += 1;
            let header = header(&format!("{folder}/{file}"));
            let runs = header
                .lines()
                .any(|line| line.contains("cargo run") && line.contains(&format!("--example {name}")));
            if !runs {
                faults.push(format!("{folder}/{file} does not say `cargo run … --example {name}`"));
            }
            if !header.contains("What to look for:") {
                faults.push(format!("{folder}/{file} does not say what to look for"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(seen > 30, "{seen} examples");
}

#[test]
fn each_example_is_in_a_list() {
    let lists =
        ["examples/README.md", "examples/cookbook/README.md", "examples/neighbours/README.md"].map(read);
    for folder in FOLDERS {
        for (name, file) in examples(&format!("{folder}/Cargo.toml")) {
            assert!(root().join(folder).join(Path::new(&file)).exists(), "{file}");
            let stem = Path::new(&file).file_stem().unwrap().to_string_lossy().into_owned();
            let is_listed =
                |list: &String| [&name, &stem].iter().any(|name| list.contains(&format!("`{name}`")));
            assert!(lists.iter().any(is_listed), "{name} is in no list");
        }
    }
}
