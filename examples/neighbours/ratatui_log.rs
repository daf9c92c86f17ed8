//! A log viewer in a terminal: it sleeps until there is a line or a key.
//!
//!     cargo run --manifest-path examples/neighbours/Cargo.toml --features ratatui --example ratatui_log -- FILE
//!
//! What to look for: it takes no time while nothing happens. Keys: `q` ends it, `p` makes the worker panic: the screen stays,
//! the status line says what happened, and the worker is started again. A panic of the program itself gives the screen back.

use std::{
    collections::VecDeque,
    env,
    error::Error,
    fs::File,
    io::{BufRead, BufReader},
    panic, thread,
    time::Duration,
};

use control_panel::{
    Context, ControlPanel, GraphIntent, IntentSender, IntentSource, QueuedIntent, Reducer,
    supervision::skip_supervised_panics, worker,
};
use ratatui::{
    Frame,
    crossterm::event::{self, Event, KeyCode, KeyEventKind},
    layout::{Constraint, Layout},
    style::Stylize,
    text::Line,
};

/// The lines that are kept.
const MOST: usize = 10_000;

#[derive(GraphIntent)]
enum Update {
    Line(String),
    Panic,
    Resized,
    Quit,
}

#[derive(Default)]
struct App {
    lines: VecDeque<String>,
    panic: bool,
    quit: bool,
}

impl Reducer for App {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        match queued.intent {
            Update::Line(line) => {
                self.lines.push_back(line);
                if self.lines.len() > MOST {
                    self.lines.pop_front();
                }
            }
            Update::Panic => self.panic = true,
            Update::Resized => {}
            Update::Quit => self.quit = true,
        }
    }
}

/// Follows the file, as `tail -f`. On a thread of its own, as reading blocks.
#[worker(source = IntentSource::Restore, kind = thread, restart = on_failure, inbox = ())]
fn follow(cx: Context<Update>, path: String) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut file = BufReader::new(File::open(path)?);
    let mut fault = cx.inbox::<()>();
    let mut line = String::new();
    loop {
        assert!(fault.try_recv().is_none(), "the key `p` was pressed");
        if file.read_line(&mut line)? > 0 && line.ends_with('\n') {
            cx.send_blocking(Update::Line(line.trim_end().to_owned()))?;
            line.clear();
        } else if cx.cancelled_timeout(Duration::from_millis(200)) {
            return Ok(());
        }
    }
}

/// Reads keys. A plain thread: a read of the terminal cannot be called off, and this one ends with the process.
fn read_keys(keys: IntentSender<Update>) {
    let read = move || {
        while let Ok(event) = event::read() {
            let update = match event {
                Event::Key(key) if key.kind == KeyEventKind::Press => match key.code {
                    KeyCode::Char('q') => Update::Quit,
                    KeyCode::Char('p') => Update::Panic,
                    _ => continue,
                },
                Event::Resize(..) => Update::Resized,
                _ => continue,
            };
            if keys.send_blocking(update).is_err() {
                return; // the panel is closed
            }
        }
    };
    thread::Builder::new().name("keys".into()).spawn(read).expect("a thread");
}

fn draw(frame: &mut Frame<'_>, app: &App, status: &str) {
    let [log, bar] = Layout::vertical([Constraint::Min(0), Constraint::Length(1)]).areas(frame.area());
    let shown = app.lines.len().saturating_sub(log.height.into());
    let lines: Vec<_> = app.lines.iter().skip(shown).map(Line::raw).collect();
    frame.render_widget(ratatui::text::Text::from(lines), log);
    frame.render_widget(Line::raw(status).reversed(), bar);
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args().nth(1).unwrap_or_else(|| "/var/log/dpkg.log".into());
    let mut terminal = ratatui::init(); // sets a panic hook that gives the screen back …
    // … but not for what the panel catches: the program goes on, on its screen.
    panic::set_hook(skip_supervised_panics(panic::take_hook()));

    let mut panel = ControlPanel::<Update>::new();
    read_keys(panel.sender(IntentSource::LocalUI));
    let follow = panel.spawn_follow(path);
    let mut app = App::default();
    while !app.quit {
        panel.run_frame(&mut app, &mut (), []);
        if std::mem::take(&mut app.panic) {
            follow.send(()).ok();
        }
        let status = panel.status().to_string();
        terminal.draw(|frame| draw(frame, &app, &status))?;
        panel.wait_ready_timeout(Duration::MAX); // a line, a key, or news of the worker
    }
    ratatui::restore();
    println!("{}", panel.shutdown_blocking());
    Ok(())
}

#[test]
fn the_last_lines_and_the_status_are_drawn() {
    let mut app = App::default();
    for line in 0..MOST + 5 {
        app.apply(QueuedIntent::new(IntentSource::Restore, Update::Line(format!("line {line}"))));
    }
    assert_eq!(app.lines.len(), MOST);
    let backend = ratatui::backend::TestBackend::new(20, 3);
    let mut terminal = ratatui::Terminal::new(backend).unwrap();
    terminal.draw(|frame| draw(frame, &app, "1 running")).unwrap();
    let rows: Vec<String> = terminal
        .backend()
        .buffer()
        .content
        .chunks(20)
        .map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect())
        .collect();
    assert_eq!(rows[0].trim(), "line 10003");
    assert_eq!(rows[1].trim(), "line 10004");
    assert_eq!(rows[2].trim(), "1 running");
}

#[test]
fn a_worker_that_panics_goes_on_with_the_file() {
    let path = env::temp_dir().join(format!("ratatui_log-{}", std::process::id()));
    std::fs::write(&path, "one\n").unwrap();
    let mut panel = ControlPanel::<Update>::new();
    let follow = panel.spawn_follow(path.display().to_string());
    let mut app = App::default();
    follow.send(()).unwrap();
    // After the panic it reads the file once more, from the beginning.
    while follow.generation() < 2 || app.lines.is_empty() {
        panel.run_frame(&mut app, &mut (), []);
        panel.wait_ready_timeout(Duration::from_secs(1));
    }
    assert_eq!(panel.status().incident_count, 1);
    let report = panel.shutdown_blocking();
    assert!(!report.is_clean());
    std::fs::remove_file(path).unwrap();
}
