//! Takes every fix that an error of the `ui` cases names, applies it, and compiles what comes out.
//!
//! A fix is what stands in backquotes behind "write", "add", "drop" or "did you mean", what is underlined where a message says to
//! drop or to move it, or a suggestion of rustc's own. Where it goes follows from what it is and from what is underlined. It
//! holds if the error is gone and no other has come.

mod apply;
mod driver;
mod facade;
mod message;
mod places;
mod rustc;
mod write;

use std::{collections::BTreeSet, fs, path::Path};

use self::driver::{cases, left_in};

/// The cases whose errors have no fix that compiles, each reviewed: all are rustc's own, of what the user wrote, which only the user
/// can finish or decide.
const REVIEWED: usize = 10;

// As the cases themselves.
#[cfg_attr(
    any(feature = "p2p", feature = "observe"),
    ignore = "what is expected is what rustc says without p2p and observe"
)]
#[test]
fn every_fix_compiles() {
    let only = std::env::var("UI_FIXES").unwrap_or_default();
    let cases: Vec<_> =
        cases().into_iter().filter(|case| case.display().to_string().contains(&only)).collect();
    let (fixes, left) = left_in(&cases);
    println!("{fixes} fixes of {} cases compile; {} errors are without one:", cases.len(), left.len());
    for line in &left {
        println!("    {line}");
    }
    if !only.is_empty() {
        assert!(left.is_empty());
        return;
    }
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("ui_fixes/reviewed.txt");
    let reviewed = fs::read_to_string(list).unwrap();
    let reviewed: BTreeSet<String> = reviewed.lines().map(str::to_owned).collect();
    let new: Vec<_> = left.difference(&reviewed).collect();
    let gone: Vec<_> = reviewed.difference(&left).collect();
    assert!(new.is_empty(), "without a fix that compiles: {new:#?}");
    assert!(gone.is_empty(), "mended, and still listed: {gone:#?}");
    let cases: BTreeSet<_> =
        reviewed.iter().filter_map(|line| line.split_once(": ")).map(|(case, _)| case).collect();
    assert!(cases.len() <= REVIEWED, "{} are reviewed", cases.len());
}
