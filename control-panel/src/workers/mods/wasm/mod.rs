//! A loaded module and its calls: everything that knows the engine. Blocking; bounded by the mod's limits.

mod call;
mod check;
mod host;
mod mend;
mod sections;
mod shape;
mod start;

use std::{borrow::Cow, sync::Arc};

use wasmi::{
    Caller, CompilationMode, Config, EnforcedLimits, Engine, Linker, Module, Store, TypedFunc, Val,
    WasmResults,
};

pub use self::call::CallCosts;
pub(super) use self::host::{Desk, Host};
use super::{
    content,
    error::{Fault, ModError},
    function::{HostCall, HostFunction},
    limits::{ModLimits, Pace},
    text::plain,
};
use crate::supervision::PanicReport;

/// The maximum memory in bytes that parsing takes per byte of a module's text; and the bytes of an instance besides its code.
/// `tests/mod_memory.rs` verifies both.
const TEXT_COST: usize = 128;
const INSTANCE_COST: usize = 64 << 10;

/// A mod's module as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Code {
    /// `.wasm`
    Binary(Vec<u8>),
    /// `.wat`
    Text(Vec<u8>),
}

/// A loaded mod. Nothing of it has run except its start function.
pub(super) struct Instance {
    store: Store<Host>,
    activate: TypedFunc<(), i32>,
    deactivate: Option<TypedFunc<(), ()>>,
    tick: Option<TypedFunc<(), ()>>,
    pace: Pace,
    costs: CallCosts,
}

impl Instance {
    /// Compiles, checks, instantiates, and runs the start function.
    ///
    /// The compiler's memory is bounded before it runs: by the size of the module, by what its code may need, and by what all
    /// mods may hold together. What runs is bounded by the mod's limits.
    pub(super) fn load(code: &Code, host: Host, functions: &[HostFunction]) -> Result<Self, ModError> {
        caught("loading", || Self::load_uncaught(code, host, functions)).unwrap_or_else(Err)
    }

    fn load_uncaught(code: &Code, mut host: Host, functions: &[HostFunction]) -> Result<Self, ModError> {
        content::check(code)?;
        let manifest = Arc::clone(&host.manifest);
        let binary = match code {
            Code::Binary(bytes) => Cow::Borrowed(bytes.as_slice()),
            Code::Text(text) => {
                // The parser's memory is free again as soon as it is done.
                let parsing = text.len().saturating_mul(TEXT_COST);
                host.limiter.share.take(parsing)?;
                let binary = from_text(text)?;
                host.limiter.share.give_back(parsing);
                Cow::Owned(binary)
            }
        };
        let shape = shape::examine(&binary)?;
        let limits = manifest.limits();
        if shape.cost > limits.code {
            return Err(ModError::TooHeavy { bytes: shape.cost as u64, most: limits.code as u64 });
        }
        host.limiter.share.take(shape.cost.saturating_add(INSTANCE_COST))?;
        // One engine per load: an engine keeps everything that it has compiled for as long as it lives, and a panic in it
        // leaves it unusable.
        let engine = engine(manifest.limits());
        let invalid = |error: wasmi::Error| ModError::Module {
            problem: plain(&format!("it is no module that this host can run: {error}")),
        };
        let module =
            Module::new(&engine, start::exported(&mend::mended(&binary, &shape))).map_err(invalid)?;
        check::check(&module, &manifest, functions)?;
        let mut store = Store::new(&engine, host);
        store.limiter(|host| &mut host.limiter);
        let linker = linker(&engine, functions).map_err(|error| invalid(error.into()))?;
        let instance = linker.instantiate_and_start(&mut store, &module).map_err(|error| {
            let limiter = &store.data().limiter;
            match (&limiter.lacking, &limiter.denied) {
                (Some(lacking), _) => lacking.clone(),
                (None, Some(denied)) => ModError::Module { problem: format!("it asks for {denied}") },
                (None, None) => invalid(error),
            }
        })?;
        store.data_mut().limiter.tables_are_fixed = true;
        let optional = |name| instance.get_typed_func::<(), ()>(&store, name).ok();
        let mut mod_ = Self {
            activate: instance.get_typed_func(&store, "mod_activate").map_err(invalid)?,
            deactivate: optional("mod_deactivate"),
            tick: optional("mod_tick"),
            pace: Pace::new(),
            costs: CallCosts::default(),
            store,
        };
        if let Ok(start) = instance.get_typed_func::<(), ()>(&mod_.store, start::EXPORT) {
            mod_.call(start, "start")?;
        }
        Ok(mod_)
    }

