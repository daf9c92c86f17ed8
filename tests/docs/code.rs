//! Code in documentation fits the column in which rustdoc and GitHub show it, so that no reader scrolls sideways.

use std::{fs, path::Path};

use crate::{files, root, short};

/// The longest line of code, in characters.
const COLUMN: usize = 80;

/// The blocks of code of a page, as lines with their numbers. `text` blocks are drawings, `ignore` what a macro
/// writes, and what is hidden is not shown.
fn code<'a>(lines: impl Iterator<Item = (usize, &'a str)>) -> Vec<(usize, &'a str)> {
    let (mut fence, mut shown) = (None, Vec::new());
    for (number, line) in lines {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            fence = if fence.is_some() { None } else { Some(language) };
            continue;
        }
        let hidden = line.trim_start() == "#" || line.trim_start().starts_with("# ");
        if fence.is_some_and(|language| !["text", "console", "ignore"].contains(&language)) && !hidden {
            shown.push((number, line));
        }
    }
    shown
}

/// The documentation in a source file.
fn documented(source: &str) -> impl Iterator<Item = (usize, &str)> {
    source.lines().enumerate().filter_map(|(at, line)| {
        let text = line.trim_start();
        let is_doc = text.starts_with("///") || text.starts_with("//!");
        is_doc.then(|| (at + 1, text[3..].strip_prefix(' ').unwrap_or(&text[3..])))
    })
}

#[test]
fn code_in_documentation_fits_the_column() {
    let (mut long, mut lines) = (Vec::new(), 0);
    let mut look = |path: &Path, code: Vec<(usize, &str)>| {
        lines += code.len();
        let wide = code.into_iter().filter(|(_, line)| line.chars().count() > COLUMN);
        long.extend(wide.map(|(number, line)| {
            format!("{}:{number}: {} characters: {line}", short(path), line.chars().count())
        }));
    };
    for folder in ["control-panel/src", "control-panel-macros/src"] {
        for path in files(&root().join(folder), "rs") {
            let source = fs::read_to_string(&path).unwrap();
            look(&path, code(documented(&source)));
        }
    }
    let pages = files(&root().join("control-panel/src"), "md").into_iter().chain([root().join("README.md")]);
    for path in pages {
        let page = fs::read_to_string(&path).unwrap();
        look(&path, code(page.lines().enumerate().map(|(at, line)| (at + 1, line))));
    }
    assert!(lines > 3_000, "{lines} lines of code are found");
    assert!(long.is_empty(), "{} of {lines} lines are too long:\n{}", long.len(), long.join("\n"));
}
