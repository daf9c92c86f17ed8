//! On a terminal (feature `terminal`): the panel's console, what the browser says, and a line for commands.
//!
//! Arrows, Tab, digits, `s` and Enter are the console's; `:` begins a command, such as `:active 2`; `q` and Ctrl-C end in order.

use std::{
    collections::VecDeque,
    io::{self, IsTerminal},
    time::{Duration, Instant},
};

use control_panel::{IntentSource, console::Observer, supervision::skip_supervised_panics};
use control_panel_ratatui::{Console, Palette};
use ratatui::{
    DefaultTerminal, Frame,
    crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers},
    layout::Rect,
    style::{Modifier, Style},
};

use crate::{cli::Cli, commands, intent::GraphIntent, summary::plain};

/// Between two draws at least.
const INTERVAL: Duration = Duration::from_millis(50);
/// What the browser said that is kept.
const SAID: usize = 100;
/// Of it what is shown.
const SHOWN: u16 = 4;

/// The screen.
pub(crate) struct Screen {
    terminal: DefaultTerminal,
    console: Console,
    said: VecDeque<String>,
    /// How it goes, in a line.
    words: String,
    /// The command that is typed.
    line: Option<String>,
    drawn: Option<Instant>,
}

impl Screen {
    /// Whether there is a terminal to draw on, and nothing asks for another view.
    pub(crate) fn is_wanted(cli: &Cli) -> bool {
        #[cfg(feature = "window")]
        if cli.window {
            return false;
        }
        !cli.quiet && !cli.plain && io::stdin().is_terminal() && io::stdout().is_terminal()
    }

    /// Takes the terminal: until it is dropped, or the program panics.
    pub(crate) fn open(observer: Observer) -> io::Result<Self> {
        let terminal = ratatui::try_init()?;
        std::panic::set_hook(skip_supervised_panics(std::panic::take_hook()));
        let console = Console::new(observer).palette(Palette::detect());
        let (said, words) = (VecDeque::new(), String::new());
        Ok(Self { terminal, console, said, words, line: None, drawn: None })
    }

    /// Keeps a line for the next draw.
    pub(crate) fn say(&mut self, line: &str) {
        self.said.extend(line.lines().map(plain));
        let beyond = self.said.len().saturating_sub(SAID);
        self.said.drain(..beyond);
    }

    /// Takes in how it goes.
    pub(crate) fn set_words(&mut self, words: String) {
        self.words = words;
    }

    /// Takes in what was typed, and draws if that is due. Returns what it comes to, and whether it is to end.
    pub(crate) fn turn(&mut self) -> io::Result<(Vec<(IntentSource, GraphIntent)>, bool)> {
        let (mut intents, mut ends, mut typed) = (Vec::new(), false, false);
        while event::poll(Duration::ZERO)? {
            typed = true;
            match event::read()? {
                Event::Key(key) if key.kind != KeyEventKind::Release => ends |= self.key(&key, &mut intents),
                _ => {}
            }
        }
        if typed || self.drawn.is_none_or(|drawn| drawn.elapsed() >= INTERVAL) {
            let Self { terminal, console, said, words, line, .. } = self;
            terminal.draw(|frame| draw(frame, console, said, words, line.as_deref()))?;
            self.drawn = Some(Instant::now());
        }
        Ok((intents, ends))
    }

    /// Whether it is to end.
    fn key(&mut self, key: &KeyEvent, intents: &mut Vec<(IntentSource, GraphIntent)>) -> bool {
        if key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL) {
            return true;
        }
        let Some(mut line) = self.line.take() else {
            match key.code {
                KeyCode::Char('q') => return true,
                KeyCode::Char(':') => self.line = Some(String::new()),
                _ => _ = self.console.handle_event(key),
            }
            return false;
        };
        match key.code {
            KeyCode::Esc => return false,
            KeyCode::Enter => {
                match commands::parse(&line) {
                    Ok(Some(command)) => intents.push((IntentSource::LocalUI, GraphIntent::Command(command))),
                    Ok(None) => {}
                    Err(answer) => self.say(&answer),
                }
                return false;
            }
            KeyCode::Backspace => _ = line.pop(),
            KeyCode::Char(letter) if line.len() < commands::LINE => line.push(letter),
            _ => {}
        }
        self.line = Some(line);
        false
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

fn draw(
    frame: &mut Frame<'_>,
    console: &mut Console,
    said: &VecDeque<String>,
    words: &str,
    line: Option<&str>,
) {
    let area = frame.area();
    let lines = u16::try_from(said.len()).unwrap_or(SHOWN).min(SHOWN);
    let below = area.height.min(lines + 1);
    let (high, wide) = (area.height - below, usize::from(area.width));
    frame.render_widget(&mut *console, Rect { height: high, ..area });
    let buffer = frame.buffer_mut();
    let last = match line {
        Some(line) => format!(":{line}▏"),
        None => format!("{words}   : command  q end"),
    };
    let shown = said.iter().skip(said.len().saturating_sub(usize::from(below.saturating_sub(1))));
    let dim = Style::new().add_modifier(Modifier::DIM);
    for (y, text) in (high..).zip(shown) {
        buffer.set_stringn(area.x, y, text, wide, dim);
    }
    if below > 0 {
        buffer.set_stringn(area.x, area.bottom() - 1, last, wide, Style::new());
    }
}
