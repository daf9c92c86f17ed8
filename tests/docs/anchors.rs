//! The headings of a page, as they are linked to.

use std::collections::BTreeSet;

/// The anchors of a page's headings, as GitHub and rustdoc make them.
pub(crate) fn anchors(page: &str) -> BTreeSet<String> {
    let mut code = false;
    let mut found = BTreeSet::new();
    for line in page.lines() {
        code ^= line.starts_with("```");
        let heading = line.trim_start_matches('#');
        if code || heading.len() == line.len() || !heading.starts_with(' ') {
            continue;
        }
        let kept = heading.trim().chars().filter_map(|letter| match letter {
            ' ' => Some('-'),
            '-' | '_' => Some(letter),
            letter if letter.is_alphanumeric() => Some(letter.to_ascii_lowercase()),
            _ => None,
        });
        found.insert(kept.collect());
    }
    found
}

#[test]
fn an_anchor_is_the_heading_in_lower_case() {
    let page = "# A page\n```\n# hidden\n```\n## What `send` does, and not\n#no heading\n";
    assert_eq!(Vec::from_iter(anchors(page)), ["a-page", "what-send-does-and-not"]);
}
