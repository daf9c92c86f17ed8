//! The main example: a headless graph browser on real input.
//!
//!     cargo run -p examples --example graph_browser
//!     cargo run --release -p examples --example graph_browser -- --pages "$(rustc --print sysroot)/share/doc/rust/html"
//!     cargo run -p examples --example graph_browser -- --memory-threshold 0.01    # see what pressure does
//!
//! What to look for:
//!
//! - Workers crawl a folder of HTML pages (`crawl`); the state (`app`, `graph`, `lifecycle`) is synchronous and
//!   pure, and learns of the pages through intents, one ordered frame at a time.
//! - A visitor's clicks are the frame's local intents (`visitor`); they make nodes active. The policy's limits
//!   and the memory monitor demote the least recently used; every change has its cause.
//! - The host (`host`) drives webviews toward what is desired. It tells what it sees and never decides.
//! - The summary: the limits held in every frame, nothing was lost, every worker ended, and how.

mod app;
mod cli;
mod crawl;
mod frames;
mod graph;
mod host;
mod intent;
mod lifecycle;
mod link;
mod loader;
mod page;
mod policy;
mod progress;
mod signals;
mod site;
mod skip;
mod summary;
mod visitor;

use std::{
    error::Error,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use clap::{CommandFactory, Parser, error::ErrorKind};
use control_panel::{
    ControlPanel, FrameBudget, IntentSource, Reducer, WorkerHandle, WorkerStatus,
    workers::memory_monitor::MemoryMonitor,
};

use crate::{
    app::GraphBrowserApp,
    cli::Cli,
    crawl::Crawl,
    frames::{ContextSwitches, FrameTimes, Pace},
    host::WebviewHost,
    intent::GraphIntent,
    loader::WorkerLoader,
    policy::LifecyclePolicy,
    progress::{Progress, say},
    signals::Signals,
    summary::Summary,
    visitor::Visitor,
};

const FRAMES_PER_SECOND: u32 = 60;
/// What one frame may spend on draining: enough to keep up with the readers, and far from 16 ms.
const FRAME_TIME: Duration = Duration::from_millis(2);
/// Shorter than the default: a run takes seconds.
const MEMORY_INTERVAL: Duration = Duration::from_millis(500);

type Panel = ControlPanel<GraphIntent, LifecyclePolicy>;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let (policy, notes) = match cli.policy().checked() {
        Ok(checked) => checked,
        Err(why) => Cli::command().error(ErrorKind::ValueValidation, why).exit(),
    };
    if !cli.quiet {
        for note in notes {
            say(&format!("note: {note}"));
        }
    }
    match run(&cli, policy) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            say(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Runs the browser; true if all went well.
fn run(cli: &Cli, policy: LifecyclePolicy) -> Result<bool, Box<dyn Error>> {
    let shipped = || Path::new(env!("CARGO_MANIFEST_DIR")).join("graph_browser/site");
    let root = readable(&cli.pages.clone().unwrap_or_else(shipped))?;
    let signals = Signals::listen()?;
    let panel = Panel::builder()
        .name("graph_browser")
        .policy(policy)
        .frame_budget(FrameBudget::default().time(FRAME_TIME))
        .try_build()?;
    let crawl = Crawl::new(root.clone(), cli.max_pages, cli.max_page_size);
    let crawlers = crawl.spawn(&panel);
    let monitor = MemoryMonitor::new(IntentSource::MemoryMonitor).interval(MEMORY_INTERVAL);
    let mut workers = crawlers.clone();
    workers.push(panel.spawn(monitor.into_worker()));
    let loader = WorkerLoader { spawner: panel.spawner(), root };
    let mut browser = Browser {
        host: WebviewHost::new(loader, panel.sender(IntentSource::ServoDelegate)),
        panel,
        crawl,
        crawlers,
        app: GraphBrowserApp::new(policy),
        visitor: Visitor::new(cli.seed, cli.visits),
        frames: FrameTimes::default(),
        breaches: 0,
    };

    let began = Instant::now();
    let ending = browser.run(cli, &signals, began);
    let shutdown = browser.panel.shutdown_blocking();
    browser.drain_rest();

    let summary = Summary {
        ending,
        elapsed: began.elapsed(),
        app: &browser.app,
        visitor: &browser.visitor,
        frames: &browser.frames,
        breaches: browser.breaches,
        host: browser.host.tally,
        text_bytes: browser.host.text_bytes(),
        panel: &browser.panel.status(),
        workers: &workers,
        shutdown: &shutdown,
    };
    print(&summary)?;
    Ok(shutdown.is_clean() && browser.breaches == 0)
}

/// The frame loop and what it works on.
struct Browser {
    panel: Panel,
    crawl: Arc<Crawl>,
    crawlers: Vec<WorkerHandle>,
    app: GraphBrowserApp,
    host: WebviewHost,
    visitor: Visitor,
    frames: FrameTimes,
    breaches: u64,
}

impl Browser {
    /// Runs frames until there is a reason to end, and says which.
    fn run(&mut self, cli: &Cli, signals: &Signals, began: Instant) -> &'static str {
        let mut progress = Progress::new(cli.quiet);
        let mut pace = Pace::new(FRAMES_PER_SECOND);
        let mut switches = ContextSwitches::of_this_thread();
        let ending = loop {
            // Asked before the frame: what the crawl sent before it ended is then in this frame or left.
            let crawled = self.crawlers.iter().all(|worker| worker.status().is_final());
            let left = self.frame(&mut switches);
            progress.show(self.frames.count, &self.app, &self.visitor);

            let done = crawled && left == 0 && self.host.is_settled(&self.app);
            let seen = self.visitor.is_done() || (done && self.app.graph.len() == 0);
            if let Some(signal) = signals.met() {
                break signal;
            }
            if cli.frames.is_some_and(|frames| self.frames.count >= frames) {
                break "after --frames";
            }
            if cli.run_for.is_some_and(|time| began.elapsed() >= time) {
                break "after --for";
            }
            // A run that is told when to end goes on until then.
            if done && seen && cli.frames.is_none() && cli.run_for.is_none() {
                break "all done";
            }
            if self.crawlers.iter().any(failed) {
                break "the crawl failed";
            }
            pace.wait();
        };
        progress.finish();
        ending
    }

    /// One frame; how many intents it left.
    fn frame(&mut self, switches: &mut ContextSwitches) -> usize {
        let clicks = self.visitor.clicks(&self.app);
        if let Some(key) = self.visitor.waits_for(&self.app) {
            self.crawl.want(key);
        }
        let before = switches.involuntary();
        let began = Instant::now();
        let report = self.panel.run_frame(&mut self.app, &mut self.host, clicks);
        let whole = began.elapsed();
        let after = switches.involuntary();
        self.frames.record(&report, whole, before.zip(after).map(|(before, after)| after - before));

        let held = self.app.lifecycles.within(self.app.limits()) && self.host.is_consistent(&self.app);
        debug_assert!(held, "the policy's limits hold after every frame");
        self.breaches += u64::from(!held);
        report.left
    }

    /// Applies what was accepted before the shutdown and not drained yet: nothing accepted is lost.
    fn drain_rest(&mut self) {
        while self.panel.status().queued > 0 {
            for queued in self.panel.drain() {
                self.app.apply(queued);
            }
        }
    }
}

fn failed(worker: &WorkerHandle) -> bool {
    matches!(worker.status(), WorkerStatus::Ended(exit) if exit.is_failure())
}

/// The folder's real path, or why it cannot be browsed.
fn readable(folder: &Path) -> Result<PathBuf, String> {
    let told = |error: io::Error| format!("cannot read the folder {}: {error}", folder.display());
    let root = fs::canonicalize(folder).map_err(told)?;
    fs::read_dir(&root).map_err(told)?;
    Ok(root)
}

fn print(summary: &Summary<'_>) -> io::Result<()> {
    match writeln!(io::stdout(), "{}", summary.table()) {
        // Whoever reads it has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        printed => printed,
    }
}
