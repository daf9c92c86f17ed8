//! Text that came from a mod or a file, made fit for a person's eyes.

/// Characters kept of a text that somebody else wrote.
const MOST: usize = 200;

/// The text with control characters and direction marks escaped, and cut where it is long: it goes to logs,
/// tables and terminals, and its author is not trusted.
pub(super) fn plain(text: &str) -> String {
    cut(text, MOST)
}

/// The same, cut after so many characters of the original.
pub(super) fn cut(text: &str, most: usize) -> String {
    let odd = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut plain = String::new();
    for (index, c) in text.chars().enumerate() {
        if index == most {
            plain.push('…');
            break;
        }
        if odd(c) {
            plain.extend(c.escape_default());
        } else {
            plain.push(c);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_is_bounded_and_commands_nothing() {
        assert_eq!(plain("a\u{1b}[31m\n\u{202e}b"), "a\\u{1b}[31m\\n\\u{202e}b");
        assert_eq!(plain("café 🦀"), "café 🦀");
        assert_eq!(plain(&"x".repeat(1 << 20)).chars().count(), MOST + 1);
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "abc…");
    }
}
