//! Mods (feature `mods`): what they learn of the graph, what they may ask for, and what becomes of that.
//!
//! `mods/` holds three: `names` in C, `tags` in `AssemblyScript`, `blocker` in WebAssembly's own text. `mods/build.sh`
//! rebuilds the first two. Edit one of them while the browser runs: it is loaded again.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock, TryLockError},
    time::Duration,
};

use control_panel::{
    ControlPanel, IntentSource, WorkerHandle,
    workers::mods::{HostFunction, ModEvent, ModIntent, ModLoader, ModPolicy, ModRequest},
};
use serde_json::Value;

use crate::{
    graph::Graph,
    intent::{GraphIntent, NodeKey},
    policy::LifecyclePolicy,
};

/// Shorter than the default: a run takes seconds.
const TICK: Duration = Duration::from_millis(50);
/// Bytes of a text that a mod gives.
const TEXT_BYTES: usize = 200;
/// Pages published in one frame.
const PAGES_A_FRAME: usize = 1_024;

/// What mods are the cause of.
#[derive(Debug)]
#[cfg_attr(feature = "journal", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum ModIntentKind {
    /// `{"kind":"name","page":3,"text":"Two words"}`
    Name { key: NodeKey, text: String },
    /// `{"kind":"tag","page":3,"text":"frames"}`
    Tag { key: NodeKey, text: String },
    /// `{"kind":"block","page":3}`
    Block { key: NodeKey },
    /// What became of one. A journal has its name only; the last, as serde numbers those behind a skipped variant in two ways.
    #[cfg_attr(feature = "journal", serde(skip))]
    Event(ModEvent),
}

impl From<ModEvent> for GraphIntent {
    fn from(event: ModEvent) -> Self {
        Self::Mods(ModIntentKind::Event(event))
    }
}

impl ModIntent for GraphIntent {
    fn from_mod(request: &ModRequest<'_>) -> Result<Self, String> {
        let value: Value = serde_json::from_str(request.json()).map_err(|error| error.to_string())?;
        let page = value["page"].as_u64().and_then(|page| u32::try_from(page).ok());
        let key = NodeKey(page.ok_or("`page` must be a page's number")?);
        let text = || match value["text"].as_str() {
            Some(text)
                if !text.is_empty() && text.len() <= TEXT_BYTES && !text.contains(char::is_control) =>
            {
                Ok(text.to_owned())
            }
            _ => Err(format!("`text` must be 1 to {TEXT_BYTES} bytes without control characters")),
        };
        let kind = match value["kind"].as_str() {
            Some("name") => ModIntentKind::Name { key, text: text()? },
            Some("tag") => ModIntentKind::Tag { key, text: text()? },
            Some("block") => ModIntentKind::Block { key },
            _ => return Err("`kind` must be name, tag or block".to_owned()),
        };
        Ok(Self::Mods(kind))
    }
}

impl ModPolicy for LifecyclePolicy {
    fn mod_value(&self, key: &str) -> Option<String> {
        match key {
            "active_webview_limit" => Some(self.active_webview_limit.to_string()),
            "warm_cache_limit" => Some(self.warm_cache_limit.to_string()),
            _ => None,
        }
    }
}

/// What is known of mods and by them: a part of the state.
#[derive(Debug, Default, Clone)]
pub(crate) struct Mods {
    active: BTreeMap<String, String>,
    names: BTreeMap<NodeKey, String>,
    tags: BTreeMap<NodeKey, String>,
    blocked: BTreeSet<NodeKey>,
    /// How often `active` changed.
    changes: u64,
    failures: u64,
    last: Option<String>,
}

impl Mods {
    /// Takes in what a mod caused; the page that is not to be shown any more, if there is one.
    pub(crate) fn apply(&mut self, intent: ModIntentKind, graph: &Graph) -> Option<NodeKey> {
        // A page that does not exist: mods count as they like.
        let exists = |key: NodeKey| graph.node(key).is_some();
        match intent {
            ModIntentKind::Event(event) => self.note(&event),
            ModIntentKind::Name { key, text } if exists(key) => drop(self.names.insert(key, text)),
            ModIntentKind::Tag { key, text } if exists(key) => drop(self.tags.insert(key, text)),
            ModIntentKind::Block { key } if exists(key) && self.blocked.insert(key) => return Some(key),
            _ => {}
        }
        None
    }

    /// Those that run, and their versions.
    pub(crate) fn running(&self) -> impl Iterator<Item = (String, String)> {
        self.active.iter().map(|(id, version)| (id.clone(), version.clone()))
    }

    /// How often those that run changed.
    pub(crate) fn changes(&self) -> u64 {
        self.changes
    }

    fn note(&mut self, event: &ModEvent) {
        match event {
            ModEvent::Activated { mod_id, version } => {
                self.changes += 1;
                self.active.insert(mod_id.clone(), version.clone());
            }
            ModEvent::Deactivated { mod_id, .. } => {
                self.changes += 1;
                self.active.remove(mod_id);
            }
            _ => self.failures += 1,
        }
        self.last = Some(event.to_string());
    }

    pub(crate) fn is_blocked(&self, key: NodeKey) -> bool {
        self.blocked.contains(&key)
    }

