//! What the library has once: catching a panic, and a lock that may be poisoned.

use std::{fs, path::Path};

use crate::house::{module, sources};

/// A word, the files that may have it, and what every other file uses.
const ONCE: &[(&str, &[&str], &str)] = &[
    ("catch_unwind(", &["util/panics.rs"], "`util::panics`, and on the roof `PanicReport::catch`"),
    (
        "PoisonError",
        &["util/mutex.rs", "util/sync/modelled.rs", "workers/lock.rs"],
        "`util::mutex::Mutex`, and on the roof `workers::lock`",
    ),
];

/// What is written twice, a line each. Tests, models and comments may do as they like.
fn faults(src: &Path) -> Vec<String> {
    let mut faults = Vec::new();
    for file in sources(src) {
        let name = file.strip_prefix(src).unwrap().to_string_lossy().replace('\\', "/");
        if module(src, &file)
            .iter()
            .any(|module| ["tests", "models"].contains(&&**module) || module.ends_with("_tests"))
        {
            continue;
        }
        let source = fs::read_to_string(&file).unwrap();
        // Inline tests are the end of their file.
        let source = source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        for (word, places, instead) in ONCE {
            let written =
                source.lines().any(|line| !line.trim_start().starts_with("//") && line.contains(word));
            if written && !places.contains(&&*name) {
                faults.push(format!("{name}: `{word}`: use {instead}"));
            }
        }
    }
    faults
}

#[test]
fn panics_are_caught_and_locks_taken_in_one_place() {
    let faults = faults(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../control-panel/src"));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_second_place_is_found() {
    let folder = tempfile::tempdir().unwrap();
    for (name, source) in [
        ("util/panics.rs", "fn f() { catch_unwind(g) }"),
        ("util/tests.rs", "fn f() { catch_unwind(g) }"),
        ("frame.rs", "// catch_unwind(\n#[cfg(test)]\nmod tests { fn f() { catch_unwind(g) } }"),
        ("panel/mod.rs", "fn f() { std::panic::catch_unwind(g) }"),
        ("bus.rs", "use std::sync::PoisonError;"),
    ] {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, source).unwrap();
    }
    let found = faults(folder.path());
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found.iter().any(|fault| fault.starts_with("panel/mod.rs: `catch_unwind(`")), "{found:?}");
    assert!(found.iter().any(|fault| fault.starts_with("bus.rs: `PoisonError`")), "{found:?}");
}
