//! A mods folder and a panel with a loader, for measuring.

use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use control_panel::{
    ControlPanel, GraphIntent, IntentSource,
    workers::mods::{HostFunction, ModControl, ModEvent, ModIntent, ModLimits, ModLoader, ModRequest},
};

#[derive(GraphIntent)]
pub enum Update {
    #[intent(from)]
    Mod(ModEvent),
    Note(#[allow(dead_code)] usize),
}

impl ModIntent for Update {
    fn from_mod(request: &ModRequest<'_>) -> Result<Self, String> {
        Ok(Self::Note(request.json().len()))
    }
}

pub struct Desk {
    pub control: ModControl,
    pub panel: ControlPanel<Update>,
    loader: Option<ModLoader<IntentSource>>,
    folder: PathBuf,
    marked: Arc<Mutex<Instant>>,
}

impl Desk {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("control-panel-mods-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let marked = Arc::new(Mutex::new(Instant::now()));
        let mark = Arc::clone(&marked);
        let loader = ModLoader::new(&folder, IntentSource::ModLoader)
            .tick(Duration::from_millis(1))
            .grant("intent")
            .grant("mark")
            .function(HostFunction::new("mark", "mark", 0, move |_, _| {
                *mark.lock().expect("no panic while it is locked") = Instant::now();
                0
            }));
        Self { control: loader.control(), panel: ControlPanel::new(), loader: Some(loader), folder, marked }
    }

    /// Writes a mod, in one piece.
    pub fn put(&self, id: &str, text: &str) {
        let manifest = format!(
            "id = '{id}'\nversion = '1.0.0'\nentry = '{id}.wat'\ncapabilities = ['intent', 'mark']\n"
        );
        for (name, content) in [(format!("{id}.wat"), text), (format!("{id}.toml"), &manifest)] {
            let (path, beside) = (self.folder.join(&name), self.folder.join(format!(".{name}")));
            // The manifest does not change, and one change is enough.
            if name.ends_with("toml") && path.exists() {
                continue;
            }
            fs::write(&beside, content).expect("written");
            fs::rename(beside, path).expect("renamed");
        }
    }

    pub fn open(&mut self, deadline: Duration) {
        let mut limits = ModLimits::default();
        (limits.time, limits.fuel) = (deadline, u64::MAX);
        let loader = self.loader.take().expect("opened once").limits(limits);
        self.panel.spawn(loader.into_worker());
    }

    /// Waits for an event whose words hold these.
    pub fn next(&mut self, words: &str) -> ModEvent {
        let began = Instant::now();
        loop {
            let found = self.panel.drain().find_map(|queued| match queued.intent {
                Update::Mod(event) if event.to_string().contains(words) => Some(event),
                _ => None,
            });
            if let Some(event) = found {
                return event;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "no event that {words}");
            thread::sleep(Duration::from_micros(20));
        }
    }

    pub fn discard(&mut self) {
        self.panel.drain().for_each(drop);
    }

    /// When a mod called `mark` last.
    pub fn marked(&self) -> Instant {
        *self.marked.lock().expect("no panic while it is locked")
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.panel.shutdown_blocking();
        fs::remove_dir_all(&self.folder).ok();
    }
}

/// A module of this activation and this tick.
pub fn module(activate: &str, tick: &str) -> String {
    format!(
        r#"(module
        (import "cp" "emit_intent" (func $emit (param i32 i32) (result i32)))
        (import "cp" "log" (func $log (param i32 i32 i32)))
        (import "host" "mark" (func $mark (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 0) "{{\"kind\":\"note\",\"n\":1}}")
        (func (export "mod_activate") (result i32) {activate} (i32.const 0))
        (func (export "mod_deactivate"))
        (func (export "mod_tick") {tick}))"#
    )
}
