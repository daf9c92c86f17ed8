//! Those that take what is not theirs: time, memory, the stack, the host's patience.

use control_panel::workers::mods::Deactivation;
use tests::workshop::{FINE, noting, write_mod};

use super::{LOOP, SOON, activating, lives_on, open, refused};

#[test]
fn an_endless_activation() {
    refused(&activating(LOOP), SOON, "its mod_activate was stopped: it ran for longer than 50ms");
}

#[test]
fn an_activation_that_uses_up_its_fuel() {
    let expected = "its mod_activate was stopped: it used up its 100000 units of fuel";
    refused(&activating(LOOP), "limits.fuel = 100_000", expected);
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
    let reason = workshop.failed("bad").0.to_string();
    assert!(reason.ends_with(", after it was denied more than 16384 KiB of memory"), "{reason}");
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
    let reason = workshop.failed("bad").0.to_string();
    assert!(reason.ends_with(", after it was denied the growth of a table"), "{reason}");
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
    let reason = workshop.failed("bad").0.to_string();
    assert_eq!(reason, "its mod_activate was stopped: it called the host more than 10000 times");
    assert!(!format!("{:?}", workshop.said()).contains("spam"), "what a failed call emitted is dropped");
    lives_on(workshop);
}

#[test]
fn a_host_function_that_panics() {
    let wat = activating("(drop (call $panic))")
        .replace("(module", r#"(module (import "host" "panic" (func $panic (result i32)))"#);
    refused(&wat, "capabilities = ['host']", "its mod_activate made the host panic: at ");
}

#[test]
fn slow_host_functions_called_forever() {
    let wat = activating("(loop $more (drop (call $slow)) (br $more))")
        .replace("(module", r#"(module (import "host" "slow" (func $slow (result i32)))"#);
    let more = "capabilities = ['host']\nlimits.time_ms = 50";
    refused(&wat, more, "its mod_activate was stopped: it ran for longer than 50ms");
}

#[test]
fn traps_of_all_kinds() {
    for (body, expected) in [
        ("(unreachable)", "wasm `unreachable` instruction executed"),
        ("(drop (i32.load (i32.const 65536)))", "out of bounds memory access"),
        ("(drop (i32.div_u (i32.const 1) (i32.const 0)))", "integer divide by zero"),
        ("(call_indirect (i32.const 0))", "uninitialized element"),
        ("(call_indirect (i32.const 9))", "undefined element"),
    ] {
        let wat = activating(body).replace("(module", "(module (table 1 funcref)");
        refused(&wat, "", &format!("its mod_activate failed: {expected}"));
    }
}
