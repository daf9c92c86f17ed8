//! Small houses, each with one fault: what the check of the real one finds.

use std::fs;

use crate::house::House;

const LIB: &str = "mod cellar;\nmod ground;\nmod attic;\npub mod open;\npub use crate::{ground::Door, cellar::{deep::Key as _, Stone}};";

/// The faults of a house of these files, beside what every one has.
fn faults(files: &[(&str, &str)], exceptions: &[(&str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let sound = [("lib.rs", LIB), ("cellar.rs", "pub struct Stone;"), ("ground.rs", "pub struct Door;")];
    for (name, source) in sound.iter().chain(files) {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, source).unwrap();
    }
    let floors: &[&[&str]] = &[&["cellar"], &["ground", "neighbour"], &["open"], &["attic"]];
    House { floors, roof: &["attic"], exceptions }.faults(folder.path())
}

#[test]
fn a_sound_house_has_no_fault() {
    let sound = [
        ("ground.rs", "use crate::cellar::Stone; // crate::attic::Dust\nconst A: &str = \"crate::attic\";"),
        ("ground/stairs.rs", "use super::{super::cellar, Door};\npub(in crate::ground) fn climb() {}"),
        ("ground/tests.rs", "use crate::attic::Dust;"),
        (
            "ground/mod.rs",
            "#[cfg(test)]\nmod tests;\n#[cfg(test)]\nmod inline { use crate::attic::Dust; }\nfn f() { crate::Stone; }",
        ),
        ("attic/mod.rs", "mod beam;\nuse crate::{Door, Stone, open::Window};"),
        ("attic/beam.rs", "use super::Dust; fn f<'a>(c: &'a char) -> bool { *c == '\"' }"),
        ("open.rs", "use crate::ground::Door;\npub struct Window;\n#[test]\nfn t() { crate::attic::f() }"),
    ];
    assert_eq!(faults(&sound, &[]), [""; 0]);
}

#[test]
fn a_look_up_is_found_in_each_form() {
    for (file, source, path) in [
        ("ground.rs", "use crate::attic::Dust;", "attic::Dust"),
        ("ground.rs", "use crate::{cellar::Stone, attic::{self, dust::Dust as Grey}};", "attic::dust::Dust"),
        ("ground.rs", "use {crate::cellar::Stone, crate::attic::*};", "attic::*"),
        ("ground.rs", "use super::attic::Dust;", "attic::Dust"),
        ("ground/stairs.rs", "use super::super::attic::Dust;", "attic::Dust"),
        ("ground/stairs.rs", "use super::{super::{attic::Dust}, Door};", "attic::Dust"),
        ("lib/../ground.rs", "use self::super::attic::Dust;", "attic::Dust"),
        ("ground.rs", "fn f() -> crate::attic::Dust { todo!() }", "attic::Dust"),
        ("ground.rs", "mod inner { fn f() { super::super::attic::f() } }", "attic::f"),
        ("ground.rs", "macro_rules! m { () => { $crate::attic::f() } }", "attic::f"),
        ("ground.rs", "#[cfg(feature = \"x\")]\nuse crate::attic::Dust;", "attic::Dust"),
        ("ground.rs", "const S: &str = r#\"a \" b\"#; use crate::attic::Dust;", "attic::Dust"),
    ] {
        let name = if file.ends_with("stairs.rs") { "ground/stairs.rs" } else { "ground.rs" };
        let found = faults(&[(name, source)], &[]);
        let expected = format!("{name}: `{path}`: `ground` may not use `attic`");
        assert!(found.contains(&expected), "{source}: {found:?}");
    }
}

#[test]
fn neighbours_do_not_know_each_other_nor_by_an_exported_name() {
    let found = faults(&[("neighbour.rs", "use crate::{cellar::Stone, ground::Door};")], &[]);
    assert_eq!(found, ["neighbour.rs: `ground::Door`: `neighbour` may not use `ground`"]);
    let found = faults(&[("neighbour.rs", "use crate::Door;")], &[]);
    assert_eq!(found, ["neighbour.rs: `Door`: `neighbour` may not use `ground`"]);
}

#[test]
fn a_room_that_the_table_does_not_have_is_found() {
    let found = faults(&[("shed.rs", "use crate::cellar::Stone;")], &[]);
    assert_eq!(found, ["`shed` is in no floor of the table"]);
    let found = faults(&[("attic.rs", "use crate::shed::Spade;")], &[]);
    assert_eq!(found, ["attic.rs: `shed::Spade`: `attic` may not use `shed`"]);
}

#[test]
fn a_room_of_the_roof_uses_what_is_exported_alone() {
    let found = faults(&[("attic.rs", "use crate::{Stone, cellar::deep::Key};")], &[]);
    assert_eq!(found, ["attic.rs: `cellar::deep::Key`: `attic` may use what lib.rs exports alone"]);
}

#[test]
fn an_exception_that_is_needed_no_more_is_a_fault() {
    let up = [("ground.rs", "use crate::attic::Dust;")];
    assert_eq!(faults(&up, &[("ground", "attic")]), [""; 0]);
    assert_eq!(faults(&[], &[("ground", "attic")]), ["the exception (`ground`, `attic`) is needed no more"]);
}

#[test]
fn a_room_of_the_roof_uses_the_public_names_of_a_public_module_alone() {
    let open = "mod frame;\npub use self::frame::{Pane, Sash};\npub struct Window;\npub fn shut() {}\npub(crate) struct Hinge;";
    let attic = "use crate::open::{self, Pane, Sash, Window, shut};";
    assert_eq!(faults(&[("open.rs", open), ("attic.rs", attic)], &[]), [""; 0]);
    for (used, path) in [("open::Hinge", "open::Hinge"), ("open::frame::Pane", "open::frame::Pane")] {
        let found = faults(&[("open/mod.rs", open), ("attic.rs", &format!("use crate::{used};"))], &[]);
        assert_eq!(found, [format!("attic.rs: `{path}`: `attic` may use what lib.rs exports alone")]);
    }
}
