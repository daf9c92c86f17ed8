//! An observer's console: all in one.

use std::{fmt, task::Poll, time::Duration};

use control_panel::console::{self, Observer, View};
use egui::{Response, Ui, Widget};

use crate::{ConsoleState, ConsoleWidget, wake::Wake};

/// Between two looks at the panel at least, whatever the load and however often the window is drawn.
pub const INTERVAL: Duration = Duration::from_millis(100);
/// Between two looks at most, while the console is shown: what only time changes is never older than that.
pub const TICK: Duration = Duration::from_secs(1);

/// A panel's console: what it read of an [`Observer`], and where a person is in it. Keep it in your app, and add it where it is to be:
/// `ui.add(&mut self.console)`.
///
/// Drawing it reads the panel, ten times a second at most, without making its frame thread wait. It asks for the next repaint itself: when the
/// panel has something new, and once a second while it is shown.
pub struct Console {
    observer: Observer,
    model: console::Console,
    view: Option<View>,
    state: ConsoleState,
    /// When it looked, by egui's clock.
    looked: f64,
    wake: Option<Wake>,
}

impl Console {
    /// A console of this observer's panel.
    pub fn new(observer: Observer) -> Self {
        Self {
            observer,
            model: console::Console::default(),
            view: None,
            state: ConsoleState::default(),
            looked: 0.0,
            wake: None,
        }
    }

    /// Keeps that much: see [`Limits`](console::Limits).
    pub fn limits(self, limits: console::Limits) -> Self {
        Self { model: console::Console::new(limits), view: None, ..self }
    }

    /// Where the person is.
    pub fn state(&mut self) -> &mut ConsoleState {
        &mut self.state
    }

    /// What was drawn last.
    pub fn view(&self) -> Option<&View> {
        self.view.as_ref()
    }

    /// Looks at the panel if that is due, and asks for the repaint that draws what is new.
    fn look(&mut self, ctx: &egui::Context) {
        let now = ctx.input(|input| input.time);
        let since = now - self.looked;
        if self.view.is_some() && (0.0..INTERVAL.as_secs_f64()).contains(&since) {
            // The window is drawn for another reason.
            ctx.request_repaint_after(INTERVAL.saturating_sub(Duration::from_secs_f64(since)));
            return;
        }
        self.looked = now;
        let before = self.view.take();
        let view = self.view.insert(self.model.refresh(&self.observer));
        ctx.request_repaint_after(TICK);
        // Frames that apply nothing are no news: where the panel's frames run with the window's, they would keep each other awake forever.
        if before.is_none_or(|before| is_news(&before, view)) {
            let wake = self.wake.get_or_insert_with(|| Wake::new(ctx));
            match wake.poll(|cx| self.observer.poll_changed(cx, self.model.cursor())) {
                Poll::Ready(()) => ctx.request_repaint_after(INTERVAL),
                Poll::Pending => {}
            }
        }
    }
}

/// Whether the second shows anything that happened since the first.
fn is_news(before: &View, now: &View) -> bool {
    let happened = |view: &View| {
        let newest = view.ends.first().map(|end| end.number);
        (view.state, view.frames.applied, view.queue.accepted, view.queue.refused, view.incidents, newest)
    };
    let states = |view: &View| -> Vec<_> {
        view.workers.iter().map(|worker| (worker.instance, worker.state, worker.generation)).collect()
    };
    happened(before) != happened(now) || states(before) != states(now)
}

impl Widget for &mut Console {
    fn ui(self, ui: &mut Ui) -> Response {
        self.look(ui.ctx());
        let Console { model, view: Some(view), state, .. } = self else { return ui.label("") };
        ConsoleWidget::new(view, model.history()).show(ui, state)
    }
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console")
            .field("panel", &self.observer.name())
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}
