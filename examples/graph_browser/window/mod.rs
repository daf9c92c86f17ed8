//! `--window` (feature `window`): the graph, the page that is looked at, the panel's console, a slider over what was recorded.
//!
//! | file | what it is |
//! |---|---|
//! | `layout`, `quadtree` | where the nodes are: pure |
//! | `camera` | which part of the graph is seen: pure |
//! | `canvas` | draws the graph, and takes clicks and drags |
//! | `nodes` | what there is to draw of each node |
//! | `preview` | the page that is looked at, as text |
//! | `scrub` | the slider over the recorded past (feature `journal`) |
//!
//! The window sleeps until the panel wakes it: frames run with its repaints. While the visitor walks, pages load, or the layout is warm, it is drawn
//! 60 times a second.

mod camera;
mod canvas;
mod layout;
mod nodes;
mod preview;
mod quadtree;
#[cfg(feature = "journal")]
mod scrub;

use std::{error::Error, time::Duration};

use control_panel::IntentSource;
use control_panel_egui::Console;
use eframe::egui;

use self::{canvas::Canvas, nodes::Nodes, preview::Preview};
use crate::{
    Browser, Turns,
    commands::Command,
    intent::{GraphIntent, LifecycleCause, NodeKey},
};

/// Between two frames while something moves.
const FRAME: Duration = Duration::from_micros(16_667);
/// A wake draws so much later: of a flood of intents that is 30 frames a second.
const WAKE: Duration = Duration::from_millis(33);
/// What the host tries again is looked at so often.
const RETRY: Duration = Duration::from_millis(250);

/// A window that is not open yet.
pub(crate) struct Window {
    ctx: egui::Context,
}

/// What a person did with a node.
#[derive(Debug, Clone, Copy)]
enum Act {
    Look(NodeKey),
    Open(NodeKey),
    Close(NodeKey),
    /// Puts it there, or lets it go.
    Place(NodeKey, Option<crate::graph::Place>),
}

impl Window {
    pub(crate) fn new() -> Self {
        Self { ctx: egui::Context::default() }
    }

    /// What wakes it when the panel has something to drain.
    pub(crate) fn waker(&self) -> impl Fn() + Send + Sync + 'static + use<> {
        let ctx = self.ctx.clone();
        move || ctx.request_repaint_after(WAKE)
    }

    /// Opens it, and runs frames until it is closed.
    pub(crate) fn run(
        self,
        browser: &mut Browser,
        turns: &mut Turns<'_>,
    ) -> Result<&'static str, Box<dyn Error>> {
        let wake = self.waker();
        turns.stop.on_request(wake);
        let observer = browser.register.panel.observer();
        let spawner = browser.register.panel.spawner();
        observer.attach(move |board: &mut control_panel::console::Board| {
            let policy = spawner.policy();
            board.policy("webviews active at once", policy.active_webview_limit);
            board.policy("webviews kept warm", policy.warm_cache_limit);
            board.policy("memory is scarce from", policy.memory_pressure_threshold);
        });
        #[cfg(feature = "journal")]
        let scrub = browser.record.as_ref().map(|record| scrub::Scrub::new(record.journal.clone()));
        let options = eframe::NativeOptions {
            viewport: egui::ViewportBuilder::default()
                .with_title("graph_browser")
                .with_inner_size([1280.0, 800.0])
                .with_min_inner_size([480.0, 360.0]),
            ..Default::default()
        };
        let mut ending = None;
        let (ctx, ended) = (self.ctx.clone(), &mut ending);
        let creator: eframe::AppCreator<'_> = Box::new(move |_| {
            Ok(Box::new(Shown {
                browser,
                turns,
                ended,
                canvas: Canvas::default(),
                nodes: Nodes::default(),
                preview: Preview::default(),
                console: Console::new(observer),
                #[cfg(feature = "journal")]
                scrub,
                looked_at: None,
                has_console: true,
                next: None,
            }))
        });
        eframe::run_native_ext("graph_browser", options, Some(ctx), creator)
            .map_err(|error| format!("no window can be opened: {error}"))?;
        Ok(ending.unwrap_or("the window was closed"))
    }
}

