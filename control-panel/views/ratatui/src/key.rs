//! The keys of a console, as crossterm reads them.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use control_panel_pages::Key;

/// The key of that event; `None` if it is not one of a console's, is released, or is held with Ctrl or Alt.
pub fn key(event: &KeyEvent) -> Option<Key> {
    let held = KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SUPER;
    if event.kind == KeyEventKind::Release || event.modifiers.intersects(held) {
        return None;
    }
    Some(match event.code {
        KeyCode::Up | KeyCode::Char('k') => Key::Up,
        KeyCode::Down | KeyCode::Char('j') => Key::Down,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown | KeyCode::Char(' ') => Key::PageDown,
        KeyCode::Home | KeyCode::Char('g') => Key::First,
        KeyCode::End | KeyCode::Char('G') => Key::Last,
        KeyCode::Left | KeyCode::BackTab | KeyCode::Char('h') => Key::Previous,
        KeyCode::Right | KeyCode::Tab | KeyCode::Char('l') => Key::Next,
        KeyCode::Char(digit @ '1'..='9') => Key::Page(u8::try_from(digit).ok()? - b'0'),
        KeyCode::Char('s') => Key::Sort,
        KeyCode::Char('S' | 'r') => Key::Reverse,
        KeyCode::Enter => Key::Open,
        KeyCode::Esc => Key::Close,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_held_with_ctrl_is_the_programs() {
        let key = |code, held| super::key(&KeyEvent::new(code, held));
        assert_eq!(key(KeyCode::Char('s'), KeyModifiers::NONE), Some(Key::Sort));
        assert_eq!(key(KeyCode::Char('S'), KeyModifiers::SHIFT), Some(Key::Reverse));
        assert_eq!(key(KeyCode::Char('3'), KeyModifiers::NONE), Some(Key::Page(3)));
        assert_eq!(key(KeyCode::Char('s'), KeyModifiers::CONTROL), None);
        assert_eq!(key(KeyCode::Char('q'), KeyModifiers::NONE), None, "how a program ends is its own");
        let mut released = KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE);
        released.kind = KeyEventKind::Release;
        assert_eq!(super::key(&released), None);
    }
}
