//! Colours, where the terminal has them.

use std::env;

use control_panel_pages::Tone;
use ratatui::style::{Color, Modifier, Style};

/// Whether a console is drawn in colours.
///
/// Nothing is said by a colour alone: what is in trouble also has a `!` before it and its state in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Palette {
    /// The terminal's sixteen colours, so that its own theme decides what they look like.
    Colored,
    /// Bold, dim and reversed only.
    Plain,
}

impl Palette {
    /// Colours, unless the environment has `NO_COLOR` with any value, or `TERM` is `dumb`.
    ///
    /// Ask once: it reads the environment.
    pub fn detect() -> Self {
        Self::of(env::var_os("NO_COLOR").as_deref(), env::var_os("TERM").as_deref())
    }

    fn of(no_color: Option<&std::ffi::OsStr>, term: Option<&std::ffi::OsStr>) -> Self {
        let refused = no_color.is_some_and(|value| !value.is_empty());
        if refused || term.is_some_and(|term| term == "dumb") { Self::Plain } else { Self::Colored }
    }

    pub(crate) fn style(self, tone: Tone) -> Style {
        let (color, modifier) = match tone {
            Tone::Text => return Style::new(),
            Tone::Dim => (None, Modifier::DIM),
            Tone::Title => (Some(Color::Cyan), Modifier::BOLD),
            Tone::Good => (Some(Color::Green), Modifier::empty()),
            Tone::Warn => (Some(Color::Yellow), Modifier::empty()),
            Tone::Trouble => (Some(Color::Red), Modifier::BOLD),
        };
        let style = Style::new().add_modifier(modifier);
        match color {
            Some(color) if self == Self::Colored => style.fg(color),
            _ => style,
        }
    }

    /// The row that the cursor is on.
    pub(crate) fn cursor() -> Style {
        // In one colour: a cell that has one of its own would have that as its background.
        let style = Style::new().fg(Color::Reset).add_modifier(Modifier::REVERSED);
        style.remove_modifier(Modifier::DIM.union(Modifier::BOLD))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_color_and_dumb_terminals_are_respected() {
        let of = |no_color: Option<&str>, term: Option<&str>| {
            Palette::of(no_color.map(AsRef::as_ref), term.map(AsRef::as_ref))
        };
        assert_eq!(of(None, Some("xterm-256color")), Palette::Colored);
        assert_eq!(of(Some(""), Some("xterm")), Palette::Colored, "an empty one says nothing");
        assert_eq!(of(Some("1"), Some("xterm")), Palette::Plain);
        assert_eq!(of(None, Some("dumb")), Palette::Plain);
        for tone in [Tone::Text, Tone::Dim, Tone::Title, Tone::Good, Tone::Warn, Tone::Trouble] {
            assert_eq!(Palette::Plain.style(tone).fg, None);
        }
    }
}
