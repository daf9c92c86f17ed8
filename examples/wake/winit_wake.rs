//! How a panel wakes winit: `on_ready` sends an event through the loop's proxy.
//!
//!     cargo run -p examples --features winit --example winit_wake     (needs a display; `xvfb-run` will do)
//!
//! What to look for: the loop sleeps (`ControlFlow::Wait`), and drains in `user_event`. The event carries nothing:
//! what there is to know is in the panel, and many intents are one wake.
//!
//! The program that is woken knows nothing of winit: it is in `search.rs`, and `egui_wake` has the same.

mod search;

use control_panel::ControlPanel;
use winit::{
    application::ApplicationHandler,
    event::WindowEvent,
    event_loop::{ActiveEventLoop, ControlFlow, EventLoop},
    window::WindowId,
};

use crate::search::{Findings, SpawnSearch, Update};

/// The panel has something to drain.
#[derive(Debug)]
struct Ready;

struct App {
    panel: ControlPanel<Update>,
    findings: Findings,
    wakes: u32,
}

impl ApplicationHandler<Ready> for App {
    fn resumed(&mut self, _: &ActiveEventLoop) {
        self.panel.spawn_search(100);
    }

    fn user_event(&mut self, event_loop: &ActiveEventLoop, Ready: Ready) {
        self.wakes += 1;
        // A program with a window would ask it for a redraw here, and drain when it draws.
        self.panel.run_frame(&mut self.findings, &mut (), []);
        if self.findings.0.len() == 100 {
            event_loop.exit();
        }
    }

    fn window_event(&mut self, _: &ActiveEventLoop, _: WindowId, _: WindowEvent) {}
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let event_loop = EventLoop::<Ready>::with_user_event().build()?;
    event_loop.set_control_flow(ControlFlow::Wait);
    let proxy = event_loop.create_proxy();
    let panel = ControlPanel::builder()
        // Refused once the loop has ended: then there is nothing to wake.
        .on_ready(move || drop(proxy.send_event(Ready)))
        .build();
    let mut app = App { panel, findings: Findings::default(), wakes: 0 };
    event_loop.run_app(&mut app)?;
    println!("{} intents by {} wakes\n{}", app.findings.0.len(), app.wakes, app.panel.shutdown_blocking());
    Ok(())
}
