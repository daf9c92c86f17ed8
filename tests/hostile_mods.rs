//! Modules that are broken or mean harm. Each is stopped with a reason in plain words, a healthy mod beside it ticks on,
//! and the loader ends as it should.

use std::{fs, path::Path, thread, time::Duration};

use control_panel::workers::mods::{Deactivation, HostFunction, ModLimits};
use tests::workshop::{FINE, Workshop, manifest, noting, write_file, write_mod};

/// What runs on, whatever its neighbour does.
fn healthy(mods: &Path) {
    write_mod(mods, "healthy", "1.0.0", "capabilities = ['intent']", &noting("mod_tick", "", "alive"));
}

fn open(fill: impl FnOnce(&Path)) -> Workshop {
    let mut limits = ModLimits::default();
    // What is to be stopped by the clock says so itself: the healthy one is not to fail on a busy machine.
    limits.time = Duration::from_secs(5);
    limits.fuel = u64::MAX;
    let panicking = HostFunction::new("panic", "host", 0, |_, _| panic!("on purpose"));
    let slow = HostFunction::new("slow", "host", 0, |_, _| {
        thread::sleep(Duration::from_millis(20));
        0
    });
    Workshop::open(
        |mods| {
            healthy(mods);
            fill(mods);
        },
        |loader| loader.limits(limits).grant("intent").grant("host").function(panicking).function(slow),
    )
}

/// The healthy one ticks on after what was done, and everything ends.
fn lives_on(mut workshop: Workshop) {
    workshop.forget();
    assert_eq!(workshop.note("healthy"), "alive");
    workshop.close();
}

/// A text that is refused, and why.
fn refused(wat: &str, more: &str, reason: &str) {
    let mut workshop = open(|mods| write_mod(mods, "bad", "1.0.0", more, wat));
    let told = workshop.failed("bad").0.to_string();
    assert!(told.starts_with(reason), "{told:?} is not {reason:?}");
    assert!(told.len() < 400 && !told.contains(char::is_control), "{told:?}");
    lives_on(workshop);
}

/// Bytes that are refused, and why.
fn refused_bytes(wasm: &[u8], reason: &str) {
    let mut workshop = open(|mods| {
        let folder = mods.join("bad");
        fs::create_dir(&folder).expect("made");
        fs::write(folder.join("mod.wasm"), wasm).expect("written");
        write_file(&folder.join("mod.toml"), &manifest("bad", "1.0.0", "mod.wasm", ""));
    });
    let told = workshop.failed("bad").0.to_string();
    assert!(told.starts_with(reason), "{told:?} is not {reason:?}");
    lives_on(workshop);
}

