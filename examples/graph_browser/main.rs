//! The main example: a headless graph browser on real input.
//!
//!     cargo run -p examples --example graph_browser
//!     cargo run --release -p examples --example graph_browser -- --pages "$(rustc --print sysroot)/share/doc/rust/html"
//!     cargo run -p examples --example graph_browser -- --memory-threshold 0.01    # see what pressure does
//!     cargo run -p examples --example graph_browser -- --for 10m                  # and type `help`
//!     cargo run -p examples --features mods --example graph_browser               # with WebAssembly mods
//!     cargo run -p examples --features journal --example graph_browser -- --journal /tmp/browser.journal   # kill it, start it again
//!     cargo run -p examples --features p2p --example graph_browser -- --journal /tmp/a.journal --share    # and, in others, --peer TICKET
//!     cargo run -p examples --features dashboard --example graph_browser -- --dashboard --for 10m         # and open what it prints
//!     cargo run -p examples --features window,journal --example graph_browser -- --window --journal /tmp/a.journal    # a window
//!
//! What to look for:
//!
//! - Workers crawl a folder of HTML pages (`crawl`); the state (`app`, `graph`, `lifecycle`) is synchronous and
//!   pure, and learns of the pages through intents, one ordered frame at a time.
//! - The link graph is a replica (`edit`): what the crawl finds becomes operations, as it would on every peer that shares it; what
//!   is observed here alone (webviews, memory, peers that are gone) cannot touch it.
//! - A visitor's clicks are the frame's local intents (`visitor`); they make nodes active. The policy's limits
//!   and the memory monitor demote the least recently used; every change has its cause.
//! - The policy (`policy`) is changed by typing (`commands`) and distributed to the memory monitor and the prefetch
//!   scheduler, which asks for pages that the visitor will perhaps open next (`prefetch`).
//! - Everything is composed in one place (`register`): registries, panel, bus, workers, hosts. What it can do is listed on
//!   demand (type `capabilities`), and a mod that comes or goes is a signal.
//! - The host (`host`) drives webviews toward what is desired. It tells what it sees and never decides.
//! - With `--journal FILE` (`journal`) the frames are recorded and the graph's operations are on disk before they count: it survives a
//!   `kill -9`, and starts again where it was. A full disk is an intent, and shown.
//! - With `--share`, and `--peer TICKET` in other terminals (`share`), several programs have one graph: the notes that are typed in one are seen
//!   in all. One that is killed is offline in the others, and catches up when it is back.
//! - What must hold after every frame is checked from the outside in debug builds (`invariants`).
//! - The summary: the limits held in every frame, nothing was lost, every worker ended, and how.

mod app;
mod begin;
mod cli;
mod commands;
mod contacts;
mod crawl;
#[cfg(feature = "dashboard")]
mod dashboard;
#[cfg(any(feature = "terminal", feature = "window"))]
mod demo;
mod edit;
mod frames;
mod graph;
mod host;
mod intent;
mod invariants;
#[cfg(feature = "journal")]
mod journal;
mod lifecycle;
mod link;
mod loader;
#[cfg(feature = "mods")]
mod mods;
mod page;
mod policy;
mod prefetch;
mod progress;
mod register;
#[cfg(feature = "p2p")]
mod share;
mod site;
mod skip;
mod summary;
#[cfg(feature = "terminal")]
mod terminal;
mod visitor;
#[cfg(feature = "window")]
mod window;

