//! Those that are no module, or not one of a mod.

use std::fs;

use tests::workshop::{FINE, manifest, write_file, write_mod};

use super::{SOON, activating, lives_on, module, open, refused};

/// Bytes that are refused, and why.
fn refused_bytes(wasm: &[u8], reason: &str) {
    let mut workshop = open(|mods| {
        let folder = mods.join("bad");
        fs::create_dir(&folder).expect("made");
        fs::write(folder.join("mod.wasm"), wasm).expect("written");
        write_file(&folder.join("mod.toml"), &manifest("bad", "1.0.0", "mod.wasm", ""));
    });
    let text = workshop.failed("bad").0.to_string();
    assert!(text.starts_with(reason), "{text:?} is not {reason:?}");
    lives_on(workshop);
}

#[test]
fn a_truncated_module() {
    // The preamble and half of a type section.
    refused_bytes(b"\0asm\x01\0\0\0\x01\x05\x01\x60", "it is no module that this host can run: ");
}

#[test]
fn a_wrong_magic_number() {
    refused_bytes(
        b"\0asn\x01\0\0\0",
        "it is no module that this host can run: it is a file of an unknown kind that begins with the bytes 00 61 73 6e",
    );
}

#[test]
fn a_wrong_version() {
    refused_bytes(
        b"\0asm\x02\0\0\0",
        "it is no module that this host can run: it is a WebAssembly module of version 2",
    );
}

#[test]
fn an_empty_file() {
    refused_bytes(b"", "it is no module that this host can run: it is an empty file");
}

#[test]
fn a_page_that_was_saved_as_a_module() {
    let page = "it is no module that this host can run: it is an HTML page, perhaps an error of the server that it was \
                fetched from";
    refused_bytes(b"<html>404 not found</html>\r\n", page);
}

#[test]
fn a_text_that_is_called_a_binary() {
    refused_bytes(
        FINE.as_bytes(),
        "it is no module that this host can run: it is a WebAssembly text, not a binary module",
    );
}

#[test]
fn a_section_that_claims_four_gigabytes() {
    refused_bytes(b"\0asm\x01\0\0\0\x01\xff\xff\xff\xff\x0f\x00", "it is no module that this host can run: ");
}

#[test]
fn a_vector_that_claims_four_billion_entries() {
    refused_bytes(b"\0asm\x01\0\0\0\x01\x05\xff\xff\xff\xff\x0f", "it is no module that this host can run: ");
}

/// 200 files of noise, some with a valid preamble, and a valid module with bytes flipped: none brings the host down.
#[test]
fn noise() {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    let mut workshop = open(|mods| {
        for number in 0..50 {
            let mut bytes = if number % 2 == 0 { b"\0asm\x01\0\0\0".to_vec() } else { Vec::new() };
            bytes.extend((0..random() % 400).flat_map(|_| random().to_le_bytes()));
            fs::write(mods.join(format!("n{number}.wasm")), bytes).expect("written");
            let text = manifest(&format!("n{number}"), "1.0.0", &format!("n{number}.wasm"), SOON);
            write_file(&mods.join(format!("n{number}.toml")), &text);
        }
    });
    for number in 0..50 {
        let text = workshop.failed(&format!("n{number}")).0.to_string();
        assert!(text.starts_with("it is no module that this host can run: "), "{text}");
    }
    lives_on(workshop);
}

#[test]
fn a_memory_that_is_not_exported() {
    let wat = r#"(module (memory 1) (func (export "mod_activate") (result i32) (i32.const 0)))"#;
    refused(wat, "", "it does not export its memory as `memory`");
}

#[test]
fn a_memory_that_is_none() {
    let wat =
        r#"(module (func (export "memory")) (func (export "mod_activate") (result i32) (i32.const 0)))"#;
    refused(wat, "", "its export `memory` is not a memory");
}

#[test]
fn a_missing_activation() {
    refused(&module(""), "", "it does not export the function `mod_activate`");
}