/// A module with a memory and these fields.
fn module(fields: &str) -> String {
    format!(r#"(module {fields} (memory (export "memory") 1))"#)
}

/// A module whose activation does this.
fn activating(body: &str) -> String {
    module(&format!(r#"(func (export "mod_activate") (result i32) {body} (i32.const 0))"#))
}

const SOON: &str = "limits.time_ms = 50";
const LOOP: &str = "(loop $for_ever (br $for_ever))";

#[test]
fn an_endless_activation() {
    refused(&activating(LOOP), SOON, "its mod_activate was stopped: it ran for longer than 50ms");
}

#[test]
fn an_activation_that_uses_up_its_fuel() {
    let told = "its mod_activate was stopped: it used up its 100000 units of fuel";
    refused(&activating(LOOP), "limits.fuel = 100_000", told);
}

#[test]
fn an_endless_start_function() {
    let wat =
        format!("{} ", activating("")).replace("(module", &format!("(module (func $s {LOOP}) (start $s)"));
    refused(&wat, SOON, "its start was stopped: it ran for longer than 50ms");
}

#[test]
fn a_start_function_that_traps() {
    let wat = activating("").replace("(module", "(module (func $s (unreachable)) (start $s)");
    refused(&wat, "", "its start failed: ");
}

#[test]
fn an_endless_tick() {
    let wat = activating("").replace("(module", &format!("(module (func (export \"mod_tick\") {LOOP})"));
    let mut workshop = open(|mods| write_mod(mods, "bad", "1.0.0", SOON, &wat));
    let Deactivation::Failed(why) = workshop.inactive("bad") else { panic!("it failed") };
    assert_eq!(why.to_string(), "its mod_tick was stopped: it ran for longer than 50ms");
    lives_on(workshop);
}

#[test]
fn an_endless_deactivation() {
    let wat =
        activating("").replace("(module", &format!("(module (func (export \"mod_deactivate\") {LOOP})"));
    let mut workshop = open(|mods| write_mod(mods, "bad", "1.0.0", SOON, &wat));
    workshop.active("bad");
    workshop.control.deactivate("bad").expect("room");
    assert_eq!(workshop.inactive("bad"), Deactivation::Asked);
    lives_on(workshop);
}

/// What fills memory costs more fuel than a slice holds, and less time than its deadline leaves.
#[test]
fn endless_filling_of_memory() {
    let wat = r#"(module (memory (export "memory") 256) (func (export "mod_activate") (result i32)
        (loop $more (memory.fill (i32.const 0) (i32.const 1) (i32.const 16777216)) (br $more)) (i32.const 0)))"#;
    refused(wat, SOON, "its mod_activate was stopped: it ran for longer than 50ms");
}

#[test]
fn a_memory_bomb_from_the_beginning() {
    let wat = FINE.replace(r#""memory") 1"#, r#""memory") 65536"#);
    refused(&wat, "", "it asks for more than 16384 KiB of memory");
}

#[test]
fn a_memory_bomb_that_grows() {
    let wat = activating(
        "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) unreachable",
    );
    let mut workshop = open(|mods| write_mod(mods, "bad", "1.0.0", "", &wat));
    let told = workshop.failed("bad").0.to_string();
    assert!(told.ends_with(", after it was denied more than 16384 KiB of memory"), "{told}");
    lives_on(workshop);
}

#[test]
fn less_memory_than_the_host_allows_where_the_manifest_says_so() {
    let wat = FINE.replace(r#""memory") 1"#, r#""memory") 2"#);
    refused(&wat, "limits.memory_kib = 64", "it asks for more than 64 KiB of memory");
}

#[test]
fn a_table_bomb() {
    let wat = activating("").replace("(module", "(module (table 10000000 funcref)");
    refused(&wat, "", "it asks for a table of more than 10000 elements");
}

/// In slices so short that the engine would run out of fuel in the middle of `table.grow`, which wasmi 2.0 cannot resume.
#[test]
fn a_table_that_grows() {
    let wat = activating("(loop $more (br_if $more (i32.ne (table.grow $t (ref.null func) (i32.const 100)) (i32.const -1)))) unreachable")
        .replace("(module", "(module (table $t 1 funcref)");
    let mut workshop = open(|mods| write_mod(mods, "bad", "1.0.0", "", &wat));
    let told = workshop.failed("bad").0.to_string();
    assert!(told.ends_with(", after it was denied the growth of a table"), "{told}");
    lives_on(workshop);
}

#[test]
fn a_stack_overflow_by_calls() {
    let wat = activating("(call $f)").replace("(module", "(module (func $f (call $f))");
    refused(&wat, "", "its mod_activate failed: call stack exhausted");
}

#[test]
fn a_stack_overflow_by_values() {
    let locals = "(local i64) ".repeat(500);
    let wat = activating("(drop (call $f))").replace(
        "(module",
        &format!("(module (func $f (result i32) {locals} (i32.add (call $f) (call $f)))"),
    );
    refused(&wat, "", "its mod_activate failed: call stack exhausted");
}

#[test]
fn a_spam_of_log_lines() {
    let wat = activating("(loop $more (call $log (i32.const 0) (i32.const 0) (i32.const 1000)) (br $more))")
        .replace("(module", r#"(module (import "cp" "log" (func $log (param i32 i32 i32)))"#);
    refused(&wat, "", "its mod_activate was stopped: it called the host more than 10000 times");
}

/// It emits until it is stopped: nothing of it reaches the queue.
#[test]
fn a_spam_of_intents() {
    let wat = noting("mod_activate", "(result i32)", "spam")
        .replace("(drop (call $emit", "(loop $more (drop (call $emit");
    let wat = wat.replace("(i32.const 29)))", "(i32.const 29))) (br $more))");
    assert!(wat.contains("(br $more)"), "{wat}");
    let mut workshop = open(|mods| write_mod(mods, "bad", "1.0.0", "capabilities = ['intent']", &wat));
    let told = workshop.failed("bad").0.to_string();
    assert_eq!(told, "its mod_activate was stopped: it called the host more than 10000 times");
    assert!(!format!("{:?}", workshop.told()).contains("spam"), "what a failed call emitted is dropped");
    lives_on(workshop);
}

#[test]
fn a_host_function_that_panics() {
    let wat = activating("(drop (call $panic))")
        .replace("(module", r#"(module (import "host" "panic" (func $panic (result i32)))"#);
    refused(&wat, "capabilities = ['host']", "its mod_activate made the host panic: at ");
}

#[test]
fn slow_host_functions_called_for_ever() {
    let wat = activating("(loop $more (drop (call $slow)) (br $more))")
        .replace("(module", r#"(module (import "host" "slow" (func $slow (result i32)))"#);
    let more = "capabilities = ['host']\nlimits.time_ms = 50";
    refused(&wat, more, "its mod_activate was stopped: it ran for longer than 50ms");
}

#[test]
fn traps_of_all_kinds() {
    for (body, told) in [
        ("(unreachable)", "wasm `unreachable` instruction executed"),
        ("(drop (i32.load (i32.const 65536)))", "out of bounds memory access"),
        ("(drop (i32.div_u (i32.const 1) (i32.const 0)))", "integer divide by zero"),
        ("(call_indirect (i32.const 0))", "uninitialized element"),
        ("(call_indirect (i32.const 9))", "undefined element"),
    ] {
        let wat = activating(body).replace("(module", "(module (table 1 funcref)");
        refused(&wat, "", &format!("its mod_activate failed: {told}"));
    }
}

#[test]
fn a_truncated_module() {
    // The preamble and half of a type section.
    refused_bytes(b"\0asm\x01\0\0\0\x01\x05\x01\x60", "it is no module that this host can run: ");
}

#[test]
fn a_wrong_magic_number() {
    refused_bytes(b"\0asn\x01\0\0\0", "it is no module that this host can run: magic header not detected");
}

#[test]
fn a_wrong_version() {
    refused_bytes(b"\0asm\x02\0\0\0", "it is no module that this host can run: unknown binary version");
}

#[test]
fn an_empty_file() {
    refused_bytes(b"", "it is no module that this host can run: ");
}

#[test]
fn a_text_that_is_called_a_binary() {
    refused_bytes(FINE.as_bytes(), "it is no module that this host can run: ");
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
        let told = workshop.failed(&format!("n{number}")).0.to_string();
        assert!(told.starts_with("it is no module that this host can run: "), "{told}");
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
    for (function, told) in [
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
        refused(&module(function), "", told);
    }
    let wat = activating("").replace("(module", r#"(module (func (export "mod_tick") (param i32))"#);
    refused(&wat, "", "its `mod_tick` is a function (i32), but must be a function ()");
    let wat = activating("")
        .replace("(module", r#"(module (func (export "mod_deactivate") (result f32) (f32.const 0))"#);
    refused(&wat, "", "its `mod_deactivate` is a function () -> f32, but must be a function ()");
}

#[test]
fn forbidden_imports() {
    for (import, told) in [
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
        refused(&activating("").replace("(module", &format!("(module {import}")), "", told);
    }
}

#[test]
fn a_capability_that_is_not_granted() {
    let told = "it asks for the capability `root`, which this host does not grant it";
    refused(FINE, "capabilities = ['root']", told);
    let told = "it asks for the capability `policy:secret`, which this host does not grant it";
    refused(FINE, "capabilities = ['policy:secret']", told);
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
    let told = workshop.failed("bad").0.to_string();
    assert_eq!(told, "its text is no valid WebAssembly: it is not UTF-8");
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