use std::{
    error::Error,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use clap::{CommandFactory, Parser, error::ErrorKind};
use control_panel::{
    ControlPanel, IntentSource, WorkerHandle, WorkerStatus,
    signals::{self, Stop},
};

#[cfg(feature = "journal")]
use crate::journal::Record;
use crate::{
    app::GraphBrowserApp,
    begin::{Beginning, JournalUnusable, PeersUnusable},
    cli::Cli,
    frames::{ContextSwitches, FrameTimes, Pace},
    intent::GraphIntent,
    invariants::Invariants,
    policy::LifecyclePolicy,
    progress::{Progress, say},
    register::RegistryRuntime,
    summary::Summary,
    visitor::Visitor,
};

const FRAMES_PER_SECOND: u32 = 60;

type Panel = ControlPanel<GraphIntent, LifecyclePolicy>;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let notes = match cli.policy(LifecyclePolicy::default()).checked() {
        Ok((_, notes)) => notes,
        Err(why) => Cli::command().error(ErrorKind::ValueValidation, why).exit(),
    };
    if !cli.quiet {
        for note in notes {
            say(&format!("note: {note}"));
        }
    }
    match run(&cli) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            say(&format!("error: {error}"));
            let unusable = [(error.is::<JournalUnusable>(), 3), (error.is::<PeersUnusable>(), 4)];
            ExitCode::from(unusable.iter().find(|(is, _)| *is).map_or(1, |(_, code)| *code))
        }
    }
}

/// Runs the browser; true if all went well.
fn run(cli: &Cli) -> Result<bool, Box<dyn Error>> {
    let shipped = || Path::new(env!("CARGO_MANIFEST_DIR")).join("graph_browser/site");
    let root = readable(&cli.pages.clone().unwrap_or_else(shipped))?;
    let stop = signals::listen()?;
    #[cfg(feature = "window")]
    let window = cli.window.then(window::Window::new);
    let mut began = Beginning::of(cli, &root)?;
    #[cfg(feature = "window")]
    if let Some(window) = &window {
        began.builder = began.builder.on_ready(window.waker());
    }
    let register = RegistryRuntime::compose(cli, began.builder, &mut began.app, began.policy, root)?;
    let mut browser = Browser {
        register,
        visitor: Visitor::new(cli.seed, cli.visits).at(began.app.focus()),
        invariants: Invariants::of(&began.app),
        app: began.app,
        #[cfg(feature = "journal")]
        record: began.record,
        #[cfg(feature = "p2p")]
        share: began.share,
        #[cfg(feature = "dashboard")]
        pause: None,
        invited: [0; 2],
        clicks: Vec::new(),
        frames: FrameTimes::default(),
        breaches: 0,
        answered: 0,
        listed: 0,
    };

    #[cfg(feature = "journal")]
    if let Some(record) = &browser.record {
        browser.register.workers.push(browser.register.panel.spawn(record.writer()));
    }
    #[cfg(feature = "p2p")]
    if let Some(share) = &mut browser.share {
        browser.register.workers.extend(share.spawn(&browser.register.panel));
    }

    #[cfg(feature = "dashboard")]
    browser.serve_dashboard(cli)?;

    #[cfg(any(feature = "terminal", feature = "window"))]
    if cli.demo {
        demo::spawn(&browser.register.panel);
    }
    let began = Instant::now();
    let mut turns = Turns::new(cli, &stop, began);
    #[cfg(feature = "terminal")]
    if terminal::Screen::is_wanted(cli) {
        turns.progress =
            Progress::Screen(Box::new(terminal::Screen::open(browser.register.panel.observer())?));
    }
    #[cfg(feature = "window")]
    let ending = match window {
        Some(window) => window.run(&mut browser, &mut turns)?,
        None => browser.run(&mut turns),
    };
    #[cfg(not(feature = "window"))]
    let ending = browser.run(&mut turns);
    let shutdown = browser.register.panel.shutdown_blocking();
    browser.drain_rest();

    let RegistryRuntime { panel, hosts, readings, workers, .. } = browser.register;
    let status = panel.status();
    // The panel's recorder says what it has left.
    drop(panel);
    #[cfg(feature = "journal")]
    let closed = browser.record.map_or(Ok(()), |record| record.journal.close());
    let summary = Summary {
        ending,
        elapsed: began.elapsed(),
        app: &browser.app,
        visitor: &browser.visitor,
        frames: &browser.frames,
        breaches: browser.breaches,
        host: hosts.webviews.tally,
        text_bytes: hosts.webviews.text_bytes(),
        memory: &readings.latest(),
        panel: &status,
        workers: &workers,
        shutdown: &shutdown,
    };
    print(&summary)?;
    #[cfg(feature = "journal")]
    closed.map_err(|error| JournalUnusable(error.into()))?;
    #[cfg(feature = "p2p")]
    if let Some(failure) = browser.share.as_ref().and_then(share::Share::failure) {
        return Err(failure.into());
    }
    Ok(shutdown.is_clean() && browser.breaches == 0)
}

