//! What a mod may do with its host: emit, read values, call the host's functions, each as it is granted.

use std::sync::{Arc, atomic::AtomicI32, atomic::Ordering};

use control_panel::workers::mods::{HostFunction, ModEvent};
use tests::{
    eventually,
    workshop::{Limits, Said, Workshop, write_mod},
};

#[test]
fn what_a_mod_emits_comes_after_its_activation_and_only_if_the_hosts_type_takes_it() {
    let several = r#"(module
        (import "cp" "emit_intent" (func $emit (param i32 i32) (result i32)))
        (import "cp" "log" (func $log (param i32 i32 i32)))
        (memory (export "memory") 1)
        (data (i32.const 0) "{\"kind\":\"note\",\"text\":\"hi\"}")
        (data (i32.const 100) "{\"kind\":\"format-disk\"}")
        (data (i32.const 200) "\ff\fe")
        (data (i32.const 300) "{\"kind\":\"remote\",\"clock\":0}")
        (func $expect (param $got i32) (param $wanted i32)
            (if (i32.ne (local.get $got) (local.get $wanted)) (then (unreachable))))
        (func (export "mod_activate") (result i32)
            (call $expect (call $emit (i32.const 0) (i32.const 27)) (i32.const 0))
            (call $expect (call $emit (i32.const 100) (i32.const 22)) (i32.const -4))
            (call $expect (call $emit (i32.const 0) (i32.const 26)) (i32.const -4))
            (call $expect (call $emit (i32.const 200) (i32.const 2)) (i32.const -2))
            (call $expect (call $emit (i32.const 300) (i32.const 27)) (i32.const -4))
            (call $expect (call $emit (i32.const 65535) (i32.const 2)) (i32.const -1))
            (call $expect (call $emit (i32.const -1) (i32.const 1)) (i32.const -1))
            (call $expect (call $emit (i32.const 0) (i32.const 16385)) (i32.const -3))
            (call $log (i32.const 2) (i32.const 0) (i32.const 6))
            (call $log (i32.const 2) (i32.const 65536) (i32.const 1))
            (i32.const 0)))"#;
    let mut workshop = Workshop::open(
        |mods| write_mod(mods, "busy", "1.0.0", "capabilities = ['intent', 'remote']", several),
        |loader| loader.grant("intent").grant_to("busy", "remote"),
    );
    assert_eq!(workshop.note("busy"), "hi");
    assert!(matches!(&workshop.said()[0], Said::Mod(ModEvent::Activated { .. })));
    assert_eq!(workshop.said().len(), 2, "what was refused is nowhere");
    eventually("a round is over", || !workshop.control.status().is_empty());
    let status = workshop.status("busy");
    assert_eq!((status.refused, status.logged), (3, 5));
    let log: Vec<_> = status.log.iter().map(|line| &*line.text).collect();
    assert!(log[0].starts_with("an intent was refused: there is no kind Some(\"format-disk\")"), "{log:?}");
    assert!(log[2].contains("its clock is 0"), "{log:?}");
    assert_eq!(log[3..], ["{\"kind", "a log line was not within the mod's memory"]);
    workshop.close();
}

