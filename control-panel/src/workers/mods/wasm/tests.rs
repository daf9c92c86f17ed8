use std::sync::atomic::AtomicBool;

use super::{
    super::{budget::Budget, request::ModRequest},
    *,
};
use crate::workers::mods::ModManifest;

struct Deaf;

impl Desk for Deaf {
    fn emit(&mut self, _: &ModRequest<'_>) -> Result<(), String> {
        Err("nothing listens".to_owned())
    }

    fn policy(&self, _: &str) -> Option<String> {
        None
    }
}

fn load(text: &str, limits: ModLimits, stop: &Arc<AtomicBool>) -> Result<Instance, ModError> {
    let manifest = ModManifest::parse("id = 'm'\nversion = '1.0.0'\nentry = 'm.wat'", &limits)?;
    let host = Host::new(Arc::new(manifest), Box::new(Deaf), Arc::clone(stop), Budget::new(1 << 30).share());
    Instance::load(&Code::Text(text.into()), host, &[])
}

fn patient() -> ModLimits {
    ModLimits { time: std::time::Duration::from_secs(60), ..ModLimits::default() }
}

/// Sums up 0..1,000,000 in a loop, with instructions that fill and copy memory in between: some 1,000 slices of the shortest
/// kind.
const SUMMING: &str = r#"(module (memory (export "memory") 4)
    (func (export "mod_activate") (result i32) (local $n i32) (local $sum i32)
        (loop $more
            (local.set $sum (i32.add (local.get $sum) (local.get $n)))
            (if (i32.eqz (i32.and (local.get $n) (i32.const 0xffff))) (then
                (memory.fill (i32.const 0) (i32.const 7) (i32.const 131072))
                (memory.copy (i32.const 131072) (i32.const 0) (i32.const 131072))
                (drop (memory.grow (i32.const 1)))))
            (br_if $more (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 1000000))))
        (i32.sub (local.get $sum) (i32.const 1783293664))))"#;

#[test]
fn a_call_that_may_take_forever_may() {
    let stop = Arc::new(AtomicBool::new(false));
    let limits = ModLimits { time: std::time::Duration::MAX, ..ModLimits::default() };
    load(SUMMING, limits, &stop).expect("valid").activate().expect("in time");
}

#[test]
fn a_call_in_slices_gives_what_it_gives_in_one() {
    let stop = Arc::new(AtomicBool::new(false));
    let run = |pace: &dyn Fn(&mut Instance)| {
        let mut instance = load(SUMMING, patient(), &stop).expect("valid");
        pace(&mut instance);
        // The sum modulo 2^32 is subtracted in the module itself.
        instance.activate().expect("the right sum");
        instance.costs().fuel
    };
    let whole = run(&|instance| (0..20).for_each(|_| instance.pace.took(std::time::Duration::ZERO)));
    let sliced = run(&|instance| (0..20).for_each(|_| instance.pace.took(std::time::Duration::from_secs(1))));
    assert_eq!(whole, sliced, "and costs the same fuel");
    assert!(whole > 4_000_000, "{whole}");
}

#[test]
fn fuel_that_is_just_enough_is_enough_and_one_unit_less_is_not() {
    let stop = Arc::new(AtomicBool::new(false));
    let mut limits = patient();
    let mut first = load(SUMMING, limits, &stop).expect("valid");
    first.activate().expect("enough");
    limits.fuel = first.costs().fuel;
    load(SUMMING, limits, &stop).expect("valid").activate().expect("just enough");
    limits.fuel -= 1;
    let error = load(SUMMING, limits, &stop).expect("valid").activate().expect_err("too little");
    assert_eq!(error, ModError::Fault { call: "mod_activate", fault: Fault::Fuel(limits.fuel) });
}

#[test]
fn a_call_that_is_to_stop_stops() {
    let endless = r#"(module (memory (export "memory") 1)
        (func (export "mod_activate") (result i32) (loop $for_ever (br $for_ever)) (i32.const 0)))"#;
    let mut limits = ModLimits::default();
    (limits.time, limits.fuel) = (std::time::Duration::from_secs(3_600), u64::MAX);
    let stop = Arc::new(AtomicBool::new(false));
    let mut instance = load(endless, limits, &stop).expect("valid");
    let running = std::thread::spawn(move || instance.activate());
    std::thread::sleep(std::time::Duration::from_millis(20));
    assert!(!running.is_finished());
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    let error = running.join().expect("no panic").expect_err("stopped");
    assert_eq!(error, ModError::Fault { call: "mod_activate", fault: Fault::Stopped });
}

/// Each call gets its limits in full: a call leaves nothing behind except what it wrote.
#[test]
fn each_call_has_its_own_budget() {
    let logging = r#"(module (import "cp" "log" (func $log (param i32 i32 i32))) (memory (export "memory") 1)
        (func $ten (local $n i32) (loop $more (call $log (i32.const 1) (i32.const 0) (i32.const 1))
            (br_if $more (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 10)))))
        (func (export "mod_activate") (result i32) (call $ten) (i32.const 0))
        (func (export "mod_tick") (call $ten)))"#;
    let mut limits = patient();
    limits.host_calls = 10;
    let stop = Arc::new(AtomicBool::new(false));
    let mut instance = load(logging, limits, &stop).expect("valid");
    instance.activate().expect("ten calls");
    for _ in 0..5 {
        instance.tick().expect("ten calls");
    }
    assert_eq!((instance.costs().calls, instance.host().log.count()), (6, 60));
}

/// A panic of the engine is reported as one, without where the engine was built; the next mod has its own engine.
#[test]
fn a_panic_of_the_engine_is_reported_as_such() {
    let error =
        caught::<()>("loading", || panic!("internal error: entered unreachable code")).expect_err("a panic");
    assert_eq!(
        error.to_string(),
        "its loading made the engine panic, which is a fault of the engine (wasmi) and not of the mod: internal error: entered \
         unreachable code"
    );
}

/// The known one does not happen: see `UPSTREAM.md`.
#[test]
fn a_variable_that_is_address_and_value_far_from_0_is_no_fault() {
    let stop = Arc::new(AtomicBool::new(false));
    for offset in [65_535, 65_536] {
        let text = format!(
            r#"(module (memory (export "memory") 4) (func (export "mod_activate") (result i32) (local i32)
                (i32.store8 offset={offset} (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (local.get 0)) (i32.const 0)))"#
        );
        load(&text, patient(), &stop).expect("valid").activate().expect("nothing wrong");
    }
}

#[test]
fn a_module_that_costs_more_than_a_mod_may_is_not_compiled() {
    let stop = Arc::new(AtomicBool::new(false));
    let limits = ModLimits { code: 100_000, ..patient() };
    let body = "(drop (memory.size)) ".repeat(2_000);
    let text = format!(
        r#"(module (memory (export "memory") 1) (func (export "mod_activate") (result i32) {body} (i32.const 0)))"#
    );
    let error = load(&text, limits, &stop).expect_err("too much");
    assert!(matches!(error, ModError::TooHeavy { bytes: 190_000..220_000, most: 100_000 }), "{error:?}");
    load(&text, patient(), &stop).expect("not too much by default");
}
