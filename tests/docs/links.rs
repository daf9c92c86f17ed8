//! Links between the repository's own pages. Those to items are rustdoc's part, those to the internet are not checked: CI is offline.

use std::{fs, path::Path};

use crate::{anchors::anchors, files, read, root, short};

/// The targets of a page's links, in line and as references, outside of code.
fn targets(page: &str) -> Vec<String> {
    let mut code = false;
    let mut found = Vec::new();
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            code = !code;
            continue;
        }
        if code {
            continue;
        }
        // What is code in line is no link.
        let text: String = line.split('`').step_by(2).collect();
        found.extend(text.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0.to_owned())));
        if let Some((_, target)) = line.strip_prefix('[').and_then(|rest| rest.split_once("]: ")) {
            found.push(target.trim().to_owned());
        }
    }
    found
}

/// Where a link leads that is neither the internet's nor an item's.
fn is_local(target: &str) -> bool {
    let item = target.contains("::") || target.starts_with("crate#") || target.contains('@');
    // A word alone is an item in scope: `[…](Replica)`.
    let file = target.contains('/') || target.contains('.') || target.contains('#');
    !target.contains("://") && !item && file
}

fn fault(page: &Path, text: &str, target: &str) -> Option<String> {
    let (file, anchor) = target.split_once('#').map_or((target, None), |(file, anchor)| (file, Some(anchor)));
    let path = if file.is_empty() { page.to_owned() } else { page.parent().unwrap().join(file) };
    if !path.exists() {
        return Some(format!("{}: there is no {file}", short(page)));
    }
    let linked =
        if file.is_empty() { text.to_owned() } else { fs::read_to_string(&path).unwrap_or_default() };
    let anchor = anchor.filter(|anchor| !anchors(&linked).contains(*anchor))?;
    Some(format!("{}: {file} has no heading #{anchor}", short(page)))
}

#[test]
fn each_link_between_pages_leads_somewhere() {
    let mut faults = Vec::new();
    let mut looked_at = 0;
    for path in files(&root(), "md") {
        let text = fs::read_to_string(&path).unwrap();
        for target in targets(&text).iter().filter(|target| is_local(target)) {
            looked_at += 1;
            faults.extend(fault(&path, &text, target));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(looked_at > 60, "{looked_at} links");
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    let page = root().join("README.md");
    let text = "## Here\n[a](#here) `[no](link)` [b](#there) [c](nothing.md)\n[d]: CHANGELOG.md#nothing\n";
    let faults: Vec<_> = targets(text).iter().filter_map(|target| fault(&page, text, target)).collect();
    assert_eq!(
        faults,
        [
            "README.md:  has no heading #there",
            "README.md: there is no nothing.md",
            "README.md: CHANGELOG.md has no heading #nothing"
        ]
    );
}

/// The README's links are to files. On the crate's page each of them leads into the guide.
#[test]
fn each_link_of_the_readme_has_a_target_on_the_crates_page() {
    let names = |page: &str| -> Vec<String> {
        let of = |line: &str| Some(line.strip_prefix('[')?.split_once("]: ")?.0.to_owned());
        page.lines().filter_map(of).collect()
    };
    let readme = read("README.md");
    let mut on_the_page = names(&read("control-panel/src/guide/links/readme.md"));
    on_the_page.extend(names(&read("control-panel/src/guide/links/picture.txt")));
    on_the_page.sort();
    assert_eq!(names(&readme), on_the_page);
    assert!(!readme.contains("](crate"), "what only rustdoc understands");
    let in_line: Vec<_> = targets(&readme).into_iter().filter(|target| is_local(target)).collect();
    assert_eq!(
        in_line.len(),
        names(&readme).len(),
        "by reference, so that they can be two things: {in_line:?}"
    );
}

/// The crate's page has the picture in itself, as it has no address of the repository: it is the README's.
#[test]
fn the_picture_on_the_crates_page_is_the_readmes() {
    let readme = read("README.md");
    let path = readme.lines().find_map(|line| line.strip_prefix("[picture]: ")).unwrap();
    let definition = read("control-panel/src/guide/links/picture.txt");
    let encoded = definition.trim_end().strip_prefix("[picture]: data:image/png;base64,").unwrap();
    assert_eq!(encoded, base64(&fs::read(root().join(path)).unwrap()), "encode {path} anew");
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = usize::try_from(word >> (18 - 6 * place) & 63).unwrap();
            text.push(if place <= chunk.len() { char::from(DIGITS[digit]) } else { '=' });
        }
    }
    text
}
