//! All cases, two at once.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use super::{
    apply::candidates,
    message::{Message, Step, fixes},
    rustc::Rustc,
};

fn ui() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("ui")
}

/// The cases that must fail, with what they say beside them.
pub(crate) fn cases() -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![ui()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs")
                && path.with_extension("stderr").exists()
            {
                found.push(path);
            }
        }
    }
    assert!(!found.is_empty());
    found.sort();
    found
}

/// How many fixes hold, and each error that names none, or one that does not.
pub(crate) fn left_in(cases: &[PathBuf]) -> (usize, BTreeSet<String>) {
    let (next, held, left) = (AtomicUsize::new(0), AtomicUsize::new(0), Mutex::new(BTreeSet::new()));
    let rustc = Rustc::new("ui_fixes");
    let work = |nth: usize| {
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            let (fixes, without) = one(&rustc, nth, case);
            held.fetch_add(fixes, Ordering::Relaxed);
            left.lock().unwrap().extend(without);
        }
    };
    thread::scope(|scope| {
        for nth in 0..2 {
            scope.spawn(move || work(nth));
        }
    });
    (held.into_inner(), left.into_inner().unwrap())
}

fn one(rustc: &Rustc, thread: usize, case: &Path) -> (usize, Vec<String>) {
    let program = fs::read_to_string(case).unwrap();
    let name = case.strip_prefix(ui()).unwrap().with_extension("").display().to_string();
    let said = rustc.errors(thread, &program);
    assert!(!said.is_empty(), "{name} compiles");
    let (mut held, mut left, mut gone) = (0, Vec::new(), Vec::new());
    for message in &said {
        let fixes = fixes(message);
        let mut failed = Vec::new();
        for fix in &fixes {
            let mends = |fixed: &String| {
                let after = rustc.errors(thread, fixed);
                let mended = mended(&said, message, &after);
                let steps = if message.is_ours() { 0 } else { 8 };
                mended.or_else(|| follows(rustc, thread, fixed, &after, steps).then(|| texts(&said)))
            };
            match candidates(&program, message, fix).iter().find_map(mends) {
                Some(mended) => {
                    held += 1;
                    gone.extend(mended);
                }
                None => failed.push(format!("{name}: {fix:?} does not mend \"{}\"", message.text)),
            }
        }
        // rustc offers more than one way, of which one is enough.
        if message.is_ours() || failed.len() == fixes.len() {
            left.extend(failed.drain(..).map(|line| (message, line)));
        }
        if fixes.is_empty() {
            left.push((message, format!("{name}: no fix of \"{}\"", message.text)));
        }
    }
    // What goes with the fix of another has that fix.
    left.retain(|(message, _)| {
        (message.is_ours() && !fixes(message).is_empty()) || !gone.contains(&message.text)
    });
    (held, left.into_iter().map(|(_, line)| line).collect())
}

/// Whether the program compiles in the end if each time the first error is mended as rustc suggests, or as ours says: rustc's
/// `#[derive(Ord)]` asks for three more.
fn follows(rustc: &Rustc, thread: usize, program: &str, said: &[Message], steps: usize) -> bool {
    let Some(first) = said.first() else { return true };
    if steps == 0 {
        return false;
    }
    let ways =
        fixes(first).into_iter().filter(|fix| first.is_ours() || matches!(fix[..], [Step::Suggested(_)]));
    let programs = ways.take(1).flat_map(|fix| candidates(program, first, &fix).into_iter().take(8));
    programs.into_iter().any(|program| {
        let after = rustc.errors(thread, &program);
        follows(rustc, thread, &program, &after, steps - 1)
    })
}

fn texts(all: &[Message]) -> Vec<String> {
    all.iter().map(|error| error.text.clone()).collect()
}

/// The errors that are gone, if this one is among them and nothing new has come.
fn mended(before: &[Message], message: &Message, after: &[Message]) -> Option<Vec<String>> {
    let count = |all: &[Message], about: &str| all.iter().filter(|error| error.about() == about).count();
    let new = after.iter().any(|error| count(after, error.about()) > count(before, error.about()));
    if new || count(after, message.about()) >= count(before, message.about()) {
        return None;
    }
    let gone = before.iter().filter(|error| count(after, error.about()) < count(before, error.about()));
    Some(gone.map(|error| error.text.clone()).collect())
}
