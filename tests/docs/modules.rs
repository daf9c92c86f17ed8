//! Each public module opens with a paragraph and an example.

use std::fs;

use crate::{files, root, short};

/// The modules' own documentation: what stands above the first item, and the page that it includes.
fn opening(source: &str, folder: &std::path::Path) -> String {
    let mut text = String::new();
    for line in source.lines() {
        if let Some(words) = line.strip_prefix("//!") {
            text += words.trim_start();
            text.push('\n');
        } else if let Some(page) = line.strip_prefix("#![doc = include_str!(\"") {
            text += &fs::read_to_string(folder.join(page.split('"').next().unwrap())).unwrap();
        } else if !(line.is_empty() || line.starts_with("//") || line.starts_with("#![")) {
            break;
        }
    }
    text
}

/// What a module of code lacks, if anything.
fn lacks(opening: &str) -> Option<&'static str> {
    let first = opening.lines().find(|line| !line.is_empty()).unwrap_or_default();
    if first.starts_with("```") || first.starts_with('|') || first.split(' ').count() < 3 {
        return Some("a paragraph");
    }
    (!opening.lines().any(|line| line == "```" || line == "```no_run")).then_some("an example")
}

#[test]
fn each_public_module_opens_with_a_paragraph_and_an_example() {
    let src = root().join("control-panel/src");
    let (mut seen, mut faults) = (0, Vec::new());
    for path in files(&src, "rs") {
        // The guide's modules are pages, and what expansions call is for macros alone.
        if ["guide", "expansion"].iter().any(|room| path.starts_with(src.join(room))) {
            continue;
        }
        let source = fs::read_to_string(&path).unwrap();
        let folder = match path.file_stem().unwrap().to_str().unwrap() {
            "lib" | "mod" => path.parent().unwrap().to_owned(),
            stem => path.with_file_name(stem),
        };
        for name in source.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')) {
            if ["expansion", "guide"].contains(&name) {
                continue;
            }
            let file = [folder.join(format!("{name}.rs")), folder.join(name).join("mod.rs")];
            let file = file.iter().find(|file| file.exists()).unwrap();
            seen += 1;
            let opening = opening(&fs::read_to_string(file).unwrap(), file.parent().unwrap());
            faults.extend(lacks(&opening).map(|what| format!("{}: {what} is missing", short(file))));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(seen > 20, "{seen} public modules");
}

#[test]
fn an_opening_without_either_is_found() {
    assert_eq!(lacks("Sends what is sent.\n\n```\nsend();\n```\n"), None);
    assert_eq!(lacks("Sends what is sent.\n"), Some("an example"));
    assert_eq!(lacks("```\nsend();\n```\n"), Some("a paragraph"));
}
