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

/// What rustc itself says more than once, wherever the function writes or uses it, macro or not: 36 a name that is taken, by its trait and by its method, 57 and 81 a type that is no
/// intent, 71 one that is no state, by the function and by its result, 107 a lifetime that is left out.
const RUSTC_REPEATS: [(usize, usize); 5] = [(36, 2), (57, 3), (71, 2), (81, 9), (107, 2)];

/// One mistake, one error: rustc's follow-ups count too, and so do warnings. Files in `several/` make as many mistakes as they
/// have numbers in their names.
#[test]
fn one_error_for_each_mistake() {
    for (case, output) in outputs() {
        let count = |word: &str| output.lines().filter(|line| line.starts_with(word)).count();
        let (errors, mistakes) = (count("error"), numbers(&case));
        let repeated = RUSTC_REPEATS.iter().find(|(number, _)| mistakes == [*number]);
        match repeated {
            Some((_, most)) => assert!(errors <= *most, "{}:\n{output}", case.display()),
            None => assert_eq!(errors, mistakes.len(), "{}:\n{output}", case.display()),
        }
        assert_eq!(count("warning"), 0, "{}:\n{output}", case.display());
    }
}

/// Cases in which rustc says what the struct's own bound makes it say.
const BOUNDS: [usize; 1] = [81];

/// No user has to know what an expansion is made of.
#[test]
fn no_private_name_is_shown() {
    for (case, output) in outputs() {
        assert!(!output.contains("__private"), "{}:\n{output}", case.display());
        let bounds = output.contains("trait bounds were not satisfied");
        assert!(!bounds || BOUNDS.contains(&numbers(&case)[0]), "{}:\n{output}", case.display());
    }
}

/// The catalogue's 58 mistakes and those of the keys that came later: 59 `from` on a variant that has not one
/// field, 60 two `from` for one type, 61 `origin` without `clock`, 62 `async` on a worker that has a thread, 63 a key that is
/// none of such a worker's, 64 `on_stuck` where nothing could find it, 65 `on_stuck = restart` of a worker that runs once, 66 an `inbox` of
/// a type that none can have, 67 a command of another type than the inbox's, 68 a command where no inbox is named, 69 commands
/// that cannot be sent, 70 an `inbox` of a type that is not there. Of replicas: 71 a state that is none, 72 an operation that is not `Clone`, 73 one that is not `Send`,
/// 74 nor `Sync`, 75 undo records of a state that makes none, 76 the clock of bytes, 77 shared state changed by hand, 78 what `settle` did ignored, a job with it, 79 a
/// job's result dropped. 71 `skip` of what is replicated. 80 a variant that serde skips before one that it does not.
///
/// The second round, 81 to 122: 81 the derive is forgotten; 82 to 84 a value that cannot be read was still given; 85, 86, 92, 105, 109, 111, 112 code that is
/// legal (`pass/`, or what it says where it cannot be); 87 to 90 and 93 malformed lists; 91, 94 to 98, 110, 114, 115, 119, 120 the right words; 99 to 102 and 116 to 118
/// spans and cascades; 103, 104, 106 to 108, 113 words that are rustc's; 122 what an editor is asked. 123 another sign in place of a comma, 124 an attribute of an argument, 125 two values as a
/// call has them, 126, 127 a crate with arguments or one that is not there, 128 quotes that hold no path, 129, 130 a context in something else or with its
/// policy first, 131 a default of a parameter, 132 `Self`, 133 a reference taken apart, 134 a flag that is false, 135 a source that is an expression, 136 values that
/// need a word of arithmetic, 137 a name by a path, 138 a source that is no path and may be (`pass/`), 139 a type that is not there, 140 what has no known
/// size in something else, 141 a signature that rustc refuses for its form. 121, a crate that only re-exports this one, cannot be
/// a case here, where this one is a dependency: see `ui_fixes/facade.rs`.
const MISTAKES: usize = 141;

/// Not among the cases.
const ELSEWHERE: [usize; 1] = [121];

/// The catalogue is complete: every mistake has a case, be it that it compiles.
#[test]
fn every_mistake_has_a_case() {
    let all = ["fail", "pass"].map(cases).concat();
    let covered: Vec<usize> = all.iter().flat_map(|case| numbers(case)).chain(ELSEWHERE).collect();
    let missing: Vec<usize> = (1..=MISTAKES).filter(|number| !covered.contains(number)).collect();
    assert!(missing.is_empty(), "no case for {missing:?}");
}

/// The cases that fail, each with its expected output.
fn outputs() -> Vec<(PathBuf, String)> {
    let output = |case: PathBuf| {
        let Ok(output) = fs::read_to_string(case.with_extension("stderr")) else {
            panic!("{} has no .stderr", case.display());
        };
        (case, output)
    };
    let mut cases = cases("fail");
    cases.sort();
    cases.into_iter().map(output).collect()
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