#[test]
fn wrong_signatures() {
    for (function, expected) in [
        (
            r#"(func (export "mod_activate") (param i64) (result i32) (i32.const 0))"#,
            "its `mod_activate` is a function (i64) -> i32, but must be a function () -> i32",
        ),
        (
            r#"(func (export "mod_activate"))"#,
            "its `mod_activate` is a function (), but must be a function () -> i32",
        ),
        (
            r#"(global (export "mod_activate") i32 (i32.const 0))"#,
            "its export `mod_activate` is not a function",
        ),
    ] {
        refused(&module(function), "", expected);
    }
    let wat = activating("").replace("(module", r#"(module (func (export "mod_tick") (param i32))"#);
    refused(&wat, "", "its `mod_tick` is a function (i32), but must be a function ()");
    let wat = activating("")
        .replace("(module", r#"(module (func (export "mod_deactivate") (result f32) (f32.const 0))"#);
    refused(&wat, "", "its `mod_deactivate` is a function () -> f32, but must be a function ()");
}

#[test]
fn forbidden_imports() {
    for (import, expected) in [
        (
            r#"(import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))"#,
            "it imports `wasi_snapshot_preview1.fd_write`, which this host does not have",
        ),
        (r#"(import "cp" "shell" (func))"#, "it imports `cp.shell`, which this host does not have"),
        (
            r#"(import "host" "format_disk" (func))"#,
            "it imports `host.format_disk`, which this host does not have",
        ),
        (
            r#"(import "env" "\1b[31mx" (func))"#,
            "it imports `env.\\u{1b}[31mx`, which this host does not have",
        ),
        (
            r#"(import "cp" "log" (func (param i64)))"#,
            "it imports `cp.log` as a function (i64), but it is a function (i32, i32, i32)",
        ),
        (
            r#"(import "env" "memory" (global i32))"#,
            "it imports `env.memory`, which is not a function: only functions can be imported",
        ),
        (
            r#"(import "cp" "emit_intent" (func (param i32 i32) (result i32)))"#,
            "it imports `cp.emit_intent`, but its manifest does not ask for the capability `intent`",
        ),
        (
            r#"(import "cp" "policy" (func (param i32 i32 i32 i32) (result i32)))"#,
            "it imports `cp.policy`, but its manifest does not ask for the capability `policy:…`",
        ),
    ] {
        refused(&activating("").replace("(module", &format!("(module {import}")), "", expected);
    }
}

#[test]
fn a_capability_that_is_not_granted() {
    let expected = "it asks for the capability `root`, which this host does not grant it";
    refused(FINE, "capabilities = ['root']", expected);
    let expected = "it asks for the capability `policy:secret`, which this host does not grant it";
    refused(FINE, "capabilities = ['policy:secret']", expected);
}

#[test]
fn data_that_does_not_fit_its_memory() {
    let wat = activating("").replace("(memory (export", "(data (i32.const 65536) \"x\") (memory (export");
    refused(&wat, "", "it is no module that this host can run: ");
}

#[test]
fn elements_that_do_not_fit_their_table() {
    let wat =
        activating("").replace("(module", "(module (table 1 funcref) (func $f) (elem (i32.const 1) $f)");
    refused(&wat, "", "it is no module that this host can run: ");
}

#[test]
fn features_that_are_off() {
    let two = activating("").replace("(module", "(module (memory 1)");
    refused(&two, "", "it is no module that this host can run: ");
    let wide = FINE.replace(r#""memory") 1"#, r#""memory") i64 1"#);
    refused(&wide, "", "it is no module that this host can run: ");
}

#[test]
fn a_second_export_of_the_start_functions_name() {
    let wat = activating("").replace("(module", r#"(module (func $s (export "cp:start")) (start $s)"#);
    refused(&wat, "", "it is no module that this host can run: duplicate export name");
}

#[test]
fn too_many_functions() {
    let wat = activating("").replace("(module", &format!("(module {}", "(func)".repeat(10_001)));
    refused(
        &wat,
        "",
        "it is no module that this host can run: the Wasm modules exceeds the limit of 10000 functions",
    );
}

#[test]
fn a_text_that_is_nested_without_end() {
    let wat = format!("(module {}", "(block ".repeat(100_000));
    refused(&wat, "", "its text is no valid WebAssembly: ");
}

#[test]
fn a_text_that_is_not_utf_8() {
    let mut workshop = open(|mods| {
        write_mod(mods, "bad", "1.0.0", "", FINE);
        fs::write(mods.join("bad/mod.wat"), b"(module \xff)").expect("written");
    });
    let text = workshop.failed("bad").0.to_string();
    assert_eq!(text, "its text is no valid WebAssembly: it is not UTF-8");
    lives_on(workshop);
}

/// As many locals and blocks as a module of the largest size can declare: what it costs is bounded by that size.
#[test]
fn a_module_that_is_hard_to_compile() {
    let function = format!(
        "(func {} (block (br_table {} (i32.const 0))))",
        "(local i64) ".repeat(1_000),
        "0 ".repeat(2_000)
    );
    let wat = activating("").replace("(module", &format!("(module {}", function.repeat(60)));
    let mut workshop = open(|mods| write_mod(mods, "hard", "1.0.0", "", &wat));
    workshop.active("hard");
    lives_on(workshop);
}

/// The compiler would need 80 times their size for these, or recurse until the stack is used up: no compiler makes them.
#[test]
fn code_that_no_compiler_makes() {
    let nested = activating(&format!("{} {}", "block ".repeat(5_001), "end ".repeat(5_001)));
    refused(
        &nested,
        "",
        "its function 0 nests more than 5000 blocks in each other: this host takes at most 5000",
    );
    let computed = format!("(global i32 (i32.const 0) {})", "(i32.const 1) (i32.add) ".repeat(30_000));
    let module = activating("").replace("(module", &format!("(module {computed}"));
    refused(
        &module,
        "",
        "it has a constant expression of more than 100 operators: this host takes at most 100",
    );
}

/// A few bytes of code that the compiler makes much of: each branch carries 32 values.
#[test]
fn code_that_the_compiler_makes_too_much_of() {
    let (many, values) = ("i32 ".repeat(32), "(i32.const 1) ".repeat(32));
    let branches = "(br_if 0 (memory.size)) ".repeat(40_000);
    let function =
        format!("(func (result {many}) {values} (block (param {many}) (result {many}) {branches}))");
    let module = activating("").replace("(module", &format!("(module {function}"));
    refused(&module, "", "to compile it may take 7");
}
