//! Functions that a host adds to the interface.

use std::{fmt, sync::Arc};

use super::{
    memory::{put, range, unsigned},
    wasm::Host,
};

/// The maximum number of parameters of a function: the engine rejects modules that exceed it.
const MOST_PARAMETERS: usize = 32;

type Body = Arc<dyn Fn(&mut HostCall<'_>, &[i32]) -> i32 + Send + Sync>;

/// A function of the host that mods may import from the module `host`, if they are granted its capability.
///
/// Takes numbers and returns one number; texts are passed by address and length ([`HostCall::text`], [`HostCall::put`]). It
/// runs on a blocking thread within the mod's time limit and must not block itself: nothing interrupts it.
///
/// ```
/// use control_panel::workers::mods::{HostCall, HostFunction};
///
/// // In C: __attribute__((import_module("host"))) int page_count(void);
/// let page_count =
///     HostFunction::new("page_count", "pages", 0, |_call, _arguments| 42);
/// // … int page_title(int page, char *out, int capacity);
/// fn title(call: &mut HostCall<'_>, arguments: &[i32]) -> i32 {
///     let [_page, out, capacity] = *arguments else { return -1 };
///     call.put(out, capacity, b"Start")
/// }
/// let page_title = HostFunction::new("page_title", "pages", 3, title);
/// ```
#[derive(Clone)]
pub struct HostFunction {
    name: Arc<str>,
    capability: Arc<str>,
    parameters: usize,
    body: Body,
}

impl HostFunction {
    /// Creates a function that takes this many 32-bit numbers, at most 32, and returns one. A call counts as one of the mod's
    /// host calls.
    ///
    /// # Panics
    /// If it takes more than 32 numbers: no module could import it.
    #[track_caller]
    pub fn new(
        name: impl Into<Arc<str>>,
        capability: impl Into<Arc<str>>,
        parameters: usize,
        body: impl Fn(&mut HostCall<'_>, &[i32]) -> i32 + Send + Sync + 'static,
    ) -> Self {
        let name = name.into();
        assert!(
            parameters <= MOST_PARAMETERS,
            "the host function `{name}` takes {parameters} numbers, and a module can pass at most {MOST_PARAMETERS}"
        );
        Self { name, capability: capability.into(), parameters, body: Arc::new(body) }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn capability(&self) -> &str {
        &self.capability
    }

    pub(super) fn parameters(&self) -> usize {
        self.parameters
    }

    pub(super) fn call(&self, call: &mut HostCall<'_>, arguments: &[i32]) -> i32 {
        (self.body)(call, arguments)
    }
}

impl fmt::Debug for HostFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostFunction")
            .field("name", &self.name)
            .field("capability", &self.capability)
            .field("parameters", &self.parameters)
            .finish_non_exhaustive()
    }
}

/// A call of a [`HostFunction`] by a mod: the caller's id and its memory.
pub struct HostCall<'a> {
    memory: &'a mut [u8],
    host: &'a mut Host,
}

impl<'a> HostCall<'a> {
    pub(super) fn new(memory: &'a mut [u8], host: &'a mut Host) -> Self {
        Self { memory, host }
    }

    /// Returns the id of the calling mod.
    pub fn mod_id(&self) -> &str {
        self.host.manifest.id()
    }

    /// Returns these bytes of the mod's memory; `None` if they are not entirely inside it.
    pub fn bytes(&self, at: i32, length: i32) -> Option<&[u8]> {
        range(self.memory, unsigned(at), unsigned(length))
    }

    /// Returns this text in the mod's memory; `None` if it is not inside it or not UTF-8.
    pub fn text(&self, at: i32, length: i32) -> Option<&str> {
        std::str::from_utf8(self.bytes(at, length)?).ok()
    }

    /// Writes a value into the mod's memory if it fits into `capacity` bytes there, and returns its length either way; −1 if
    /// that range is not inside the memory.
    pub fn put(&mut self, out: i32, capacity: i32, value: &[u8]) -> i32 {
        put(self.memory, unsigned(out), unsigned(capacity), value)
    }

    /// Adds a line to the mod's log.
    pub fn log(&mut self, text: &str) {
        self.host.log.host(text);
    }
}

impl fmt::Debug for HostCall<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostCall").field("mod_id", &self.mod_id()).finish_non_exhaustive()
    }
}
