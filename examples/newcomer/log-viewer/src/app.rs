//! The state: what was read, within bounds, and how it is looked at.

use crate::view::Press;
use control_panel::{GraphIntent, QueuedIntent, Reconcile, Reducer, WorkerHandle};
use std::collections::VecDeque;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// First: a flood of lines does not delay a key.
    Key,
    File,
    /// After the lines: what happened to a worker comes after what it sent.
    Event,
}

#[derive(Debug, PartialEq, GraphIntent)]
#[intent(source = Source)]
pub enum Update {
    Line {
        index: usize,
        text: String,
    },
    Opened {
        index: usize,
    },
    #[intent(latest = index)]
    AtEnd {
        index: usize,
    },
    Failed {
        path: String,
        why: String,
    },
    Key(Press),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    pub lines: usize,
    pub bytes: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub struct FileRow {
    pub path: String,
    pub lines: u64,
    pub at_end: bool,
    pub failed: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub file: usize,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct App {
    pub files: Vec<FileRow>,
    pub lines: VecDeque<Line>,
    pub bytes: usize,
    pub forgotten: u64,
    pub filter: String,
    pub typing: bool,
    pub paused: bool,
    pub console: bool,
    /// Lines from the end.
    pub scrolled: usize,
    pub quit: bool,
    bounds: Bounds,
}

impl App {
    pub fn new(paths: &[String], bounds: Bounds) -> Self {
        let row = |path: &String| FileRow {
            path: path.clone(),
            lines: 0,
            at_end: false,
            failed: None,
        };
        Self {
            files: paths.iter().map(row).collect(),
            lines: VecDeque::new(),
            bytes: 0,
            forgotten: 0,
            filter: String::new(),
            typing: false,
            paused: false,
            console: false,
            scrolled: 0,
            quit: false,
            bounds,
        }
    }

    /// Whether each file was read, or found bad.
    pub fn has_settled(&self) -> bool {
        self.files.iter().all(|file| file.at_end || file.failed.is_some())
    }

    pub fn shown(&self) -> impl DoubleEndedIterator<Item = &Line> {
        self.lines.iter().filter(|line| line.text.contains(&self.filter))
    }

    fn push(&mut self, line: Line) {
        self.bytes += line.text.len();
        self.lines.push_back(line);
        while self.lines.len() > self.bounds.lines || self.bytes > self.bounds.bytes {
            let Some(oldest) = self.lines.pop_front() else {
                break;
            };
            self.bytes -= oldest.text.len();
            self.forgotten += 1;
        }
    }

    fn press(&mut self, press: Press) {
        match press {
            Press::Quit => self.quit = true,
            Press::Char(c) if self.typing => self.filter.push(c),
            Press::Backspace if self.typing => drop(self.filter.pop()),
            Press::Enter => self.typing = false,
            Press::Escape => {
                self.filter.clear();
                self.typing = false;
            }
            Press::Char('q') => self.quit = true,
            Press::Char('/') => self.typing = true,
            Press::Char('p' | ' ') => self.paused = !self.paused,
            Press::Char('c') => self.console = !self.console,
            Press::Up => self.scrolled = (self.scrolled + 1).min(self.lines.len()),
            Press::Down => self.scrolled = self.scrolled.saturating_sub(1),
            // For a look at what a panic leaves of the terminal.
            Press::Char('!') if cfg!(debug_assertions) => panic!("as was asked for"),
            Press::Char(_) | Press::Backspace => {}
        }
    }
}

impl Reducer for App {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        match queued.intent {
            Update::Line { index, text } => {
                self.files[index].lines += 1;
                self.files[index].at_end = false;
                self.push(Line { file: index, text });
            }
            Update::Opened { index } => self.files[index].failed = None,
            Update::AtEnd { index } => self.files[index].at_end = true,
            Update::Failed { path, why } => {
                if let Some(file) = self.files.iter_mut().find(|file| file.path == path) {
                    file.failed = Some(why);
                }
            }
            Update::Key(press) => self.press(press),
        }
    }
}

/// The effect: while the view is paused, nothing more is read. What is not read stays in its file.
pub struct Followers(pub Vec<WorkerHandle>);

impl Reconcile<App> for Followers {
    fn reconcile(&mut self, app: &App) {
        for worker in &self.0 {
            match (app.paused, worker.is_suspended()) {
                (true, false) => worker.suspend(),
                (false, true) => worker.resume(),
                _ => {}
            }
        }
    }
}