/// The frame loop and what it works on.
struct Browser {
    register: RegistryRuntime,
    app: GraphBrowserApp,
    visitor: Visitor,
    #[cfg(feature = "journal")]
    record: Option<Record>,
    #[cfg(feature = "p2p")]
    share: Option<share::Share>,
    #[cfg(feature = "dashboard")]
    pause: Option<control_panel::dashboard::FramePause>,
    frames: FrameTimes,
    breaches: u64,
    invariants: Invariants,
    /// How many questions were answered.
    answered: u64,
    /// How often the capabilities were listed.
    listed: u64,
    /// How many tickets were asked for by then.
    invited: [u64; 2],
    /// What a person did in the window, for the next frame.
    clicks: Vec<(IntentSource, GraphIntent)>,
}

/// What the turns of the loop have in common.
struct Turns<'a> {
    cli: &'a Cli,
    stop: &'a Stop,
    began: Instant,
    progress: Progress,
    switches: ContextSwitches,
}

impl<'a> Turns<'a> {
    fn new(cli: &'a Cli, stop: &'a Stop, began: Instant) -> Self {
        let (progress, switches) = (Progress::new(cli.quiet), ContextSwitches::of_this_thread());
        Self { cli, stop, began, progress, switches }
    }
}

impl Browser {
    /// Serves the dashboard, if that was asked for.
    #[cfg(feature = "dashboard")]
    fn serve_dashboard(&mut self, cli: &Cli) -> Result<(), Box<dyn Error>> {
        let shown = dashboard::serve(cli, &self.register.panel)?;
        if let Some(dashboard::Shown { pause, worker }) = shown {
            self.pause = Some(pause);
            self.register.workers.push(worker);
        }
        Ok(())
    }

    /// Whether a viewer of the dashboard lets the next frame run.
    #[cfg_attr(not(feature = "dashboard"), expect(clippy::unused_self, reason = "there is no viewer"))]
    fn admits_a_frame(&self) -> bool {
        #[cfg(feature = "dashboard")]
        return self.pause.as_ref().is_none_or(control_panel::dashboard::FramePause::admits);
        #[cfg(not(feature = "dashboard"))]
        true
    }