/// A module whose `mod_tick` asks for the policy's value and notes it.
const ASKING: &str = r#"(module
    (import "cp" "emit_intent" (func $emit (param i32 i32) (result i32)))
    (import "cp" "policy" (func $policy (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "greeting")
    (data (i32.const 16) "secret")
    (data (i32.const 100) "{\"kind\":\"note\",\"text\":\"")
    (func $expect (param $got i32) (param $wanted i32)
        (if (i32.ne (local.get $got) (local.get $wanted)) (then (unreachable))))
    (func (export "mod_activate") (result i32)
        (call $expect (call $policy (i32.const 16) (i32.const 6) (i32.const 500) (i32.const 9)) (i32.const -7))
        (call $expect (call $policy (i32.const 0) (i32.const 5) (i32.const 500) (i32.const 9)) (i32.const -6))
        (call $expect (call $policy (i32.const 0) (i32.const 8) (i32.const 500) (i32.const 4)) (i32.const 5))
        (call $expect (i32.load (i32.const 500)) (i32.const 0))
        (call $expect (call $policy (i32.const 0) (i32.const 8) (i32.const 65535) (i32.const 9)) (i32.const -1))
        (i32.const 0))
    (func (export "mod_tick") (local $length i32)
        (local.set $length
            (call $policy (i32.const 0) (i32.const 8) (i32.const 123) (i32.const 64)))
        (i32.store16 (i32.add (i32.const 123) (local.get $length)) (i32.const 0x7d22))
        (drop (call $emit (i32.const 100) (i32.add (local.get $length) (i32.const 25))))))"#;

#[test]
fn a_mod_reads_the_values_it_is_granted_as_they_are_now() {
    let mut workshop = Workshop::open(
        |_| {},
        |loader| {
            ["intent", "policy:greeting", "policy:great", "policy:greet"]
                .into_iter()
                .fold(loader, control_panel::workers::ModLoader::grant)
        },
    );
    workshop.panel.set_policy(Limits { greeting: "hello".into() });
    let more = "capabilities = ['intent', 'policy:greeting', 'policy:greet']";
    write_mod(workshop.folder(), "asking", "1.0.0", more, ASKING);
    assert_eq!(workshop.note("asking"), "hello");
    workshop.panel.set_policy(Limits { greeting: "good day".into() });
    workshop.wait("the new value", |said| match said {
        Said::Note { text, .. } => (text == "good day").then_some(()),
        _ => None,
    });
    workshop.close();
}

#[test]
fn a_host_adds_functions_that_need_a_capability() {
    let calling = r#"(module
        (import "host" "double" (func $double (param i32 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 0) "abc")
        (func (export "mod_activate") (result i32)
            (if (i32.ne (call $double (i32.const 0) (i32.const 3) (i32.const 10)) (i32.const 6))
                (then (unreachable)))
            (i32.ne (i32.load (i32.const 12)) (i32.const 0x63626163))))"#;
    let calls = Arc::new(AtomicI32::new(0));
    let counted = Arc::clone(&calls);
    let double = HostFunction::new("double", "texts", 3, move |call, arguments| {
        let [at, length, out] = *arguments else { return -1 };
        counted.fetch_add(length, Ordering::Relaxed);
        assert_eq!(call.mod_id(), "calling");
        let Some(twice) = call.text(at, length).map(|text| text.repeat(2)) else { return -1 };
        call.log("called");
        call.put(out, 100, twice.as_bytes())
    });
    let mut workshop = Workshop::open(
        |mods| {
            write_mod(mods, "calling", "1.0.0", "capabilities = ['texts']", calling);
            write_mod(mods, "other", "1.0.0", "", calling);
        },
        |loader| loader.grant_to("calling", "texts").function(double),
    );
    workshop.active("calling");
    assert_eq!(calls.load(Ordering::Relaxed), 3);
    assert_eq!(
        workshop.failed("other").0.to_string(),
        "it imports `host.double`, but its manifest does not ask for the capability `texts`"
    );
    workshop.close();
}

/// A start function is a call like every other: what `AssemblyScript` makes of top-level code.
#[test]
fn a_start_function_runs_before_activation_and_may_call_the_host() {
    let starting = r#"(module
        (import "cp" "log" (func $log (param i32 i32 i32)))
        (memory (export "memory") 1)
        (data (i32.const 0) "started")
        (global $ready (mut i32) (i32.const 5))
        (func $start (call $log (i32.const 1) (i32.const 0) (i32.const 7)) (global.set $ready (i32.const 0)))
        (start $start)
        (func (export "mod_activate") (result i32) (global.get $ready)))"#;
    let mut workshop = Workshop::open(|mods| write_mod(mods, "s", "1.0.0", "", starting), |loader| loader);
    workshop.active("s");
    eventually("the status tells", || !workshop.control.status().is_empty());
    assert_eq!(&*workshop.status("s").log[0].text, "started");
    assert_eq!(workshop.status("s").costs.calls, 2);
    workshop.close();
}

/// As many numbers as a module can pass work; more are refused where the mistake is made.
#[test]
fn a_host_function_of_more_numbers_than_a_module_can_pass_is_refused_at_once() {
    let numbers = "i32 ".repeat(32);
    let zeros = "(i32.const 0)".repeat(32);
    let calling = format!(
        r#"(module (import "host" "many" (func $many (param {numbers}) (result i32)))
            (memory (export "memory") 1)
            (func (export "mod_activate") (result i32) (call $many {zeros})))"#
    );
    let many = HostFunction::new("many", "many", 32, |_, arguments| i32::from(arguments.len() != 32));
    let mut workshop = Workshop::open(
        |mods| write_mod(mods, "m", "1.0.0", "capabilities = ['many']", &calling),
        |loader| loader.grant("many").function(many),
    );
    workshop.active("m");
    workshop.close();
    let refused = std::panic::catch_unwind(|| HostFunction::new("more", "many", 33, |_, _| 0));
    let panic = refused.expect_err("too many");
    let text = panic.downcast_ref::<String>().expect("a text");
    assert_eq!(text, "the host function `more` takes 33 numbers, and a module can pass at most 32");
}
