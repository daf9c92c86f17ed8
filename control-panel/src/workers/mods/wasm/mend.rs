//! Rewrites a module to avoid a bug of the engine, described in `UPSTREAM.md`. Pure.
//!
//! wasmi 2.0 panics when it compiles an integer `store` at an offset of more than 64 KiB whose address and value are the same
//! local variable, held in a register: `table[i] = i` with a table beyond the first 64 KiB. An `or` with 0 before the store
//! makes the value a different one, and changes nothing else.

use std::borrow::Cow;

use super::{
    sections::{push_leb128, sections, with_section},
    shape::Shape,
};

const CODE: u8 = 10;

/// `i32.const 0`, `i32.or`.
const OR_I32: [u8; 3] = [0x41, 0, 0x72];
/// `i64.const 0`, `i64.or`.
const OR_I64: [u8; 3] = [0x42, 0, 0x84];

/// Inserts such an `or` before each store that may be affected.
pub(super) fn mended<'m>(module: &'m [u8], shape: &Shape) -> Cow<'m, [u8]> {
    if shape.stores.is_empty() {
        return Cow::Borrowed(module);
    }
    code(module, shape).map_or(Cow::Borrowed(module), Cow::Owned)
}

fn code(module: &[u8], shape: &Shape) -> Option<Vec<u8>> {
    let mut stores = shape.stores.iter().peekable();
    let mut section = Vec::new();
    push_leb128(&mut section, u32::try_from(shape.bodies.len()).ok()?);
    for range in &shape.bodies {
        let mut body = Vec::with_capacity(range.len());
        let mut from = range.start;
        while let Some(store) = stores.next_if(|store| range.contains(&store.at)) {
            body.extend(module.get(from..store.at)?);
            body.extend(if store.of_i64 { OR_I64 } else { OR_I32 });
            from = store.at;
        }
        body.extend(module.get(from..range.end)?);
        push_leb128(&mut section, u32::try_from(body.len()).ok()?);
        section.extend(body);
    }
    with_section(module, &sections(module)?, CODE, &section)
}

#[cfg(test)]
mod tests {
    use wasmi::{Config, Engine, Linker, Module, Store};

    use super::{super::shape::examine, *};

    /// Runs `main` of a text as it is or rewritten, and returns its result.
    fn run(text: &str) -> i64 {
        let binary = wat::parse_str(text).expect("valid text");
        let mut config = Config::default();
        config.consume_fuel(true);
        let engine = Engine::new(&config);
        let shape = examine(&binary).expect("plain");
        let module = Module::new(&engine, mended(&binary, &shape)).expect("valid");
        let mut store = Store::new(&engine, ());
        store.set_fuel(1_000_000).expect("it counts fuel");
        let instance = Linker::new(&engine).instantiate_and_start(&mut store, &module).expect("no imports");
        let main = instance.get_typed_func::<(), i64>(&store, "main").expect("exported");
        main.call(&mut store, ()).expect("it returns")
    }

    /// One register is both address and value, at offsets on both sides of the engine's limit.
    #[test]
    fn a_variable_is_stored_at_its_own_address() {
        for (width, bits) in [("store8", 8), ("store16", 16), ("store", 32)] {
            for offset in [0, 65_535, 65_536, 977_928] {
                let text = format!(
                    r#"(module (memory 16) (func (export "main") (result i64) (local i32)
                        (i32.{width} offset={offset} align=1
                            (local.tee 0 (i32.add (memory.size) (i32.const 0x01234555))) (local.get 0))
                        (i64.load32_u offset={offset} align=1 (local.get 0))))"#
                );
                // The address is beyond the memory, so the variable must be small.
                let text = text.replace("0x01234555", "0x3321");
                let value = 0x3321 + 16_i64;
                assert_eq!(run(&text), value & ((1_i64 << bits) - 1), "{width} {offset}");
            }
        }
    }

    #[test]
    fn whole_numbers_of_64_bits_are_stored_as_they_are() {
        for (width, bits) in [("store8", 8), ("store16", 16), ("store32", 32), ("store", 64)] {
            let text = format!(
                r#"(module (memory 16) (func (export "main") (result i64) (local i64)
                    (i64.{width} offset=70000 align=1
                        (i32.wrap_i64 (local.tee 0 (i64.extend_i32_u (memory.size)))) (i64.mul (local.get 0) (i64.const 0x0123456789abcdef)))
                    (i64.load offset=70000 align=1 (i32.wrap_i64 (local.get 0)))))"#
            );
            let value = 0x0123_4567_89ab_cdef_u64.wrapping_mul(16);
            let kept = if bits == 64 { value } else { value & ((1_u64 << bits) - 1) };
            assert_eq!(run(&text), i64::from_ne_bytes(kept.to_ne_bytes()), "{width}");
        }
    }

    #[test]
    fn what_needs_no_mending_is_left_as_it_is() {
        let near = r"(module (memory 4) (func (local i32) (i32.store offset=65535 (local.get 0) (local.get 0)))
            (func (f32.store offset=70000 (i32.const 0) (f32.const 1))))";
        let binary = wat::parse_str(near).expect("valid text");
        let shape = examine(&binary).expect("plain");
        assert_eq!(shape.stores, []);
        assert!(matches!(mended(&binary, &shape), Cow::Borrowed(_)));
    }

    /// Several functions, several stores in each, and sections around the code.
    #[test]
    fn everything_else_stays() {
        let store = "(i32.store offset=70000 (local.get 0) (local.get 0))";
        let text = format!(
            r#"(module (memory 4) (global $g (mut i64) (i64.const 1))
                (func $a (param i32) {store} (global.set $g (i64.const 7)) {store})
                (func $b)
                (func (export "main") (result i64) (local i32) {store} (call $a (i32.const 3)) (call $b)
                    (i64.add (global.get $g) (i64.load offset=70000 (i32.const 8))))
                (data (i32.const 70008) "\05"))"#
        );
        assert_eq!(run(&text), 12);
    }
}
