//! Turns a module's start function into an exported one, so that it runs under the same limits as every other call: the engine
//! would run it to its end during instantiation. Pure.

use std::borrow::Cow;

use super::sections::{leb128, push_leb128, sections, with_section};

/// The export name of the start function.
pub(super) const EXPORT: &str = "cp:start";

const EXPORTS: u8 = 7;
const START: u8 = 8;

/// Returns the module without a start section, with its start function exported as [`EXPORT`]. A malformed module is returned
/// unchanged: the engine reports better what is wrong with it, and runs no start function by itself.
pub(super) fn exported(module: &[u8]) -> Cow<'_, [u8]> {
    rewritten(module).map_or(Cow::Borrowed(module), Cow::Owned)
}

fn rewritten(module: &[u8]) -> Option<Vec<u8>> {
    let mut sections = sections(module)?;
    let start = sections.iter().find(|section| section.id == START)?;
    let exports = sections.iter().find(|section| section.id == EXPORTS)?;
    let (function, rest) = leb128(start.body)?;
    let (count, entries) = leb128(exports.body)?;
    if !rest.is_empty() {
        return None;
    }
    let mut body = Vec::with_capacity(exports.body.len() + EXPORT.len() + 8);
    push_leb128(&mut body, count.checked_add(1)?);
    body.extend(entries);
    push_leb128(&mut body, u32::try_from(EXPORT.len()).ok()?);
    body.extend(EXPORT.as_bytes());
    body.push(0); // a function
    push_leb128(&mut body, function);

    sections.retain(|section| section.id != START);
    with_section(module, &sections, EXPORTS, &body)
}

#[cfg(test)]
mod tests {
    use wasmi::{Config, Engine, Module};

    use super::*;

    fn binary(text: &str) -> Vec<u8> {
        wat::parse_str(text).expect("valid text")
    }

    fn module(bytes: &[u8]) -> Result<Module, wasmi::Error> {
        let mut config = Config::default();
        config.allow_start_fn(false);
        Module::new(&Engine::new(&config), bytes)
    }

    #[test]
    fn a_start_function_becomes_an_export() {
        let text =
            r#"(module (func) (func $f) (memory (export "memory") 1) (start $f) (data (i32.const 0) "x"))"#;
        let before = binary(text);
        let after = exported(&before);
        let module = module(&after).expect("valid");
        let exports: Vec<_> = module.exports().map(|export| export.name()).collect();
        assert_eq!(exports, [EXPORT, "memory"]);
        assert!(module.get_export(EXPORT).is_some_and(|export| export.func().is_some()));
    }

    #[test]
    fn without_a_start_function_nothing_changes() {
        let before = binary(r#"(module (func (export "f")))"#);
        assert!(matches!(exported(&before), Cow::Borrowed(_)));
    }

    #[test]
    fn many_exports_keep_their_names() {
        let functions = (0..200).map(|n| format!("(func (export \"f{n}\"))")).collect::<Vec<_>>().concat();
        let before = binary(&format!("(module {functions} (func $s) (start $s))"));
        let after = exported(&before);
        assert_eq!(module(&after).expect("valid").exports().count(), 201);
    }

    /// Whatever the bytes, it neither panics nor produces a module that starts by itself.
    #[test]
    fn cut_and_flipped_bytes_are_the_engines_to_judge() {
        let whole = binary(r#"(module (func $f) (memory (export "memory") 1) (start $f))"#);
        for cut in 0..whole.len() {
            let _ = module(&exported(&whole[..cut]));
            for flip in 0..8 {
                let mut bytes = whole.clone();
                bytes[cut] ^= 1 << flip;
                let _ = module(&exported(&bytes));
            }
        }
        assert!(matches!(exported(b""), Cow::Borrowed(_)));
        assert!(matches!(exported(&[0xff; 64]), Cow::Borrowed(_)));
    }

    /// The name is taken: a module with two exports of one name is invalid, and nothing runs.
    #[test]
    fn a_module_that_takes_the_exports_name_is_invalid() {
        let before = binary(r#"(module (func $f (export "cp:start")) (start $f))"#);
        let error = module(&exported(&before)).expect_err("two exports of one name").to_string();
        assert!(error.contains("duplicate export name"), "{error}");
    }
}
