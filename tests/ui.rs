//! What the macros say: one case for each mistake of the catalogue, in folders by class, and the code that
//! must compile. `TRYBUILD=overwrite` writes the expected output anew; read the difference before you commit
//! it. The output is that of the toolchain that CI pins.

use std::fs;
use std::path::{Path, PathBuf};

// Where rustc lists what implements a trait, each feature's types are in the list.
#[cfg_attr(
    any(feature = "p2p", feature = "observe"),
    ignore = "what is expected is what rustc says without p2p and observe"
)]
#[test]
fn every_case_says_what_it_should() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("ui/*/fail/**/*.rs");
    cases.pass("ui/*/pass/**/*.rs");
}

/// A type that is no intent is refused by rustc itself wherever the function writes or uses it, macro or not; one that is no state by the function and by its result.
const RUSTC_REPEATS: [usize; 2] = [57, 71];

/// One mistake, one error: rustc's follow-ups count too. Files in `several/` make as many mistakes as they
/// have numbers in their names.
#[test]
fn one_error_for_each_mistake() {
    for case in cases("fail") {
        let Ok(output) = fs::read_to_string(case.with_extension("stderr")) else {
            panic!("{} has no .stderr", case.display());
        };
        if RUSTC_REPEATS.iter().any(|number| numbers(&case) == [*number]) {
            continue;
        }
        let errors = output.lines().filter(|line| line.starts_with("error")).count();
        assert_eq!(errors, numbers(&case).len(), "{}:\n{output}", case.display());
    }
}

/// The catalogue's 58 mistakes and those of the keys that came later: 59 `from` on a variant that has not one
/// field, 60 two `from` for one type, 61 `origin` without `clock`, 62 `async` on a worker that has a thread, 63 a key that is
/// none of such a worker's, 64 `on_stuck` where nothing could find it, 65 `on_stuck = restart` of a worker that runs once, 66 an `inbox` of
/// a type that none can have, 67 a command of another type than the inbox's, 68 a command where no inbox is named, 69 commands
/// that cannot be sent, 70 an `inbox` of a type that is not there. Of replicas: 71 a state that is none, 72 an operation that is not `Clone`, 73 one that is not `Send`,
/// 74 nor `Sync`, 75 undo records of a state that makes none, 76 the clock of bytes, 77 shared state changed by hand, 78 what `settle` did ignored, a job with it, 79 a
/// job's result dropped. 71 `skip` of what is replicated. 80 a variant that serde skips before one that it does not.
const MISTAKES: usize = 80;

/// The catalogue is complete: every mistake has a case.
#[test]
fn every_mistake_has_a_case() {
    let covered: Vec<usize> = cases("fail").iter().flat_map(|case| numbers(case)).collect();
    let missing: Vec<usize> = (1..=MISTAKES).filter(|number| !covered.contains(number)).collect();
    assert!(missing.is_empty(), "no case for {missing:?}");
}

/// All `.rs` files under `ui/{worker,intent,replica}/<outcome>/`.
fn cases(outcome: &str) -> Vec<PathBuf> {
    let ui = Path::new(env!("CARGO_MANIFEST_DIR")).join("ui");
    let mut found = Vec::new();
    let mut folders: Vec<_> =
        ["worker", "intent", "replica"].iter().map(|room| ui.join(room).join(outcome)).collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    assert!(!found.is_empty());
    found
}

/// The numbers that a file's name begins with: `15_25_signature.rs` is about mistakes 15 and 25.
fn numbers(case: &Path) -> Vec<usize> {
    let name = case.file_stem().unwrap().to_str().unwrap();
    name.split('_').map_while(|word| word.parse().ok()).collect()
}
