//! A panel and its console in one loop: workers that work, fail and panic.
//!
//!     cargo run -p control-panel-ratatui --example beside
//!
//! Tab and digits change the page, Enter opens a panic, `q` ends.

use std::time::Duration;

use control_panel::{
    Context, ControlPanel, GraphIntent, IntentSource, QueuedIntent, Reducer,
    supervision::skip_supervised_panics, worker,
};
use control_panel_ratatui::{Console, TICK};
use ratatui::crossterm::event::{self, Event, KeyCode, KeyModifiers};

#[derive(GraphIntent)]
enum Update {
    Found,
    Terminal(Event),
}

#[worker(source = IntentSource::Restore)]
async fn index(cx: Context<Update>) {
    while cx.send(Update::Found).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
}

#[worker(source = IntentSource::ModLoader, restart = on_failure, backoff = "2s", intensity = 100, period = "60s")]
async fn fetch_feeds(cx: Context<Update>) {
    tokio::time::sleep(Duration::from_secs(1)).await;
    let feeds = ["a.xml", "b.xml"];
    let wanted = usize::try_from(cx.generation()).unwrap_or(usize::MAX) + feeds.len();
    println!("{}", feeds[wanted]);
}

#[derive(Default)]
struct App {
    keys: Vec<Event>,
}

impl Reducer for App {
    type Intent = Update;
    fn apply(&mut self, queued: QueuedIntent<Update>) {
        if let Update::Terminal(event) = queued.intent {
            self.keys.push(event);
        }
    }
}

fn main() -> std::io::Result<()> {
    let mut panel = ControlPanel::<Update>::builder().name("beside").build();
    let mut console = Console::new(panel.observer());
    let mut terminal = ratatui::try_init()?;
    // ratatui's hook gives the terminal back: not for what the panel catches.
    std::panic::set_hook(skip_supervised_panics(std::panic::take_hook()));
    panel.spawn_index();
    panel.spawn_fetch_feeds();
    let keys = panel.sender(IntentSource::LocalUI);
    // A read cannot be called off: a plain thread of its own ends with the program.
    std::thread::spawn(move || {
        while event::read().is_ok_and(|event| keys.send_blocking(Update::Terminal(event)).is_ok()) {}
    });

    let mut app = App::default();
    'shown: loop {
        panel.run_frame(&mut app, &mut (), []);
        for event in app.keys.drain(..) {
            let Event::Key(key) = event else { continue };
            let ctrl_c = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
            if key.code == KeyCode::Char('q') || ctrl_c {
                break 'shown;
            }
            console.handle_event(&key);
        }
        terminal.draw(|frame| frame.render_widget(&mut console, frame.area()))?;
        panel.wait_ready_timeout(TICK);
    }
    ratatui::try_restore()?;
    panel.shutdown_blocking();
    Ok(())
}
