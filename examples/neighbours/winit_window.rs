//! A winit window without a toolkit: the panel wakes its loop, and the title shows what the frames brought.
//!
//!     cargo run --manifest-path examples/neighbours/Cargo.toml --features winit --example winit_window     (needs a display)
//!
//! What to look for: the loop sleeps (`ControlFlow::Wait`), and the processor with it. `on_ready` sends an event through the loop's
//! proxy, once however many intents there are; `user_event` runs the frame, and asks for a redraw where it changed anything. Keys and
//! the mouse go to `run_frame` as `local`: they take no slots. Closing the window shuts the panel down, and prints the report.

use std::{sync::Arc, time::Duration};

use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, QueuedIntent, Reducer, worker};
use winit::{
    application::ApplicationHandler,
    event::{ElementState, KeyEvent, WindowEvent},
    event_loop::{ActiveEventLoop, ControlFlow, EventLoop},
    keyboard::{Key, NamedKey},
    window::{Window, WindowId},
};

#[derive(Clone, Debug, PartialEq, GraphIntent)]
enum Update {
    /// The newest takes the place of one that is queued.
    #[intent(latest)]
    Ticked(u32),
    Pause,
}

/// Counts, until the window is closed.
#[worker(source = IntentSource::Restore)]
async fn tick(cx: Context<Update>, every: Duration) {
    for ticks in 1.. {
        tokio::time::sleep(every).await;
        if cx.send(Update::Ticked(ticks)).await.is_err() {
            return;
        }
    }
}

#[derive(Debug, Default, PartialEq)]
struct Clock {
    ticks: u32,
    paused: bool,
}

impl Reducer for Clock {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        match queued.intent {
            Update::Ticked(_) if self.paused => {}
            Update::Ticked(ticks) => self.ticks = ticks,
            Update::Pause => self.paused = !self.paused,
        }
    }
}

impl Clock {
    fn title(&self) -> String {
        format!("{} ticks{}", self.ticks, if self.paused { ", paused: press space" } else { "" })
    }
}

/// The panel has something to drain.
#[derive(Debug)]
struct Ready;

struct App {
    panel: ControlPanel<Update>,
    clock: Clock,
    window: Option<Arc<Window>>,
}

impl App {
    /// A frame, with what the window was given since the one before.
    fn frame(&mut self, local: impl IntoIterator<Item = Update>) {
        let local = local.into_iter().map(|update| (IntentSource::LocalUI, update));
        if self.panel.run_frame(&mut self.clock, &mut (), local).applied > 0
            && let Some(window) = &self.window
        {
            window.set_title(&self.clock.title());
            window.request_redraw();
        }
    }
}

impl ApplicationHandler<Ready> for App {
    fn resumed(&mut self, event_loop: &ActiveEventLoop) {
        if self.window.is_none() {
            let window = event_loop.create_window(Window::default_attributes()).expect("a window");
            self.window = Some(Arc::new(window));
            self.panel.spawn_tick(Duration::from_millis(500));
        }
    }

    fn user_event(&mut self, _: &ActiveEventLoop, Ready: Ready) {
        self.frame([]);
    }

    fn window_event(&mut self, event_loop: &ActiveEventLoop, _: WindowId, event: WindowEvent) {
        match event {
            WindowEvent::CloseRequested => event_loop.exit(),
            WindowEvent::KeyboardInput {
                event: KeyEvent { logical_key: Key::Named(NamedKey::Space), state: ElementState::Pressed, .. },
                ..
            } => self.frame([Update::Pause]),
            // At `RedrawRequested` a program draws, from `self.clock` alone.
            _ => {}
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let event_loop = EventLoop::<Ready>::with_user_event().build()?;
    event_loop.set_control_flow(ControlFlow::Wait);
    let proxy = event_loop.create_proxy();
    let panel = ControlPanel::builder()
        // Refused once the loop has ended: then there is nothing to wake.
        .on_ready(move || drop(proxy.send_event(Ready)))
        .build();
    let mut app = App { panel, clock: Clock::default(), window: None };
    event_loop.run_app(&mut app)?;
    println!("{}", app.panel.shutdown_blocking());
    Ok(())
}

#[test]
fn a_key_is_applied_in_the_frame_that_it_is_given_to_and_ticks_are_one() {
    let mut app = App { panel: ControlPanel::new(), clock: Clock::default(), window: None };
    let ticks = app.panel.sender(IntentSource::Restore);
    for tick in 1..=3 {
        ticks.try_send(Update::Ticked(tick)).unwrap();
    }
    app.frame([]);
    assert_eq!(app.clock.title(), "3 ticks");
    ticks.try_send(Update::Ticked(4)).unwrap();
    app.frame([Update::Pause]); // of the source that is declared first
    assert_eq!(app.clock.title(), "3 ticks, paused: press space");
}

#[test]
fn a_worker_wakes_the_loop_through_its_proxy() {
    let (proxy, events) = std::sync::mpsc::channel();
    let panel = ControlPanel::builder().on_ready(move || drop(proxy.send(Ready))).build();
    let mut app = App { panel, clock: Clock::default(), window: None };
    app.panel.spawn_tick(Duration::from_millis(1));
    while app.clock.ticks < 3 {
        events.recv().unwrap();
        app.frame([]);
    }
    assert!(app.panel.shutdown_blocking().is_clean());
}
