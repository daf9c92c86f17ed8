//! How a panel wakes egui: `on_ready` asks for a repaint.
//!
//!     cargo run -p examples --features egui --example egui_wake
//!
//! What to look for: the loop never polls. It sleeps until egui wants a pass, as eframe's does, and egui wants one
//! because the panel has something to drain. Here is no window, so that it runs anywhere: `Window` stands for
//! eframe, and only `main` knows of it.
//!
//! The program that is woken knows nothing of egui: it is in `search.rs`. Beside winit, with a window: `../neighbours/winit_window.rs`.

mod search;

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, sync_channel},
    time::Duration,
};

use control_panel::ControlPanel;

use crate::search::{Findings, SpawnSearch, Update};

/// The application: what one hands to eframe.
struct App {
    panel: ControlPanel<Update>,
    findings: Findings,
}

impl App {
    fn new(ctx: &egui::Context) -> Self {
        let ctx = ctx.clone();
        // A clone of the context is all it takes: repaints may be asked for from any thread. But not from inside a closure
        // that holds the context's lock: a `try_send` within `ctx.input(|i| …)` would wait for itself forever.
        let panel = ControlPanel::builder().on_ready(move || ctx.request_repaint()).build();
        Self { panel, findings: Findings::default() }
    }

    /// One frame: eframe's `App::logic` and `App::ui`.
    fn update(&mut self, ui: &mut egui::Ui) {
        self.panel.run_frame(&mut self.findings, &mut (), []);
        egui::CentralPanel::default().show(ui, |ui| {
            let share = f32::from(u8::try_from(self.findings.0.len()).unwrap_or(100)) / 100.0;
            ui.painter().rect_filled(ui.max_rect() * share, 0.0, egui::Color32::GREEN);
        });
    }
}

/// Stands for eframe: sleeps until egui asks for a pass.
struct Window {
    ctx: egui::Context,
    asked: Receiver<()>,
    passes: u32,
}

impl Window {
    fn new() -> Self {
        let ctx = egui::Context::default();
        // One request is enough: a repaint that is already requested covers this one.
        let (ask, asked) = sync_channel(1);
        ctx.set_request_repaint_callback(move |_| {
            ask.try_send(()).ok();
        });
        Self { ctx, asked, passes: 0 }
    }

    /// Draws one frame once egui asks for it, and says whether it did in time.
    fn pass(&mut self, app: &mut App, patience: Duration) -> bool {
        let asked = self.asked.recv_timeout(patience) != Err(RecvTimeoutError::Timeout);
        if asked {
            self.passes += 1;
            let mut output = self.ctx.run_ui(egui::RawInput::default(), |ui| app.update(ui));
            self.ctx.tessellate(output.shapes, output.pixels_per_point);
            // Where a backend would upload them.
            output.textures_delta.clear();
        }
        asked
    }
}

fn main() {
    let mut window = Window::new();
    let mut app = App::new(&window.ctx);
    app.panel.spawn_search(100);
    while app.findings.0.len() < 100 {
        assert!(window.pass(&mut app, Duration::from_secs(10)), "egui was not asked for a repaint");
    }
    println!(
        "{} intents in {} passes\n{}",
        app.findings.0.len(),
        window.passes,
        app.panel.shutdown_blocking()
    );
}

#[cfg(test)]
mod tests {
    use control_panel::IntentSource;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    /// The first passes of a new context are egui's own wish.
    fn idle() -> (Window, App) {
        let mut window = Window::new();
        let mut app = App::new(&window.ctx);
        while window.pass(&mut app, Duration::from_millis(200)) {}
        (window, app)
    }

    #[test]
    fn an_intent_wakes_a_loop_that_sleeps_and_an_idle_panel_does_not() {
        let (mut window, mut app) = idle();
        let sender = app.panel.sender(IntentSource::Restore);
        for n in 0..3 {
            let sender = sender.clone();
            std::thread::spawn(move || sender.try_send(Update::Found(n)).ok()).join().unwrap();
            assert!(window.pass(&mut app, PATIENCE), "no repaint was requested");
            assert_eq!(app.findings.0.last(), Some(&n));
        }
        while window.pass(&mut app, Duration::from_millis(200)) {}
        assert!(!window.pass(&mut app, Duration::from_millis(200)), "it is asked for repaints of nothing");
    }

    #[test]
    fn a_worker_is_drained_by_repaints_alone() {
        let (mut window, mut app) = idle();
        let before = window.passes;
        app.panel.spawn_search(20);
        while app.findings.0.len() < 20 {
            assert!(window.pass(&mut app, PATIENCE), "no repaint was requested");
        }
        assert_eq!(app.findings.0, (1..=20).collect::<Vec<_>>());
        // No more passes than intents, and the few that egui adds of its own.
        assert!(window.passes - before <= 20 * 3, "{} passes", window.passes - before);
    }
}