    /// For the status line.
    pub(crate) fn words(&self) -> String {
        let mut words = format!(", {} mod(s)", self.active.len());
        if let Some(last) = &self.last {
            // A string takes all that is written to it.
            write!(words, " ({last})").ok();
        }
        words
    }

    /// For the summary: what, a figure, a note.
    pub(crate) fn rows(&self) -> Vec<(&'static str, String, String)> {
        let example = |texts: &BTreeMap<NodeKey, String>| {
            texts.values().next_back().map_or_else(String::new, |text| format!("such as {text}"))
        };
        vec![
            ("failed to load", self.failures.to_string(), self.last.clone().unwrap_or_default()),
            ("pages named", self.names.len().to_string(), example(&self.names)),
            ("pages tagged", self.tags.len().to_string(), example(&self.tags)),
            ("pages blocked", self.blocked.len().to_string(), "not opened".to_owned()),
        ]
    }
}

/// The pages that mods may look at: written by the frame loop, read by the loader.
#[derive(Debug, Default, Clone)]
pub(crate) struct Pages(Arc<RwLock<Vec<Arc<str>>>>);

impl Pages {
    /// Adds the pages that are new in the graph. Never waits: while a mod reads, the next frame does it.
    pub(crate) fn publish(&self, graph: &Graph) {
        let mut pages = match self.0.try_write() {
            Ok(pages) => pages,
            Err(TryLockError::Poisoned(pages)) => pages.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        let new = (pages.len()..graph.len()).take(PAGES_A_FRAME);
        let keys = new.filter_map(|index| u32::try_from(index).ok().map(NodeKey));
        let paths: Vec<_> = keys.filter_map(|key| Some(Arc::clone(&graph.node(key)?.path))).collect();
        pages.extend(paths);
    }

    fn count(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn path(&self, page: i32) -> Option<Arc<str>> {
        let pages = self.0.read().unwrap_or_else(PoisonError::into_inner);
        pages.get(usize::try_from(page).ok()?).cloned()
    }
}

/// The mods shipped with the example.
pub(crate) fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("graph_browser/mods")
}

/// Starts the loader, whose mods see these pages.
pub(crate) fn spawn(
    panel: &ControlPanel<GraphIntent, LifecyclePolicy>,
    folder: &Path,
    pages: &Pages,
) -> WorkerHandle {
    let (counted, read) = (pages.clone(), pages.clone());
    let page_count = HostFunction::new("page_count", "pages", 0, move |_, _| {
        i32::try_from(counted.count()).unwrap_or(i32::MAX)
    });
    let page_path = HostFunction::new("page_path", "pages", 3, move |call, arguments| {
        let [page, out, capacity] = *arguments else { return -1 };
        read.path(page).map_or(-1, |path| call.put(out, capacity, path.as_bytes()))
    });
    let loader = ModLoader::new(folder, IntentSource::ModLoader)
        .tick(TICK)
        .grant("intent")
        .grant("pages")
        .grant("policy:active_webview_limit")
        .grant("policy:warm_cache_limit")
        .function(page_count)
        .function(page_path);
    panel.spawn(loader.into_worker())
}

#[cfg(test)]
mod tests {
    use std::thread;

    use control_panel::Reducer;

    use super::*;
    use crate::{app::GraphBrowserApp, intent::LifecycleCause, lifecycle::Lifecycle};

    /// The three mods of the example, on a small graph, until they have seen it all.
    #[test]
    fn the_shipped_mods_name_tag_and_block_pages() {
        let mut panel = ControlPanel::<GraphIntent, LifecyclePolicy>::new();
        let mut app = GraphBrowserApp::new(LifecyclePolicy::default());
        let paths = ["index.html", "frames/index.html", "two words.html", "frames/a-\"b\".html"];
        let found = (0..).map(NodeKey).zip(paths.map(Arc::from)).collect();
        let now = |intent| control_panel::QueuedIntent::new(IntentSource::LocalUI, intent);
        app.apply(now(GraphIntent::PagesFound(found)));
        let visit = |key| GraphIntent::PromoteNodeToActive { key, cause: LifecycleCause::UserSelected };
        app.apply(now(visit(NodeKey(1))));
        let pages = Pages::default();
        pages.publish(app.graph());
        spawn(&panel, &shipped(), &pages);
        for _ in 0..3_000 {
            panel.drain().for_each(|queued| app.apply(queued));
            if app.mods.names.len() == 4 && app.mods.blocked.len() == 2 && app.mods.tags.len() == 2 {
                break;
            }
            thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(app.mods.failures, 0, "{:?}", app.mods.last);
        let names: Vec<_> = app.mods.names.values().map(String::as_str).collect();
        assert_eq!(names, ["Index", "Frames", "Two words", "A  b "]);
        assert_eq!(
            app.mods.tags.iter().map(|(key, tag)| (key.0, &**tag)).collect::<Vec<_>>(),
            [(1, "frames"), (3, "frames")]
        );
        assert_eq!(app.lifecycles.of(NodeKey(1)), Lifecycle::Cold, "a page that is blocked is given up");
        app.apply(now(visit(NodeKey(3))));
        assert_eq!(app.lifecycles.of(NodeKey(3)), Lifecycle::Cold, "and not opened");
        assert!(panel.shutdown_blocking().is_clean());
    }
}
