//! The host's side of a mod: the state that its functions access, and the functions of the module `cp`.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use wasmi::{
    Caller, Error, Extern, Linker, Memory, ResourceLimiter, StoreLimits, StoreLimitsBuilder,
    errors::{HostError, LinkerError, MemoryError, TableError},
};

use wasmi_core::LimiterError;

use super::super::{
    budget::Share,
    error::{Fault, ModError},
    log::ModLog,
    manifest::ModManifest,
    memory::{put, range},
    request::{ModRequest, refusal},
    stopwatch::{Stopwatch, Stretch, thread_time},
    text::plain,
};
use crate::supervision::PanicReport;

/// The maximum length of an intent's text, in bytes.
const INTENT_BYTES: u32 = 16 << 10;
/// The maximum length of a policy value's key, in bytes.
const KEY_BYTES: u32 = 256;
/// The size of a table's element, in bytes.
const ELEMENT_BYTES: usize = 16;
/// How many bytes of a log line are read.
const LINE_BYTES: u32 = 1 << 10;

/// Where intents go and policy values come from: the loader's side, independent of the host's intent type.
pub(in super::super) trait Desk: Send + Sync {
    /// Accepts an intent, or returns why not.
    fn emit(&mut self, request: &ModRequest<'_>) -> Result<(), String>;
    /// The policy's value for a key.
    fn policy(&self, key: &str) -> Option<String>;
}

/// The data in a mod's store.
pub(in super::super) struct Host {
    pub(in super::super) manifest: Arc<ModManifest>,
    pub(in super::super) desk: Box<dyn Desk>,
    pub(in super::super) log: ModLog,
    pub(super) limiter: Limiter,
    /// Intents that the host's own type refused, since the mod was loaded.
    pub(in super::super) refused: u64,
    stop: Arc<AtomicBool>,
    watch: Stopwatch,
    calls_left: u32,
    intents_left: usize,
}

impl Host {
    pub(in super::super) fn new(
        manifest: Arc<ModManifest>,
        desk: Box<dyn Desk>,
        stop: Arc<AtomicBool>,
        share: Share,
    ) -> Self {
        let limits = manifest.limits();
        Self {
            limiter: Limiter::new(limits.memory, limits.table, share),
            desk,
            log: ModLog::default(),
            refused: 0,
            stop,
            watch: Stopwatch::start(limits.time, Instant::now(), thread_time),
            calls_left: 0,
            intents_left: 0,
            manifest,
        }
    }

    /// A call of the mod begins, on this thread.
    pub(super) fn begin(&mut self) {
        self.watch = Stopwatch::start(self.manifest.limits().time, Instant::now(), thread_time);
        self.calls_left = self.manifest.limits().host_calls;
        self.intents_left = self.manifest.limits().intents;
    }

    /// Ends an interval of the call. Returns an error if the call must not continue.
    pub(super) fn overdue(&mut self, stretch: Stretch) -> Option<Fault> {
        self.watch.lap(stretch, Instant::now());
        if self.stop.load(Ordering::Relaxed) {
            return Some(Fault::Stopped);
        }
        self.watch.is_over(thread_time).then(|| Fault::Time(self.manifest.limits().time))
    }

    /// The time that the call has used.
    pub(super) fn used(&self) -> Duration {
        self.watch.used(thread_time)
    }

    /// Counts a call of the host. Each one checks the clock, so that a mod cannot hide behind slow calls.
    pub(super) fn called(&mut self) -> Result<(), Error> {
        let Some(left) = self.calls_left.checked_sub(1) else {
            return Err(Error::host(Raised(Fault::HostCalls(self.manifest.limits().host_calls))));
        };
        self.calls_left = left;
        self.overdue(Stretch::Code).map_or(Ok(()), |fault| Err(Error::host(Raised(fault))))
    }
}

/// A fault that travels through the engine as an error.
#[derive(Debug)]
pub(super) struct Raised(pub(super) Fault);

impl fmt::Display for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl HostError for Raised {}

/// Limits memory and tables, and remembers that it did, because the trap that follows does not say so.
pub(super) struct Limiter {
    limits: StoreLimits,
    /// The mod's share of the memory of all mods.
    pub(super) share: Share,
    /// What was granted last, in case the allocation fails.
    granted: usize,
    memory: usize,
    table: usize,
    /// No table may grow any more. wasmi 2.0 does not record its position when `table.grow` runs out of fuel, so resuming would
    /// continue at the wrong instruction; a denied attempt costs no fuel.
    pub(super) tables_are_fixed: bool,
    pub(super) denied: Option<String>,
    /// The last request that exceeded what was left of the memory of all mods.
    pub(super) lacking: Option<ModError>,
}

impl Limiter {
    fn new(memory: usize, table: usize, share: Share) -> Self {
        let limits = StoreLimitsBuilder::new()
            .memory_size(memory)
            .table_elements(table)
            .instances(1)
            .memories(1)
            .tables(4)
            .build();
        Self {
            limits,
            share,
            granted: 0,
            memory,
            table,
            tables_are_fixed: false,
            denied: None,
            lacking: None,
        }
    }