/// The window.
struct Shown<'a, 'b> {
    browser: &'a mut Browser,
    turns: &'a mut Turns<'b>,
    ended: &'a mut Option<&'static str>,
    canvas: Canvas,
    nodes: Nodes,
    preview: Preview,
    console: Console,
    #[cfg(feature = "journal")]
    scrub: Option<scrub::Scrub>,
    /// The page that a person chose; else it is the visitor's.
    looked_at: Option<NodeKey>,
    has_console: bool,
    /// When the next frame is due, by egui's clock.
    next: Option<f64>,
}

impl Shown<'_, '_> {
    /// Does what a person asked for, in the next frame.
    fn act(&mut self, act: Act) {
        let intent = match act {
            Act::Look(key) => {
                self.looked_at = Some(key);
                return;
            }
            Act::Open(key) => {
                self.looked_at = Some(key);
                GraphIntent::PromoteNodeToActive { key, cause: LifecycleCause::UserSelected }
            }
            Act::Close(key) => GraphIntent::DemoteNodeToCold { key, cause: LifecycleCause::UserClosed },
            Act::Place(key, place) => {
                let Some(node) = self.browser.app.graph().node(key) else { return };
                GraphIntent::Command(Command::Place { path: node.path.to_string(), place })
            }
        };
        self.browser.clicks.push((IntentSource::LocalUI, intent));
    }

    /// Whether frames follow each other without a wake.
    fn is_busy(&self) -> bool {
        let walks = !self.browser.visitor.is_done() && self.browser.app.graph().len() > 0;
        walks || !self.browser.clicks.is_empty()
    }
}

impl eframe::App for Shown<'_, '_> {
    fn logic(&mut self, ctx: &egui::Context, _: &mut eframe::Frame) {
        // A window that is drawn for other reasons, a pointer that moves, runs no more frames than 60 a second.
        let now = ctx.input(|input| input.time);
        if self.next.is_none_or(|next| now + 0.002 >= next) || !self.browser.clicks.is_empty() {
            self.next = Some(now + FRAME.as_secs_f64());
            if let Some(ending) = self.browser.turn(self.turns) {
                *self.ended = Some(ending);
                ctx.send_viewport_cmd(egui::ViewportCommand::Close);
            }
        }
        if self.is_busy() || self.browser.register.panel.queued() > 0 {
            ctx.request_repaint_after(FRAME);
        } else if self.browser.register.hosts.webviews.waits() {
            ctx.request_repaint_after(RETRY);
        }
    }

    fn ui(&mut self, ui: &mut egui::Ui, _: &mut eframe::Frame) {
        let mut acts = Vec::new();
        egui::Panel::bottom("console").resizable(true).default_size(250.0).min_size(28.0).show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.toggle_value(&mut self.has_console, "Console");
                #[cfg(feature = "journal")]
                if let Some(scrub) = &mut self.scrub {
                    scrub.show(ui);
                }
            });
            if self.has_console {
                ui.separator();
                ui.add(&mut self.console);
            }
        });
        #[cfg(feature = "journal")]
        let past = self.scrub.as_mut().and_then(scrub::Scrub::state);
        #[cfg(not(feature = "journal"))]
        let past: Option<&crate::app::GraphBrowserApp> = None;
        let is_past = past.is_some();
        let app = past.unwrap_or(&self.browser.app);
        let looked_at = self.looked_at.filter(|key| app.graph().node(*key).is_some()).or(app.focus());
        egui::Panel::right("page").resizable(true).default_size(300.0).size_range(180.0..=600.0).show(
            ui,
            |ui| {
                let text = |key| self.browser.register.hosts.webviews.text(key);
                self.preview.show(app, looked_at, text, ui, &mut acts);
            },
        );
        egui::CentralPanel::default().frame(egui::Frame::NONE).show(ui, |ui| {
            self.nodes.take(app, looked_at);
            self.canvas.show(&self.nodes, is_past, ui, &mut acts);
        });
        // What is over cannot be changed.
        for act in acts.into_iter().filter(|act| !is_past || matches!(act, Act::Look(_))) {
            self.act(act);
        }
        if !self.browser.clicks.is_empty() {
            ui.ctx().request_repaint();
        }
    }
}
