//! Where control-panel is when no `crate = …` says so, and which crate re-exports it where one does not depend on it itself.

use std::path::Path;
use std::sync::LazyLock;
use std::{env, fs};

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

use crate::editor;
use crate::errors::Errors;

const PACKAGE: &str = "control-panel";

/// `::control_panel`. Where the crate that is compiled has no such dependency and one that re-exports it, that one is reported with
/// what to write, and the item is expanded with it.
pub(crate) fn path(errors: &Errors, write: impl Fn(&str) -> String) -> TokenStream {
    let Some(name) = found() else { return quote!(::control_panel) };
    errors.at_span(
        Span::call_site(),
        format_args!(
            "this crate does not depend on `{PACKAGE}`, but on `{name}`, which does; write {}, or add `{PACKAGE}` to its \
             dependencies",
            write(&format!("crate = ::{name}"))
        ),
    );
    let name = Ident::new(&name, Span::call_site());
    quote!(::#name)
}

/// Once for a crate where a compiler asks, which compiles one.
fn found() -> Option<String> {
    static FOUND: LazyLock<Option<String>> = LazyLock::new(read);
    if editor::is_compiler() { FOUND.clone() } else { read() }
}

/// What a build without cargo has not, is not asked.
fn read() -> Option<String> {
    let folder = env::var_os("CARGO_MANIFEST_DIR")?;
    let folder = Path::new(&folder);
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).ok()?;
    if is_named(&manifest) {
        return None;
    }
    // The lock file is the workspace's.
    let lock = folder.ancestors().find_map(|folder| fs::read_to_string(folder.join("Cargo.lock")).ok())?;
    reexports(&manifest, &lock)
}

/// Whether control-panel occurs at all: as a dependency by whatever name, or as the package itself.
fn is_named(manifest: &str) -> bool {
    manifest.contains(PACKAGE) || manifest.contains("control_panel")
}

/// The dependency that depends on control-panel, as code names it.
fn reexports(manifest: &str, lock: &str) -> Option<String> {
    let depends = |package: &str| {
        lock.split("[[package]]").any(|block| {
            let mut lines = block.lines().map(str::trim);
            let named = lines.any(|line| line == format!("name = \"{package}\""));
            let on = |line: &str| {
                line.trim_start_matches('"').trim_end_matches(['"', ',']).split(' ').next() == Some(PACKAGE)
            };
            named && lines.any(on)
        })
    };
    dependencies(manifest).find(|(_, package)| depends(package)).map(|(name, _)| name.replace('-', "_"))
}

/// The names of a manifest's dependencies, each beside the name of its package.
fn dependencies(manifest: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut section = "";
    manifest.lines().filter_map(move |line| {
        let line = line.trim();
        if let Some(heading) = line.strip_prefix('[') {
            section = heading.trim_end_matches(']');
            // `[dependencies.name]`
            let (before, name) = section.rsplit_once('.')?;
            return before.ends_with("dependencies").then_some((name, name));
        }
        let (name, value) = line.split_once('=').filter(|_| section.ends_with("dependencies"))?;
        let name = name.trim().trim_end_matches(".workspace");
        let package = value.split_once("package").and_then(|(_, rest)| rest.split('"').nth(1));
        Some((name, package.unwrap_or(name)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = r#"
[[package]]
name = "control-panel"
version = "0.1.0"
dependencies = [
 "tokio",
]

[[package]]
name = "engine"
version = "0.1.0"
dependencies = [
 "control-panel",
 "serde",
]

[[package]]
name = "serde"
version = "1.0.0"
"#;

    fn found(manifest: &str) -> Option<String> {
        reexports(manifest, LOCK)
    }

    #[test]
    fn the_dependency_that_depends_on_it_is_found_by_each_way_to_write_it() {
        for (manifest, name) in [
            ("[dependencies]\nserde = \"1\"\nengine = \"0.1\"", "engine"),
            ("[dependencies]\nserde = { version = \"1\" }\nengine.workspace = true", "engine"),
            ("[dependencies.engine]\npath = \"../engine\"", "engine"),
            (
                "[target.'cfg(unix)'.dependencies]\nmy-engine = { package = \"engine\", version = \"0.1\" }",
                "my_engine",
            ),
        ] {
            assert_eq!(found(manifest).as_deref(), Some(name), "{manifest}");
        }
    }

    #[test]
    fn nothing_is_found_where_no_dependency_depends_on_it() {
        assert_eq!(found("[package]\nname = \"engine\"\n[dependencies]\nserde = \"1\""), None);
        assert_eq!(found("[features]\nengine = []"), None);
    }

    #[test]
    fn a_crate_that_names_it_is_left_alone() {
        assert!(is_named("[dependencies]\nservice = { package = \"control-panel\", version = \"0.1\" }"));
        assert!(is_named("[dependencies]\ncontrol_panel = \"0.1\""));
        assert!(!is_named("[dependencies]\nengine = \"0.1\""));
    }
}
