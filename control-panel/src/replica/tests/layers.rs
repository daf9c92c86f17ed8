//! What the room may use of the crate, read in its sources.

use std::{fs, path::Path};

/// Beside itself: plain words of `intent`, the figures of `frame`.
const MAY_USE: [&str; 8] = [
    "crate::replica",
    "crate::intent",
    // A reducer's or a decoder's panic is caught as everywhere.
    "crate::util::panics",
    // Where two states differ, in words.
    "crate::util::difference",
    "crate::frame::RedoFigures",
    // What only a report has. How long it took is asked in `fold/pace.rs` alone, and the answer recorded.
    "crate::frame::Stopwatch",
    "crate::frame::OffFrame",
    "crate::frame::SlowestApply",
];

/// What would make it more than a function of the calls: time, threads, files, hash order.
const MAY_NOT: [&str; 9] = [
    "tokio",
    "std::time",
    "std::thread",
    "std::fs",
    "std::net",
    "std::env",
    "HashMap",
    "HashSet",
    "RandomState",
];

fn check(folder: &Path, files: &mut usize) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "tests") {
                check(&path, files);
            }
            continue;
        }
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        *files += 1;
        let source = fs::read_to_string(&path).unwrap();
        let code = source.lines().filter(|line| !line.trim_start().starts_with("//"));
        for (number, line) in (1..).zip(code) {
            let mut rest = line;
            while let Some(at) = rest.find("crate::") {
                rest = &rest[at..];
                let allowed = MAY_USE.iter().any(|path| rest.starts_with(path));
                assert!(allowed, "{}: {number}: `{}` is not of this layer", path.display(), line.trim());
                rest = &rest["crate::".len()..];
            }
            for word in MAY_NOT {
                // A length of time is no clock.
                let line = line.replace("std::time::Duration", "");
                assert!(!line.contains(word), "{}: {number}: `{word}` has no place here", path.display());
            }
        }
    }
}

#[test]
fn the_room_uses_no_runtime_clock_or_hash_order() {
    let mut files = 0;
    check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/replica"), &mut files);
    assert!(files > 50, "{files}");
}