    /// Whether this much is left for all mods together.
    fn grant(&mut self, bytes: usize) -> bool {
        match self.share.take(bytes) {
            Ok(()) => {
                self.granted = bytes;
                true
            }
            Err(error) => {
                self.denied = Some("more memory than is left for all mods together".to_owned());
                self.lacking = Some(error);
                false
            }
        }
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool, LimiterError> {
        let allowed = self.limits.memory_growing(current, desired, maximum)?;
        if desired > self.memory {
            self.denied = Some(format!("more than {} KiB of memory", self.memory >> 10));
        }
        Ok(allowed && self.grant(desired.saturating_sub(current)))
    }

    fn memory_grow_failed(&mut self, error: &MemoryError) -> Result<(), LimiterError> {
        self.share.give_back(std::mem::take(&mut self.granted));
        self.limits.memory_grow_failed(error)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool, LimiterError> {
        if self.tables_are_fixed {
            self.denied = Some("the growth of a table".to_owned());
            return Ok(false);
        }
        let allowed = self.limits.table_growing(current, desired, maximum)?;
        if desired > self.table {
            self.denied = Some(format!("a table of more than {} elements", self.table));
        }
        Ok(allowed && self.grant(desired.saturating_sub(current).saturating_mul(ELEMENT_BYTES)))
    }

    fn table_grow_failed(&mut self, error: &TableError) -> Result<(), LimiterError> {
        self.share.give_back(std::mem::take(&mut self.granted));
        self.limits.table_grow_failed(error)
    }

    fn instances(&self) -> usize {
        self.limits.instances()
    }

    fn tables(&self) -> usize {
        self.limits.tables()
    }

    fn memories(&self) -> usize {
        self.limits.memories()
    }
}

/// Runs a function of the host. Its panic, which comes from the user's code, must not reach the engine: a panic that unwinds
/// into one of its instructions aborts the process.
pub(super) fn guarded<T>(
    mut caller: Caller<'_, Host>,
    function: impl FnOnce(&mut Caller<'_, Host>) -> Result<T, Error>,
) -> Result<T, Error> {
    let result = PanicReport::catch(|| {
        caller.data_mut().called()?;
        function(&mut caller)
    });
    let result = result
        .unwrap_or_else(|panic| Err(Error::host(Raised(Fault::Panicked(plain(&panic.to_string()))))))?;
    // A slow function of the host does not give the mod more time.
    caller.data_mut().overdue(Stretch::Host).map_or(Ok(result), |fault| Err(Error::host(Raised(fault))))
}

/// Defines the functions of the module `cp`.
pub(super) fn define(linker: &mut Linker<Host>) -> Result<(), LinkerError> {
    linker.func_wrap("cp", "emit_intent", |caller: Caller<'_, Host>, at: u32, length: u32| {
        guarded(caller, |caller| Ok(emit_intent(caller, at, length)))
    })?;
    linker.func_wrap("cp", "log", |caller: Caller<'_, Host>, level: i32, at: u32, length: u32| {
        guarded(caller, |caller| {
            log(caller, level, at, length);
            Ok(())
        })
    })?;
    linker.func_wrap(
        "cp",
        "policy",
        |caller: Caller<'_, Host>, at: u32, length: u32, out: u32, capacity: u32| {
            guarded(caller, |caller| Ok(policy(caller, at, length, out, capacity)))
        },
    )?;
    Ok(())
}

fn emit_intent(caller: &mut Caller<'_, Host>, at: u32, length: u32) -> i32 {
    let Some(memory) = memory(caller) else { return refusal::MEMORY };
    let (bytes, host) = memory.data_and_store_mut(caller);
    if length > INTENT_BYTES {
        return refusal::LENGTH;
    }
    let Some(bytes) = range(bytes, at, length) else { return refusal::MEMORY };
    let Ok(text) = std::str::from_utf8(bytes) else { return refusal::TEXT };
    let Some(left) = host.intents_left.checked_sub(1) else { return refusal::MANY };
    // Refused intents count too: making the host parse is not free.
    host.intents_left = left;
    match host.desk.emit(&ModRequest::new(&host.manifest, text)) {
        Ok(()) => 0,
        Err(why) => {
            host.refused += 1;
            host.log.host(&format!("an intent was refused: {why}"));
            refusal::REFUSED
        }
    }
}

fn log(caller: &mut Caller<'_, Host>, level: i32, at: u32, length: u32) {
    let Some(memory) = memory(caller) else { return };
    let (bytes, host) = memory.data_and_store_mut(caller);
    let shown = length.min(LINE_BYTES);
    match range(bytes, at, shown) {
        Some(bytes) => host.log.line(level, &String::from_utf8_lossy(bytes)),
        None => host.log.host("a log line was not within the mod's memory"),
    }
}

fn policy(caller: &mut Caller<'_, Host>, at: u32, length: u32, out: u32, capacity: u32) -> i32 {
    let Some(memory) = memory(caller) else { return refusal::MEMORY };
    let (bytes, host) = memory.data_and_store_mut(caller);
    if length > KEY_BYTES {
        return refusal::LENGTH;
    }
    let Some(key) = range(bytes, at, length) else { return refusal::MEMORY };
    let Ok(key) = std::str::from_utf8(key) else { return refusal::TEXT };
    if !host.manifest.has_capability(&format!("policy:{key}")) {
        return refusal::DENIED;
    }
    let Some(value) = host.desk.policy(key) else { return refusal::UNKNOWN };
    put(bytes, out, capacity, value.as_bytes())
}

/// The mod's memory: its export is checked on loading.
pub(super) fn memory(caller: &Caller<'_, Host>) -> Option<Memory> {
    caller.get_export("memory").and_then(Extern::into_memory)
}
