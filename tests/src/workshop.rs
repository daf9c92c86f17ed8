//! A mods folder, a panel with a mod loader on it, and what the loader reported.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use control_panel::{
    ControlPanel, GraphIntent, IntentSource,
    workers::mods::{
        Deactivation, ModControl, ModError, ModEvent, ModIntent, ModLimits, ModLoader, ModPolicy, ModRequest,
        ModStatus,
    },
};
use serde_json::Value;
use tempfile::TempDir;

use crate::eventually;

/// What the loader and the mods say.
#[derive(Debug, Clone, PartialEq, GraphIntent)]
pub enum Said {
    /// The loader, of a mod.
    Mod(#[doc(hidden)] ModEvent),
    /// A mod, by `{"kind":"note","text":…}`.
    Note {
        /// Which.
        by: String,
        /// What.
        text: String,
    },
    /// A peer, by `{"kind":"remote","clock":…}`.
    #[intent(clock = clock)]
    Remote {
        /// Its clock.
        clock: u64,
    },
}

impl From<ModEvent> for Said {
    fn from(event: ModEvent) -> Self {
        Self::Mod(event)
    }
}

impl ModIntent for Said {
    fn from_mod(request: &ModRequest<'_>) -> Result<Self, String> {
        let value: Value = serde_json::from_str(request.json()).map_err(|error| error.to_string())?;
        match (value["kind"].as_str(), value["text"].as_str(), value["clock"].as_u64()) {
            (Some("note"), Some(text), _) if text.len() < 100 => {
                Ok(Self::Note { by: request.mod_id().to_owned(), text: text.to_owned() })
            }
            (Some("note"), ..) => Err("a note has a `text` of less than 100 bytes".to_owned()),
            (Some("remote"), _, Some(clock)) if request.may("remote") => Ok(Self::Remote { clock }),
            (kind, ..) => Err(format!("there is no kind {kind:?}, or this mod may not")),
        }
    }
}

/// A policy with one value that mods may ask for.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    /// The value of `greeting`.
    pub greeting: String,
}

impl ModPolicy for Limits {
    fn mod_value(&self, key: &str) -> Option<String> {
        (key == "greeting").then(|| self.greeting.clone())
    }
}

/// The least module that is one.
pub const FINE: &str =
    r#"(module (memory (export "memory") 1) (func (export "mod_activate") (result i32) (i32.const 0)))"#;

/// A folder of mods with a loader at work.
#[derive(Debug)]
pub struct Workshop {
    /// The panel, whose only worker is the loader.
    pub panel: ControlPanel<Said, Limits>,
    /// The loader's hand.
    pub control: ModControl,
    said: Vec<Said>,
    folder: PathBuf,
    _keep: TempDir,
}

impl Workshop {
    /// Makes the folder, lets `fill` put mods there, and starts the loader as `build` says.
    ///
    /// # Panics
    /// If there is no place for temporary files.
    pub fn open(
        fill: impl FnOnce(&Path),
        build: impl FnOnce(ModLoader<IntentSource>) -> ModLoader<IntentSource>,
    ) -> Self {
        let keep = tempfile::tempdir().expect("a temporary folder");
        let folder = keep.path().join("mods");
        fs::create_dir(&folder).expect("a folder");
        fill(&folder);
        // The tests' machines are slow and busy: what is about limits sets its own.
        let mut limits = ModLimits::default();
        limits.time = Duration::from_secs(5);
        let loader = ModLoader::new(&folder, IntentSource::ModLoader)
            .limits(limits)
            .tick(Duration::from_millis(10))
            .look_every(Duration::from_millis(100));
        let loader = build(loader);
        let control = loader.control();
        let panel = ControlPanel::new();
        panel.spawn(loader.into_worker());
        Self { panel, control, said: Vec::new(), folder, _keep: keep }
    }

    /// The mods folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Everything that was said so far.
    pub fn said(&mut self) -> &[Said] {
        self.said.extend(self.panel.drain().map(|queued| queued.intent));
        &self.said
    }

    /// Forgets what was said so far.
    pub fn forget(&mut self) {
        self.said();
        self.said.clear();
    }

