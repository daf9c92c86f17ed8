//! What the room may use of the crate, read in its sources.

use std::{fs, path::Path};

/// What would make it more than a function of what it is given.
const MAY_NOT: [&str; 8] =
    ["tokio", "Instant", "SystemTime", "std::thread", "std::fs", "std::net", "HashMap", "RandomState"];

fn check(folder: &Path, files: &mut usize) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "tests") {
                check(&path, files);
            }
            continue;
        }
        *files += 1;
        let source = fs::read_to_string(&path).unwrap();
        for line in source.lines().filter(|line| !line.trim_start().starts_with("//")) {
            let foreign = line.replace("crate::replica", "").contains("crate::");
            let misplaced = foreign || MAY_NOT.iter().any(|word| line.contains(word));
            assert!(!misplaced, "{}: `{}` has no place here", path.display(), line.trim());
        }
    }
}

#[test]
fn the_room_knows_replicas_and_no_runtime_clock_or_hash_order() {
    let mut files = 0;
    check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/anti_entropy"), &mut files);
    assert!(files >= 13, "{files}");
}
