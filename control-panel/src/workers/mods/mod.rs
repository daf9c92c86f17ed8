#![doc = include_str!("authors.md")]

mod budget;
mod content;
mod control;
mod counter;
mod error;
mod event;
mod exhibit;
mod files;
mod function;
mod grants;
mod limits;
mod log;
mod look;
mod manifest;
mod memory;
mod plan;
mod request;
mod slots;
mod status;
mod stopwatch;
mod text;
mod wasm;
mod watch;
mod worker;

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use self::{
    budget::Budget,
    control::Shared,
    files::Bounds,
    grants::Grants,
    look::{Look, Work},
    watch::FolderWatch,
};
pub use self::{
    control::{ControlError, ModControl},
    error::{Fault, ModError},
    event::{Deactivation, ModEvent},
    function::{HostCall, HostFunction},
    limits::ModLimits,
    log::{ModLogLevel, ModLogLine},
    manifest::ModManifest,
    request::{ModIntent, ModPolicy, ModRequest},
    status::{ModFolderStatus, ModFolderWatch, ModHealth, ModStatus},
    wasm::CallCosts,
};
use crate::{Intent, IntentSource, Spawn, Worker, WorkerHandle, intent::Source, supervision::Cancel};

/// Configures a mod loader: its folder, its source, and what it allows.
///
/// ```
/// # use control_panel::{ControlPanel, GraphIntent, IntentSource, workers::mods::*};
/// # #[derive(GraphIntent)] enum Update { #[intent(from)] Mod(ModEvent) }
/// # impl ModIntent for Update {}
/// use std::time::Duration;
///
/// let mut limits = ModLimits::default();
/// limits.time = Duration::from_millis(10);
/// let loader = ModLoader::new("mods", IntentSource::ModLoader)
///     .limits(limits)
///     .tick(Duration::from_millis(200))
///     .grant("intent")
///     .grant_to("link-annotator", "pages")
///     .function(HostFunction::new("page_count", "pages", 0, |_, _| 42));
/// let mods = loader.control();
///
/// let panel = ControlPanel::<Update>::new();
/// panel.spawn(loader.into_worker());
/// mods.deactivate("link-annotator")?;
/// for status in mods.status().iter() {
///     println!("{} is {}", status.file, status.health);
/// }
/// # Ok::<(), ControlError>(())
/// ```
#[must_use = "a mod loader does nothing until it is spawned"]
pub struct ModLoader<S> {
    source: S,
    parts: Parts,
}

/// The parts that the worker takes over.
struct Parts {
    folder: PathBuf,
    bounds: Bounds,
    budget: Budget,
    grants: Grants,
    functions: Arc<[HostFunction]>,
    look_every: Duration,
    tick: Duration,
    shared: Arc<Shared>,
    /// A test's hook before each look, on the look thread.
    #[cfg(test)]
    before_look: Arc<dyn Fn() + Send + Sync>,
}

impl Parts {
    /// Creates what runs at each look, on the look thread.
    fn look(&self) -> Look {
        let (folder, bounds, shared) = (self.folder.clone(), self.bounds, Arc::clone(&self.shared));
        #[cfg(test)]
        let before_look = Arc::clone(&self.before_look);
        let work = move || -> Work {
            let (folder, shared) = (folder.clone(), Arc::clone(&shared));
            #[cfg(test)]
            let before_look = Arc::clone(&before_look);
            let mut watch = FolderWatch::new(folder.clone(), Arc::clone(&shared));
            Box::new(move |known| {
                #[cfg(test)]
                before_look();
                let mut scan = files::scan(&folder, &bounds, known);
                let (grew, state) = watch.follow(std::mem::take(&mut scan.folders));
                // Something may have changed between the look and the watch.
                if grew {
                    shared.changed();
                }
                scan.watch = Some(state);
                scan
            })
        };
        Look::new(Arc::clone(&self.shared), work)
    }
}

/// However the loader ends, even if it never began, its control handle shows it.
impl Drop for Parts {
    fn drop(&mut self) {
        self.shared.stopped();
    }
}

impl<S: Source> ModLoader<S> {
    /// Creates a loader of the mods in a folder, which need not exist yet; its intents come from `source`.
    ///
    /// By default it grants no capability, accepts at most 64 mods of at most 1 MiB each with the default [`ModLimits`], which
    /// hold at most 512 MiB together, ticks every second, and looks every 2 s for changes that the file system did not report.
    pub fn new(folder: impl Into<PathBuf>, source: S) -> Self {
        let bounds = Bounds { mods: 64, module_bytes: 1 << 20, limits: ModLimits::default() };
        Self {
            source,
            parts: Parts {
                folder: folder.into(),
                bounds,
                budget: Budget::new(512 << 20),
                grants: Grants::default(),
                functions: Arc::new([]),
                look_every: Duration::from_secs(2),
                tick: Duration::from_secs(1),
                shared: Shared::new(),
                #[cfg(test)]
                before_look: Arc::new(|| ()),
            },
        }
    }

    /// The maximum that each mod may use; a manifest may ask for less.
    pub fn limits(mut self, limits: ModLimits) -> Self {
        self.parts.bounds.limits = limits;
        self
    }