    /// Runs frames until there is a reason to end, and says which.
    fn run(&mut self, turns: &mut Turns<'_>) -> &'static str {
        let mut pace = Pace::new(FRAMES_PER_SECOND);
        let ending = loop {
            if let Some(ending) = self.turn(turns) {
                break ending;
            }
            pace.wait();
        };
        turns.progress.finish();
        ending
    }

    /// Runs one frame, and shows what it did; a reason to end, where there is one.
    fn turn(&mut self, turns: &mut Turns<'_>) -> Option<&'static str> {
        let Turns { cli, stop, began, progress, switches } = turns;
        if !self.admits_a_frame() {
            return stop.signal().map(signals::Signal::name);
        }
        // Asked before the frame: what the crawl sent before it ended is then in this frame or left.
        let crawled = self.register.crawlers.iter().all(|worker| worker.status().is_final());
        let left = self.frame(switches);
        progress.note(self.register.settle(&self.app));
        progress.show(self.frames.count, &self.app, &self.visitor);
        if self.answered < self.app.commands.questions {
            self.answered = self.app.commands.questions;
            progress.tell(&self.app, &self.visitor, &self.register.readings.latest());
            #[cfg(feature = "journal")]
            progress.answer(self.record.iter().map(|record| record.words(&self.app)).collect());
        }
        if self.listed < self.app.commands.listings {
            self.listed = self.app.commands.listings;
            progress.answer(self.register.capabilities());
        }
        self.show_peers(progress);
        #[cfg(feature = "terminal")]
        match progress.turn() {
            Ok((_, true)) => return Some("by a key"),
            Ok((mut intents, false)) => self.clicks.append(&mut intents),
            Err(_) => return Some("the terminal is gone"),
        }

        let done = crawled && left == 0 && self.register.hosts.webviews.is_settled(&self.app);
        let seen = self.visitor.is_done() || (done && self.app.graph().len() == 0);
        if let Some(signal) = stop.signal() {
            return Some(signal.name());
        }
        if self.app.commands.quit {
            return Some("by the command `quit`");
        }
        if cli.frames.is_some_and(|frames| self.frames.count >= frames) {
            return Some("after --frames");
        }
        if cli.run_for.is_some_and(|time| began.elapsed() >= time) {
            return Some("after --for");
        }
        // A run with a set end goes on until then, and one that somebody looks at until they have seen enough.
        if done
            && seen
            && cli.frames.is_none()
            && cli.run_for.is_none()
            && !cli.is_shared()
            && !cli.is_looked_at()
        {
            return Some("all done");
        }
        if self.register.crawlers.iter().any(failed) {
            return Some("the crawl failed");
        }
        #[cfg(feature = "p2p")]
        if self.share.as_ref().is_some_and(|share| share.failure().is_some()) {
            return Some("the ticket was not redeemed");
        }
        None
    }

    /// Which peers came and went, and the tickets that were asked for.
    fn show_peers(&mut self, progress: &mut Progress) {
        let invites = self.app.commands.invites;
        #[cfg(feature = "p2p")]
        if let Some(share) = &mut self.share {
            progress.note(share.news(&self.app));
            progress.answer(share.answers(&self.app));
            self.invited = invites;
            return;
        }
        if self.invited != invites {
            self.invited = invites;
            progress.answer(vec!["this graph is not shared: --help says how (feature p2p)".into()]);
        }
    }

    /// One frame; how many intents it left.
    fn frame(&mut self, switches: &mut ContextSwitches) -> usize {
        let mut clicks = self.visitor.clicks(&self.app);
        clicks.append(&mut self.clicks);
        if let Some(key) = self.visitor.waits_for(&self.app) {
            self.register.crawl.want(key);
        }
        self.register.prepare(&self.app);
        let before = switches.involuntary();
        let began = Instant::now();
        let policy = self.app.policy();
        let report = self.register.panel.run_frame(&mut self.app, &mut self.register.hosts, clicks);
        if let Some(job) = self.app.take_redo() {
            self.register.panel.spawn(edit::redo(job));
        }
        let ended = Instant::now();
        let whole = ended.duration_since(began);
        let after = switches.involuntary();
        self.frames.record(&report, whole, before.zip(after).map(|(before, after)| after - before));

        if self.app.policy() != policy {
            self.register.panel.set_policy(self.app.policy());
        }
        let webviews = &self.register.hosts.webviews;
        let held = self.app.lifecycles.within(self.app.limits()) && webviews.is_consistent(&self.app);
        debug_assert!(held, "the policy's limits hold after every frame");
        if cfg!(debug_assertions) {
            let frame = (began, ended);
            let checked = self.invariants.check(&self.app, webviews.observed(), report.applied, frame);
            assert!(checked.is_ok(), "after frame {}: {}", self.frames.count, checked.unwrap_err());
        }
        self.breaches += u64::from(!held);
        report.left
    }

    /// Applies what was accepted before the shutdown and not drained yet: nothing accepted is lost.
    fn drain_rest(&mut self) {
        while self.register.panel.status().queued > 0 {
            self.register.panel.run_frame(&mut self.app, &mut (), []);
        }
    }
}

fn failed(worker: &WorkerHandle) -> bool {
    matches!(worker.status(), WorkerStatus::Ended(exit) if exit.is_failure())
}

/// The folder's real path, or why it cannot be browsed.
fn readable(folder: &Path) -> Result<PathBuf, String> {
    let unreadable = |error: io::Error| format!("cannot read the folder {}: {error}", folder.display());
    let root = fs::canonicalize(folder).map_err(unreadable)?;
    fs::read_dir(&root).map_err(unreadable)?;
    Ok(root)
}

fn print(summary: &Summary<'_>) -> io::Result<()> {
    match writeln!(io::stdout(), "{}", summary.table()) {
        // Its reader has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        printed => printed,
    }
}
