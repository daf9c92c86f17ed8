//! The crate's root has the names of the tour, and no more.

use std::collections::BTreeSet;

use crate::read;

/// How many names its page lists.
const NAMES: usize = 37;

/// The names that a `lib.rs` exports at its root and shows. A trait and its derive share a name.
fn shown(source: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let (mut hidden, mut rest) = (false, source);
    while let Some((line, after)) = rest.split_once('\n') {
        let Some(begins) = line.strip_prefix("pub use ") else {
            hidden |= line == "#[doc(hidden)]";
            hidden &= line.starts_with('#');
            rest = after;
            continue;
        };
        let (item, after) = rest["pub use ".len()..].split_once(';').expect("an item that ends");
        rest = after;
        if !std::mem::take(&mut hidden) {
            // Each path's last segment, or the alias; without braces the item is one path.
            let paths = if begins.contains('{') { item } else { item.rsplit("::").next().unwrap() };
            names.extend(last_segments(paths));
        }
    }
    names
}

fn last_segments(item: &str) -> impl Iterator<Item = String> + '_ {
    let paths =
        item.split([',', '{', '}']).map(str::trim).filter(|path| !path.is_empty() && !path.ends_with("::"));
    paths.map(|path| path.rsplit([' ', ':']).next().unwrap().to_owned())
}

#[test]
fn the_root_shows_the_names_of_the_tour_alone() {
    let names = shown(&read("control-panel/src/lib.rs"));
    for name in ["ControlPanel", "Context", "Intent", "GraphIntent", "worker", "Replica", "IntentSource"] {
        assert!(names.contains(name), "{name} of {names:?}");
    }
    assert_eq!(names.len(), NAMES, "{names:?}");
}

#[test]
fn hidden_names_are_not_counted() {
    let source = "pub use a::{B as C, d::{E, F}, g};\n#[cfg(x)]\n#[doc(hidden)]\npub use h::I;\n#[doc(inline)]\npub use j::K;\n\
                  #[doc(hidden)]\npub use l::{\n    M,\n};\n";
    assert_eq!(Vec::from_iter(shown(source)), ["C", "E", "F", "K", "g"]);
}
