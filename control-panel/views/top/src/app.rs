//! What the program shows, and how it changes: a panel of its own.

use std::time::{Duration, Instant};

use control_panel::{GraphIntent, QueuedIntent, Reducer};
use control_panel_ratatui::{ConsoleState, ConsoleWidget, Palette};
use ratatui::{
    Frame,
    crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers},
};

use crate::read::{News, Status};

/// After so long without a word what is shown is old.
const OLD: Duration = Duration::from_secs(5);

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
    pub(crate) ending: Option<Ending>,
    /// Whether a draw is worth it.
    pub(crate) changed: bool,
}

impl App {
    pub(crate) fn new(status: Status, palette: Palette) -> Self {
        Self {
            status,
            state: ConsoleState::default(),
            palette,
            heard: Instant::now(),
            lost: None,
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
        view.age += silent;
        if notice.is_some() && view.state == control_panel::console::PanelState::Live {
            view.state = control_panel::console::PanelState::Silent;
        }
        let widget = ConsoleWidget::new(&view, &self.status.history).palette(self.palette);
        frame.render_stateful_widget(widget.notice(notice.as_deref()), frame.area(), &mut self.state);
        self.changed = false;
    }

    fn key(&mut self, key: &KeyEvent) {
        if key.kind == KeyEventKind::Release {
            return;
        }
        match key.code {
            // Raw mode gives Ctrl-C as a key.
            KeyCode::Char('c' | 'd') if key.modifiers.contains(KeyModifiers::CONTROL) => {
                self.ending = Some(Ending::CtrlC);
            }
            KeyCode::Char('q') => self.ending = Some(Ending::Quit),
            _ => self.changed |= control_panel_ratatui::key(key).is_some_and(|key| self.state.handle(key)),
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
            Update::Terminal(Event::Key(key)) => self.key(&key),
            Update::Terminal(Event::Resize(..)) => self.changed = true,
            Update::Terminal(_) | Update::Signal => {}
            Update::Blind(why) => self.ending = Some(Ending::Blind(why)),
        }
    }
}
