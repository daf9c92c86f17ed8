//! Texts of the user's: they may be long, have many lines, or panic when they are written.

use std::fmt::{self, Write};

use crate::{
    lifecycle::{Exit, WorkerError},
    util::{PanicReport, panics},
};

/// The most that is kept of a text on one line, and of a full one: in bytes.
const LINE: usize = 240;
const FULL: usize = 16 * 1024;

/// A panic, in words: the place first, so that a narrow table cuts off the message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct PanicText {
    /// `src/sync.rs:40:13`, or `an unknown place`.
    pub place: String,
    /// The first line of its message.
    pub message: String,
    /// Its whole message, and the backtrace if there is one: at most 16 KiB.
    pub full: String,
}

impl PanicText {
    pub(super) fn of(panic: &PanicReport) -> Self {
        let place = panic.place();
        let backtrace = place.and_then(|place| place.backtrace.as_ref());
        let full = match backtrace {
            Some(backtrace) => whole(format_args!("{}\n\n{backtrace}", panic.message())),
            None => whole(format_args!("{}", panic.message())),
        };
        Self {
            place: place.map_or_else(|| "an unknown place".to_owned(), |place| line(format_args!("{place}"))),
            message: line(format_args!("{}", panic.message())),
            full,
        }
    }
}

/// How a run ended, in one line.
pub(super) fn exit(exit: &Exit) -> String {
    match exit {
        Exit::Failed(error) => line(format_args!("failed: {}", Guarded(error))),
        exit => line(format_args!("{exit}")),
    }
}

/// The first line of a text, cut to size, control characters escaped.
pub(super) fn line(text: fmt::Arguments<'_>) -> String {
    let mut cut = Cut { text: String::new(), most: LINE, one_line: true, is_full: false };
    // A cut text is an error to the writer, which stops there.
    let _ = cut.write_fmt(text);
    cut.text
}

fn whole(text: fmt::Arguments<'_>) -> String {
    let mut cut = Cut { text: String::new(), most: FULL, one_line: false, is_full: false };
    let _ = cut.write_fmt(text);
    cut.text
}

/// An error of the user's, whose `Display` is the user's code.
struct Guarded<'a>(&'a WorkerError);

impl fmt::Display for Guarded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match panics::catch(|| line(format_args!("{}", self.0))) {
            Ok(text) => f.write_str(&text),
            Err(panic) => write!(f, "an error whose `Display` panicked {panic}"),
        }
    }
}

/// Takes so much of a text, and then no more.
struct Cut {
    text: String,
    most: usize,
    one_line: bool,
    is_full: bool,
}

impl Write for Cut {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        for letter in more.chars() {
            if self.is_full || (self.one_line && letter == '\n') {
                self.is_full = true;
                return Err(fmt::Error);
            }
            if self.text.len() >= self.most {
                self.text.push('…');
                self.is_full = true;
                return Err(fmt::Error);
            }
            match letter {
                '\n' | '\t' if !self.one_line => self.text.push(letter),
                letter if letter.is_control() => self.text.extend(letter.escape_default()),
                letter => self.text.push(letter),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_and_their_control_characters_escaped() {
        assert_eq!(line(format_args!("a\x1b[31mb\nsecond")), "a\\u{1b}[31mb");
        assert_eq!(line(format_args!("{}", "x".repeat(1000))).chars().count(), LINE + 1);
        assert!(whole(format_args!("{}", "é".repeat(FULL))).len() <= FULL + 5);
        assert_eq!(whole(format_args!("a\nb\x07")), "a\nb\\u{7}");
    }

    #[test]
    fn an_error_that_panics_when_it_is_written_is_a_text_too() {
        #[derive(Debug)]
        struct Rude;
        impl fmt::Display for Rude {
            fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
                panic!("on purpose")
            }
        }
        impl std::error::Error for Rude {}
        let error: Box<dyn std::error::Error + Send + Sync> = Box::new(Rude);
        let text = exit(&Exit::Failed(error.into()));
        assert!(text.starts_with("failed: an error whose `Display` panicked at "), "{text}");
        assert!(text.contains("on purpose"), "{text}");
    }
}