    /// How many mods it accepts. Default: 64.
    ///
    /// ```
    /// # use control_panel::{IntentSource, workers::mods::ModLoader};
    /// # use std::time::Duration;
    /// let loader = ModLoader::new("mods", IntentSource::ModLoader)
    ///     .max_mods(8)
    ///     .max_module_size(256 << 10)
    ///     .max_memory(64 << 20) // of all of them together
    ///     .look_every(Duration::from_secs(10));
    /// # let _ = loader;
    /// ```
    pub fn max_mods(mut self, mods: usize) -> Self {
        self.parts.bounds.mods = mods;
        self
    }

    /// The maximum size of a module in bytes. Default: 1 MiB. It bounds how long a module takes to compile, which cannot be
    /// interrupted.
    pub fn max_module_size(mut self, bytes: u64) -> Self {
        self.parts.bounds.module_bytes = bytes;
        self
    }

    /// The maximum number of bytes of the host's memory that all mods of this loader may hold together: their modules, what the
    /// engine compiles them to, also during compilation, and their linear memories and tables as they grow. Default: 512 MiB.
    ///
    /// The memory needed to compile a module is not measured but estimated from its code, and never too low: mostly two to five
    /// times the real figure. A mod for which not enough is left is `LoadFailed` ([`ModError::NoMemory`]), and is tried again
    /// when another one returns memory; a running mod that asks for more linear memory than is left does not get it. The limits
    /// of a single mod are in [`ModLimits`]. The files themselves are kept in addition ([`max_mods`](Self::max_mods) of
    /// [`max_module_size`](Self::max_module_size)).
    pub fn max_memory(mut self, bytes: usize) -> Self {
        self.parts.budget.set_most(bytes);
        self
    }

    /// How often `mod_tick` is called; at most every millisecond. Default: 1 s. Missed ticks are skipped.
    pub fn tick(mut self, period: Duration) -> Self {
        self.parts.tick = period.max(Duration::from_millis(1));
        self
    }

    /// How often it looks at the folder, in addition to changes that the file system reports; at most every 10 ms. Default: 2
    /// s.
    pub fn look_every(mut self, period: Duration) -> Self {
        self.parts.look_every = period.max(Duration::from_millis(10));
        self
    }

    /// Grants a capability to every mod that asks for it: `intent`, `policy:KEY`, or one of the host's own.
    pub fn grant(mut self, capability: impl Into<String>) -> Self {
        self.parts.grants.grant_all(capability.into());
        self
    }

    /// Grants a capability to the mod of this id, if it asks for it. Anyone who can write to the folder can claim any id.
    pub fn grant_to(mut self, mod_id: impl Into<String>, capability: impl Into<String>) -> Self {
        self.parts.grants.grant(mod_id.into(), capability.into());
        self
    }

    /// Adds a function that mods may import from the module `host`. A later function replaces an earlier one of the same name.
    pub fn function(mut self, function: HostFunction) -> Self {
        let mut functions = self.parts.functions.to_vec();
        functions.retain(|other| other.name() != function.name());
        functions.push(function);
        self.parts.functions = functions.into();
        self
    }

    /// Returns the handle that switches its mods on and off, and shows their status.
    pub fn control(&self) -> ModControl {
        ModControl { shared: Arc::clone(&self.parts.shared) }
    }

    /// Builds the worker, named `mod_loader`, for `panel.spawn(…)`. When it is asked to stop, it deactivates its mods, the last
    /// one first, within its grace of 5 s.
    pub fn into_worker<I, P>(self) -> Worker<I, P>
    where
        I: Intent<Source = S> + ModIntent,
        P: ModPolicy + Send + Sync + 'static,
    {
        let shown = self.control();
        let Self { source, parts } = self;
        Worker::once("mod_loader", source, move |cx| worker::run(cx, parts))
            .cancel(Cancel::Cooperative)
            .exhibit(shown)
    }
}

impl<S: fmt::Debug> fmt::Debug for ModLoader<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModLoader")
            .field("source", &self.source)
            .field("folder", &self.parts.folder)
            .field("bounds", &self.parts.bounds)
            .field("max_memory", &self.parts.budget.most())
            .field("grants", &self.parts.grants)
            .finish_non_exhaustive()
    }
}

/// Spawns the default loader on a panel with the built-in sources.
pub trait SpawnModLoader: Spawn {
    /// Loads the mods in a folder and reloads them as they change. It grants them no capability: for that, and for other
    /// limits, spawn a [`ModLoader`].
    ///
    /// Source: [`IntentSource::ModLoader`]. Never restarted: it fails only if the intent created from [`ModEvent`] has the
    /// clock 0 ([`SendError::ZeroClock`](crate::SendError::ZeroClock)).
    fn spawn_mod_loader(&self, folder: impl Into<PathBuf>) -> WorkerHandle;
}

impl<S> SpawnModLoader for S
where
    S: Spawn + ?Sized,
    S::Intent: Intent<Source = IntentSource> + ModIntent,
    S::Policy: ModPolicy,
{
    fn spawn_mod_loader(&self, folder: impl Into<PathBuf>) -> WorkerHandle {
        self.admit(ModLoader::new(folder, IntentSource::ModLoader).into_worker())
    }
}
