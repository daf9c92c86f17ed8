//! What the panel wakes: egui, at a bounded rate.

use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
};

use egui::ViewportId;

use crate::INTERVAL;

/// Wakes one window of a context.
pub(crate) struct Wake(Waker);

struct Repaint {
    ctx: egui::Context,
    viewport: ViewportId,
}

impl std::task::Wake for Repaint {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    // Perhaps on the panel's frame thread. Not immediately: under load a change comes with each frame.
    fn wake_by_ref(self: &Arc<Self>) {
        self.ctx.request_repaint_after_for(INTERVAL, self.viewport);
    }
}

impl Wake {
    pub(crate) fn new(ctx: &egui::Context) -> Self {
        let repaint = Repaint { ctx: ctx.clone(), viewport: ctx.viewport_id() };
        Self(Waker::from(Arc::new(repaint)))
    }

    pub(crate) fn poll(&self, poll: impl FnOnce(&Context<'_>) -> Poll<()>) -> Poll<()> {
        poll(&Context::from_waker(&self.0))
    }
}
