//! What an editor shows of the keys is what the macros read: `control_panel::expansion::keys` against the tables in the macros' sources.

use std::{fs, path::Path};

fn source(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap()
}

/// The names of the tables' keys, each followed by its words; without what cannot be a module's name.
fn read(tables: &str) -> Vec<String> {
    let mut names = Vec::new();
    for line in tables.lines().filter(|line| line.trim_start().starts_with("Key::")) {
        let mut quoted = line.split('"').skip(1).step_by(2);
        names.extend(quoted.next().map(str::to_owned));
        let words = line.rsplit_once("&[").map_or("", |(_, words)| words);
        names.extend(words.split('"').skip(1).step_by(2).map(str::to_owned));
    }
    names.retain(|name| name != "crate" && name != "async");
    names
}

/// The names of the modules in one module of `keys.rs`.
fn shown(keys: &str, module: &str) -> Vec<String> {
    let body = keys.split(&format!("\npub mod {module} {{\n")).nth(1).unwrap().split("\n}\n").next().unwrap();
    let name =
        |line: &str| Some(line.trim_start().strip_prefix("pub mod ")?.split_whitespace().next()?.to_owned());
    body.lines().filter_map(name).collect()
}

#[test]
fn an_editor_shows_the_keys_that_the_macros_read() {
    let keys = source("control-panel/src/expansion/keys.rs");
    let worker = read(&source("control-panel-macros/src/worker/options.rs"));
    assert_eq!(shown(&keys, "worker"), worker);
    assert!(worker.len() > 30, "the table was read: {worker:?}");
    let ast = source("control-panel-macros/src/intent/ast.rs");
    let (on_enum, on_variant) = ast.split_once("const ON_VARIANT").unwrap();
    assert_eq!(shown(&keys, "intent"), read(on_enum));
    assert_eq!(shown(&keys, "variant"), read(on_variant));
}
