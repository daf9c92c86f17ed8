//! An observer's console: all in one.

use std::{fmt, task::Poll, time::Duration};

use control_panel::console::{self, Observer, View};
use control_panel_pages::Watch;
use egui::{Response, Ui, Widget};

use crate::{ConsoleState, ConsoleWidget, INTERVAL, TICK, wake::Wake};

/// A panel's console: what it read of an [`Observer`], and where a person is in it. Keep it in your app, and add it where it is to be:
/// `ui.add(&mut self.console)`.
///
/// Drawing it reads the panel, ten times a second at most, without making its frame thread wait. It asks for the next repaint itself: when the
/// panel has something new, and once a second while it is shown.
pub struct Console {
    watch: Watch,
    state: ConsoleState,
    /// When it looked, by egui's clock.
    looked: f64,
    wake: Option<Wake>,
}

impl Console {
    /// A console of this observer's panel.
    pub fn new(observer: Observer) -> Self {
        Self { watch: Watch::new(observer), state: ConsoleState::default(), looked: 0.0, wake: None }
    }

    /// Keeps that much: see [`Limits`](console::Limits).
    pub fn limits(self, limits: console::Limits) -> Self {
        Self { watch: self.watch.limits(limits), ..self }
    }

    /// Where the person is.
    pub fn state(&mut self) -> &mut ConsoleState {
        &mut self.state
    }

    /// What was drawn last.
    pub fn view(&self) -> Option<&View> {
        self.watch.view()
    }

    /// Looks at the panel if that is due, and asks for the repaint that draws what is new.
    fn look(&mut self, ctx: &egui::Context) {
        let now = ctx.input(|input| input.time);
        let since = now - self.looked;
        if self.watch.view().is_some() && (0.0..INTERVAL.as_secs_f64()).contains(&since) {
            // The window is drawn for another reason.
            ctx.request_repaint_after(INTERVAL.saturating_sub(Duration::from_secs_f64(since)));
            return;
        }
        self.looked = now;
        let is_news = self.watch.look();
        ctx.request_repaint_after(TICK);
        // Without news nothing wakes it before that: the panel's frames may run with the window's.
        if is_news {
            let wake = self.wake.get_or_insert_with(|| Wake::new(ctx));
            match wake.poll(|cx| self.watch.poll_changed(cx)) {
                Poll::Ready(()) => ctx.request_repaint_after(INTERVAL),
                Poll::Pending => {}
            }
        }
    }
}

impl Widget for &mut Console {
    fn ui(self, ui: &mut Ui) -> Response {
        self.look(ui.ctx());
        let Console { watch, state, .. } = self;
        let Some(view) = watch.view() else { return ui.label("") };
        ConsoleWidget::new(view, watch.history()).show(ui, state)
    }
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console")
            .field("panel", &self.watch.name())
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}
