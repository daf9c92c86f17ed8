//! What the pages say of the workspace itself.

use crate::{files, read, root};

/// Each page is a module, and in the guide's table of contents and the README.
#[test]
fn each_page_of_the_guide_is_reached() {
    let (modules, contents) =
        (read("control-panel/src/guide/mod.rs"), read("control-panel/src/guide/README.md"));
    let readme = read("README.md");
    let mut pages = 0;
    for path in files(&root().join("control-panel/src/guide"), "md") {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if path.parent().unwrap().ends_with("links") || name == "README" {
            continue;
        }
        pages += 1;
        assert!(modules.contains(&format!("\npub mod {name} {{}}")), "{name} is no module");
        assert!(contents.contains(&format!("]: {name}.md\n")), "{name} is in no table of contents");
        assert!(readme.contains(&format!("src/guide/{name}.md")), "{name} is not in the README");
    }
    assert!(pages >= 19, "{pages} pages");
}

#[test]
fn the_version_to_depend_on_is_the_workspaces() {
    let manifest = read("Cargo.toml");
    let (_, behind) = manifest.split_once("\nversion = \"").unwrap();
    let version = behind.split('"').next().unwrap();
    let minor = version.rsplit_once('.').unwrap().0;
    let page = read("control-panel/src/guide/getting_started.md");
    assert!(page.contains(&format!("control-panel = \"{minor}\"\n")), "the version is {version}");
    assert!(page.contains(&format!("control-panel = {{ version = \"{minor}\", features = [\"testing\"] }}")));
}

#[test]
fn the_readme_is_one_that_is_read() {
    let lines = read("README.md").lines().count();
    assert!(lines < 200, "{lines} lines: what is long belongs into the guide");
}
