//! What a module must export and may import, checked before it is instantiated.

use wasmi::{ExternType, FuncType, Module, ValType};

use super::{
    super::{error::ModError, function::HostFunction, manifest::ModManifest, text::plain},
    start,
};

/// The functions of the module `cp`: name, parameters, whether it returns a number, and the capability.
const CP: [(&str, usize, bool, Option<&str>); 3] =
    [("emit_intent", 2, true, Some("intent")), ("log", 3, false, None), ("policy", 4, true, Some("policy:"))];

pub(super) fn check(
    module: &Module,
    manifest: &ModManifest,
    functions: &[HostFunction],
) -> Result<(), ModError> {
    exports(module)?;
    for import in module.imports() {
        let name = format!("{}.{}", import.module(), import.name());
        let ExternType::Func(found) = import.ty() else {
            return Err(wrong(&format!(
                "it imports `{name}`, which is not a function: only functions can be imported"
            )));
        };
        let (wanted, capability) = match import.module() {
            "cp" => {
                let known = CP.iter().find(|(known, ..)| *known == import.name());
                let (_, parameters, returns, capability) = known.ok_or_else(|| unknown(&name))?;
                (signature(*parameters, *returns), *capability)
            }
            "host" => {
                let known = functions.iter().find(|function| function.name() == import.name());
                let function = known.ok_or_else(|| unknown(&name))?;
                (signature(function.parameters(), true), Some(function.capability()))
            }
            _ => return Err(unknown(&name)),
        };
        if *found != wanted {
            return Err(wrong(&format!(
                "it imports `{name}` as {}, but it is {}",
                words(found),
                words(&wanted)
            )));
        }
        if let Some(capability) = capability.filter(|capability| !asks_for(manifest, capability)) {
            return Err(wrong(&format!(
                "it imports `{name}`, but its manifest does not ask for the capability `{capability}{}`",
                if capability.ends_with(':') { "…" } else { "" }
            )));
        }
    }
    Ok(())
}

fn exports(module: &Module) -> Result<(), ModError> {
    match module.get_export("memory") {
        Some(ExternType::Memory(_)) => {}
        Some(_) => return Err(wrong("its export `memory` is not a memory")),
        None => return Err(wrong("it does not export its memory as `memory`")),
    }
    for (name, returns, needed) in [
        ("mod_activate", true, true),
        ("mod_deactivate", false, false),
        ("mod_tick", false, false),
        (start::EXPORT, false, false),
    ] {
        let wanted = signature(0, returns);
        match module.get_export(name) {
            Some(ExternType::Func(found)) if found == wanted => {}
            Some(ExternType::Func(found)) => {
                return Err(wrong(&format!(
                    "its `{name}` is {}, but must be {}",
                    words(&found),
                    words(&wanted)
                )));
            }
            Some(_) => return Err(wrong(&format!("its export `{name}` is not a function"))),
            None if needed => return Err(wrong(&format!("it does not export the function `{name}`"))),
            None => {}
        }
    }
    Ok(())
}

/// Whether a manifest asks for a capability, or for any with a prefix that ends in a colon.
fn asks_for(manifest: &ModManifest, capability: &str) -> bool {
    if capability.ends_with(':') {
        return manifest.capabilities().any(|asked| asked.starts_with(capability));
    }
    manifest.has_capability(capability)
}

/// A type with this many 32-bit parameters, and one result or none.
pub(super) fn signature(parameters: usize, returns: bool) -> FuncType {
    let number = std::iter::repeat_n(ValType::I32, parameters);
    FuncType::new(number, returns.then_some(ValType::I32))
}

fn words(ty: &FuncType) -> String {
    let list = |types: &[ValType]| {
        types.iter().map(|ty| format!("{ty:?}").to_lowercase()).collect::<Vec<_>>().join(", ")
    };
    match ty.results() {
        [] => format!("a function ({})", list(ty.params())),
        results => format!("a function ({}) -> {}", list(ty.params()), list(results)),
    }
}

fn unknown(name: &str) -> ModError {
    wrong(&format!("it imports `{name}`, which this host does not have"))
}

fn wrong(problem: &str) -> ModError {
    ModError::Module { problem: plain(problem) }
}
