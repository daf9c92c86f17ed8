//! A recording of ten thousand intents that fails becomes a test of a few, which compiles and fails for the same reason.

mod pages;

use std::{fs, path::Path, process::Command};

use control_panel::{
    ControlPanel, IntentSource,
    journal::{Journal, Recording},
    testing::Rng,
};
use pages::{Pages, Update};

/// In frames of a hundred: pages that come, are linked and visited, and are removed; only the last removal is one that fails.
fn intents() -> Vec<Update> {
    let mut rng = Rng::new(5);
    let mut intents = Vec::new();
    let mut visited = [false; 100];
    while intents.len() < 9_999 {
        let page = u32::try_from(rng.below(100)).unwrap();
        match rng.below(10) {
            0 | 1 => intents.push(Update::Add(page)),
            2..6 => intents.push(Update::Link(page, u32::try_from(rng.below(100)).unwrap())),
            6 if page < 50 => {
                visited[page as usize] = true;
                intents.push(Update::Visit(page));
            }
            _ if !visited[page as usize] => intents.push(Update::Remove(page)),
            _ => {}
        }
    }
    let there =
        |page: u32| intents.iter().any(|intent| matches!(intent, Update::Visit(visited) if *visited == page));
    let page = (0..50).find(|page| there(*page)).unwrap();
    intents.push(Update::Remove(page));
    intents
}

fn record(path: &Path) -> Recording {
    let journal = Journal::open(path).unwrap();
    let mut panel = ControlPanel::<Update>::builder().record(&journal).build();
    let (mut pages, mut intents) = (Pages::default(), intents().into_iter().peekable());
    while intents.peek().is_some() {
        let own = intents.by_ref().take(100).map(|update| (IntentSource::LocalUI, update));
        panel.run_frame(&mut pages, &mut (), own);
    }
    drop(panel);
    journal.close().unwrap();
    Recording::open(path).unwrap()
}

#[test]
fn ten_thousand_intents_become_a_test_of_a_few() {
    let folder = tempfile::tempdir().unwrap();
    let recording = record(&folder.path().join("pages.journal"));
    assert_eq!(recording.intents(), 10_000);
    let failure = recording.failure::<Pages>().unwrap();
    assert_eq!(failure.frame, 100, "it fails with the last intent: {failure}");
    let mut last = usize::MAX;
    let shrunk = recording.shrink::<Pages>(2_000, |left| last = left).unwrap();
    eprintln!(
        "{} intents left after {} replays: {:#?}",
        shrunk.intents.len(),
        shrunk.replays,
        shrunk.intents
    );
    assert!(shrunk.intents.len() < 10 && shrunk.replays <= 2_000 && shrunk.minimal, "{shrunk:?}");
    assert_eq!(shrunk.recording.intents(), shrunk.intents.len());
    assert!(shrunk.failure.kind.to_string().contains("which is gone"), "{}", shrunk.failure);

    let output =
        run_test(folder.path(), &shrunk.test_source("a_removed_page_leaves_no_link", "crate::pages::Pages"));
    assert!(output.contains("test a_removed_page_leaves_no_link ... FAILED"), "{output}");
    assert!(output.contains(&shrunk.failure.to_string()), "{output}");
}

/// Compiles a crate of the reducer and this test, and runs it.
fn run_test(folder: &Path, test: &str) -> String {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here.parent().unwrap();
    let manifest = format!(
        "[package]\nname = \"shrunk\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n[dependencies]\n\
         control-panel = {{ path = \"{}\", default-features = false, features = [\"journal\"] }}\n\
         serde = {{ version = \"1\", features = [\"derive\"] }}\n[profile.dev]\ndebug = false\n",
        root.join("control-panel").display()
    );
    let source = format!("pub mod pages;\n\n#[cfg(test)]\n{test}");
    fs::create_dir(folder.join("src")).unwrap();
    for (name, text) in [("Cargo.toml", manifest), ("src/lib.rs", source)] {
        fs::write(folder.join(name), text).unwrap();
    }
    fs::copy(here.join("journal_shrink/pages.rs"), folder.join("src/pages.rs")).unwrap();
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["test", "--offline", "--lib"]).current_dir(folder).env_remove("RUSTFLAGS");
    cargo.env("CARGO_TARGET_DIR", folder.join("target"));
    let output = cargo.output().unwrap();
    assert!(!output.status.success());
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
