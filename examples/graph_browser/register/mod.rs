//! The register: the composition root. Here, and nowhere else, the parts of the browser meet.
//!
//! | file | what it is |
//! |---|---|
//! | `capability` | what the program can do: a list that mods may lengthen, and the signal that it changed |
//! | `links` | the registry of link handlers: where an address of a scheme leads |
//! | `heuristics` | the registry of prefetch heuristics: what is opened next, perhaps |
//! | `announcer` | the host that announces mods which came or went |
//!
//! A registry is filled while the program is composed, and only read afterwards. What comes and goes while it runs is no
//! registry's to change: a mod is an intent of the loader's, a part of the state, and then a signal to all that
//! subscribed, of which this room is one. The loader knows none of them.

mod announcer;
mod capability;
pub(crate) mod heuristics;
mod links;

use std::{error::Error, path::PathBuf, sync::Arc, time::Duration};

use control_panel::{
    FrameBudget, IntentSource, PanelBuilder, Reconcile, WorkerHandle,
    bus::{Received, Subscription},
    workers::{
        memory_monitor::{MemoryMonitor, MemoryReadings},
        prefetch::PrefetchScheduler,
    },
};

pub(crate) use self::links::LinkHandlers;
use self::{
    announcer::Announcer,
    capability::{Capabilities, CapabilityChange},
    heuristics::Heuristics,
};
use crate::{
    Panel,
    app::GraphBrowserApp,
    cli::Cli,
    commands::{self, SpawnCommands},
    crawl::{Crawl, Known},
    host::WebviewHost,
    intent::GraphIntent,
    loader::WorkerLoader,
    policy::LifecyclePolicy,
    prefetch::Prefetch,
};

/// What one frame may spend on draining: enough to keep up with the readers, and far from 16 ms.
const FRAME_TIME: Duration = Duration::from_millis(2);
/// Shorter than the default: a run takes seconds.
const MEMORY_INTERVAL: Duration = Duration::from_millis(500);

/// The browser's parts, composed: the panel with its workers, the hosts, and what the registries can do.
pub(crate) struct RegistryRuntime {
    pub(crate) panel: Panel,
    /// All workers, in the order of their spawning.
    pub(crate) workers: Vec<WorkerHandle>,
    pub(crate) crawl: Arc<Crawl>,
    /// Those of the workers that read pages.
    pub(crate) crawlers: Vec<WorkerHandle>,
    pub(crate) hosts: Hosts,
    pub(crate) readings: MemoryReadings,
    capabilities: Capabilities,
    changes: Subscription<CapabilityChange>,
    #[cfg(feature = "mods")]
    pages: crate::mods::Pages,
}

/// Everything that has effects.
pub(crate) struct Hosts {
    pub(crate) webviews: WebviewHost,
    prefetch: Prefetch,
    announcer: Announcer,
}

impl Reconcile<GraphBrowserApp> for Hosts {
    fn reconcile(&mut self, app: &GraphBrowserApp) {
        self.webviews.reconcile(app);
        self.prefetch.reconcile(app);
        self.announcer.reconcile(app);
    }
}

impl RegistryRuntime {
    /// Composes the browser: first the registries, then the panel, then what works with both.
    /// `app` is the state that it goes on from. It learns what the program was started with before anything else can happen.
    pub(crate) fn compose(
        cli: &Cli,
        builder: PanelBuilder<GraphIntent, LifecyclePolicy>,
        app: &mut GraphBrowserApp,
        policy: LifecyclePolicy,
        root: PathBuf,
    ) -> Result<Self, Box<dyn Error>> {
        let links = LinkHandlers::shipped();
        let mut heuristics = Heuristics::shipped();
        let capabilities =
            Capabilities::of(links.capabilities().chain(heuristics.capabilities(&cli.prefetch)));
        let heuristic = heuristics.take(&cli.prefetch).ok_or("no such prefetch heuristic")?;

        let mut panel = builder
            .name("graph_browser")
            .policy(policy)
            .frame_budget(FrameBudget::default().time(FRAME_TIME))
            .try_build()?;
        panel.run_frame(app, &mut (), [GraphIntent::started(&root, policy)]);
        // Before anything runs: nothing is announced to no one.
        let changes = panel.subscribe();
        let announcer = Announcer::new(panel.bus(IntentSource::ModLoader));

        let crawl = Crawl::new(root.clone(), cli.max_pages, cli.max_page_size, links, Known::of(app.graph()));
        let crawlers = if cli.joins() { Vec::new() } else { crawl.spawn(&panel) };
        let monitor = MemoryMonitor::new(IntentSource::MemoryMonitor).interval(MEMORY_INTERVAL);
        let readings = monitor.readings();
        let (scheduler, feed) = PrefetchScheduler::new(IntentSource::PrefetchScheduler);
        let mut workers = crawlers.clone();
        workers.push(panel.spawn(monitor.into_worker()));
        workers.push(panel.spawn(scheduler.heuristic(heuristic).into_worker()));
        if commands::may_listen() && !cli.has_screen() {
            workers.push(panel.spawn_commands());
        }
        #[cfg(feature = "mods")]
        let pages = crate::mods::Pages::default();
        #[cfg(feature = "mods")]
        workers.push(crate::mods::spawn(
            &panel,
            &cli.mods.clone().unwrap_or_else(crate::mods::shipped),
            &pages,
        ));
        let loader = WorkerLoader { spawner: panel.spawner(), root };
        let webviews = WebviewHost::new(loader, panel.sender(IntentSource::ServoDelegate));
        let hosts = Hosts { webviews, prefetch: Prefetch::new(feed), announcer };
        Ok(Self {
            panel,
            workers,
            crawl,
            crawlers,
            hosts,
            readings,
            capabilities,
            changes,
            #[cfg(feature = "mods")]
            pages,
        })
    }

    /// Before a frame: gives mods the pages that are new.
    #[cfg_attr(
        not(feature = "mods"),
        expect(clippy::unused_self, reason = "there are no mods to hear of pages")
    )]
    pub(crate) fn prepare(&self, app: &GraphBrowserApp) {
        #[cfg(feature = "mods")]
        self.pages.publish(app.graph());
        #[cfg(not(feature = "mods"))]
        let _ = app;
    }

    /// After a frame: takes in what was announced, and returns what there is to tell of it, a line each.
    pub(crate) fn settle(&mut self, app: &GraphBrowserApp) -> Vec<String> {
        let mut lines = Vec::new();
        for received in self.changes.drain() {
            match received {
                Received::Signal(change) => lines.push(self.capabilities.apply(&change, change.frame())),
                // What was missed is looked up where it happened.
                Received::Lagged(missed) => {
                    self.capabilities.replace_mods(app.running_mods());
                    lines.push(format!("{missed} changes of capabilities were missed: they are listed anew"));
                }
            }
        }
        lines
    }

    /// What the browser can do now, a line each.
    pub(crate) fn capabilities(&self) -> Vec<String> {
        self.capabilities.lines()
    }
}

#[cfg(test)]
mod tests;
