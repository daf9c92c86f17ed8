//! Words that stand nowhere: each has a meaning too many.

use std::fs;

use crate::{files, root, short};

/// In pieces, so that this file has none of them.
const BANNED: &[(&str, &str)] =
    &[(concat!("to", "ld"), "cancelled, notified, returned, reported or logged: say which")];

/// The changelog names what was renamed, and data is no prose.
const EXEMPT: &[&str] = &["CHANGELOG.md"];

/// Each banned word of a text, by line. A word ends where no letter or digit follows, so that parts of a name count.
fn faults(text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.to_ascii_lowercase();
        for word in line.split(|letter: char| !letter.is_alphanumeric()) {
            for (_, instead) in BANNED.iter().filter(|(banned, _)| *banned == word) {
                faults.push(format!("{}: `{word}`: {instead}", number + 1));
            }
        }
    }
    faults
}

#[test]
fn no_page_and_no_name_has_a_word_with_a_meaning_too_many() {
    let (mut seen, mut found) = (0, Vec::new());
    for path in
        ["rs", "md", "stderr", "toml", "js", "html"].iter().flat_map(|extension| files(&root(), extension))
    {
        if EXEMPT.contains(&&*short(&path)) {
            continue;
        }
        seen += 1;
        let Ok(text) = fs::read_to_string(&path) else { continue };
        found.extend(faults(&text).into_iter().map(|fault| format!("{}:{fault}", short(&path))));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    assert!(seen > 1_000, "{seen} files are read");
}

#[test]
fn a_banned_word_is_found_alone_and_within_a_name() {
    let (word, _) = BANNED[0];
    let capital = word[..1].to_uppercase() + &word[1..];
    let text = format!("a {word} b\nstruct {capital};\nfn if_{word}()\nretold scaff{word}\n`{word}`.\n");
    assert_eq!(faults(&text).len(), 4, "{:?}", faults(&text));
    assert!(faults(&text)[1].starts_with("2: "), "{:?}", faults(&text));
}