    /// Waits until something is said that `find` finds something in.
    ///
    /// # Panics
    /// If nothing is, with all that was said.
    pub fn wait<T>(&mut self, what: &str, mut find: impl FnMut(&Said) -> Option<T>) -> T {
        let mut found = None;
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            eventually(what, || {
                found = self.said().iter().find_map(&mut find);
                found.is_some()
            });
        }));
        assert!(result.is_ok(), "still not: {what}; said was {:#?}", self.said);
        found.expect("waited for it")
    }

    /// Waits until a mod is active, and says in which version.
    pub fn active(&mut self, id: &str) -> String {
        self.wait(&format!("{id} is active"), |said| match said {
            Said::Mod(ModEvent::Activated { mod_id, version }) if mod_id == id => Some(version.clone()),
            _ => None,
        })
    }

    /// Waits until a mod could not be loaded, and says why and what goes on.
    pub fn failed(&mut self, id: &str) -> (ModError, Option<String>) {
        self.wait(&format!("{id} failed"), |said| match said {
            Said::Mod(ModEvent::LoadFailed { mod_id, reason, still_running }) if mod_id == id => {
                Some((reason.clone(), still_running.clone()))
            }
            _ => None,
        })
    }

    /// Waits until a mod is not active any more, and says why.
    pub fn inactive(&mut self, id: &str) -> Deactivation {
        self.wait(&format!("{id} is inactive"), |said| match said {
            Said::Mod(ModEvent::Deactivated { mod_id, cause }) if mod_id == id => Some(cause.clone()),
            _ => None,
        })
    }

    /// Waits for a note of a mod.
    pub fn note(&mut self, id: &str) -> String {
        self.wait(&format!("a note of {id}"), |said| match said {
            Said::Note { by, text } if by == id => Some(text.clone()),
            _ => None,
        })
    }

    /// A mod's status, by its id or file. Waits for it: intents are sent before it is published.
    ///
    /// # Panics
    /// If there is none.
    pub fn status(&self, name: &str) -> ModStatus {
        let mut found = None;
        eventually(&format!("{name} has a status"), || {
            let all = self.control.status();
            found = all.iter().find(|at| at.mod_id.as_deref() == Some(name) || at.file == name).cloned();
            found.is_some()
        });
        found.expect("it was found")
    }

    /// The loader lives, and ends as it should.
    ///
    /// # Panics
    /// If it does not.
    pub fn close(self) {
        assert_eq!(self.panel.worker_count(), 1, "the loader lives");
        let report = self.panel.shutdown_blocking();
        assert!(report.is_clean(), "{report}");
    }
}

/// Writes a mod that is a folder: its manifest's first lines are made, `more` follows.
///
/// # Panics
/// If it cannot be written.
pub fn write_mod(mods: &Path, id: &str, version: &str, more: &str, wat: &str) {
    let folder = mods.join(id);
    fs::create_dir_all(&folder).expect("a folder");
    write_file(&folder.join("mod.wat"), wat);
    write_file(&folder.join("mod.toml"), &manifest(id, version, "mod.wat", more));
}

/// A manifest's text.
#[must_use]
pub fn manifest(id: &str, version: &str, entry: &str, more: &str) -> String {
    format!("id = '{id}'\nversion = '{version}'\nentry = '{entry}'\n{more}\n")
}

/// Writes a file as a careful program does: beside its place, then renamed, so that no reader sees half of it.
///
/// # Panics
/// If it cannot be written.
pub fn write_file(path: &Path, text: &str) {
    let beside = path.with_extension("new");
    fs::write(&beside, text).expect("written");
    fs::rename(&beside, path).expect("renamed");
}

/// A module that emits `{"kind":"note","text":…}` from a function.
#[must_use]
pub fn noting(function: &str, result: &str, text: &str) -> String {
    let json = format!(r#"{{"kind":"note","text":"{text}"}}"#);
    format!(
        r#"(module
            (import "cp" "emit_intent" (func $emit (param i32 i32) (result i32)))
            (memory (export "memory") 1)
            (data (i32.const 0) {json:?})
            (func (export "mod_activate") (result i32) {activate})
            (func (export "{function}") {result} (drop (call $emit (i32.const 0) (i32.const {length}))) {zero}))"#,
        activate = "(i32.const 0)",
        zero = if result.is_empty() { "" } else { "(i32.const 0)" },
        length = json.len(),
    )
    .replace(
        r#"(func (export "mod_activate") (result i32) (i32.const 0))
            (func (export "mod_activate")"#,
        r#"(func (export "mod_activate")"#,
    )
}