    /// Calls `mod_activate`.
    pub(super) fn activate(&mut self) -> Result<(), ModError> {
        match self.call(self.activate, "mod_activate")? {
            0 => Ok(()),
            number => Err(ModError::Declined { number }),
        }
    }

    /// Calls `mod_deactivate`, if there is one.
    pub(super) fn deactivate(&mut self) -> Result<(), ModError> {
        self.deactivate.map_or(Ok(()), |function| self.call(function, "mod_deactivate"))
    }

    /// Calls `mod_tick`, if there is one.
    pub(super) fn tick(&mut self) -> Result<(), ModError> {
        self.tick.map_or(Ok(()), |function| self.call(function, "mod_tick"))
    }

    pub(super) fn ticks(&self) -> bool {
        self.tick.is_some()
    }

    pub(super) fn costs(&self) -> CallCosts {
        self.costs
    }

    pub(super) fn host(&self) -> &Host {
        self.store.data()
    }

    fn call<R: WasmResults>(
        &mut self,
        function: TypedFunc<(), R>,
        name: &'static str,
    ) -> Result<R, ModError> {
        caught(name, || call::call(&mut self.store, function, name, &mut self.pace, &mut self.costs))
            .unwrap_or_else(Err)
    }
}

/// Runs code that must not bring the loader down, whatever it does.
fn caught<T>(call: &'static str, run: impl FnOnce() -> T) -> Result<T, ModError> {
    PanicReport::catch(run)
        // Only panics of the engine arrive here: those of host functions are caught at the call. The location is in the
        // engine's sources, wherever the host was built: the hook reports it, and it is of no use to readers of the reason.
        .map_err(|panic| ModError::Fault { call, fault: Fault::Engine(plain(panic.message())) })
}

fn from_text(text: &[u8]) -> Result<Vec<u8>, ModError> {
    let invalid = |problem: &str| ModError::Module {
        problem: plain(&format!("its text is no valid WebAssembly: {problem}")),
    };
    let text = std::str::from_utf8(text).map_err(|_| invalid("it is not UTF-8"))?;
    wat::parse_str(text).map_err(|error| {
        // The first line names the error; the others draw its position.
        let whole = error.to_string();
        let place = whole.lines().find_map(|line| line.trim().strip_prefix("--> ")).unwrap_or_default();
        invalid(&format!("{} {place}", whole.lines().next().unwrap_or_default()))
    })
}

fn engine(limits: &ModLimits) -> Engine {
    let mut config = Config::default();
    config
        .consume_fuel(true)
        // Not lazily, so that no call spends its time on compiling, which cannot be interrupted.
        .compilation_mode(CompilationMode::Eager)
        .enforced_limits(EnforcedLimits::strict())
        .ignore_custom_sections(true)
        .allow_start_fn(false)
        .wasm_multi_memory(false)
        .set_min_stack_height(limits.stack.min(1_000))
        .set_max_stack_height(limits.stack)
        .set_max_recursion_depth(limits.depth)
        // The stack that a deep call allocated is not kept: so there is one stack at a time, rather than one per mod.
        .set_max_cached_stacks(0);
    Engine::new(&config)
}

fn linker(engine: &Engine, functions: &[HostFunction]) -> Result<Linker<Host>, wasmi::errors::LinkerError> {
    let mut linker = Linker::new(engine);
    host::define(&mut linker)?;
    for function in functions {
        let signature = check::signature(function.parameters(), true);
        let called = function.clone();
        linker.func_new("host", function.name(), signature, move |caller, inputs, outputs| {
            host::guarded(caller, |caller| host_function(&called, caller, inputs, outputs))
        })?;
    }
    Ok(linker)
}

fn host_function(
    function: &HostFunction,
    caller: &mut Caller<'_, Host>,
    inputs: &[Val],
    outputs: &mut [Val],
) -> Result<(), wasmi::Error> {
    let arguments: Vec<i32> = inputs.iter().filter_map(Val::i32).collect();
    let Some(memory) = host::memory(caller) else { return Err(wasmi::Error::new("the mod has no memory")) };
    let (bytes, host) = memory.data_and_store_mut(caller);
    let result = function.call(&mut HostCall::new(bytes, host), &arguments);
    if let Some(output) = outputs.first_mut() {
        *output = Val::I32(result);
    }
    Ok(())
}

impl std::fmt::Debug for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Instance").field("costs", &self.costs).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
