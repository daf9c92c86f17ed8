//! What the program shows, and how it changes: a panel of its own.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use control_panel::{GraphIntent, QueuedIntent, Reducer};
use control_panel_ratatui::{ConsoleState, ConsoleWidget, Page, Palette};
use ratatui::{
    Frame,
    crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers},
    layout::Rect,
    widgets::Clear,
};

use crate::{
    command::{self, Ask, NoAsk},
    read::{News, Status},
};

/// After so long without a word what is shown is old.
const OLD: Duration = Duration::from_secs(5);

/// Commands that wait for those before them.
const ASKS: usize = 8;

/// What happens.
#[derive(Debug, GraphIntent)]
pub(crate) enum Update {
    /// The dashboard said something.
    News(News),
    /// The connection is lost, and why.
    Lost(String),
    /// A person did something.
    Terminal(Event),
    /// The terminal cannot be read.
    Blind(String),
    /// What came of a command.
    Said(String),
    /// A signal came: nothing but the wake.
    Signal,
}

/// Why it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    Quit,
    CtrlC,
    /// The terminal is gone.
    Blind(String),
}

/// What is shown.
#[derive(Debug)]
pub(crate) struct App {
    status: Status,
    state: ConsoleState,
    palette: Palette,
    /// When the dashboard last said something.
    heard: Instant,
    lost: Option<String>,
    /// Whether there is a token.
    may_change: bool,
    /// The command that is typed.
    line: Option<String>,
    /// What was said of the last one.
    said: String,
    /// What the dashboard is to be asked for, in order: one at a time.
    asks: VecDeque<Ask>,
    is_asking: bool,
    pub(crate) ending: Option<Ending>,
    /// Whether a draw is worth it.
    pub(crate) changed: bool,
}

impl App {
    pub(crate) fn new(status: Status, palette: Palette, may_change: bool) -> Self {
        Self {
            status,
            state: ConsoleState::default(),
            palette,
            heard: Instant::now(),
            lost: None,
            may_change,
            line: None,
            said: if may_change {
                "`:` begins a command, `:help` lists them".to_owned()
            } else {
                String::new()
            },
            asks: VecDeque::new(),
            is_asking: false,
            ending: None,
            changed: true,
        }
    }

    pub(crate) fn draw(&mut self, frame: &mut Frame<'_>) {
        let silent = self.heard.elapsed();
        let notice = match &self.lost {
            Some(why) => Some(format!("connection lost {} s ago: {why}. Trying again", silent.as_secs())),
            None if silent >= OLD => Some(format!("nothing was heard for {} s", silent.as_secs())),
            None => None,
        };
        // What was last known is not what is.
        let mut view = self.status.view.clone();
        view.age = view.age.saturating_add(silent);
        if notice.is_some() && view.state == control_panel::console::PanelState::Live {
            view.state = control_panel::console::PanelState::Silent;
        }
        let widget = ConsoleWidget::new(&view, &self.status.history).palette(self.palette);
        let area = frame.area();
        frame.render_stateful_widget(widget.notice(notice.as_deref()), area, &mut self.state);
        let last = match &self.line {
            Some(line) => format!(":{line}▏"),
            None => self.said.clone(),
        };
        if !last.is_empty() && area.height > 0 {
            let row = Rect { y: area.bottom() - 1, height: 1, ..area };
            frame.render_widget(Clear, row);
            // Of a line that is too long the end is what one types.
            let beyond = last.chars().count().saturating_sub(usize::from(area.width));
            let beyond = if self.line.is_some() { beyond } else { 0 };
            frame.render_widget(last.chars().skip(beyond).collect::<String>(), row);
        }
        self.changed = false;
    }

    fn key(&mut self, key: &KeyEvent) {
        if key.kind == KeyEventKind::Release {
            return;
        }
        let has_ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        if let Some(line) = self.line.take_if(|_| !has_ctrl) {
            self.changed = true;
            self.type_on(line, key.code);
            return;
        }
        match key.code {
            KeyCode::Char(':') => {
                self.changed = true;
                if self.may_change {
                    self.line = Some(String::new());
                } else {
                    self.said = format!(
                        "it only reads: give the token that the program prints by {} or --token-file",
                        crate::token::VARIABLE
                    );
                }
            }
            // Raw mode gives Ctrl-C as a key.
            KeyCode::Char('c' | 'd') if key.modifiers.contains(KeyModifiers::CONTROL) => {
                self.ending = Some(Ending::CtrlC);
            }
            KeyCode::Char('q') => self.ending = Some(Ending::Quit),
            _ => self.changed |= control_panel_ratatui::key(key).is_some_and(|key| self.state.handle(key)),
        }
    }
}

/// # Commands
impl App {
    fn type_on(&mut self, mut line: String, key: KeyCode) {
        match key {
            KeyCode::Esc => return,
            KeyCode::Enter => return self.command(&line),
            KeyCode::Backspace if line.pop().is_none() => return,
            KeyCode::Char(letter) if line.len() < command::LINE => line.push(letter),
            _ => {}
        }
        self.line = Some(line);
    }

    /// What to ask for now, if something is and nothing is under way.
    pub(crate) fn next_ask(&mut self) -> Option<Ask> {
        if self.is_asking {
            return None;
        }
        let ask = self.asks.pop_front()?;
        self.is_asking = true;
        Some(ask)
    }

    fn command(&mut self, line: &str) {
        if self.asks.len() >= ASKS {
            "the commands before are under way".clone_into(&mut self.said);
            return;
        }
        let selected = self.state.selected().filter(|_| self.state.page() == Page::Workers);
        match command::parse(line, &self.status.view, selected) {
            Ok(ask) => {
                "…".clone_into(&mut self.said);
                self.asks.push_back(ask);
            }
            Err(NoAsk::Empty) => {}
            Err(why) => self.said = why.to_string(),
        }
    }
}

impl Reducer for App {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        match queued.intent {
            Update::News(news) => {
                self.status.take(news);
                self.heard = Instant::now();
                self.lost = None;
                self.changed = true;
            }
            Update::Lost(why) => {
                self.lost = Some(why);
                self.changed = true;
            }
            Update::Said(said) => (self.said, self.is_asking, self.changed) = (said, false, true),
            Update::Terminal(Event::Key(key)) => self.key(&key),
            Update::Terminal(Event::Resize(..)) => self.changed = true,
            Update::Terminal(_) | Update::Signal => {}
            Update::Blind(why) => self.ending = Some(Ending::Blind(why)),
        }
    }
}
