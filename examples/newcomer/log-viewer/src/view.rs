//! What is seen, and what is pressed.

use crate::app::{App, Followers};
use control_panel::WorkerStatus;
use ratatui::{
    Frame,
    crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers},
    layout::{Constraint, Layout},
    style::{Style, Stylize},
    text::{Line, Span, Text},
};
use std::time::Instant;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Press {
    Char(char),
    Backspace,
    Enter,
    Escape,
    Up,
    Down,
    Quit,
}

impl Press {
    pub fn of(event: &KeyEvent) -> Option<Self> {
        if event.kind == KeyEventKind::Release {
            return None;
        }
        if event.modifiers.contains(KeyModifiers::CONTROL) {
            return (event.code == KeyCode::Char('c')).then_some(Self::Quit);
        }
        Some(match event.code {
            KeyCode::Char(c) => Self::Char(c),
            KeyCode::Backspace => Self::Backspace,
            KeyCode::Enter => Self::Enter,
            KeyCode::Esc => Self::Escape,
            KeyCode::Up => Self::Up,
            KeyCode::Down => Self::Down,
            _ => return None,
        })
    }

    pub fn of_event(event: &Event) -> Option<Self> {
        event.as_key_event().and_then(|key| Self::of(&key))
    }
}

/// One line for each file: its worker, and what is wrong with it.
fn file_row<'a>(app: &'a App, workers: &Followers, index: usize) -> Line<'a> {
    let file = &app.files[index];
    let name = Span::from(format!("{index} {}", file.path)).bold();
    let state = match workers.0[index].status() {
        WorkerStatus::Backoff { exit, until, .. } => {
            let wait = until.into_std().saturating_duration_since(Instant::now());
            Span::from(format!("! {exit}; again in {:.1} s", wait.as_secs_f32())).red()
        }
        WorkerStatus::Running => match &file.failed {
            Some(why) => Span::from(format!("! {why}")).red(),
            None if app.paused => "paused".yellow(),
            None => "following".green(),
        },
        other => Span::from(other.to_string()).yellow(),
    };
    Line::from(vec![name, format!("  {} lines  ", file.lines).into(), state])
}

pub fn draw(frame: &mut Frame, app: &App, workers: &Followers) {
    let files = app.files.len().min(8) as u16;
    let rows = [
        Constraint::Length(files),
        Constraint::Fill(1),
        Constraint::Length(1),
    ];
    let [head, body, foot] = Layout::vertical(rows).areas(frame.area());

    let rows = (0..usize::from(files)).map(|index| file_row(app, workers, index));
    frame.render_widget(Text::from_iter(rows), head);

    let height = usize::from(body.height);
    let mut lines: Vec<_> = app
        .shown()
        .rev()
        .skip(app.scrolled)
        .take(height)
        .map(|line| Line::from(format!("{}| {}", line.file, line.text)))
        .collect();
    lines.reverse();
    frame.render_widget(Text::from(lines), body);

    let filter = match (app.typing, app.filter.as_str()) {
        (true, filter) => format!("filter: {filter}_"),
        (false, "") => "/ filter".to_owned(),
        (false, filter) => format!("filter: {filter}"),
    };
    let paused = if app.paused { "PAUSED" } else { "p pause" };
    let text = format!(
        "{filter}  {paused}  c console  q quit   {} lines kept, {} KiB, {} forgotten",
        app.lines.len(),
        app.bytes >> 10,
        app.forgotten,
    );
    frame.render_widget(Line::styled(text, Style::new().reversed()), foot);
}
