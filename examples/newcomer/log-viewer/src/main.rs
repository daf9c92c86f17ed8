//! Follows log files in a terminal: `log-viewer [--once] FILE…`

mod app;
mod follow;
mod view;

use app::{App, Bounds, Followers, Source, Update};
use control_panel::{
    ControlPanel, ShutdownReport, Spawn,
    events::{EventKind, Notice},
    signals::{self, Stop},
    supervision::skip_supervised_panics,
};
use control_panel_ratatui::Console;
use follow::{Place, SpawnFollow};
use ratatui::{DefaultTerminal, Terminal, backend::TestBackend, crossterm::event};
use std::{
    error::Error,
    io,
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};
use view::Press;

const BOUNDS: Bounds = Bounds {
    lines: 20_000,
    bytes: 8 << 20,
};
/// Between two draws at least.
const DRAW: Duration = Duration::from_millis(33);

fn panel_builder() -> control_panel::PanelBuilder<Update, ()> {
    ControlPanel::builder()
        .name("log-viewer")
        .shutdown_timeout(Duration::from_secs(2))
        .forward_events(Source::Event, |notice| match notice {
            Notice::Event(event) => match &event.kind {
                EventKind::Exited(exit) if exit.is_failure() => Some(Update::Failed {
                    path: event.name.to_string(),
                    why: exit.to_string(),
                }),
                _ => None,
            },
            Notice::Lagged(_) => None,
        })
}

fn start(panel: &ControlPanel<Update>, paths: &[String]) -> Followers {
    let start = |(index, path): (usize, &String)| {
        let named = panel.configure(|worker| worker.name(path.clone()));
        named.spawn_follow(index, path.into(), Place::default())
    };
    Followers(paths.iter().enumerate().map(start).collect())
}

/// Until the user or the system wants it to end.
fn run(
    panel: &mut ControlPanel<Update>,
    app: &mut App,
    terminal: &mut DefaultTerminal,
    stop: &Stop,
) -> io::Result<()> {
    let paths: Vec<_> = app.files.iter().map(|file| file.path.clone()).collect();
    let mut workers = start(panel, &paths);
    let mut console = Console::new(panel.observer());

    // To read a key cannot be called off: a plain thread, which ends with the process.
    let keys = panel.sender(Source::Key);
    thread::spawn(move || {
        while let Ok(event) = event::read() {
            if let Some(press) = Press::of_event(&event)
                && keys.send_blocking(Update::Key(press)).is_err()
            {
                return;
            }
        }
    });

    let mut drawn: Option<Instant> = None;
    while !app.quit && !stop.is_requested() {
        panel.run_frame(app, &mut workers, []);
        let since = drawn.map_or(DRAW, |drawn| drawn.elapsed());
        if since < DRAW {
            thread::sleep(DRAW - since); // what comes meanwhile waits in the queue
            continue;
        }
        terminal.draw(|frame| match app.console {
            true => frame.render_widget(&mut console, frame.area()),
            false => view::draw(frame, app, &workers),
        })?;
        drawn = Some(Instant::now());
        panel.wait_ready_timeout(Duration::from_secs(1));
    }
    Ok(())
}

/// Without a terminal: reads what is there, and prints the screen.
fn once(panel: &mut ControlPanel<Update>, app: &mut App) -> String {
    let paths: Vec<_> = app.files.iter().map(|file| file.path.clone()).collect();
    let mut workers = start(panel, &paths);
    let end = Instant::now() + Duration::from_secs(10);
    while !app.has_settled() && Instant::now() < end {
        panel.wait_ready_timeout(Duration::from_secs(1));
        panel.run_frame(app, &mut workers, []);
    }
    let Ok(mut terminal) = Terminal::new(TestBackend::new(100, 24));
    let Ok(_) = terminal.draw(|frame| view::draw(frame, app, &workers));
    terminal.backend().to_string()
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut paths: Vec<_> = std::env::args().skip(1).collect();
    let is_once = paths.first().is_some_and(|arg| arg == "--once");
    paths.retain(|path| path != "--once");
    paths.sort();
    paths.dedup();
    if paths.is_empty() {
        return Err("usage: log-viewer [--once] FILE…".into());
    }
    let mut app = App::new(&paths, BOUNDS);
    let report: ShutdownReport = if is_once {
        let mut panel = panel_builder().build();
        print!("{}", once(&mut panel, &mut app));
        panel.shutdown_blocking()
    } else {
        let stop = signals::listen()?;
        let mut terminal = ratatui::init();
        std::panic::set_hook(skip_supervised_panics(std::panic::take_hook()));
        let mut panel = panel_builder().build();
        let waker = panel.waker();
        stop.on_request(move || waker.wake());
        let ended = run(&mut panel, &mut app, &mut terminal, &stop);
        ratatui::restore();
        ended?;
        panel.shutdown_blocking()
    };
    println!("{report}");
    Ok(report.verdict().into())
}

#[cfg(test)]
mod tests;
